"""An alarm when much of a record is rewritten, deleted or erased in a short time, by malice or by a broken interface.

It follows the headers of the log alone, in a thread and on a connection of its own. It alarms and stops nobody.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from onmaru.app.house import now, system
from onmaru.app.running import Motion, Running
from onmaru.kernel.audit import access

if TYPE_CHECKING:
    from onmaru.engines.postgres.home import PgHome
    from onmaru.engines.sqlite.home import Home

LOOK_EVERY = 15.0
MINUTE = 60_000_000
# An alarm is shown for so long after the last time that it held (µs), so that who comes in the morning sees it
SHOWN = 24 * 60 * MINUTE
_COUNTED = """SELECT count(*) FILTER (WHERE ver = 1 AND op IN ('create', 'update')),
 count(*) FILTER (WHERE ver > 1 OR op IN ('delete', 'erase')), coalesce(max(t), :after)
 FROM (SELECT t, ver, op FROM entry WHERE t > :after ORDER BY t LIMIT :slice) AS x"""
SLICE = 100_000
log = logging.getLogger("onmaru")


class Bounds(NamedTuple):
    """An alarm: in `minutes` at least `least` versions rewrote something, and that is `percent` of all resources."""

    minutes: int
    least: int
    percent: int


class Rate:
    """How much of one record was rewritten lately. Times in µs."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._steps: deque[tuple[int, int]] = deque()
        self.made = 0
        self.lately = 0
        self.alarmed = 0

    def add(self, made: int, rewritten: int, at: int) -> bool:
        """Count what came; True when this raises an alarm that did not hold before."""
        self.made += made
        self._steps.append((at, rewritten))
        self.lately += rewritten
        while self._steps and self._steps[0][0] <= at - self._bounds.minutes * MINUTE:
            self.lately -= self._steps.popleft()[1]
        if self.lately < self._bounds.least or self.lately * 100 < self._bounds.percent * self.made:
            return False
        fresh = not self.shown(at)
        self.alarmed = at
        return fresh

    def shown(self, at: int) -> bool:
        """Whether the alarm is still to be seen."""
        return bool(self.alarmed) and at - self.alarmed < SHOWN


class Rewriting:
    """Watches every open tenant. `clock` in µs since 1970 UTC."""

    def __init__(self, running: Running, bounds: Bounds, clock: Callable[[], int] = now) -> None:
        self._running, self._bounds, self._clock = running, bounds, clock
        self._rates: dict[str, tuple[str, Rate]] = {}
        self._reached: dict[str, int] = {}
        self._task = asyncio.create_task(self._looking())

    def lines(self, tenant: str) -> Sequence[Mapping[str, Any]]:
        """The alarm as a row of the doors' page; none while there is none."""
        found = self._rates.get(tenant)
        if found is None or not found[1].shown(self._clock()):
            return ()
        rate = found[1]
        told = datetime.fromtimestamp(rate.alarmed / 1e6, UTC).isoformat(timespec="milliseconds")
        counts = {"received": rate.lately, "accepted": 0, "rejected": 0, "dead": 0}
        return [{"name": "Record", "kind": "rewriting", "state": "alarm", **counts, "last": told, "since": None}]

    def alarms(self) -> Mapping[str, bool]:
        """Whether there is an alarm, by store (see `metrics.label`)."""
        at = self._clock()
        return {store: rate.shown(at) for store, rate in self._rates.values()}

    async def _looking(self) -> None:
        while True:
            for motion in self._running.motions:
                try:
                    await self.look(motion)
                except Exception as error:  # noqa: BLE001 - whatever the store says now, it may not at the next look
                    log.warning("the log could not be looked through for rewriting: %s", type(error).__name__)
            await asyncio.sleep(LOOK_EVERY)

    async def look(self, motion: Motion) -> None:
        """Count what a tenant's log got since the last look; the first counts what there was, and alarms of nothing."""
        home, tenant = motion.seat.home, motion.seat.tenant.name
        first = tenant not in self._rates
        if first:
            self._rates[tenant] = (motion.seat.shelf.keyring.called()[:8], Rate(self._bounds))
        rate, after = self._rates[tenant][1], self._reached.get(tenant, 0)
        if home.head() <= after:
            rate.add(0, 0, self._clock())
            return
        made, rewritten, reached = await asyncio.to_thread(_counted, home, after)
        self._reached[tenant] = reached
        if rate.add(made, 0 if first else rewritten, self._clock()):
            log.error("ALARM: an unusual share of a record was rewritten, deleted or erased; see the doors' page")
            home.trail.add(access(system(tenant), "execute", "alarm/rewriting", self._clock()))

    async def close(self) -> None:
        """Watch no more."""
        self._task.cancel()


def _counted(home: Home | PgHome, after: int) -> tuple[int, int, int]:
    """Resources made, versions that rewrote, and the position reached."""
    db = home.reader()
    made = rewritten = 0
    try:
        while True:
            some: Any = db.execute(_COUNTED, {"after": after, "slice": SLICE}).fetchone()
            made, rewritten = made + some[0], rewritten + some[1]
            if some[2] == after:
                return made, rewritten, after
            after = some[2]
    finally:
        db.close()
