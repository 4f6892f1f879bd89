"""`onmaru simulate streams`: monitors of a ward that nobody lies in, over the doors that real ones come through."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

import click
import msgspec
import uvloop

from onmaru.adapters.mqtt import Broker, Publisher
from onmaru.app.house import now
from onmaru.app.lines import say
from onmaru.app.refusal import DONE, NO, USAGE, Refusal
from onmaru.simulate.devices import Monitor

# Messages go out in so many groups a second; a sender keeps ten minutes of what it could not send
GROUPS, KEEPS = 50, 600
# Seconds for which the end waits until everything was taken
PATIENCE = 120.0
# Lines of one POST at most, and seconds until what was not kept is sent again
LINES, AGAIN = 1_000, 1.0
PATH = "/rooms/monitor/stream"


class Sender(Protocol):
    """Where messages go. `taken` counts what the other side has, `waiting` what it has not."""

    taken: int
    refused: int
    lost: int

    @property
    def waiting(self) -> int: ...
    def start(self) -> None: ...
    def offer(self, payload: bytes) -> None: ...
    async def stop(self) -> None: ...


class Ward(msgspec.Struct, frozen=True):
    """`beds` monitors named `mon-0` …, the first `waves` of them with waveforms; every `ill_every` seconds the next bed
    gets ill, 0: none.
    """

    beds: int
    waves: int
    seed: int = 1
    ill_every: float = 0.0


class Sent(msgspec.Struct):
    """What became of it. `ill`: device and µs since 1970 UTC of the first message that tells of it."""

    sent: int = 0
    taken: int = 0
    refused: int = 0
    waiting: int = 0
    dropped: int = 0
    lost: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    ill: list[tuple[str, int]] = []


class Posts:
    """A house's stream door by HTTP, as a system's account."""

    def __init__(self, address: str, token: str) -> None:
        self._address, self._token = address, token
        self._queue: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._line: http.client.HTTPConnection | None = None
        self.taken = self.refused = self.lost = 0

    @property
    def waiting(self) -> int:
        """How many messages have no fate yet."""
        return len(self._queue)

    def start(self) -> None:
        """Begin to post."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop; what waits is not sent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def offer(self, payload: bytes) -> None:
        """Send a message with those that wait."""
        self._queue.append(payload)
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                some = [self._queue[n] for n in range(min(LINES, len(self._queue)))]
                fates = await asyncio.to_thread(self._posted, b"\n".join(some))
                for _ in some:
                    self._queue.popleft()
                # What was not kept goes out again, in its order
                self._queue.extendleft(one for one, fate in reversed([*zip(some, fates, strict=True)]) if fate is None)
                self.taken += sum(fate in ("stored", "duplicate") for fate in fates)
                self.refused += fates.count("dead")
                if None in fates:
                    self.lost += 1
                    await asyncio.sleep(AGAIN)

    def _posted(self, body: bytes) -> Sequence[str | None]:
        nothing: list[str | None] = [None] * (body.count(b"\n") + 1)
        where = urlsplit(self._address)
        secure = where.scheme == "https"
        try:
            if self._line is None:
                kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
                self._line = kind(where.hostname or "127.0.0.1", where.port, timeout=30)
            head = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/x-ndjson"}
            self._line.request("POST", where.path.rstrip("/") + PATH, body, head)
            answer = self._line.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            self._line = None
            return nothing
        if answer.status in (401, 403, 404, 413):
            raise Refusal(f"{PATH} answered {answer.status}: it takes a system's account, token in ONMARU_TOKEN")
        fates: list[str | None] = json.loads(said)["fates"] if answer.status == 200 else nothing
        return fates


