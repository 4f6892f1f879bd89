"""Which tenants have to be set in motion at a start though nobody asks for them: those with people in beds, or alerts.

Its law: a ladder that was climbing when the house stopped goes on climbing when it starts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress

from onmaru.app.house import House, system
from onmaru.app.refusal import verdict
from onmaru.app.running import Motion, Running
from onmaru.app.streams.station import ROOM
from onmaru.fhir.outcome import Invalid
from onmaru.rooms.monitor import views

log = logging.getLogger("onmaru.streams")
# Beside the tenant's own files: it says that somebody lies there, nothing of whom
MARK = "watched"
EVERY = 60.0


def watched(house: House) -> Iterator[str]:
    """The tenants in which somebody was to be watched when they were looked at last."""
    for tenant in house.tenants():
        if (house.folder(tenant) / MARK).exists() and not house.tenancies.closed(tenant):
            yield tenant


def left(house: House) -> Iterator[str]:
    """The tenants of which a journal is left: they have had streams, and what was acknowledged is to be charted."""
    for tenant in house.tenants():
        if any((house.folder(tenant) / "streams").glob("*.journal")) and not house.tenancies.closed(tenant):
            yield tenant


class Watched:
    """Keeps the marks of the tenants in motion."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop looking."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            for motion in self._running.motions:
                try:
                    self._look(motion)
                except Exception as error:  # noqa: BLE001 - the other tenants are looked at all the same
                    log.error("whether a tenant is watched is not known: %s", verdict(error)[0])
                await asyncio.sleep(0)
            await asyncio.sleep(EVERY)

    def _look(self, motion: Motion) -> None:
        tenant = motion.seat.tenant.name
        if not motion.ready.is_set():
            return
        with suppress(Invalid):
            lake = self._running.house.hall(system(tenant, "streams"), ROOM).lake
            somebody = bool(lake.query(views.BEDS, {}).table.num_rows)
            mark = self._running.house.folder(tenant) / MARK
            if somebody and not mark.exists():
                mark.touch()
            elif not somebody:
                mark.unlink(missing_ok=True)
