"""A real broker between a sender and a house: what is on the disk is acknowledged, what is not comes again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from onmaru.adapters.mqtt import Broker, Done, Publisher, Subscriber
from onmaru.app.prove.broker import mosquitto, program
from onmaru.app.prove.ground import free_port

ABSENT = "no mosquitto here: apt-get install mosquitto"
pytestmark = pytest.mark.skipif(not program("mosquitto"), reason=ABSENT)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


def test_what_was_not_acknowledged_comes_again_after_the_house_and_the_broker_went_away(tmp_path: Path) -> None:
    port = free_port()
    broker = Broker(f"mqtt://127.0.0.1:{port}", "onmaru/stream/a", "house")
    came: list[bytes] = []
    waiting: list[Done] = []
    states: list[str] = []

    def take(payload: bytes, done: Done) -> None:
        came.append(payload)
        if payload == b"kept":
            done()
        else:
            waiting.append(done)

    async def work() -> None:
        sender = Publisher(Broker(broker.address, broker.topic, "sender"))
        with mosquitto(tmp_path / "broker", port):
            house = Subscriber(broker, take, states.append)
            house.start()
            await until(lambda: "live" in states)
            sender.start()
            for payload in (b"kept", b"not yet"):
                sender.offer(payload)
            await until(lambda: len(came) == 2 and not sender.waiting)
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
    assert states == ["live"] * 3
