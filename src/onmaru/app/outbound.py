"""The one way out of this house, by the operator's settings: `[outbound.TENANT]` and `outbound_local`."""

from __future__ import annotations

import asyncio
import re
import time

from onmaru.app import settings
from onmaru.app.refusal import Refusal
from onmaru.engines.outbound import NetworkOutbound
from onmaru.kernel.outbound import Rules

# What lies at an address is asked for again after so many seconds
KEPT = 60.0
ROOM = 256
AT_ONCE = 4
_ENTRY = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.\-]*[a-z0-9])?(:\d{1,5})?")


def rules() -> Rules:
    """The lists of hosts that tenants may fetch from; refuses an entry that is no host."""
    table = settings.table("outbound")
    hosts: dict[str, tuple[str, ...]] = {}
    for tenant, written in table.items():
        named = written.get("hosts") if isinstance(written, dict) else None
        if not isinstance(named, list) or not all(isinstance(one, str) and _ENTRY.fullmatch(one) for one in named):
            raise Refusal(f"[outbound.{tenant}] needs hosts, a list such as ['keys.example.org', '*.example.org:8443']")
        hosts[tenant] = tuple(named)
    return Rules(hosts, str(settings.load()["outbound_local"].value))


class Fetching:
    """Fetches in threads, a few at once; keeps what was fetched for a minute."""

    def __init__(self, outbound: NetworkOutbound) -> None:
        self._outbound = outbound
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._kept: dict[tuple[str, str], tuple[float, bytes]] = {}

    async def fetch(self, tenant: str, url: str) -> bytes:
        """What lies at an address; `Invalid` 403 or 502 as `kernel.outbound.Outbound` says."""
        known = self._kept.get((tenant, url))
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        found = await self.send(tenant, url)
        if len(self._kept) >= ROOM:
            self._kept.clear()
        self._kept[tenant, url] = time.monotonic() + KEPT, found
        return found

    async def send(self, tenant: str, url: str, body: bytes = b"", kind: str = "") -> bytes:
        """The same by POST, never kept."""
        async with self._turns:
            return await asyncio.to_thread(self._outbound.send, tenant, url, body, kind)
