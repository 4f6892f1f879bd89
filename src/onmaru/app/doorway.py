"""The doors of a running house: one `Door` a tenant for messages and for replays, each refusal kept on file."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from onmaru.adapters import mllp
from onmaru.adapters.door import Door
from onmaru.adapters.hl7v2 import ack, refused
from onmaru.adapters.letters import bury
from onmaru.adapters.receipt import Receipt, Source
from onmaru.app.fresh import new_id
from onmaru.app.hearing import Ear
from onmaru.app.house import MAIN, now, system
from onmaru.app.refusal import verdict
from onmaru.app.running import Running
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.audit import Access
from onmaru.kernel.room import Hall

# The zone of times that come without one
ZONE = "+09:00"
FULL = "this tenant holds as many versions of resources as it may"
log = logging.getLogger("onmaru.doors")


class Count(msgspec.Struct):
    """What came through one door since the server started. `last` is µs since 1970 UTC (0: nothing yet)."""

    received: int = 0
    accepted: int = 0
    rejected: int = 0
    dead: int = 0
    last: int = 0


class Doorway:
    """Takes messages for any tenant, one after the other on the event loop, and is the web's `Letters`.

    `ear`: the process that hears them beforehand, where there is one. `tls`: what the MLLP listener with TLS shows.
    `since`: when it began, in µs since 1970 UTC.
    """

    def __init__(self, running: Running, peers: Sequence[mllp.Peer]) -> None:
        self.running = running
        self.peers = peers
        self.listening = False
        self.ear: Ear | None = None
        self.tls: ssl.SSLContext | None = None
        self._doors: dict[str, Door] = {}
        self._counts = {(peer.tenant, peer.name): Count() for peer in peers}
        self._http: dict[str, Count] = {}
        self.since = now()
        self.alarms: Callable[[str], Sequence[Mapping[str, Any]]] = lambda tenant: ()
        self._noting: set[asyncio.Task[None]] = set()

    def door(self, tenant: str) -> Door:
        """The one door of a tenant: it remembers what it wrote last, so there must be no second.

        What it remembers is no longer so once another worker wrote.
        """
        found = self._doors.get(tenant)
        if found is None:
            found = self._doors[tenant] = Door(now, new_id)
            self.running.house.heeded(tenant, found.forget)
        return found

    def forget(self, tenant: str) -> None:
        """Remember nothing that was written or heard before, as after an erasure."""
        self.door(tenant).forget()
        if self.ear is not None:
            self.ear.forget()

    # -- messages --------------------------------------------------------------------------------------------------

    async def take(self, tenant: str, data: bytes, peer: mllp.Peer) -> Receipt:
        """Take one message of a peer; a fault of ours is a dead letter and AE, never a lost message.

        Where the tenant is closed or full nothing is kept and the answer is AR: its sender keeps the message.
        """
        why = self._shut(tenant)
        if why:
            return _refused(data, why)
        motion = self.running.motion(tenant)
        motion.arrived()
        motion.ear = self.ear
        heard = None if self.ear is None else await self.ear.hear(data, ZONE)
        house = self.running.house
        home = house.seat(tenant).home
        hall = house.hall(system(tenant, f"mllp/{peer.name}"))
        source = Source("mllp", peer.name, "hl7v2", ZONE, settle=lambda: home.wait(home.tip()))
        try:
            receipt = self.door(tenant).hear(hall, data, source, heard)
        except Exception as error:  # noqa: BLE001 - the sender must be answered, and the message kept, whatever happens
            receipt = _failed(hall, data, source, error)
        self._note(tenant, peer.name, receipt)
        return receipt

    async def durable(self, tenant: str, receipt: Receipt) -> None:
        """Return once what the receipt tells of is on the disk; only then may the sender hear of it."""
        if receipt.accepted or receipt.dead or not self.running.house.tenancies.closed(tenant):
            await self.running.durable(tenant, receipt.position)

    def _shut(self, tenant: str) -> str:
        """Why nothing is taken for a tenant now; "" where it is."""
        house = self.running.house
        closed = house.tenancies.closed(tenant)
        most = house.tenancies.of(tenant).limits.resources
        return FULL if not closed and most and house.seat(tenant).home.tip() >= most else closed

    def refuse(self, refusal: mllp.Refusal) -> None:
        """Keep on file that a peer was turned away; of no tenant's, so in the default one's trail."""
        row = Access(now(), "", (), "", "execute", "mllp", (), False, refusal.reason, "", refusal.address)
        self.running.house.seat(MAIN).home.trail.add(row)
        task = asyncio.ensure_future(self.running.durable(MAIN, 0))
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    def _note(self, tenant: str, name: str, receipt: Receipt) -> None:
        count = self._counts.setdefault((tenant, name), Count())
        count.received += receipt.accepted + receipt.rejected
        count.accepted += receipt.accepted
        count.rejected += receipt.rejected
        count.dead += receipt.dead
        count.last = now()

    def came(self, tenant: str, accepted: bool) -> None:
        """Count one request by HTTP to write: a transaction is one. What is refused there is its sender's to mend."""
        count = self._http.setdefault(tenant, Count())
        count.received += 1
        count.accepted += accepted
        count.rejected += not accepted
        count.last = now()

    # -- what the pages ask ----------------------------------------------------------------------------------------

    def lines(self, hall: Hall) -> Sequence[Mapping[str, Any]]:
        """The health of the tenant's doors: alarms, HTTP, then one row a peer, counted since the server started."""
        here, state = hall.caller.tenant, "listening" if self.listening else "closed"
        peers = [
            self._line(name, "mllp", state, count) for (tenant, name), count in self._counts.items() if tenant == here
        ]
        return [*self.alarms(here), self._line("HTTP", "fhir", "listening", self._http.get(here, Count())), *peers]

    def _line(self, name: str, kind: str, state: str, count: Count) -> Mapping[str, Any]:
        return {
            "name": name,
            "kind": kind,
            "state": state,
            "received": count.received,
            "accepted": count.accepted,
            "rejected": count.rejected,
            "dead": count.dead,
            "last": _instant(count.last) if count.last else None,
            "since": _instant(self.since),
        }

    def totals(self) -> Mapping[str, Count]:
        """What came by each kind of door, whoever's it was."""
        return {"fhir": _sum(self._http.values()), "mllp": _sum(self._counts.values())}

    def page(self, hall: Hall, state: str) -> Mapping[str, Any]:
        """See `DeadLetters.page`."""
        return self.door(hall.caller.tenant).letters.page(hall, state)

    def one(self, hall: Hall, id: str) -> Mapping[str, Any]:
        """See `DeadLetters.one`."""
        return self.door(hall.caller.tenant).letters.one(hall, id)

    def mend(self, hall: Hall, id: str, text: str) -> Mapping[str, Any]:
        """See `DeadLetters.mend`."""
        return self.door(hall.caller.tenant).letters.mend(hall, id, text)

    def replay(self, hall: Hall, id: str) -> Mapping[str, Any]:
        """See `DeadLetters.replay`."""
        return self.door(hall.caller.tenant).letters.replay(hall, id)


