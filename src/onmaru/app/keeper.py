"""The tenants kept in a running house: what is done holds from the next request, for open streams and senders too."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from onmaru.app import departing, destroying
from onmaru.app.erasing import sliced
from onmaru.app.house import LEAVING, now
from onmaru.app.keeping import LONGEST_REASON, Keeping, unfinished
from onmaru.app.refusal import Refusal, verdict
from onmaru.app.running import Running
from onmaru.engines.keyring import KeyLost
from onmaru.engines.sqlite.home import Taken
from onmaru.fhir.outcome import invalid
from onmaru.kernel.caller import Caller
from onmaru.kernel.tenancy import HOUSE, Act, Bringing

# Where a whole export may lie that is asked for by HTTP
ARRIVED = re.compile(r"(?:exports|arrivals)/[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
KEYED = re.compile(r"[0-9a-fA-F]{64}")
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
        self._imports: dict[str, asyncio.Task[None]] = {}
        # Why an import was not carried out, till it is asked for again
        self._failed: dict[str, str] = {}
        self._stopping = False
        self._leaving: set[asyncio.Task[None]] = set()

    def listing(self) -> Sequence[Mapping[str, Any]]:
        """See `Keeping.listing` and `Keeping.sized`."""
        return [self._keeping.sized(line) for line in self._keeping.listing()]

    def ours(self) -> bool:
        """See `Keeping.ours`."""
        return self._keeping.ours()

    def shown(self, tenant: str) -> Mapping[str, Any]:
        """See `Keeping.shown`; `Invalid` 409 where the tenant cannot be opened here. Of an import how it stands."""
        if tenant in self._imports:
            return {"tenant": tenant, "state": "importing"}
        if tenant in self._failed and not self._running.house.exists(tenant):
            return {"tenant": tenant, "state": "not imported", "error": self._failed[tenant]}
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
        house = self._running.house
        try:
            _, stood = await asyncio.to_thread(departing.exported, house, act.tenant, folder, key, self._cut)
            await self.do(caller, replace(act, exported=stood))
        except Exception as error:  # noqa: BLE001 - whoever asked sees that there is no export
            log.error("an export was cut short: %s", verdict(error)[0])
        finally:
            del self._exports[act.tenant]

    async def bring(self, caller: Caller, asked: Bringing) -> Mapping[str, Any]:
        """Begin to make a tenant of a whole export that lies below `exports` or `arrivals` of this home.

        `Invalid` 409 for a name that is taken, 422 for another folder or no key. A restart leaves nothing of it.
        """
        self._keeping.free(asked.tenant)
        if asked.tenant in self._imports or asked.tenant == HOUSE:
            raise invalid("conflict", "this tenant is being imported", "tenant", 409)
        folder = self._running.house.where.home / asked.folder
        if not ARRIVED.fullmatch(asked.folder) or not (folder / "manifest.json").is_file():
            raise invalid("value", "a folder of an export, below exports or arrivals of this home", "folder", 422)
        key = bytes.fromhex(asked.key) if KEYED.fullmatch(asked.key) else None
        if key is None and asked.key:
            raise invalid("value", "32 bytes in hex, or nothing where the files are in clear", "key", 422)
        self._failed.pop(asked.tenant, None)
        self._imports[asked.tenant] = asyncio.create_task(self._bringing(caller, asked, folder, key))
        return {"tenant": asked.tenant, "state": "importing"}

    async def _bringing(self, caller: Caller, asked: Bringing, folder: Path, key: bytes | None) -> None:
        house = self._running.house
        try:
            line = await asyncio.to_thread(departing.imported, house, asked.tenant, folder, key, self._cut)
            reason = f"from {line['from']}, signed by {line['signed_by']}. {asked.reason}"[:LONGEST_REASON]
            await self.do(caller, Act("import", asked.tenant, reason))
        except Exception as error:  # noqa: BLE001 - whoever asked sees that there is no tenant, and why
            self._failed[asked.tenant] = verdict(error)[0]
            log.error("an import was not carried out: %s", verdict(error)[0])
        finally:
            del self._imports[asked.tenant]

    def _cut(self, count: float) -> None:
        if self._stopping:
            raise asyncio.CancelledError

    async def stop(self) -> None:
        """Cut short what is being exported or imported."""
        self._stopping = True
        await asyncio.gather(*self._exports.values(), *self._imports.values(), return_exceptions=True)

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
