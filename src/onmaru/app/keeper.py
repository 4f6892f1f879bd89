"""The tenants kept in a running house: what is done holds from the next request, for open streams and senders too."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from onmaru.app import departing, destroying
from onmaru.app.erasing import sliced
from onmaru.app.house import LEAVING, now
from onmaru.app.keeping import Keeping, unfinished
from onmaru.app.refusal import Refusal, verdict
from onmaru.app.running import Running
from onmaru.engines.keyring import KeyLost
from onmaru.engines.sqlite.home import Taken
from onmaru.fhir.outcome import invalid
from onmaru.kernel.caller import Caller
from onmaru.kernel.tenancy import HOUSE, Act

log = logging.getLogger("onmaru")


@contextmanager
def _told() -> Iterator[None]:
    """What keeps a tenant from being opened here, such as a key that is not there, told as a refusal."""
    try:
        yield
    except (Refusal, Taken, KeyLost) as error:
        raise invalid("conflict", verdict(error)[0], "tenant", 409) from error


class Keeper:
    """The web's and the command line's door to `Keeping`."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._keeping = Keeping(running.house)
        self._turn = asyncio.Lock()
        self._exports: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        self._leaving: set[asyncio.Task[None]] = set()

    def listing(self) -> Sequence[Mapping[str, Any]]:
        """See `Keeping.listing` and `Keeping.sized`."""
        return [self._keeping.sized(line) for line in self._keeping.listing()]

    def ours(self) -> bool:
        """See `Keeping.ours`."""
        return self._keeping.ours()

    def shown(self, tenant: str) -> Mapping[str, Any]:
        """See `Keeping.shown`; `Invalid` 409 where the tenant cannot be opened here."""
        with _told():
            return {**self._keeping.shown(tenant), "exporting": tenant in self._exports}

    async def do(self, caller: Caller, act: Act) -> Mapping[str, Any]:
        """Carry out an act; durable when it returns. One at a time."""
        async with self._turn:
            with _told():
                return await self._done(caller, act)

    async def _done(self, caller: Caller, act: Act) -> Mapping[str, Any]:
        if act.what == "destroy":
            return await self._destroy(caller, act)
        try:
            return self._keeping.do(caller, act)
        finally:
            await self._durable(act.tenant)

    async def export(self, caller: Caller, tenant: str, reason: str) -> Mapping[str, Any]:
        """Begin to write a tenant whole into a folder of this home: its name and the key that seals it, told once.

        `Invalid` 409 while one is under way. A restart cuts it short; it is begun anew then, with another key.
        """
        if tenant in self._exports:
            raise invalid("conflict", "this tenant is being exported", "tenant", 409)
        await self.do(caller, Act("export", tenant, reason))
        folder, key = self._running.house.where.home / "exports" / f"{tenant}-{now()}", os.urandom(departing.KEY)
        self._exports[tenant] = asyncio.create_task(self._exporting(caller, Act("export", tenant, reason), folder, key))
        return {"tenant": tenant, "folder": str(folder.relative_to(self._running.house.where.home)), "key": key.hex()}

    async def _exporting(self, caller: Caller, act: Act, folder: Path, key: bytes) -> None:
        def told(count: float) -> None:
            if self._stopping:
                raise asyncio.CancelledError

        house = self._running.house
        try:
            _, stood = await asyncio.to_thread(departing.exported, house, act.tenant, folder, key, told)
            await self.do(caller, replace(act, exported=stood))
        except Exception as error:  # noqa: BLE001 - whoever asked sees that there is no export
            log.error("an export was cut short: %s", verdict(error)[0])
        finally:
            del self._exports[act.tenant]

    async def stop(self) -> None:
        """Cut short what is being exported."""
        self._stopping = True
        await asyncio.gather(*self._exports.values(), return_exceptions=True)

    def reconsider(self, tenant: str) -> None:
        """Close a tenant that another worker destroys."""
        if self._running.house.tenancies.of(tenant).state in LEAVING:
            task = asyncio.create_task(self._let_go(tenant))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def _let_go(self, tenant: str) -> None:
        async with self._turn:
            if tenant in self._running.house.opened:
                await self._running.release(tenant)

    async def go_on(self) -> None:
        """Finish what a crash cut short, and what another worker destroyed while this one was not there."""
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
