"""The station of one tenant: follows the log off the write path, finds who waits for each version, and keeps the ledger.

Its one law: a version is behind it only when everyone who waits for it has been given it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from onmaru.app.owning import acting
from onmaru.app.refusal import verdict
from onmaru.app.subscriptions.firing import Board, Event, waits
from onmaru.app.subscriptions.runner import Over, Runner, Shut
from onmaru.app.subscriptions.saying import said
from onmaru.app.subscriptions.sight import Eyes
from onmaru.app.subscriptions.tuning import Tuning
from onmaru.app.subscriptions.world import World
from onmaru.engines.rounds import Rounds
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.subscriptions.notification import Kind
from onmaru.fhir.subscriptions.topic import is_topic
from onmaru.fhir.subscriptions.wanted import Wanted, wanted
from onmaru.kernel.audit import access
from onmaru.kernel.errand import HEAVY
from onmaru.kernel.log import Version
from onmaru.kernel.subscribing import HOUSE, Ledger, Owner, Progress

SLICE = 100
# Seconds for which it may look at one version's candidates before others are answered
TURN = 0.004
GRACE = 0.2
ENDED = "what this subscription was made with has ended; write it again"
NOTHING = Wanted("", (), "rest-hook", "", (), "empty", "json")
FAULT = "an expression of its topic could not be evaluated on some event"
log = logging.getLogger("onmaru.subscriptions")


class Station:
    """All subscriptions of one tenant."""

    def __init__(self, world: World, tuning: Tuning) -> None:
        self._world = world
        self.tuning = tuning
        self.base = world.base
        self.runners: dict[str, Runner] = {}
        self.position = world.head()
        self._board: Board[Runner] = Board()
        self._disk = ThreadPoolExecutor(1, "subscriptions")
        self._rounds = Rounds(self._put)
        self._rows: list[tuple[str, Progress]] = []
        self._events: list[tuple[str, int, int]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._leading: asyncio.Task[None] | None = None

    @property
    def ledger(self) -> Ledger:
        return self._world.book.ledger

    def now(self) -> int:
        """µs since 1970 UTC."""
        return self._world.tenant.now()

    def seconds(self) -> float:
        """The loop's own clock."""
        return asyncio.get_running_loop().time()

    # -- life -------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up every subscription where it was left, as soon as this worker is the one to."""
        await self._turn_up()
        self._leading = asyncio.create_task(self._lead())

    async def _lead(self) -> None:
        """Look now and then whether it still is, or has become so."""
        while True:
            await asyncio.sleep(self.tuning.flush)
            try:
                await self._turn_up()
            except Exception as error:  # noqa: BLE001 - a database that is away comes back
                log.error("it is not known who serves the subscriptions: %s", verdict(error)[0])

    async def _turn_up(self) -> None:
        leads = await self._on_disk(self.ledger.lead)
        if leads and not self._tasks:
            await self._begin()
        elif not leads and self._tasks:
            await self._end()

    async def _begin(self) -> None:
        self.position = self._world.head()
        for id, owner in await self._on_disk(self.ledger.rows):
            # One that was just written may not be durable yet, and is no less there
            found = self._world.tenant.index.latest("Subscription", id, self._world.tenant.log.tip())
            if found is None or found.body is None:
                await self._on_disk(self.ledger.own, id, None)
            else:
                await self._take(found, owner)
        self._tasks = [asyncio.create_task(one()) for one in (self._follow, self._patrol, self._flushing)]

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        for runner in self.runners.values():
            self.leave(runner)
        await asyncio.gather(*(one.stop() for one in self.runners.values()))

    async def close(self) -> None:
        """Stop everything and save how far each has come."""
        if self._leading is not None:
            self._leading.cancel()
            await asyncio.gather(self._leading, return_exceptions=True)
        await self._end()
        try:
            await self._flush()
        except Invalid as error:
            log.warning("how far subscriptions have come was not saved: %s", error.issues[0].text)
        await self._rounds.close()
        self._disk.shutdown()

    async def _follow(self) -> None:
        world = self._world
        while True:
            if world.alone and not self.runners and world.book.stirred <= self.position:
                self.position = world.head()  # nobody waits for anything
            batch = self.after(self.position, SLICE, world.head())
            if not batch:
                await world.moved(self.position)
                continue
            for version in batch:
                try:
                    await self._one(version)
                except Exception as error:  # noqa: BLE001 - one version must not hold up all that come after it
                    log.error("a version could not be looked at: %s", verdict(error)[0])
                self.position = version.t
            await asyncio.sleep(0)

    def after(self, position: int, most: int, head: int = 0) -> Sequence[Version]:
        """Versions after a position, up to where the station is, or to `head`."""
        return self._world.pieces.next(position, head or self.position, most)

    async def _one(self, version: Version) -> None:
        if version.type == "Subscription":
            await self._written(version)
        elif version.type == "Basic":
            self._topics(version)
        if version.type not in self._board or version.op == "erase":
            return
        event = self._event(version)
        started = self.seconds()
        for runner in self._board.candidates(event):
            if await self._judged(runner, event):
                runner.offer(version.t)
            if self.seconds() - started > TURN:
                await asyncio.sleep(0)
                started = self.seconds()
        if event.fault:
            log.warning(FAULT)

    def _event(self, version: Version) -> Event:
        index = self._world.tenant.index
        before = None
        if version.version > 1:
            before = index.numbered(version.type, version.id, version.version - 1, version.t)
        return Event(version, before, index.keys)

    async def waits(self, runner: Runner, version: Version) -> bool:
        """Whether one that reads the log itself waits for a version."""
        return version.op != "erase" and await self._judged(runner, self._event(version))

    async def _judged(self, runner: Runner, event: Event) -> bool:
        """Whether an event is one that it waits for; what is large is looked at in a thread."""
        body = event.version.body
        if body is not None and len(body) > HEAVY:
            return await asyncio.to_thread(waits, runner.asked, runner.topic, event)
        return waits(runner.asked, runner.topic, event)

    # -- who subscribes ---------------------------------------------------------------------------------------------

    async def _written(self, version: Version) -> None:
        """A Subscription was written: by who owns it, then it begins anew; the house's own words change nothing."""
        owner, _ = await self._on_disk(self.ledger.row, version.id)
        if version.caller != HOUSE and (owner is None or owner.version < version.version):
            # The worker that took it is about to say whose it is
            await asyncio.sleep(GRACE)
            owner, _ = await self._on_disk(self.ledger.row, version.id)
        running = self.runners.get(version.id)
        if version.body is not None and owner is not None and owner.version != version.version:
            return
        if running is not None:
            await self._retire(running)
        if version.body is None:
            await self._on_disk(self.ledger.own, version.id, None)
        elif owner is not None:
            await self._take(version, owner)

    async def _retire(self, runner: Runner) -> None:
        """No more of this one; what it has reached is kept."""
        self.leave(runner)
        await runner.stop()
        self.runners.pop(runner.id, None)
        await self.keep(runner, to=runner.reached)

    async def _take(self, version: Version, owner: Owner) -> None:
        """Begin a subscription, or go on with it where it was left."""
        _, known = await self._on_disk(self.ledger.row, version.id)
        stopped = "" if owner.version <= version.version else ENDED  # of a writing that a crash undid
        try:
            asked = wanted(version.body or b"")
            topic = self._world.book.standing(asked) if asked.state != "off" else None
        except Invalid as error:
            asked, topic, stopped = NOTHING, None, error.issues[0].text
        runner = Runner(self, version.id, owner, asked, _begun(version, owner, known, asked))
        runner.topic = topic
        self.runners[version.id] = runner
        if runner.progress != known:
            await self.keep(runner)
        if runner.progress.state in ("requested", "active"):
            if stopped:
                runner.end(Over("error", stopped))
            runner.start()

    async def revive(self, id: str) -> bool:
        """Have one in error go on where it stood, as its owner; False where it is not in error.

        The Subscription's own words stay: only who writes it anew would own it.
        """
        runner = self.runners.get(id)
        found = self._world.tenant.index.latest("Subscription", id, self._world.tenant.log.tip())
        if runner is None or runner.progress.state != "error" or found is None or found.body is None:
            return False
        asked = wanted(found.body)
        topic = self._world.book.standing(asked)
        await runner.stop()
        known = msgspec.structs.replace(runner.progress, state="requested", error="", failures=0, since=0)
        again = Runner(self, id, runner.owner, asked, known)
        again.topic = topic
        self.runners[id] = again
        await self.keep(again)
        await self.reflect(again)
        again.start()
        return True

    def _topics(self, version: Version) -> None:
        """A topic was written: who goes by it goes by what it says now, or stands in error."""
        if version.body is not None and not is_topic(version.body):
            return
        for runner in self.runners.values():
            if not runner.asked.topic or runner.progress.state not in ("requested", "active"):
                continue
            try:
                topic = self._world.book.standing(runner.asked)
            except Invalid as error:
                runner.end(Over("error", error.issues[0].text))
                continue
            if topic is not runner.topic:
                joined = not runner.behind
                self.leave(runner)
                runner.topic = topic
                if joined:
                    self.join(runner)

    def join(self, runner: Runner) -> None:
        """From now on it is told of what it waits for."""
        self._board.add(runner, runner.asked, runner.topic)

    def leave(self, runner: Runner) -> None:
        """It reads the log itself, or is over."""
        self._board.remove(runner)

    # -- rights and ways --------------------------------------------------------------------------------------------

    def shut(self) -> bool:
        """Whether the tenant is closed."""
        return not self._world.open()

    async def opened(self) -> None:
        """Return once the tenant is open."""
        while self.shut():
            await asyncio.sleep(self.tuning.flush)

    def sight(self, runner: Runner) -> Eyes:
        """What its owner sees at this moment; Over where nobody stands behind it any more."""
        caller = acting(self._world.logins, self._world.tenant.name, runner.owner)
        if caller is None:
            raise Over("error", ENDED)
        return Eyes(self._world.tenant, caller)

    async def tell(self, runner: Runner, kind: Kind, batch: Sequence[tuple[int, int]]) -> None:
        """Hand over what of a batch may be told at this moment, having noted durably whom it discloses.

        Asked only when it is its turn to leave, and again once the note is on the disk: what is forbidden or deleted
        while it waited does not leave.
        """
        async with self._world.way.turn(runner):
            eyes = self.sight(runner)
            events = eyes.told(batch)
            if events:
                tenant, target = self._world.tenant, f"Subscription/{runner.id}"
                tenant.trail.add(access(eyes.caller, "execute", target, tenant.now(), patients=sorted(eyes.patients)))
                await self._world.durable()
                events = self.sight(runner).told(batch)
            if self.shut():
                raise Shut
            if events or not batch:
                await self._world.way.tell(runner, kind, events)

    async def _patrol(self) -> None:
        """Look whether owners still stand, also of those for whom nothing happens."""
        while True:
            await asyncio.sleep(self.tuning.patrol)
            for runner in [*self.runners.values()]:
                if runner.progress.state in ("requested", "active"):
                    if acting(self._world.logins, self._world.tenant.name, runner.owner) is None:
                        runner.end(Over("error", ENDED))
                    await asyncio.sleep(0)

    # -- what is kept -----------------------------------------------------------------------------------------------

    async def keep(self, runner: Runner, events: Sequence[tuple[int, int]] = (), to: int = 0) -> None:
        """Save how far one has come, with the events that it has just numbered."""
        row = msgspec.structs.replace(runner.progress, t=max(to, runner.progress.t))
        self._rows.append((runner.id, row))
        self._events += [(runner.id, number, t) for number, t in events]
        await _through(self._rounds.join())
        runner.saved = row

    async def _put(self, waiters: int) -> None:
        """Save in one step what gathered while the last was on its way."""
        rows, self._rows = self._rows, []
        events, self._events = self._events, []
        await self._on_disk(self.ledger.keep, rows, events)

    async def again(self, runner: Runner) -> Progress:
        """How far it had come when that was last saved."""
        _, known = await self._on_disk(self.ledger.row, runner.id)
        return known or runner.saved

    async def _on_disk(self, what: Callable[..., Any], *values: Any) -> Any:
        """One after the other in a thread."""
        return await _through(asyncio.get_running_loop().run_in_executor(self._disk, what, *values))

    async def _flushing(self) -> None:
        while True:
            await asyncio.sleep(self.tuning.flush)
            try:
                await self._flush()
            except Exception as error:  # noqa: BLE001 - it is saved the next time; till then more would be looked at again
                log.warning("how far subscriptions have come was not saved: %s", verdict(error)[0])

    async def _flush(self) -> None:
        """Save how far all have come that have moved; many at once cost hardly more than one."""
        rows = []
        for runner in self.runners.values():
            row = msgspec.structs.replace(runner.progress, t=runner.reached)
            if row != runner.saved and row.state in ("requested", "active"):
                rows.append((runner, row))
        if rows:
            self._rows += [(runner.id, row) for runner, row in rows]
            await _through(self._rounds.join())
            for runner, row in rows:
                runner.saved = row

    async def reflect(self, runner: Runner) -> None:
        """Write into the Subscription how it stands."""
        if said(self._world.tenant, runner.id, runner.progress):
            await self._world.durable()


async def _through(doing: asyncio.Future[Any]) -> Any:
    """What comes of it; who is cancelled waits until it is done, so that nothing overtakes it."""
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait([doing])
        raise


def _begun(version: Version, owner: Owner, known: Progress | None, asked: Wanted) -> Progress:
    """Where it begins: a new one at its own writing, one that was in error or at work where it was, one that was off now."""
    if known is not None and known.version == owner.version:
        return known
    state = "off" if asked.state == "off" else "requested"
    if known is None or known.state == "off":
        number = known.number if known is not None else 0
        return Progress(owner.version, version.t, number, number, state)  # type: ignore[arg-type]  # one of two states
    return msgspec.structs.replace(known, version=owner.version, state=state, error="", failures=0, since=0)
