"""Who may go on now: each tenant within its limits, and none at the cost of another, whatever it asks.

While one tenant asks alone it has everything; as soon as others ask too, each has its share and waits in its own line.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from onmaru.fhir.outcome import Invalid, invalid
from onmaru.kernel.tenancy import Limits

# Requests under way at a time, of all tenants, when more than one asks: enough for a full group commit
SLOTS = 64


class Late(Invalid):
    """Too many requests; the next may be made after so many seconds."""

    def __init__(self, text: str, seconds: int) -> None:
        told = invalid("throttled", text, status=429)
        super().__init__(told.issues, told.status)
        self.seconds = seconds


class Shares:
    """`limits` gives those of a tenant, `clock` seconds that only grow. For one event loop."""

    def __init__(self, limits: Callable[[str], Limits], clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._running: dict[str, int] = {}
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}
        self._known: dict[str, int] = {}
        self._left: dict[str, tuple[float, float]] = {}

    # -- shares ----------------------------------------------------------------------------------------------------

    def begun(self, tenant: str) -> bool:
        """Whether a request went on at once, as it does while no other tenant asks; else `begin` is for it."""
        under_way = self._running.get(tenant, 0)
        if self._lines or len(self._running) != (1 if under_way else 0):
            return False
        self._running[tenant] = under_way + 1
        return True

    async def begin(self, tenant: str) -> None:
        """Return when a request of this tenant may go on; `end` follows, whatever happens."""
        if tenant in self._lines or not self._free(tenant):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._lines.setdefault(tenant, deque()).append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if not turn.cancelled():
                    # It was given its turn just as its client left
                    self.end(tenant)
                raise
            return
        self._running[tenant] = self._running.get(tenant, 0) + 1

    def end(self, tenant: str) -> None:
        """A request is over: the next goes on, first those of the tenant with the fewest under way."""
        left = self._running[tenant] - 1
        if left:
            self._running[tenant] = left
        else:
            del self._running[tenant]
        while self._lines:
            following = min(self._lines, key=lambda one: self._running.get(one, 0))
            if not self._free(following):
                return
            self._next(following)

    def _next(self, tenant: str) -> None:
        line = self._lines[tenant]
        while line:
            turn = line.popleft()
            if not turn.done():
                self._running[tenant] = self._running.get(tenant, 0) + 1
                turn.set_result(None)
                break
        if not line:
            del self._lines[tenant]

    def _free(self, tenant: str) -> bool:
        """Whether one more of this tenant may be under way now."""
        asking = len(self._running.keys() | self._lines.keys() | {tenant})
        if asking == 1:
            return tenant not in self._lines or self._running.get(tenant, 0) < SLOTS
        return self._running.get(tenant, 0) < max(1, SLOTS // asking)

    # -- limits ----------------------------------------------------------------------------------------------------

    def enter(self, tenant: str) -> bool:
        """Count a request of somebody known against the tenant's limits; Late beyond them.

        True where it is counted among those under way, and has to be given back by `leave`.
        """
        limits = self._limits(tenant)
        if limits.rate:
            self._spend(tenant, limits.rate)
        if not limits.at_once:
            return False
        under_way = self._known.get(tenant, 0)
        if under_way >= limits.at_once:
            raise Late(f"more than {limits.at_once} requests of this tenant at a time", 1)
        self._known[tenant] = under_way + 1
        return True

    def leave(self, tenant: str) -> None:
        """A request that was counted is over."""
        left = self._known[tenant] - 1
        if left:
            self._known[tenant] = left
        else:
            del self._known[tenant]

    def _spend(self, tenant: str, rate: int) -> None:
        """A second's worth may be spent at once; what is spent comes back evenly."""
        now = self._clock()
        left, at = self._left.get(tenant, (float(rate), now))
        left = min(float(rate), left + (now - at) * rate)
        self._left[tenant] = (left, now) if left < 1 else (left - 1, now)
        if left < 1:
            raise Late(f"more than {rate} requests of this tenant a second", max(1, round((1 - left) / rate)))
