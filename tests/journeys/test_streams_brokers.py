"""Real brokers between senders and houses: what is on the disk is acknowledged, the rest comes again, to one worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from onmaru.adapters.mqtt import NOT_AUTHORIZED, Broker, Done, Publisher, Subscriber
from onmaru.adapters.nats import Server, Worker
from onmaru.app.prove.broker import jetstream, mosquitto, program
from onmaru.app.prove.ground import free_port

with_mosquitto = pytest.mark.skipif(not program("mosquitto"), reason="no mosquitto here: apt-get install mosquitto")
with_nats = pytest.mark.skipif(not program("nats-server"), reason="no NATS here: apt-get install nats-server")


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


@with_mosquitto
def test_what_was_not_acknowledged_comes_again_after_the_house_and_the_broker_went_away(tmp_path: Path) -> None:
    port = free_port()
    broker = Broker(f"mqtt://127.0.0.1:{port}", "onmaru/stream/a", "house")
    came: list[bytes] = []
    waiting: list[Done] = []
    states: list[str] = []

    def take(topic: str, payload: bytes, done: Done) -> None:
        came.append(payload)
        if payload == b"kept":
            done()
        elif payload == b"refused":
            done(NOT_AUTHORIZED)
        else:
            waiting.append(done)

    async def work() -> None:
        sender = Publisher(Broker(broker.address, broker.topic, "sender"))
        with mosquitto(tmp_path / "broker", port):
            house = Subscriber(broker, take, states.append)
            house.start()
            await until(lambda: "live" in states)
            sender.start()
            for payload in (b"kept", b"refused", b"not yet"):
                sender.offer(payload)
            await until(lambda: len(came) == 3 and not sender.waiting)
            await house.stop()
        # The broker is away: what is sent now waits at its sender
        sender.offer(b"later")
        await until(lambda: sender.lost == 1)
        late = waiting.pop()
        came.clear()
        with mosquitto(tmp_path / "broker", port):
            house = Subscriber(broker, take, states.append)
            house.start()
            await until(lambda: len(came) == 2 and not sender.waiting)
            # A refusal is an answer: it is not sent again
            assert came == [b"not yet", b"later"]
            # What another connection was to acknowledge is nobody's number here
            late()
            for done in waiting:
                done()
            sender.offer(b"kept")
            await until(lambda: len(came) == 3)
            await house.stop()
            came.clear()
            house = Subscriber(broker, take, states.append)
            house.start()
            sender.offer(b"kept")
            await until(lambda: bool(came))
            assert came == [b"kept"]
            await house.stop()
            await sender.stop()

    asyncio.run(work())
    assert set(states) == {"live"}


class Shift:
    """One worker that writes down what it was given; it acknowledges what does not begin with `x`."""

    def __init__(self, server: Server, name: str) -> None:
        self.came: list[tuple[str, bytes]] = []
        self.turns: list[str] = []
        self.worker = Worker(server, name, lambda: ("a", "b"), (self._begin, self._end), self._take, lambda state: None)

    async def _begin(self, tenant: str) -> None:
        self.turns.append(f"+{tenant}")

    async def _end(self, tenant: str) -> None:
        self.turns.append(f"-{tenant}")

    def _take(self, tenant: str, payload: bytes, done: Done) -> None:
        self.came.append((tenant, payload))
        if not payload.startswith(b"x"):
            done()


@with_nats
def test_workers_share_the_tenants_and_the_next_one_takes_what_was_not_acknowledged(tmp_path: Path) -> None:
    nats = pytest.importorskip("nats")
    port = free_port()
    server = Server(f"nats://127.0.0.1:{port}", "onmaru.stream.{tenant}.>", lease=1.0)

    async def work() -> None:
        first, second = Shift(server, "first"), Shift(server, "second")
        first.worker.start()
        await until(lambda: set(first.worker.held) == {"a", "b"})
        second.worker.start()
        # The one who had both lets one go
        await until(lambda: [len([*one.worker.held]) for one in (first, second)] == [1, 1])
        mine, other = (first, second) if "a" in first.worker.held else (second, first)
        client = await nats.connect(server.address)
        jet = client.jetstream()
        for n in range(20):
            await jet.publish(f"onmaru.stream.{'ab'[n % 2]}.bed1", b"%d" % n)
        await jet.publish("onmaru.stream.a.bed1", b"x")
        await until(lambda: len(first.came) + len(second.came) == 21)
        assert mine.came == [*(("a", b"%d" % n) for n in range(0, 20, 2)), ("a", b"x")]
        assert other.came == [("b", b"%d" % n) for n in range(1, 20, 2)]
        await mine.worker.stop()
        assert mine.turns[-1] == "-a"
        await until(lambda: set(other.worker.held) == {"a", "b"})
        await jet.publish("onmaru.stream.a.bed1", b"later")
        await until(lambda: ("a", b"later") in other.came)
        # Of ten and one messages one was not acknowledged: it comes again when its time is over
        assert (await jet.consumer_info("onmaru", "station-a")).num_ack_pending == 1
        await other.worker.stop()
        await client.close()

    with jetstream(tmp_path / "nats", port):
        asyncio.run(work())