def _sum(counts: Iterable[Count]) -> Count:
    whole = Count()
    for one in counts:
        whole.received += one.received
        whole.accepted += one.accepted
        whole.rejected += one.rejected
        whole.dead += one.dead
    return whole


def _failed(hall: Hall, data: bytes, source: Source, error: Exception) -> Receipt:
    place, _ = verdict(error)
    log.error("a message could not be taken: %s", place)
    reason = "the receiver failed; the message is kept as a dead letter"
    receipt = Receipt(ack="AE", rejected=1, dead=1, reason=reason, code=refused.INTERNAL)
    try:
        id, receipt.position = bury(hall, data, source, receipt, _instant(now()))
    except Invalid as full:
        # Suspended meanwhile, or over its limits: what cannot be kept here stays with its sender
        return _refused(data, full.issues[0].text)
    receipt.letters.append(id)
    receipt.reply = ack.acknowledge(data, "AE", _stamp(), (receipt.code, reason, ""))
    return receipt


def _refused(data: bytes, reason: str) -> Receipt:
    """Turned away for what is no fault of the message's (HL7 v2.5.1, 2.9.2.2): it may be sent again later."""
    reply = ack.acknowledge(data, "AR", _stamp(), (refused.INTERNAL, reason, ""))
    return Receipt(ack="AR", rejected=1, reason=reason, code=refused.INTERNAL, reply=reply)


def _stamp() -> str:
    return datetime.fromtimestamp(now() / 1e6, UTC).strftime("%Y%m%d%H%M%S+0000")


def _instant(at: int) -> str:
    return datetime.fromtimestamp(at / 1e6, UTC).isoformat(timespec="milliseconds")
