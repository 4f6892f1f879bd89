"""A house in motion: group commits, followers, news and the witness, all on one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress

from onmaru.app.aside import Aside
from onmaru.app.house import House
from onmaru.engines.sqlite.pump import Pump
from onmaru.kernel.caller import Caller
from onmaru.web.doors import News

SLICE = 25
NEWS = 500
GATHER = 1000
GATHER_EVERY = 5.0
WITNESS_EVERY = 60.0
YIELD = 4.0
PATIENCE = 30.0


class Motion:
    """One tenant in motion. `followed`: what every hot projection has reached; `moved` wakes who waits for it."""

    def __init__(self, house: House, tenant: str) -> None:
        self.seat = house.seat(tenant)
        self.pump = Pump(self.seat.home, self._settled)
        self.followed = self.seat.home.head()
        self._wake = asyncio.Event()
        self.moved = asyncio.Condition()
        self._task = asyncio.create_task(self._follow())
        self._closing = asyncio.Event()
        self.warmed = asyncio.create_task(self._warm())
        self._gathering = asyncio.create_task(self._gather())

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
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            head = self.seat.home.head()
            for projection in self.seat.hot.projections:
                started = loop.time()
                while self.seat.hot.catch_up(projection, self.seat.home, SLICE):
                    # In a crowd those who wait for an answer come first, but following never stands still.
                    await asyncio.sleep((loop.time() - started) * YIELD if self.pump.busy else 0)
                    started = loop.time()
            self.followed = head
            async with self.moved:
                self.moved.notify_all()

    async def _gather(self) -> None:
        """Bring the columnar tables up every few seconds, so that a file holds many versions; written in a thread."""
        columnar = self.seat.columnar
        while not self._closing.is_set():
            for projection in columnar.projections:
                while batch := self.seat.home.read(columnar.position(projection), GATHER):
                    await asyncio.to_thread(columnar.take, projection, batch)
                    await self._quiet()
                    if self._closing.is_set():
                        return
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_EVERY):
                    await self._closing.wait()

    async def _quiet(self) -> None:
        """Wait for the crowd to pass, but not for ever: research tables may lag, not stand still."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while self.pump.busy and not self._closing.is_set():
                    await asyncio.sleep(0.1)

    async def changes(self, caller: Caller, after: int) -> AsyncIterator[News]:
        """News after a position (0: from now on), without what this caller may not see."""
        position = after or self.followed
        while True:
            async with self.moved:
                while self.followed <= position:
                    await self.moved.wait()
            sight = self.seat.tenant.gate.sight(caller)
            batch = self.seat.home.read(position, min(NEWS, self.followed - position))
            patients: set[str] = set()
            types: set[str] = set()
            for version in batch:
                if not version.type:
                    continue
                whose = self.seat.home.index.compartments(version)
                if sight.sees(version.type, whose):
                    patients.update(whose.own)
                    types.add(version.type)
            position = batch[-1].t
            if types:
                yield News(position, sorted(patients), sorted(types))
            else:
                # Who may see nothing of a long past must not hold up the others
                await asyncio.sleep(0)

    async def close(self) -> None:
        """Stop following; what is buffered is committed by the house."""
        self._task.cancel()
        self._closing.set()
        await self._gathering
        await self.warmed
        await self.pump.close()


class Running:
    """Every tenant in motion, opened on first use."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._motions: dict[str, Motion] = {}
        self.aside = Aside()
        self._witness = asyncio.create_task(self._sign())

    def motion(self, tenant: str) -> Motion:
        """The tenant, in motion."""
        if tenant not in self._motions:
            self.house.catch_up(tenant)
            self._motions[tenant] = Motion(self.house, tenant)
        return self._motions[tenant]

    def durable(self, tenant: str, t: int) -> Awaitable[None]:
        """See `Motion.durable`."""
        return self.motion(tenant).durable(t)

    def changes(self, caller: Caller, after: int) -> AsyncIterator[News]:
        """See `Motion.changes`."""
        return self.motion(caller.tenant).changes(caller, after)

    async def _sign(self) -> None:
        """Sign the heads every minute, each tenant after its own group commit."""
        while True:
            await asyncio.sleep(WITNESS_EVERY)
            for motion in self._motions.values():
                await motion.pump.durable()
            self.house.witness()

    async def close(self) -> None:
        """Stop everything and close the house."""
        self._witness.cancel()
        for motion in self._motions.values():
            await motion.close()
        await self.aside.close()
        self.house.close()
