"""`onmaru serve`: the home process of this house. HTTP, MLLP, followers and the witness share one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click
import uvloop

from onmaru.adapters import mllp
from onmaru.app import hearing, logs
from onmaru.app import settings as chosen
from onmaru.app.beside import answering, beside
from onmaru.app.bulk.desk import Desk
from onmaru.app.bulk.exporting import Exporting
from onmaru.app.bulk.importing import Importing
from onmaru.app.bulk.run import Work
from onmaru.app.bulk.searching import Searching
from onmaru.app.calm import calm
from onmaru.app.certificates import certificate
from onmaru.app.control import Control
from onmaru.app.described import describe
from onmaru.app.doorway import Doorway
from onmaru.app.erasing import Erasing
from onmaru.app.errands import Projected, Readied
from onmaru.app.health import Health
from onmaru.app.house import MAIN, House, now, place
from onmaru.app.keeper import Keeper
from onmaru.app.morning import Morning, bill
from onmaru.app.outbound import Fetching, rules
from onmaru.app.peers import peers
from onmaru.app.providers import providers
from onmaru.app.purging import Purging
from onmaru.app.reacting import Reactions
from onmaru.app.refusal import Refusal
from onmaru.app.running import Running
from onmaru.app.subscriptions.stations import Stations, stands
from onmaru.app.subscriptions.tuning import receivers_address, tuning
from onmaru.app.subscriptions.ways import Ways
from onmaru.engines.outbound import NetworkOutbound
from onmaru.kernel.audit import Access
from onmaru.kernel.background import Background
from onmaru.kernel.caller import Caller
from onmaru.kernel.errand import Errand, Result
from onmaru.kernel.outbound import Rules
from onmaru.kernel.room import Hall
from onmaru.kernel.why import Explanation, explain
from onmaru.web.application import build
from onmaru.web.doors import AuditFilter, Doors, Settings
from onmaru.web.server import Entry, server
from onmaru.web.sockets import Sockets

# How long the first request may be kept waiting so that those after it are not; the rest is done between them.
WARM_SECONDS = 3.0
# What was begun when the server is told to stop may end for so long
FINISH_SECONDS = 10.0
# How long a thread that follows or writes may keep the loop waiting for the interpreter
SWITCH_SECONDS = 0.001
# Files and connections that this process may hold at once
OPEN_FILES = 32_768
Found = Mapping[str, chosen.Chosen]
log = logging.getLogger("onmaru")


@click.command()
@click.option("--host", default=None, help="Address to listen on.")
@click.option("--port", type=int, default=None, help="Port to listen on.")
@click.option("--store", default=None, help="PostgreSQL that holds the record, postgresql://user@host/database.")
def serve(host: str | None, port: int | None, store: str | None) -> None:
    """Serve HTTP and MLLP until interrupted; everything acknowledged is on the disk."""
    environ = os.environ if store is None else {**os.environ, "ONMARU_STORE": store}
    found = dict(chosen.load(environ))
    logs.begin(str(found["log_format"].value), str(found["log_level"].value))
    for name, given in (("host", host), ("port", port)):
        if given is not None:
            found[name] = chosen.Chosen(given, "command line")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_told(House(place(environ)), found))


async def _until_told(house: House, found: Found) -> None:
    """Serve a house until SIGINT or SIGTERM, then close it."""
    async with served(house, found, peers()) as standing:
        await ended(standing)
    log.info("closed")


class Served(NamedTuple):
    """A house that is being served: its HTTP address, the MLLP port without TLS (0: none) and the server's own task."""

    running: Running
    doorway: Doorway
    address: str
    mllp_port: int
    task: asyncio.Task[None]


@contextlib.asynccontextmanager
async def served(house: House, found: Found, allowed: Sequence[mllp.Peer]) -> AsyncIterator[Served]:
    """Serve a house while the context lasts; then finish what was begun and close it."""
    host, port = str(found["host"].value), int(found["port"].value)
    describe()
    running = Running(house)
    outbound = NetworkOutbound(rules(), sender=str(found["mail_from"].value))
    pair = certificate(found)
    sockets = Sockets(now, partial(stands, house))
    stations = Stations(
        running, Ways(outbound, rules(), sockets, now), tuning(found), receivers_address(found, tls=pair is not None)
    )
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(WARM_SECONDS):
            await asyncio.shield(running.motion(MAIN).warmed)
    await running.motion(MAIN).opened()
    calm()
    _roomy()
    sys.setswitchinterval(SWITCH_SECONDS)
    doorway = Doorway(running, allowed)
    keeper = Keeper(running)
    await keeper.go_on()
    control = Control(running, keeper)
    listeners: list[mllp.Server] = []
    reactions: Reactions | None = None
    desk = Desk(running, works(rules()), float(found["job_hours"].value))
    health = Health(running, int(found["disk_least_mb"].value) << 20)
    application = build(wire(doorway, found, keeper, health.parts, desk, (outbound, stations)))
    house.tenancies.changed += [_on_loop(one.reconsider) for one in (application, desk, keeper)]
    application.warm()
    listening = server(Entry(application, sockets), host, port, pair, websockets=True)
    address = f"{'https' if pair else 'http'}://{host}:{port}"
    task = asyncio.create_task(listening.serve())
    try:
        await answering(task, host, port)
        log.info("serving %s", address)
        plain = await _listen(doorway, found, listeners)
        await control.start()
        desk.start()
        stations.resume()
        reactions = Reactions(running, outbound)
        async with beside(found, application, doorway, health, listening):
            yield Served(running, doorway, address, plain, task)
    finally:
        await health.close()
        await control.stop()
        if reactions is not None:
            await reactions.close()
        for listener in listeners:
            await listener.stop()
        if doorway.ear is not None:
            await doorway.ear.close()
        sockets.end()
        if not await application.finished(FINISH_SECONDS):
            log.warning("requests that ran for more than %.0f s were cut off", FINISH_SECONDS)
        await desk.stop()
        listening.stop()  # type: ignore[no-untyped-call]  # granian's embedded server has no types
        with contextlib.suppress(Exception):
            async with asyncio.timeout(5):
                await task
        await keeper.stop()
        await stations.close()
        await running.close()


