"""What the app hands to the web: callables and settings, so that the web knows no engine, adapter or room."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.fhir.search.own import Own
from onmaru.fhir.subscriptions.notification import Standing, Told
from onmaru.fhir.syntax import DEPTH
from onmaru.kernel.accounts import Grant
from onmaru.kernel.audit import Access
from onmaru.kernel.background import Background
from onmaru.kernel.caller import Caller
from onmaru.kernel.erasure import Asked, Plan
from onmaru.kernel.errand import Errand, Result
from onmaru.kernel.login import Logins
from onmaru.kernel.provider import Provider
from onmaru.kernel.room import Hall, Room
from onmaru.kernel.tenancy import Act, Bringing, Limits
from onmaru.kernel.why import Explanation
from onmaru.web.sockets import Binding

Language = Literal["ko", "en"]
Followed = Literal["rooms", "audit"]
MIB = 1 << 20
NO_LIMITS = Limits()


class Settings(msgspec.Struct, frozen=True):
    """Limits and choices of the web. Sizes in bytes, times in seconds, `depth` in levels of JSON (at most 64).

    `base` and `proxies`: see `web.origin.Origin`. `url` limits path and query together.
    `multiple_delete`: a conditional delete may delete all its matches (at most `entries`), else exactly one.
    """

    base: str = ""
    proxies: tuple[str, ...] = ()
    tenant: str = "main"
    body: int = 16 * MIB
    depth: int = DEPTH
    url: int = 8192
    entries: int = 1000
    page: int = 1000
    wait: float = 5.0
    seconds: float = 60.0
    streams: int = 20
    heartbeat: float = 15.0
    update_create: bool = True
    multiple_delete: bool = False
    static: Path | None = None
    language: Language = "ko"


class News(msgspec.Struct, frozen=True):
    """What one group of new entries touched, already without what the caller may not see."""

    t: int
    patients: Sequence[str]
    types: Sequence[str]


class AuditFilter(msgspec.Struct, frozen=True):
    """Which audit rows: `since` and `until` in µs since 1970 UTC, `before` a row number (0: from the end)."""

    patient: str = ""
    user: str = ""
    since: int = 0
    until: int = 2**62
    before: int = 0
    count: int = 50


class Letters(Protocol):
    """The dead letters that the Hall's Caller may see; each answer is JSON-able as the API hands it out.

    Unknown ids raise `Invalid` 404, a letter that is no longer open 409.
    """

    def page(self, hall: Hall, state: str) -> Mapping[str, Any]: ...

    def one(self, hall: Hall, id: str) -> Mapping[str, Any]: ...

    def mend(self, hall: Hall, id: str, text: str) -> Mapping[str, Any]: ...

    def replay(self, hall: Hall, id: str) -> Mapping[str, Any]: ...


class Subscriptions(Protocol):
    """What runs behind the Subscriptions of the record; the web has asked the gate for the Subscription itself."""

    def standing(self, caller: Caller, id: str, base: str) -> Standing | None: ...

    def events(self, caller: Caller, id: str, since: int, until: int) -> Sequence[Told] | None: ...

    def token(self, caller: Caller, ids: Sequence[str], standing: Grant) -> tuple[str, Binding] | None: ...

    def topics(self, tenant: str) -> Sequence[str]: ...

    def going(self, tenant: str) -> Mapping[str, Mapping[str, Any]]:
        """How each that this server serves goes, by id, JSON-able."""

    async def revive(self, tenant: str, id: str) -> bool:
        """Have one in error go on where it stood; False where it is not in error, or served elsewhere."""


class Keeping(Protocol):
    """Keeps the tenants, for whom the web has let in; answers are JSON-able. `Invalid` 404, 409 or 422."""

    def ours(self) -> bool:
        """Whether the tenant `house` is the house's own."""

    def listing(self) -> Sequence[Mapping[str, Any]]: ...

    def shown(self, tenant: str) -> Mapping[str, Any]: ...

    async def do(self, caller: Caller, act: Act) -> Mapping[str, Any]:
        """Returns once it is done and durable."""

    async def export(self, caller: Caller, tenant: str, reason: str) -> Mapping[str, Any]:
        """Returns once it is begun: where it will lie, and the key to it."""

    async def bring(self, caller: Caller, asked: Bringing) -> Mapping[str, Any]:
        """Returns once the import is begun."""