async def send(ward: Ward, to: Sender, seconds: float, told: asyncio.Event) -> Sent:
    """Send for so many seconds (0: for ever) or until `told`, then until everything was taken."""
    monitors = [Monitor(ward.seed, f"mon-{n}", waves=n < ward.waves) for n in range(ward.beds)]
    report, cpu = Sent(), time.process_time()
    to.start()
    began, group = time.monotonic(), 0
    while not told.is_set() and (not seconds or group < seconds * GROUPS):
        await asyncio.sleep(max(0.0, began + group / GROUPS - time.monotonic()))
        _fall_ill(ward, monitors, group, report)
        # A bed speaks once a second; all of them are spread over it
        for one in monitors[group % GROUPS :: GROUPS]:
            _say(one, to, report, KEEPS * ward.beds)
        group += 1
    report.seconds = round(time.monotonic() - began, 2)
    deadline = time.monotonic() + PATIENCE
    while to.waiting and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    report.taken, report.refused, report.waiting, report.lost = to.taken, to.refused, to.waiting, to.lost
    report.cpu = round(time.process_time() - cpu, 2)
    await to.stop()
    return report


def _say(one: Monitor, to: Sender, report: Sent, most: int) -> None:
    if to.waiting >= most:
        report.dropped += 1
        return
    at = now()
    to.offer(one.message(report.sent, at))
    report.sent += 1
    if report.ill and report.ill[-1] == (one.name, 0):
        report.ill[-1] = (one.name, at)


def _fall_ill(ward: Ward, monitors: Sequence[Monitor], group: int, report: Sent) -> None:
    """The next bed gets ill, from the last one down; what it was called to be ill of is timed by its next message."""
    due = int(group / GROUPS / ward.ill_every) if ward.ill_every else 0
    if due > len(report.ill) and len(report.ill) < len(monitors) and (not report.ill or report.ill[-1][1]):
        one = monitors[-1 - len(report.ill)]
        one.ill = True
        report.ill.append((one.name, 0))


def sender(to: str, environ: dict[str, str] | Any = os.environ) -> Sender:
    """What sends to an address; Refusal where that is none."""
    where = urlsplit(to)
    if where.scheme in ("mqtt", "mqtts") and where.hostname:
        topic = where.path.strip("/") or "onmaru/stream/simulated"
        address = f"{where.scheme}://{where.netloc}"
        return Publisher(Broker(address, topic, f"onmaru-simulate-{os.getpid()}"))
    if where.scheme in ("http", "https") and where.hostname:
        return Posts(to, environ.get("ONMARU_TOKEN", ""))
    raise Refusal("--to takes mqtt://host:port or http://host:port", USAGE)


@click.command()
@click.option("--to", "to", required=True, metavar="ADDRESS", help="mqtt://host:1883[/TOPIC], or http://host:8000.")
@click.option("--beds", type=click.IntRange(1), default=20, show_default=True, help="How many monitors.")
@click.option(
    "--waves", type=int, is_flag=False, flag_value=-1, default=0, help="So many also send waveforms; alone: all."
)
@click.option("--seconds", type=click.FloatRange(0), default=0.0, help="For how long; by default until Ctrl-C.")
@click.option("--ill-every", type=click.FloatRange(0), default=0.0, help="Every so many seconds the next bed gets ill.")
@click.option("--seed", type=int, default=1, show_default=True, help="Other numbers.")
@click.option("--json", is_flag=True, help="Print JSON.")
def streams(to: str, seconds: float, *, json: bool, **ward: Any) -> int:
    """Send what monitors named mon-0, mon-1 … would: ten numerics a second each, two waveforms of 250 Hz.

    The house has to know devices of these names and whose they are; what it does not know becomes dead letters. By HTTP
    ONMARU_TOKEN is the bearer token of a system's account.
    """
    beds, waves = ward["beds"], ward["waves"]
    wanted = Ward(beds, beds if waves < 0 else min(waves, beds), ward["seed"], ward["ill_every"])

    async def until_told() -> Sent:
        told, loop = asyncio.Event(), asyncio.get_running_loop()
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(one, told.set)
        return await send(wanted, sender(to), seconds, told)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        report = runner.run(until_told())
    say(msgspec.to_builtins(report), json=json)
    return DONE if not report.waiting and not report.dropped else NO
