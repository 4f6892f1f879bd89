"""The tenants kept in a running house: what is done holds from the next request, for open streams and senders too."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from onmaru.app import destroying
from onmaru.app.erasing import sliced
from onmaru.app.keeping import Keeping, unfinished
from onmaru.app.running import Running
from onmaru.kernel.caller import Caller
from onmaru.kernel.tenancy import HOUSE, Act

log = logging.getLogger("onmaru")


class Keeper:
    """The web's and the command line's door to `Keeping`."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._keeping = Keeping(running.house)
        self._turn = asyncio.Lock()

    def listing(self) -> Sequence[Mapping[str, Any]]:
        """See `Keeping.listing`."""
        return self._keeping.listing()

    def shown(self, tenant: str) -> Mapping[str, Any]:
        """See `Keeping.shown`."""
        return self._keeping.shown(tenant)

    async def do(self, caller: Caller, act: Act) -> Mapping[str, Any]:
        """Carry out an act; durable when it returns. One at a time."""
        async with self._turn:
            if act.what == "destroy":
                return await self._destroy(caller, act)
            try:
                return self._keeping.do(caller, act)
            finally:
                await self._durable(act.tenant)

    async def go_on(self) -> None:
        """Finish what a crash cut short."""
        for tenant in unfinished(self._running.house):
            await self._finish(tenant)

    async def _destroy(self, caller: Caller, act: Act) -> Mapping[str, Any]:
        try:
            await sliced(destroying.beginning(self._keeping, caller, act))
        finally:
            await self._durable(HOUSE)
        return await self._finish(act.tenant)

    async def _finish(self, tenant: str) -> Mapping[str, Any]:
        house = self._running.house
        await self._running.release(tenant)
        await asyncio.to_thread(destroying.finished, house, tenant)
        destroying.ended(house, tenant)
        log.info("a tenant was destroyed")
        return self._keeping.shown(tenant)

    async def _durable(self, tenant: str) -> None:
        house = self._running.house
        for name in {HOUSE, tenant} & set(house.opened):
            await self._running.durable(name, 0)