class Erasing(Protocol):
    """Erases persons, for whom the web has let in; `Invalid` as `onmaru.kernel.erasure` raises it."""

    async def plan(self, caller: Caller, asked: Asked) -> Plan: ...

    async def carry_out(self, caller: Caller, asked: Asked) -> Plan:
        """Returns once every follower has forgotten the person."""


class Purging(Protocol):
    """Purges audit trails, for whom the web has let in."""

    async def purge(self, caller: Caller, years: int | None, reason: str, *, rehearse: bool) -> Mapping[str, Any]:
        """Take away the rows that are older than so many years (None: as the tenant's setting says). JSON-able; `Invalid`
        422 for what has to be kept.
        """


async def here(errand: Errand) -> None:
    """No errand goes elsewhere."""


async def nowhere(tenant: str, address: str) -> bytes:
    """A house that fetches nothing from outside."""
    raise invalid("forbidden", "this server fetches nothing from that address", status=403)


async def unsent(tenant: str, address: str, body: bytes, kind: str) -> bytes:
    """The same of what would be sent."""
    return await nowhere(tenant, address)


class Doors(msgspec.Struct, frozen=True):
    """The app's side of the web.

    tenants(tenant): whether somebody has such a tenant; door(tenant): that, and why nobody gets at it now, as `closed` says.
    hall(caller, room, language): the kernel's doors for one request; room "" is the web's own.
    durable(tenant, t): returns once all that was appended or audited before the call is durable; with t > 0 first waits
    for position t, with t < 0 looks at audit rows only: for who cannot have written. audit(tenant, row): adds one row to a
    tenant's trail. audit_page: rows newest first with their numbers.
    carry(errand): its result, when it is done elsewhere, or None: then it is done here.
    changes(caller, after): news of entries after position `after`, without end. letters None: a house without doors.
    erasing None: a house that erases nobody. purging None: one whose audit trails nobody purges by HTTP.
    subscriptions None: one in which they do not run. background None: one that does nothing in the background.
    ready(tenant, what): None once the rooms' tables hold what was there when the tenant was opened, or the audit's index
    what was written until lately; else what to wait for.
    came(tenant, accepted): one request of a known caller to write has been answered.
    send(tenant, address, body, media type): the same by POST. provider(tenant): the OpenID provider it logs in through.
    searched(tenant): the search parameters of its own, where it is open in this process.
    closed(tenant): why nobody gets at it now, "" where it is open. limits(tenant): what it may use. keeping None: a house
    whose tenants nobody keeps by HTTP.
    operating(tenant): how the house stands, JSON-able. bill(): what it is made of (CycloneDX), slow the first time.
    why(caller, (type, id), keeper): why that caller sees a resource or not.
    health(): each part of the house and "ok", or in a word or two why it is not; tells of no tenant.
    fetch(tenant, address): the body of what lies at an https address that the tenant may be sent to; `Invalid` otherwise.
    """

    logins: Logins
    tenants: Callable[[str], bool]
    door: Callable[[str], tuple[bool, str]]
    hall: Callable[[Caller, str, Language], Hall]
    durable: Callable[[str, int], Awaitable[None]]
    audit: Callable[[str, Access], None]
    audit_page: Callable[[Hall, AuditFilter], Sequence[tuple[int, Access]]]
    changes: Callable[[Caller, int], AsyncIterator[News]]
    why: Callable[[Caller, tuple[str, str], bool], Explanation]
    carry: Callable[[Errand], Awaitable[Result | None]] = here
    lines: Callable[[Hall], Sequence[Mapping[str, Any]]] = lambda hall: ()
    came: Callable[[str, bool], None] = lambda tenant, accepted: None
    fetch: Callable[[str, str], Awaitable[bytes]] = nowhere
    send: Callable[[str, str, bytes, str], Awaitable[bytes]] = unsent
    provider: Callable[[str], Provider | None] = lambda tenant: None
    closed: Callable[[str], str] = lambda tenant: ""
    searched: Callable[[str], Own] = lambda tenant: {}
    limits: Callable[[str], Limits] = lambda tenant: NO_LIMITS
    health: Callable[[], Mapping[str, str]] = dict
    operating: Callable[[str], Awaitable[Mapping[str, Any]]] | None = None
    bill: Callable[[], bytes] | None = None
    keeping: Keeping | None = None
    letters: Letters | None = None
    erasing: Erasing | None = None
    purging: Purging | None = None
    subscriptions: Subscriptions | None = None
    background: Background | None = None
    ready: Callable[[str, Followed], Awaitable[object] | None] = lambda tenant, what: None
    rooms: tuple[Room, ...] = ()
    settings: Settings = Settings()
