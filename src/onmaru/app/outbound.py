"""The one way out of this house, by the operator's settings: `[outbound.TENANT]` and `outbound_local`."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import msgspec

from onmaru.app import settings
from onmaru.app.refusal import Refusal
from onmaru.engines.outbound import NetworkOutbound
from onmaru.kernel.outbound import Rules

# What lies at an address is asked for again after so many seconds
KEPT = 60.0
ROOM = 256
AT_ONCE = 4
_DOMAIN = r"^(\*\.)?[a-z0-9]([a-z0-9.\-]*[a-z0-9])?$"
_ENTRY = r"^(\*\.)?[a-z0-9]([a-z0-9.\-]*[a-z0-9])?(:\d{1,5})?$"


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hosts: tuple[Annotated[str, msgspec.Meta(pattern=_ENTRY)], ...] = ()
    mail: tuple[Annotated[str, msgspec.Meta(pattern=_DOMAIN)], ...] = ()
    mail_content: bool = False


def rules() -> Rules:
    """Where tenants may send to and fetch from; refuses an entry that is no host."""
    try:
        table = msgspec.convert(settings.table("outbound"), dict[str, _Row])
    except msgspec.ValidationError as error:
        hosts = "hosts, a list such as ['keys.example.org', '*.example.org:8443']"
        mail = "mail, a list of domains, and mail_content, true or false"
        raise Refusal(f"[outbound.TENANT] may have {hosts}, {mail}: {error}") from error
    chosen = settings.load()
    return Rules(
        {tenant: row.hosts for tenant, row in table.items()},
        str(chosen["outbound_local"].value),
        str(chosen["mail_server"].value),
        {tenant: row.mail for tenant, row in table.items()},
        frozenset(tenant for tenant, row in table.items() if row.mail_content),
    )


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
