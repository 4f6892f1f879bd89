"""`onmaru serve`: the home process of this house. HTTP, followers and the witness share one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import uvloop

from onmaru.app import settings as chosen
from onmaru.app.house import MAIN, House, place
from onmaru.app.running import Running
from onmaru.kernel.audit import Access
from onmaru.kernel.room import Hall
from onmaru.web.application import build
from onmaru.web.doors import AuditFilter, Doors, Settings
from onmaru.web.server import server

log = logging.getLogger("onmaru")


@click.command()
@click.option("--host", default=None, help="Address to listen on.")
@click.option("--port", type=int, default=None, help="Port to listen on.")
def serve(host: str | None, port: int | None) -> None:
    """Serve until interrupted; everything acknowledged is on the disk."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    found = chosen.load()
    address = host or str(found["host"].value)
    number = port or int(found["port"].value)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serving(House(place()), address, number))


async def serving(house: House, host: str, port: int, ready: asyncio.Event | None = None) -> None:
    """Serve a house until SIGINT or SIGTERM, then close it."""
    running = Running(house)
    running.motion(MAIN)
    doors = wire(running, chosen.load())
    listening = server(build(doors), host, port)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stop.set)
    task = asyncio.create_task(listening.serve())
    log.info("serving http://%s:%d", host, port)
    if ready is not None:
        ready.set()
    ended = asyncio.create_task(stop.wait())
    await asyncio.wait([task, ended], return_when=asyncio.FIRST_COMPLETED)
    listening.stop()  # type: ignore[no-untyped-call]
    with contextlib.suppress(Exception):
        await asyncio.wait_for(task, 5)
    await running.close()
    log.info("closed")


def wire(running: Running, found: Mapping[str, chosen.Chosen]) -> Doors:
    """The web's doors onto a running house."""
    house = running.house
    limits: dict[str, Any] = {name: setting.value for name, setting in found.items()}

    def audit(tenant: str, row: Access) -> None:
        house.seat(tenant).home.trail.add(row)

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
        hall=house.hall,
        durable=running.durable,
        audit=audit,
        audit_page=audit_page,
        changes=running.changes,
        rooms=house.rooms,
        settings=Settings(
            body=limits["max_body_bytes"],
            entries=limits["max_entries"],
            seconds=limits["max_seconds"],
            static=Path(__file__).parents[1] / "web" / "static",
        ),
    )
