"""A house in motion: group commits, followers, news and the witness, all on one event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress

from onmaru.app.aside import Aside
from onmaru.app.following import SECONDS, Pieces, sized
from onmaru.app.guarding import Guard
from onmaru.app.hearing import Ear
from onmaru.app.house import House
from onmaru.kernel.caller import Caller
from onmaru.kernel.errand import HEAVY
from onmaru.kernel.log import Version
from onmaru.kernel.projection import Projection, Row
from onmaru.web.doors import Followed, News

log = logging.getLogger("onmaru")
SLICE = 25
# Versions whose rows are not worth the way to another process
FEW = 4
NEWS = 500
# Versions, and their bytes, that research tables take at a time at most
GATHER = (10_000, 16 << 20)
GATHER_EVERY = 5.0
WITNESS_EVERY = 60.0
# How long rows of own search parameters may lag
OWN_EVERY = 1.0
YIELD = 4.0
PATIENCE = 30.0
# So many messages in so many seconds are a run, during which research tables wait as they do in a crowd
RUN, RUN_SECONDS = 10, 0.5
# Audit rows that a viewer may follow itself
NEAR = 500


class Motion:
    """One tenant in motion. `followed`: what every hot projection has reached; `moved` wakes who waits for it.

    `ready` is set once the hot tables hold what was there at the opening; those that an older version serves are not
    waited for.
    """

    def __init__(self, house: House, tenant: str, aside: Aside) -> None:
        self.seat = house.seat(tenant)
        self.pieces = Pieces(self.seat.home.index, aside)
        self.ear: Ear | None = None
        # Imports under way: what follows them stands back as in a crowd
        self.bulk = 0
        self.pump = house.pump(tenant, self._settled)
        self.followed = self.seat.home.head()
        self._arrived: deque[float] = deque(maxlen=RUN)
        self._wake = asyncio.Event()
        self._wake.set()
        self.ready = asyncio.Event()
        self.moved = asyncio.Condition()
        self._task = asyncio.create_task(self._follow())
        self._closing = asyncio.Event()
        self._hurry = asyncio.Event()
        self._looking = asyncio.Event()
        self.warmed = asyncio.create_task(self._warm())
        self._gathering = asyncio.create_task(self._gather())
        self._guard = Guard(self.seat, house.logins.accounts)
        self._indexing = asyncio.create_task(self._index_audit())
        self._owning = asyncio.create_task(self._index_own())

    async def _warm(self) -> None:
        """Take into memory what readers will want, between requests."""
        for _ in self.seat.home.index.warm():
            await asyncio.sleep(0)
            if self._closing.is_set():
                return

    def _settled(self, t: int) -> None:
        if t > self.followed:
            self._wake.set()

    def durable(self, t: int) -> Awaitable[None]:
        """Everything appended before this call is durable, and position `t` has been reached; below 0: audit rows only."""
        return self.pump.durable(wrote=t >= 0) if t <= self.seat.home.head() else self._reached(t)

    async def _reached(self, t: int) -> None:
        await self.pump.durable()
        while self.seat.home.head() < t:
            async with self.moved:
                await self.moved.wait()

    async def _follow(self) -> None:
        """Bring the projections up whenever the head moves, in slices, so that requests are answered in between."""
        hot = self.seat.hot
        while True:
            await self._wake.wait()
            self._wake.clear()
            head = self.seat.home.head()
            for projection in sorted(hot.projections, key=lambda one: one.name in hot.older):
                if projection.name in hot.older:
                    self.ready.set()
                await self._followed(projection, head)
            self.ready.set()
            self.followed = max(head, self.followed)
            async with self.moved:
                self.moved.notify_all()

    async def past(self, position: int) -> None:
        """Return once the tables have followed beyond a position."""
        async with self.moved:
            while self.followed <= position:
                await self.moved.wait()

    async def opened(self) -> None:
        """Return once `ready` is set; raises what following raised."""
        waiting = asyncio.ensure_future(self.ready.wait())
        await asyncio.wait([waiting, self._task], return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            self._task.result()

    async def reached(self, t: int) -> None:
        """Return once every follower, the columnar tables too, has followed to position `t`."""
        await self.pump.durable()
        self._settled(t)
        self._hurry.set()
        columnar = self.seat.columnar
        while self.followed < t or any(columnar.position(one) < t for one in columnar.projections):
            await asyncio.sleep(0.02)

    async def _followed(self, projection: Projection, head: int) -> None:
        """Bring one hot projection up to `head`."""
        hot, time = self.seat.hot, asyncio.get_running_loop().time
        size = SLICE
        while batch := self.pieces.next(hot.position(projection), head, size):
            made = {**await self._light(projection, batch), **await self.pieces.heavy(projection, batch)}
            started = time()
            hot.take(projection, batch, made)
            took = time() - started
            size = sized(len(batch), took)
            # In a crowd those who wait for an answer come first, but following never stands still.
            await asyncio.sleep(took * YIELD if self.pump.busy or self.bulk else 0)

    async def _light(self, projection: Projection, batch: Sequence[Version]) -> Mapping[int, Sequence[Row]]:
        """The rows of what is of the usual size, made by the process that hears messages while these come quickly."""
        if self.ear is None or not self._pressed:
            return {}
        mine = [one for one in batch if one.type in projection.types and len(one.body or b"") <= HEAVY]
        return await self.ear.rows(projection.name, mine[:SLICE]) if len(mine) >= FEW else {}

    async def _gather(self) -> None:
        """Bring the columnar tables up every few seconds, so that a file holds many versions; written in a thread."""
        columnar = self.seat.columnar
        columnar.derivations.calm = threading.get_ident()
        while not self._closing.is_set():
            for projection in columnar.projections:
                while batch := await self._gathered(projection):
                    made = await self.pieces.heavy(projection, batch)
                    await asyncio.to_thread(columnar.take, projection, batch, made)
                    await self._quiet()
                    if self._closing.is_set():
                        return
            await self._quiet()
            await asyncio.to_thread(columnar.derivations.follow)
            self._hurry.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_EVERY):
                    await self._hurry.wait()

    async def _gathered(self, projection: Projection) -> Sequence[Version]:
        columnar, (most, size) = self.seat.columnar, GATHER
        most = min(most, columnar.batch(projection))
        return await self.pieces.gathered(columnar.position(projection), self.seat.home.head(), most, size)

    async def _index_audit(self) -> None:
        """Bring the audit viewer's index up, and watch for unusual access, in quiet moments; at once when somebody waits."""
        trail = self.seat.home.trail
        while not self._closing.is_set():
            while (trail.follow() or self._guard.step()) and not self._closing.is_set():
                await asyncio.sleep(0)
                if not self._looking.is_set():
                    await self._quiet()
            self._looking.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_EVERY):
                    await self._looking.wait()

    async def _index_own(self) -> None:
        """Make the rows of the tenant's own search parameters between requests; what has none yet is asked of bodies."""
        own = self.seat.own
        while not self._closing.is_set():
            while not self._closing.is_set() and own.step():
                await asyncio.sleep(YIELD * SECONDS if self._pressed else 0)
            with suppress(TimeoutError):
                async with asyncio.timeout(OWN_EVERY):
                    await self._closing.wait()

    def audited(self) -> Awaitable[object] | None:
        """None when the audit viewer's index is as good as up to date, else what to wait for."""
        return None if self.seat.home.trail.lag <= NEAR else self._audited()

    async def _audited(self) -> None:
        while self.seat.home.trail.lag > NEAR:
            self._looking.set()
            await asyncio.sleep(0.02)

    async def caught_up(self) -> None:
        """Return once all tables have followed what was durable at the call."""
        head, columnar = self.seat.home.head(), self.seat.columnar
        while self.followed < head or any(columnar.position(one) < head for one in columnar.projections):
            await asyncio.sleep(0.05)

    def arrived(self) -> None:
        """A message came; its sender waits for the answer before the next."""
        self._arrived.append(asyncio.get_running_loop().time())

    @property
    def _pressed(self) -> bool:
        """Whether many wait just now, or few in quick succession."""
        run = self._arrived
        return (
            self.pump.busy
            or bool(self.bulk)
            or (len(run) == RUN and asyncio.get_running_loop().time() - run[0] < RUN_SECONDS)
        )

    async def _quiet(self) -> None:
        """Wait for the crowd to pass, but not for ever and not while somebody waits: research tables lag, never stand."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while self._pressed and not (self._closing.is_set() or self._hurry.is_set()):
                    await asyncio.sleep(0.1)

    async def changes(self, caller: Caller, after: int) -> AsyncIterator[News]:
        """News after a position (0: from now on), without what this caller may not see."""
        position = after or self.followed
        while True:
            async with self.moved:
                while self.followed <= position:
                    await self.moved.wait()
            sight = self.seat.tenant.gate.sight(caller)
            batch = self.seat.home.index.touched(position, min(position + NEWS, self.followed))
            patients: set[str] = set()
            types: set[str] = set()
            for version in batch:
                if not version.type:
                    continue
                whose = self.seat.home.index.compartments(version)
                if sight.shows(version, whose, self.seat.home.index.keys):
                    patients.update(whose.own)
                    types.add(version.type)
            position = batch[-1].t
            if types:
                yield News(position, sorted(patients), sorted(types))
            else:
                # Who may see nothing of a long past must not hold up the others
                await asyncio.sleep(0)

    def followers(self) -> Iterator[tuple[str, int, bool]]:
        """Each follower: its name, by how many positions (audit: rows) it is behind, and whether it still runs."""
        home, columnar = self.seat.home, self.seat.columnar
        head, hot = home.head(), self.seat.hot
        reached = min((hot.position(one) for one in hot.projections), default=head)
        gathered = min((columnar.position(one) for one in columnar.projections), default=head)
        yield "rooms", head - reached, not self._task.done()
        yield "lake", head - gathered, not self._gathering.done()
        yield "audit", home.trail.lag, not self._indexing.done()

    async def close(self) -> None:
        """Stop following; what is buffered is committed by the house."""
        self._task.cancel()
        self._closing.set()
        self._hurry.set()
        self._looking.set()
        await self._gathering
        await self._indexing
        await self._owning
        await self.warmed
        await self.pump.close()


async def _nobody(tenant: str) -> None:
    """Nobody has to go."""


class Running:
    """Every tenant in motion, opened on first use."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._motions: dict[str, Motion] = {}
        self.attend: Callable[[str, Motion], None] = lambda tenant, motion: None
        self.depart: Callable[[str], Awaitable[None]] = _nobody
        self.witnessed = time.monotonic()
        self.aside = Aside()
        self._witness = asyncio.create_task(self._sign())

    @property
    def motions(self) -> Sequence[Motion]:
        """Every tenant that is in motion."""
        return tuple(self._motions.values())

    def motion(self, tenant: str) -> Motion:
        """The tenant, in motion."""
        if tenant not in self._motions:
            self._motions[tenant] = Motion(self.house, tenant, self.aside)
            self.attend(tenant, self._motions[tenant])
        return self._motions[tenant]

    def durable(self, tenant: str, t: int) -> Awaitable[None]:
        """See `Motion.durable`."""
        return self.motion(tenant).durable(t)

    def ready(self, tenant: str, what: Followed) -> Awaitable[object] | None:
        """None when the rooms' hot tables, or the audit viewer's index, are ready, else what to wait for."""
        motion = self.motion(tenant)
        if what == "audit":
            return motion.audited()
        return None if motion.ready.is_set() else motion.ready.wait()

    def changes(self, caller: Caller, after: int) -> AsyncIterator[News]:
        """See `Motion.changes`."""
        return self.motion(caller.tenant).changes(caller, after)

    async def release(self, tenant: str) -> None:
        """Stop one tenant and close it."""
        await self.depart(tenant)
        motion = self._motions.pop(tenant, None)
        if motion is not None:
            await motion.close()
        self.house.release(tenant)

    async def _sign(self) -> None:
        """Sign the heads every minute, each tenant after its own group commit."""
        while True:
            await asyncio.sleep(WITNESS_EVERY)
            try:
                for motion in self.motions:
                    await motion.pump.durable()
                self.house.witness()
                self.witnessed = time.monotonic()
            except Exception as error:  # noqa: BLE001 - a disk that is full now may not be in a minute; readiness tells
                log.error("the heads were not signed: %s", type(error).__name__)

    async def close(self) -> None:
        """Stop everything and close the house."""
        self._witness.cancel()
        for motion in self._motions.values():
            await motion.close()
        await self.aside.close()
        self.house.close()
