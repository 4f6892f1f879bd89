"""A tenant's streams at work: the chart is followed for who lies where and what was charted; time passes every second."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from onmaru.adapters.receipt import Receipt
from onmaru.app.house import now, system
from onmaru.app.refusal import verdict
from onmaru.app.running import Running
from onmaru.app.streams.chart import Charting
from onmaru.app.streams.intake import Fate, Intake, Made
from onmaru.engines.journal import Journal
from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.log import Version
from onmaru.kernel.record import pages
from onmaru.kernel.room import Hall
from onmaru.rooms.monitor import views
from onmaru.rooms.monitor.alerts.facts import facts
from onmaru.rooms.monitor.board import Board, Feed
from onmaru.rooms.monitor.limits import Limit
from onmaru.rooms.monitor.live import SECOND, Fresh, Streamed
from onmaru.rooms.monitor.projection import rows
from onmaru.rooms.monitor.stream.binding import TYPES, Bindings, called
from onmaru.rooms.monitor.stream.people import NOBODY, queries
from onmaru.rooms.monitor.stream.summary import SYSTEM, instant
from onmaru.rooms.monitor.wall import TAKE

log = logging.getLogger("onmaru.streams")
ROOM = "monitor"
SLICE = 100
# Seconds between two moments at which pages are told what changed
PULSE = 0.25
# Seconds after which a segment of the journal is brought into the record
SEAL_EVERY = 600.0
DAY = 86_400 * SECOND
OURS = f'"{SYSTEM}"'.encode()


class Station:
    """`seal_every`: seconds. Begun with `start`, ended with `close`; on one loop alone."""

    def __init__(self, running: Running, tenant: str, seal_every: float = SEAL_EVERY) -> None:
        self._running, self.tenant = running, tenant
        house = running.house
        self._motion = running.motion(tenant)
        settings = self._room().settings
        self.fresh = Fresh(int(settings["fresh_minutes"]) * 60 * SECOND, int(settings["stream_fresh_seconds"]) * SECOND)
        self.board, self.bindings = Board(self.fresh), Bindings(self._called)
        self.folder = house.folder(tenant) / "streams"
        journal = Journal(self.folder, house.keys(tenant)[1].key("streams"))
        self.charting = Charting(self._own, self._durable, now, self.folder)
        self.intake = Intake(journal, self.board, self.bindings, now, self._taken)
        self._seal_every = seal_every
        self._sealing = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._position = 0

    async def start(self) -> None:
        """Take up what an earlier run left, then be there for the room's routes."""
        await self.taken_up()
        for work in (self._second, self._pulse, self._seal):
            self._tasks.append(asyncio.create_task(self._kept_up(work)))
        memory = self._running.house.memories.setdefault((self.tenant, ROOM), {})
        memory.update({"board": self.board, TAKE: self.taken})

    async def taken_up(self) -> None:
        """Learn what the chart says and what an earlier run left in its journal."""
        await self._motion.opened()
        self._position = self._motion.followed
        async for version in self._known():
            self.bindings.learn(version)
        await self._charted()
        for number in self.intake.journal.left:
            for frame in self.intake.journal.read(number):
                self.intake.again(frame, self._erased)
                await asyncio.sleep(0)
        self._tasks.append(asyncio.create_task(self._kept_up(self._follow)))

    @property
    def closed(self) -> bool:
        """Whether the tenant is suspended: nothing is written for it then."""
        return bool(self._running.house.tenancies.closed(self.tenant))

    def feed(self, name: str, kind: str) -> Feed:
        """The count of one source."""
        return self.board.feeds.setdefault(name, Feed(name, kind))

    async def sealed(self) -> None:
        """Bring all of the journal into the record now."""
        await self.charting.seal(self.intake)

    async def finished(self) -> None:
        """The same, where nothing more comes in."""
        await self.charting.finish(self.intake)

    async def close(self) -> None:
        """Stop; what is in the journal is taken up by the next start."""
        self._running.house.memories.pop((self.tenant, ROOM), None)
        self.board.end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.intake.close()
        self.intake.journal.close()
        self.charting.close()

    # -- what comes in -------------------------------------------------------------------------------------------

    async def taken(self, payload: bytes) -> Fate | None:
        """Take a message that was posted; what became of it."""
        return await self.intake.offered(payload, self.feed("HTTP", "http"))

    def replayed(self, data: bytes) -> Receipt:
        """The lines of a dead letter (`chart.lines`), perhaps mended; whole only where each was taken or came before."""
        try:
            told = [_told(line, now()) for line in data.split(b"\n") if line.strip()]
        except (msgspec.MsgspecError, ValueError):
            return Receipt("AE", rejected=1, reason="a line is no JSON of a message with the time it was received")
        made = self.intake.once_more(told, self.feed("dead letters", "replay"))
        bad = [one.kept.reason for one in made if one.kept is not None and one.kept.reason]
        taken = len(made) - len(bad)
        return Receipt("AE", taken, len(bad), reason=bad[0]) if bad else Receipt("AA", taken)

    def _taken(self, made: Sequence[Made]) -> None:
        self.charting.take(made)

    # -- what goes on --------------------------------------------------------------------------------------------

    async def _kept_up(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """One of the works for ever: a fault in it is told and it goes on, so that numbers never stand still unnoticed."""
        while True:
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - whatever it is, the other beds' numbers have to go on
                log.error("streams of a tenant: %s", verdict(error)[0])
                await asyncio.sleep(1)

    async def _pulse(self) -> None:
        self.board.pulse()
        await asyncio.sleep(PULSE)

    async def _second(self) -> None:
        began = asyncio.get_running_loop().time()
        for _ in self.board.tick(now()):
            await asyncio.sleep(0)
        if not self.closed:
            await self.charting.write_minutes()
            await self.charting.write_letters()
        await asyncio.sleep(max(0.0, began + 1 - asyncio.get_running_loop().time()))

    async def _seal(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._seal_every):
                await self._sealing.wait()
        self._sealing.clear()
        if self.closed:
            # What was acknowledged before stays in the journal until the tenant is opened again
            return
        await self.sealed()
        self.board.prune(now())
        self.intake.prune(now())

    async def _follow(self) -> None:
        await self._motion.past(self._position)
        upto = min(self._position + SLICE, self._motion.followed)
        for version in self._motion.seat.home.index.touched(self._position, upto):
            self._learn(version)
        self._position = upto
        await asyncio.sleep(0)

    def _learn(self, version: Version) -> None:
        if version.op == "erase" or not version.type:
            self._forget()
        elif version.type in TYPES:
            self.bindings.learn(version)
        elif version.type == "ServiceRequest":
            said = facts(version)
            self.board.ordered(version.name, said.patient, said.limit, now())
        elif version.type == "Observation" and OURS not in (version.body or b""):
            if version.op != "create":
                for patient in self.board.withdraw(version.name):
                    self._chart(patient)
            if version.body is not None:
                self.board.take(_readings(version), now())

    def _forget(self) -> None:
        """Somebody was erased: nothing of them stays in memory, and the journal that holds them goes."""
        for patient in {*self.board.states, *self.board.waves, *self.board.limits, *self.charting.people}:
            if self._erased(patient):
                self.board.forget(patient)
                self.charting.forget(patient)
                self._sealing.set()

    def _erased(self, patient: str) -> bool:
        newest = self._motion.seat.home.index.latest("Patient", patient, self._motion.followed) if patient else None
        return newest is not None and newest.op == "erase"

    # -- what was there before -----------------------------------------------------------------------------------

    async def _known(self) -> AsyncIterator[Version]:
        """What the chart says of places, devices and stays: of devices also what it said earlier. Patients are asked for."""
        record = self._own().record
        since = search.parse(("Encounter",), [("status", "finished"), ("_lastUpdated", f"ge{instant(now() - DAY)}")])
        here = search.parse(("Encounter",), [("status", "arrived,triaged,in-progress,onleave")])
        asked = [search.parse((type,), []) for type in sorted(TYPES - {"Encounter", "Device", "Patient"})]
        for query in (*asked, since, here):
            for page in pages(record, query):
                for version in page.matches:
                    yield version
                await asyncio.sleep(0)
        for page in pages(record, search.parse(("Device",), [])):
            for version in page.matches:
                for earlier in reversed(record.history("Device", version.id, count=100).matches):
                    yield earlier
            await asyncio.sleep(0)

    def _called(self, name: str) -> frozenset[str]:
        """Everybody whom the chart calls so now: by id, by an identifier's value, or by `system|value`."""
        try:
            record = self._own().record
            found = [one for query in queries(name) for page in pages(record, query) for one in page.matches]
        except Invalid:
            # No name that could be asked for: it is evidence of nobody
            return NOBODY
        return frozenset(one.id for one in found if name in called(one.id, msgspec.json.decode(one.body or b"{}")))

    async def _charted(self) -> None:
        for row in self._room().lake.query(views.LIMITS, {"now": now(), "one": ""}).table.to_pylist():
            limit = Limit(row["rule"], row["value"], row["low"], row["high"])
            self.board.ordered(row["source"], row["patient"], limit, now())
        for row in self._room().lake.query(views.BEDS, {}).table.to_pylist():
            self._chart(row["patient"])
            await asyncio.sleep(0)

    def _chart(self, patient: str) -> None:
        """The newest charted values of one patient, as the room's table has them."""
        at = now()
        params = {"patient": patient, "after": at - self.fresh.charted, "upto": at, "most": 1}
        found = self._room().lake.query(views.READINGS, params).table.to_pylist()
        some = [Streamed(patient, r["measure"], r["value"], r["unit"], r["low"], r["low"], r["source"]) for r in found]
        self.board.take(some, at)

    def _own(self) -> Hall:
        return self._running.house.hall(system(self.tenant, "streams"))

    def _room(self) -> Hall:
        return self._running.house.hall(system(self.tenant, "streams"), ROOM)

    def _durable(self, position: int) -> Awaitable[None]:
        return self._running.durable(self.tenant, position)


class _Line(msgspec.Struct):
    received: int
    payload: str = ""
    base64: bytes = b""
    why: str = ""


def _told(line: bytes, latest: int) -> tuple[int, bytes, str]:
    one = msgspec.json.decode(line, type=_Line)
    if not 0 < one.received <= latest:
        # Whoever mends a letter could chart what is yet to come
        raise ValueError
    return one.received, one.base64 or one.payload.encode(), one.why


def _readings(version: Version) -> Sequence[Streamed]:
    at = now()
    found = []
    for row in rows(version.body or b"{}"):
        measure, low, value, unit = row.values
        found.append(Streamed(row.patient, measure, value, unit, low, at, version.name))
    return found
