"""The stations of a house, one a tenant, begun when its first message comes or before.

Its law: a message that names no tenant of this house is nobody's: it is a dead letter, never read as somebody's; one that
names a suspended tenant is refused, neither read nor kept.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from onmaru.app.doorway import Doorway
from onmaru.app.house import MAIN
from onmaru.app.refusal import verdict
from onmaru.app.running import Motion
from onmaru.app.streams.intake import Fate
from onmaru.app.streams.station import ROOM, Station
from onmaru.rooms.monitor.board import Feed
from onmaru.rooms.monitor.wall import BEGINNING, TAKE

log = logging.getLogger("onmaru.streams")
# Seconds after which what could not be kept is tried again
AGAIN = 1.0


class Message(NamedTuple):
    """A broker's message: what to call once it is on the disk, and once it is known that it never will be, for its tenant is
    suspended; `why` it cannot be read ("").
    """

    payload: bytes
    done: Callable[[], object]
    refused: Callable[[], object]
    why: str = ""


class Source:
    """One broker, whose state every tenant that it feeds is told: `only` this one, or all. `of` gives its count in one."""

    def __init__(self, name: str, kind: str, only: str = "") -> None:
        self.name, self.kind, self.only, self.state = name, kind, only, "down"
        self._feeds: dict[str, Feed] = {}

    def of(self, station: Station) -> Feed:
        """The count of a tenant's messages."""
        feed = self._feeds[station.tenant] = station.feed(self.name, self.kind)
        feed.state = self.state
        return feed

    def told(self, state: str) -> None:
        """Take note of how it is: live or down."""
        self.state = state
        for feed in self._feeds.values():
            feed.state = state