def _on_loop(tell: Callable[[str], None]) -> Callable[[str], object]:
    """The same on this loop, whichever thread sees first that a tenant is otherwise."""
    loop = asyncio.get_running_loop()
    return lambda tenant: loop.call_soon_threadsafe(partial(tell, tenant))


def _roomy() -> None:
    """Let this process hold many connections, where the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def ended(standing: Served) -> None:
    """Return on SIGINT, SIGTERM or the server's own end. A second signal ends the process as it stands: nothing
    acknowledged is lost by that, and a house whose closing hangs is not beyond reach."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stop.set)
    told = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([standing.task, told], return_when=asyncio.FIRST_COMPLETED)
    finally:
        told.cancel()
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(one)


async def _listen(doorway: Doorway, found: Found, listeners: list[mllp.Server]) -> int:
    """Open the MLLP listeners that the settings ask for; gives the port of the one without TLS."""
    host = str(found["mllp_host"].value)
    plain, tls = int(found["mllp_port"].value), int(found["mllp_tls_port"].value)
    unknown = sorted({peer.tenant for peer in doorway.peers if not doorway.running.house.exists(peer.tenant)})
    if unknown:
        raise Refusal(f"setting mllp.peer: there is no tenant {unknown[0]}; `onmaru tenant add {unknown[0]}` makes it")
    if not host:
        return 0
    doorway.tls = _tls(found) if tls else None
    for port, context in ((plain, None), (tls, doorway.tls)):
        if port:
            listener = mllp.Server(doorway.peers, doorway.take, doorway.durable, doorway.refuse)
            await listener.start(host, port, context)
            listeners.append(listener)
            log.info("listening for HL7 v2 on %s:%d%s", host, port, " with TLS" if context else "")
    doorway.listening = bool(listeners)
    if listeners and hearing.worth():
        doorway.ear = hearing.Ear()
    return plain


def _tls(found: Found) -> ssl.SSLContext:
    certificate, key, authorities = (str(found[f"mllp_{name}"].value) for name in ("certificate", "key", "authorities"))
    if not certificate or not key:
        raise Refusal("mllp_tls_port needs the settings mllp_certificate and mllp_key")
    return mllp.tls_context(certificate, key, authorities)


def works(allowed: Rules) -> Sequence[Work]:
    """What is done in the background; `allowed`: where tenants may be sent."""
    return Exporting(), Importing(NetworkOutbound(allowed), allowed), Searching()


Leaving = tuple[NetworkOutbound, Stations]


def wire(
    doorway: Doorway,
    found: Found,
    keeper: Keeper,
    health: Callable[[], Mapping[str, str]] = dict,
    background: Background | None = None,
    leaving: Leaving | None = None,
) -> Doors:
    """The web's doors onto a running house."""
    running, house = doorway.running, doorway.running.house
    outbound, stations = leaving or (NetworkOutbound(rules()), None)
    fetching = Fetching(outbound)
    limits: dict[str, Any] = {name: setting.value for name, setting in found.items()}

    def audit(tenant: str, row: Access) -> None:
        house.seat(tenant).home.trail.add(row)

    async def carry(errand: Errand) -> Result | None:
        reply = await running.aside.carry(errand)
        return None if isinstance(reply, Projected | Readied) else reply

    def why(caller: Caller, name: tuple[str, str], keeper: bool) -> Explanation:
        return explain(house.seat(caller.tenant).tenant, caller, name, house.logins.table, keeper=keeper)

    def audit_page(hall: Hall, asked: AuditFilter) -> Any:
        return house.seat(hall.caller.tenant).home.trail.page(
            patient=asked.patient,
            user=asked.user,
            since=asked.since,
            until=asked.until,
            before=asked.before,
            count=asked.count,
        )

    return Doors(
        logins=house.logins,
        tenants=house.exists,
        door=house.door,
        hall=house.hall,
        durable=running.durable,
        audit=audit,
        audit_page=audit_page,
        changes=running.changes,
        why=why,
        carry=carry,
        lines=doorway.lines,
        came=doorway.came,
        closed=house.tenancies.closed,
        searched=lambda tenant: house.seat(tenant).tenant.rules.parameters if tenant in house.opened else {},
        limits=lambda tenant: house.tenancies.of(tenant).limits,
        health=health,
        operating=Morning(doorway, health, found, stations).told,
        bill=bill,
        keeping=keeper,
        letters=doorway,
        erasing=Erasing(doorway),
        purging=Purging(running),
        subscriptions=stations,
        background=background,
        ready=running.ready,
        fetch=fetching.fetch,
        send=fetching.send,
        provider=providers().get,
        rooms=house.rooms,
        settings=Settings(
            base=limits["base"],
            proxies=tuple(limits["proxies"].split()),
            body=limits["max_body_bytes"],
            depth=limits["max_depth"],
            entries=limits["max_entries"],
            seconds=limits["max_seconds"],
            language=limits["language"],
            static=Path(__file__).parents[1] / "web" / "static",
        ),
    )
