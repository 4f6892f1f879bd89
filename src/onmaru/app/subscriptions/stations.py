"""The stations of all tenants of a running house, and what the web asks of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from onmaru.app.house import MAIN, House
from onmaru.app.refusal import verdict
from onmaru.app.running import Motion, Running
from onmaru.app.subscriptions.runner import Runner
from onmaru.app.subscriptions.sight import Eyes
from onmaru.app.subscriptions.station import Station
from onmaru.app.subscriptions.tuning import Tuning
from onmaru.app.subscriptions.ways import Ways
from onmaru.app.subscriptions.world import World
from onmaru.fhir.subscriptions.notification import Kind, Standing, Told
from onmaru.fhir.verbatim import instant
from onmaru.kernel.accounts import Grant
from onmaru.kernel.audit import access
from onmaru.kernel.caller import Caller
from onmaru.kernel.subscribing import Owner
from onmaru.web.sockets import LASTS, Binding

# Events in one answer of $events
MOST = 200
log = logging.getLogger("onmaru.subscriptions")


class Stations:
    """One a tenant, opened with it; `address` is this server's own, as receivers are told it."""

    def __init__(self, running: Running, ways: Ways, tuning: Tuning, address: str) -> None:
        self._running = running
        self._ways = ways
        self._tuning = tuning
        self._address = address
        self._stations: dict[str, Station] = {}
        self._starting: dict[str, asyncio.Task[None]] = {}
        running.attend, running.depart = self._attend, self._depart
        ways.sockets.bound, ways.sockets.heard, ways.sockets.left = self._greeting, self._heard, self._left

    def resume(self) -> None:
        """Open every tenant in which something is subscribed to."""
        for tenant in self._running.house.tenants():
            if self._running.house.subscribed(tenant):
                self._running.motion(tenant)

    def _attend(self, tenant: str, motion: Motion) -> None:
        house, seat = self._running.house, motion.seat
        world = World(
            tenant=seat.tenant,
            book=seat.book,
            logins=house.logins,
            pieces=motion.pieces,
            head=lambda: motion.followed,
            moved=motion.past,
            durable=motion.pump.durable,
            open=lambda: house.exists(tenant) and not house.tenancies.closed(tenant),
            way=_Way(self._ways, tenant),
            base=self._address + ("" if tenant == MAIN else f"/t/{tenant}") + "/fhir",
            alone=house.store is None,
        )
        house.heeded(tenant, seat.book.forget)
        self._stations[tenant] = Station(world, self._tuning)
        self._starting[tenant] = asyncio.create_task(self._start(tenant))

    async def _start(self, tenant: str) -> None:
        try:
            await self._stations[tenant].start()
        except Exception as error:  # noqa: BLE001 - the house serves on; what is wrong is told where its keeper looks
            log.error("subscriptions of tenant %s do not run: %s", tenant, verdict(error)[0])

    async def close(self) -> None:
        """Stop them all and save how far each has come."""
        for tenant in [*self._stations]:
            await self._depart(tenant)
        self._ways.close()

    async def _depart(self, tenant: str) -> None:
        """Stop one, before its tenant is closed."""
        station = self._stations.pop(tenant, None)
        if station is not None:
            starting = self._starting.pop(tenant)
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            await station.close()

    # -- what the web asks --------------------------------------------------------------------------------------------

    def standing(self, caller: Caller, id: str, base: str) -> Standing | None:
        """How a subscription stands; how much it has told is for its owner alone. None where it never began."""
        runner = self._runner(caller, id)
        if runner is not None:
            owner, progress, topic = runner.owner, runner.progress, runner.asked.topic
        else:
            found, kept = self._running.house.seat(caller.tenant).book.ledger.row(id)
            if found is None or kept is None:
                return None
            owner, progress, topic = found, kept, ""
        total = progress.number if owner.user == caller.user else None
        return Standing(base, id, topic, progress.state, total, progress.error)

    def events(self, caller: Caller, id: str, since: int, until: int) -> Sequence[Told] | None:
        """The events since … until that this caller may be told now, at most MOST, having noted whom they disclose; None for
        who does not own it.
        """
        seat = self._running.house.seat(caller.tenant)
        owner, progress = seat.book.ledger.row(id)
        if owner is None or progress is None or owner.user != caller.user:
            return None
        known = seat.book.ledger.events(id, since, min(until, progress.number), MOST)
        eyes = Eyes(seat.tenant, caller)
        found = eyes.told(known)
        target, now = f"Subscription/{id}/$events", seat.tenant.now()
        seat.tenant.trail.add(access(caller, "execute", target, now, patients=sorted(eyes.patients)))
        return found

    def token(self, caller: Caller, ids: Sequence[str], standing: Grant) -> tuple[str, Binding] | None:
        """A token by which a websocket may hear these subscriptions; None where one of them is not the caller's to hear."""
        for id in ids:
            runner = self._runner(caller, id)
            if runner is None or runner.asked.channel != "websocket" or not _may_hear(standing, runner.owner):
                return None
        expires = min(standing.expires, self._running.house.logins.now() + LASTS)
        binding = Binding(caller.tenant, caller.user, caller.grant, tuple(ids), expires)
        return self._ways.sockets.token(binding), binding

    def _greeting(self, tenant: str, id: str) -> str:
        station = self._stations.get(tenant)
        runner = station.runners.get(id) if station is not None else None
        return "" if runner is None else self._ways.words(runner, "handshake", ())

    def _heard(self, tenant: str, id: str) -> None:
        """Somebody listens from now on."""
        station = self._stations.get(tenant)
        if station is not None and id in station.runners:
            station.runners[id].wake()

    def _left(self, tenant: str, id: str) -> None:
        """Nobody listens any more."""
        station = self._stations.get(tenant)
        if station is not None and id in station.runners:
            station.runners[id].doubt()

    def topics(self, tenant: str) -> Sequence[str]:
        """The urls of the topics of a tenant that is open here."""
        return sorted(self._running.house.seat(tenant).book.topics()) if tenant in self._stations else ()

    def going(self, tenant: str) -> Mapping[str, Mapping[str, Any]]:
        """See the door; `behind` counts positions of the log, `next` is when it is tried again."""
        station = self._stations.get(tenant)
        head = self._running.motion(tenant).followed
        return {} if station is None else {id: _told(runner, head) for id, runner in station.runners.items()}

    async def revive(self, tenant: str, id: str) -> bool:
        """See the door."""
        station = self._stations.get(tenant)
        return station is not None and await station.revive(id)

    def states(self, tenant: str) -> Sequence[str]:
        """The state of each that this server serves."""
        station = self._stations.get(tenant)
        return () if station is None else [one.progress.state for one in station.runners.values()]

    def _runner(self, caller: Caller, id: str) -> Runner | None:
        station = self._stations.get(caller.tenant)
        return None if station is None else station.runners.get(id)


