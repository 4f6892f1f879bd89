"""Long work that one request begins and others look after (FHIR asynchronous request pattern).

Its one law: whoever began it stands behind it to the end; once they may not, it stops.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

from onmaru.fhir.outcome import Issue, invalid
from onmaru.kernel.caller import Caller
from onmaru.kernel.login import Logins


class Asker(msgspec.Struct, frozen=True):
    """By which grant somebody asks, so that they can be asked for again. `purpose` "" is that of their roles."""

    tenant: str
    user: str
    client: str
    grant: bytes
    purpose: str = ""
    request: str = ""
    address: str = ""

    def same(self, other: Asker) -> bool:
        """Whether both are the same user by the same app, whatever token they show."""
        return (self.tenant, self.user, self.client) == (other.tenant, other.user, other.client)


class Ticket(msgspec.Struct, frozen=True):
    """One job of a `kind`: who asked, by which request, below which `[base]`, and what (JSON of the kind's own)."""

    kind: str
    asker: Asker
    url: str
    base: str
    asked: bytes


class State(msgspec.Struct, frozen=True):
    """Where a job stands: `body` is its answer once it is done, `issues` why it failed. `expires` is µs since 1970 UTC.

    `resource`: the answer is a resource, else a manifest.
    """

    done: bool
    progress: str = ""
    body: bytes = b""
    expires: int = 0
    issues: Sequence[Issue] = ()
    status: int = 200
    resource: bool = False


class Task(msgspec.Struct, frozen=True):
    """One job in a list. Times are µs since 1970 UTC, `expires` 0 while it runs; `progress` "" where it is not known.

    `request` is what was asked for, told to who asked alone (`mine`).
    """

    id: str
    kind: str
    status: str
    at: int
    user: str
    client: str = ""
    mine: bool = False
    request: str = ""
    progress: str = ""
    reason: str = ""
    expires: int = 0


class Background(Protocol):
    """Jobs of all tenants. What is unknown, another's, cancelled or expired is `Invalid` 404 alike."""

    async def begin(self, ticket: Ticket) -> str:
        """Have it done; its id. It is on the disk when this returns. `Invalid` 429 while too many are."""

    def listing(self, asker: Asker) -> Sequence[Task]:
        """What there is to know of in the asker's tenant, whoever began it; newest first."""

    async def look(self, asker: Asker, id: str, page: int = 1) -> State:
        """Where it stands; of what is answered in pages, that page."""

    async def cancel(self, asker: Asker, id: str) -> None:
        """Stop it and remove what it made."""

    async def file(self, asker: Asker, id: str, name: str, query: str) -> AsyncIterator[bytes]:
        """One of its files, part by part; each part is given to whoever may have it now. `query`: the url's own."""


def acting(logins: Logins, asker: Asker) -> Caller:
    """Who asked, with all that they may do now; `Invalid` 403 when they may no longer ask at all."""
    standing = logins.behind(asker.grant)
    if standing is None or standing.user.tenant != asker.tenant:
        raise invalid("forbidden", "whoever asked for this may no longer ask", status=403)
    return logins.caller(standing, asker.purpose, asker.request, asker.address)
