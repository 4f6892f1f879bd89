"""One subscription at work: what it waits for is numbered, told in order, told again until it is received.

Its one law: a number is on the disk before it is told, and the owner's rights are asked anew before each telling.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from msgspec.structs import replace

from onmaru.app.refusal import verdict
from onmaru.app.subscriptions import firing
from onmaru.app.subscriptions.sight import Eyes
from onmaru.app.subscriptions.tuning import Tuning
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.subscriptions.notification import Kind, Standing
from onmaru.fhir.subscriptions.topic import Topic
from onmaru.fhir.subscriptions.wanted import Wanted
from onmaru.kernel.log import Version
from onmaru.kernel.subscribing import Ledger, Owner, Progress, State

# Positions that wait in memory; beyond, the log itself is the queue
ROOM = 1000
SLICE = 100
LONG = 3600.0
NEVER = 2**62
log = logging.getLogger("onmaru.subscriptions")
# Seconds for which what was said into a line that then broke is not taken for heard
DOUBTED = 10.0


class Absent(Exception):
    """Nobody listens just now: it is no failure, and the runner is woken when somebody does."""


class Shut(Exception):
    """The tenant was closed meanwhile: what was to be told is told when it is opened again."""


class Over(Exception):
    """It goes on no more, and how it then stands."""

    def __init__(self, state: State, error: str = "") -> None:
        super().__init__(state)
        self.state = state
        self.error = error


class Desk(Protocol):
    """What a runner asks of its station, which see."""

    tuning: Tuning
    base: str
    position: int

    @property
    def ledger(self) -> Ledger: ...
    def now(self) -> int: ...
    def seconds(self) -> float: ...
    async def opened(self) -> None: ...
    def shut(self) -> bool: ...
    def after(self, position: int, most: int) -> Sequence[Version]: ...
    async def waits(self, runner: Runner, version: Version) -> bool: ...
    def join(self, runner: Runner) -> None: ...
    def leave(self, runner: Runner) -> None: ...
    def sight(self, runner: Runner) -> Eyes: ...
    async def tell(self, runner: Runner, kind: Kind, batch: Sequence[tuple[int, int]]) -> None: ...
    async def keep(self, runner: Runner, events: Sequence[tuple[int, int]] = ()) -> None: ...
    async def reflect(self, runner: Runner) -> None: ...
    async def again(self, runner: Runner) -> Progress: ...


class Runner:
    """`topic` is None for a classic one. `behind`: it reads the log itself until it is where the station is."""

    def __init__(self, station: Desk, id: str, owner: Owner, asked: Wanted, progress: Progress) -> None:
        self.station = station
        self.id = id
        self.owner = owner
        self.asked = asked
        self.topic: Topic | None = None
        self.progress = progress
        self.position = progress.t
        self.behind = True
        self.pending: deque[int] = deque()
        self.saved = progress
        # When it is tried again, in µs since 1970 UTC; 0: nothing waits for that
        self.due = 0
        self._told = station.seconds()
        self._lately: deque[tuple[float, int]] = deque(maxlen=ROOM)
        self._doubted = NEVER
        self._woken = asyncio.Event()
        self._over: Over | None = None
        self.task: asyncio.Task[None] | None = None

    # -- what the station says ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to work on the running loop."""
        self.task = asyncio.create_task(self._run())

    def offer(self, t: int) -> None:
        """A version that it waits for; with too many of them it falls behind."""
        self.pending.append(t)
        if len(self.pending) >= ROOM:
            self.position, self.behind = t, True
            self.station.leave(self)
        self._woken.set()

    def wake(self) -> None:
        """Look again: a way out may have opened."""
        self._woken.set()

    def doubt(self) -> None:
        """Who listened has gone: what was told in the last moments may not have been read, and is told again."""
        since = self.station.seconds() - DOUBTED
        self._doubted = min((number for at, number in self._lately if at >= since), default=self._doubted)

    def end(self, over: Over) -> None:
        """Stop as soon as may be."""
        self._over = over
        self._woken.set()

    async def stop(self) -> None:
        """Cancel, and wait until nothing of it runs."""
        if self.task is not None:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task

    @property
    def reached(self) -> int:
        """The position up to which everything was looked at and numbered."""
        if self.pending or self.behind:
            return self.progress.t
        return max(self.progress.t, self.station.position)

    def standing(self, state: str = "") -> Standing:
        """How it stands, for a notification."""
        return Standing(
            self.station.base, self.id, self.asked.topic, state or self.progress.state, self.progress.number,
            self.progress.error,
        )  # fmt: skip

    # -- its life ---------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                await self._live()
            except Over as over:
                await self._set(over.state, over.error)
                self.station.leave(self)
                return
            except Exception as error:  # noqa: BLE001 - a store that is away comes back, and nothing is passed over
                log.error("a subscription begins again: %s", verdict(error)[0])
                await self._recovered()

    async def _live(self) -> None:
        if self.progress.state == "requested":
            if self.asked.channel != "websocket":  # whose listeners are each greeted when they come
                await self._until_received("handshake", ())
            await self._set("active")
        while True:
            await self._next()

    async def _recovered(self) -> None:
        """Go on from what is on the disk; what is not there is read from the log again."""
        self.station.leave(self)
        self.pending.clear()
        while True:
            await asyncio.sleep(self.station.tuning.flush)
            try:
                self.progress = await self.station.again(self)
            except Exception as error:  # noqa: BLE001 - as above
                log.error("a subscription waits for its store: %s", verdict(error)[0])
                continue
            self.position, self.behind = self.progress.t, True
            return

    async def _next(self) -> None:
        """Tell what there is to tell, or find it, or wait for it."""
        await self._check()
        if self._doubted <= self.progress.sent:
            self.progress = replace(self.progress, sent=self._doubted - 1)
        self._doubted = NEVER
        batch = self._unreceived() or await self._numbered()
        if batch:
            await self._until_received("event-notification", batch)
        elif self.behind and not self.pending:
            await self._catch_up()
        elif self._due():
            await self._until_received("heartbeat", ())
        elif not self.pending:
            await self._rest()

    async def _check(self) -> None:
        """Go on, unless it is over; in a tenant that is closed nothing leaves until it is opened again."""
        await self.station.opened()
        if self._over is not None:
            raise self._over
        if self.asked.end and self.station.now() >= self.asked.end:
            raise Over("off")

    async def _set(self, state: State, error: str = "") -> None:
        self.progress = replace(self.progress, state=state, error=error, failures=0, since=0)
        await self.station.keep(self)
        await self.station.reflect(self)

    def _unreceived(self) -> Sequence[tuple[int, int]]:
        """Events that were numbered and are not known to have been received."""
        if self.progress.sent >= self.progress.number:
            return ()
        first = self.progress.sent + 1
        known = self.station.ledger.events(self.id, first, self.progress.number, self.asked.most)
        if not known:
            self.progress = replace(self.progress, sent=self.progress.number)
        return known

    async def _numbered(self) -> Sequence[tuple[int, int]]:
        """Give numbers to what waits and may be told now; what may not is passed over and leaves no gap."""
        if not self.pending:
            return ()
        found: list[tuple[int, int]] = []
        seen: list[int] = []
        sight = self.station.sight(self)
        while self.pending and len(seen) < SLICE and len(found) < self.asked.most:
            seen.append(self.pending.popleft())
            if sight.shows(seen[-1], self.topic):
                found.append((self.progress.number + len(found) + 1, seen[-1]))
        if self.station.shut():
            self.pending.extendleft(reversed(seen))
            return ()
        self.progress = replace(self.progress, t=seen[-1], number=self.progress.number + len(found))
        if found:
            await self.station.keep(self, found)
        await asyncio.sleep(0)
        return found

    async def _catch_up(self) -> None:
        """Read the log from where it stands, until it is with the others or has enough to tell."""
        station, types = self.station, firing.types(self.asked, self.topic)
        while len(self.pending) < ROOM - SLICE:
            batch = station.after(self.position, SLICE)
            if not batch:
                self.behind = False
                station.join(self)
                return
            for version in batch:
                if version.type in types and await station.waits(self, version):
                    self.pending.append(version.t)
                self.position = version.t
            if self.pending:
                return
            self.progress = replace(self.progress, t=self.position)
            await asyncio.sleep(0)

    def _due(self) -> bool:
        """Whether a heartbeat is."""
        return bool(self.asked.heartbeat) and self.station.seconds() >= self._told + self.asked.heartbeat

    async def _rest(self, *, listening: bool = True) -> None:
        """Wait for an event, the next heartbeat or the end; where nobody listens there is no heartbeat."""
        self._woken.clear()
        wait, now = LONG, self.station.seconds()
        if self.asked.heartbeat and listening:
            wait = min(wait, self._told + self.asked.heartbeat - now)
        if self.asked.end:
            wait = min(wait, (self.asked.end - self.station.now()) / 1e6)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(wait, 0.0)):
                await self._woken.wait()

    # -- telling ----------------------------------------------------------------------------------------------------

    async def _until_received(self, kind: Kind, batch: Sequence[tuple[int, int]]) -> None:
        """Tell, and tell again after a while that grows; after so many times in a row the subscription is in error."""
        while True:
            await self._check()
            try:
                await self.station.tell(self, kind, batch)
            except Shut:
                continue
            except Absent:
                if not batch:
                    break
                await self._rest(listening=False)
                continue
            except Invalid as error:
                await self._failed(error)
                continue
            break
        self._told, self.due = self.station.seconds(), 0
        failed = bool(self.progress.failures)
        if batch and self.asked.channel == "websocket":
            self._lately.append((self._told, batch[0][0]))
        sent = batch[-1][0] if batch else self.progress.sent
        self.progress = replace(self.progress, sent=max(sent, self.progress.sent), failures=0, since=0, error="")
        if failed:
            await self.station.keep(self)
            await self.station.reflect(self)

    async def _failed(self, error: Invalid) -> None:
        text, tuning = error.issues[0].text, self.station.tuning
        times = self.progress.failures + 1
        since = self.progress.since or self.station.now()
        self.progress = replace(self.progress, failures=times, since=since, error=text)
        if error.status == 403 or times >= tuning.tries:
            raise Over("error", text)
        if times == 1:
            await self.station.keep(self)
            await self.station.reflect(self)
        self._woken.clear()
        pause = min(tuning.most, tuning.first * 2 ** min(times - 1, 20))
        self.due = self.station.now() + int(pause * 1e6)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                while self._over is None:
                    await self._woken.wait()
                    self._woken.clear()