class Stations:
    """`alone`: whether this worker may begin a station by itself; else only when it was given the tenant (`of`)."""

    def __init__(self, doorway: Doorway, *, alone: bool) -> None:
        self._doorway, self._running, self._alone = doorway, doorway.running, alone
        self._at: dict[str, Station] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._waiting: dict[str, list[tuple[Source, Message]]] = {}
        self._beginning: set[asyncio.Task[None]] = set()
        self._sources: list[Source] = []
        self._left: dict[str, asyncio.Task[None]] = {}
        # Suspended tenants of whose messages it was told that they are refused
        self._shut: set[str] = set()
        self._closing = False
        self._attended, self._departed = self._running.attend, self._running.depart
        self._running.attend, self._running.depart = self._attend, self._depart
        for name in {MAIN, *(motion.seat.tenant.name for motion in self._running.motions)}:
            self._open(name)

    def __getitem__(self, tenant: str) -> Station:
        return self._at[tenant]

    def fed(self, source: Source) -> None:
        """Have a source's state shown, before its first message too: a broker that cannot be reached is no silence."""
        self._sources.append(source)
        for station in self._at.values():
            self._show(station)

    def _show(self, station: Station) -> None:
        for source in self._sources:
            if source.only in ("", station.tenant):
                source.of(station)

    async def of(self, tenant: str) -> Station:
        """The station of a tenant, begun where it is not."""
        async with self._turns.setdefault(tenant, asyncio.Lock()):
            found = self._at.get(tenant)
            if found is None:
                self._memory(tenant)[BEGINNING] = True
                found = Station(self._running, tenant)
                try:
                    await found.start()
                except BaseException:
                    await found.close()
                    raise
                self._doorway.door(tenant).streams = found.replayed
                self._at[tenant] = found
                self._show(found)
            return found

    def take(self, tenant: str, source: Source, message: Message) -> None:
        """Take a message of a broker, or refuse it."""
        if self._closed(tenant):
            message.refused()
            return
        station = self._at.get(tenant)
        if station is not None and tenant not in self._waiting:
            self._offer(station, source, message)
            return
        first = tenant not in self._waiting
        self._waiting.setdefault(tenant, []).append((source, message))
        if first:
            task = asyncio.create_task(self._begun(tenant))
            self._beginning.add(task)
            task.add_done_callback(self._beginning.discard)

    async def _begun(self, tenant: str) -> None:
        """Begin a tenant's station for those that wait, in the order in which they came."""
        while not self._closed(tenant):
            try:
                station = await self.of(tenant)
                break
            except Exception as error:  # noqa: BLE001 - their sender holds them until it can be begun
                log.error("streams of a tenant could not begin: %s", verdict(error)[0])
                await asyncio.sleep(AGAIN)
        else:
            for _, message in self._waiting.pop(tenant):
                message.refused()
            return
        for source, message in self._waiting.pop(tenant):
            self._offer(station, source, message)

    def _closed(self, tenant: str) -> bool:
        """Whether nobody gets at the tenant now; told once each time."""
        if not self._running.house.tenancies.closed(tenant):
            self._shut.discard(tenant)
            return False
        if tenant not in self._shut:
            log.warning("messages to a suspended tenant are refused")
            self._shut.add(tenant)
        return True

    def _offer(self, station: Station, source: Source, message: Message) -> None:
        def fated(fate: Fate | None) -> None:
            if fate is not None:
                message.done()
            else:
                # A broker would only send it again with another connection
                again = partial(self.take, station.tenant, source, message)
                asyncio.get_running_loop().call_later(AGAIN, again)

        station.intake.offer(message.payload, source.of(station), fated, message.why)

    # -- tenants come and go -------------------------------------------------------------------------------------

    def _attend(self, tenant: str, motion: Motion) -> None:
        self._attended(tenant, motion)
        self._open(tenant)

    def _open(self, tenant: str) -> None:
        """Have a system's account of any tenant find the way in."""
        memory = self._memory(tenant)
        if self._alone:
            memory.setdefault(TAKE, partial(self._first, tenant))
        else:
            memory[BEGINNING] = True

    # -- what another worker goes on with ------------------------------------------------------------------------

    @property
    def charting(self) -> frozenset[str]:
        """Tenants whose journal is just being brought into the record: none of them can begin here."""
        return frozenset(self._left)

    def chart(self, tenant: str) -> None:
        """Bring what is left of a tenant's journal into the record, while another worker may hold the tenant."""
        if tenant not in self._left:
            self._left[tenant] = asyncio.create_task(self._charted(tenant))

    async def _charted(self, tenant: str) -> None:
        try:
            async with self._turns.setdefault(tenant, asyncio.Lock()):
                station = Station(self._running, tenant)
                try:
                    await station.taken_up()
                    await station.finished()
                finally:
                    await station.close()
                    self._open(tenant)
        except Exception as error:  # noqa: BLE001 - it stays in the journal, and is taken up by the next start
            log.error("a journal could not be charted: %s", verdict(error)[0])
        finally:
            del self._left[tenant]

    async def _first(self, tenant: str, payload: bytes) -> Fate | None:
        return await (await self.of(tenant)).taken(payload)

    async def _depart(self, tenant: str) -> None:
        await self.end(tenant)
        if tenant in self._left:
            self._left[tenant].cancel()
            await asyncio.wait([self._left[tenant]])
        self._running.house.memories.pop((tenant, ROOM), None)
        await self._departed(tenant)

    async def end(self, tenant: str) -> None:
        """Close a tenant's station; what is in its journal is taken up by the next."""
        async with self._turns.setdefault(tenant, asyncio.Lock()):
            station = self._at.pop(tenant, None)
            if station is not None:
                await station.close()
                if not self._closing:
                    self._open(tenant)
        if station is not None and not self._alone and not self._closing:
            self.chart(tenant)

    async def close(self) -> None:
        """Close them all."""
        self._closing = True
        tasks = [*self._beginning, *self._left.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for tenant in [*self._at]:
            await self.end(tenant)

    def _memory(self, tenant: str) -> dict[str, object]:
        return self._running.house.memories.setdefault((tenant, ROOM), {})
