"""The audit trail's purge wired: by HTTP, at the keyboard, and each day where the settings ask for it; never by itself.

The row that says what goes is on the disk before anything goes.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from typing import Any

from onmaru.app import settings
from onmaru.app.erasing import sliced
from onmaru.app.house import House, Seat, now, system
from onmaru.app.running import Running
from onmaru.engines.sqlite.connection import truncated
from onmaru.engines.sqlite.home import Home
from onmaru.kernel.audit_retention import Asked, Purge, carrying_out, planning, row, told
from onmaru.kernel.caller import Caller
from onmaru.kernel.erasure import driven

EVERY = 86_400.0
DAILY = "daily"
log = logging.getLogger("onmaru")


def wish(house: House, tenant: str, years: int | None, reason: str) -> Asked:
    """A purge as it is asked for: by default of what the tenant's setting lets go."""
    least = int(_set(house, tenant, "audit_years"))
    return Asked(least if years is None else years, reason, least)


def _set(house: House, tenant: str, name: str) -> Any:
    return settings.of_tenant(name, tenant, {**os.environ, "ONMARU_HOME": str(house.where.home)})


def purged(house: House, caller: Caller, asked: Asked, *, rehearse: bool) -> Mapping[str, Any]:
    """Purge in a house that nobody serves; all of it is done when this returns."""
    seat = house.seat(caller.tenant)
    plan = driven(planning(seat.home.trail, asked, now()))
    if plan is not None and not rehearse:
        _say(seat, caller, asked, plan)
        seat.home.wait(seat.home.tip())
        driven(carrying_out(seat.home.trail, plan))
        _emptied(seat)
    return told(plan, done=not rehearse)


class Purging:
    """The web's door: purges in a running house."""

    def __init__(self, running: Running) -> None:
        self._running = running

    async def purge(self, caller: Caller, years: int | None, reason: str, *, rehearse: bool) -> Mapping[str, Any]:
        """See `Doors.purging`."""
        seat, asked = self._running.motion(caller.tenant).seat, wish(self._running.house, caller.tenant, years, reason)
        plan = await sliced(planning(seat.home.trail, asked, now()))
        if plan is not None and not rehearse:
            _say(seat, caller, asked, plan)
            await self._running.durable(caller.tenant, -1)
            await sliced(carrying_out(seat.home.trail, plan))
            _emptied(seat)
        return told(plan, done=not rehearse)


class Daily:
    """Purges each open tenant whose setting `audit_purge` is `daily`, now and every day."""

    def __init__(self, running: Running, every: float = EVERY) -> None:
        self._running, self._every = running, every
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            for motion in self._running.motions:
                await self._look(motion.seat.tenant.name)
            await asyncio.sleep(self._every)

    async def _look(self, tenant: str) -> None:
        try:
            if _set(self._running.house, tenant, "audit_purge") != DAILY:
                return
            done = await Purging(self._running).purge(system(tenant), None, "setting audit_purge", rehearse=False)
        except Exception as error:  # noqa: BLE001 - whatever hinders it today, it is tried again tomorrow
            log.error("the audit trail was not purged: %s", type(error).__name__)
            return
        if done["purged"]:
            log.info("the audit trail was purged of what is older than it is kept")

    async def close(self) -> None:
        """Purge no more; what was begun is gone on with at the next time."""
        self._task.cancel()


def _say(seat: Seat, caller: Caller, asked: Asked, plan: Purge) -> None:
    seat.home.trail.add(row(caller, asked, plan, now()))


def _emptied(seat: Seat) -> None:
    """Leave what was purged in no write-ahead log, where nobody else reads there just now."""
    if isinstance(seat.home, Home):
        truncated(seat.home.trail.db)  # type: ignore[arg-type]  # of files it is apsw's