def stands(house: House, tenant: str, key: bytes) -> bool:
    """Whether a grant of a tenant that is open still does."""
    grant = house.logins.accounts.grant(key)
    return not house.tenancies.closed(tenant) and grant is not None and house.logins.stands(grant) is not None


def _told(runner: Runner, head: int) -> Mapping[str, Any]:
    progress = runner.progress
    return {
        "user": runner.owner.user,
        "state": progress.state,
        "error": progress.error,
        "number": progress.number,
        "sent": progress.sent,
        "position": runner.reached,
        "behind": max(0, head - runner.reached),
        "failures": progress.failures,
        "since": instant(progress.since) if progress.since else None,
        "next": instant(runner.due) if runner.due and progress.failures else None,
    }


def _may_hear(grant: Grant, owner: Owner) -> bool:
    """Its user's own: by the grant that made it, one of the same consent, or one that nothing limits."""
    if grant.user != owner.user:
        return False
    return grant.key == owner.grant or not grant.limited or bool(grant.family and grant.family == owner.family)


class _Way:
    def __init__(self, ways: Ways, tenant: str) -> None:
        self._ways = ways
        self._tenant = tenant
        self.turn = ways.turn

    async def tell(self, runner: Runner, kind: Kind, events: Sequence[Told]) -> None:
        await self._ways.tell(self._tenant, runner, kind, events)
