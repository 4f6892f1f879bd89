"""A whole house on any engine behind the real web application, and a client that calls it without a socket."""

from __future__ import annotations

import asyncio
import atexit
import itertools
import json
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cluster import emptied
from onmaru.engines.accounts import SqliteAccounts
from onmaru.engines.duck.nested.followed import Resources
from onmaru.engines.duck.tables import ColumnarTables
from onmaru.engines.folder import FolderBlobs, Shelf
from onmaru.engines.keyring import Keyring
from onmaru.engines.lake import EmbeddedLake, Stores
from onmaru.engines.memory import MemoryLog, MemoryTrail
from onmaru.engines.postgres.home import PgHome
from onmaru.engines.sqlite.connection import Keys
from onmaru.engines.sqlite.home import Home
from onmaru.fhir.outcome import invalid
from onmaru.fhir.query import Query
from onmaru.kernel import audit_retention
from onmaru.kernel.accounts import User
from onmaru.kernel.audit import Access
from onmaru.kernel.caller import Caller
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.consent import Consents
from onmaru.kernel.erasure import Asked, Eraser, Plan, driven
from onmaru.kernel.gate import ALL, Gate
from onmaru.kernel.log import Version
from onmaru.kernel.login import Logins
from onmaru.kernel.room import Hall, Room, narrowed
from onmaru.kernel.rules import DEFINING, Rules
from onmaru.kernel.why import explain
from onmaru.web.application import Application, build
from onmaru.web.doors import AuditFilter, Doors, Language, News, Settings

# One loop for the requests of all houses: to make one and let it go takes as long as most answers
RUNNER = asyncio.Runner()
atexit.register(RUNNER.close)


class Answer:
    """What came back; `.json` parses it."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.cookies: list[str] = []
        self.body = b""
        self.closed = False

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def issues(self) -> list[Any]:
        """Issues of the OperationOutcome that this answer must be."""
        assert self.json["resourceType"] == "OperationOutcome", self.body[:200]
        return list(self.json["issue"])


class _Scope:
    def __init__(self, method: str, url: str, headers: Mapping[str, str], peer: str = "127.0.0.1") -> None:
        self.method = method
        self.path, _, self.query_string = url.partition("?")
        self.headers = {"host": "hospital.example", **{k.lower(): v for k, v in headers.items()}}
        self.client = f"{peer}:40000"
        self.scheme = "http"


class _Protocol:
    def __init__(self, body: bytes) -> None:
        self._body = body
        self.answer = Answer()

    async def __call__(self) -> bytes:
        return self._body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._body), 65_536):
            yield self._body[at : at + 65_536]

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.response_bytes(status, headers, b"")

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        assert not self.answer.status, "answered twice"
        assert all(isinstance(name, str) and isinstance(value, str) for name, value in headers)
        self.answer.status, self.answer.body = status, body
        self.answer.headers = dict(headers)
        self.answer.cookies = [value for name, value in headers if name == "set-cookie"]

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> _Protocol:
        self.answer.status, self.answer.headers = status, dict(headers)
        return self

    async def send_bytes(self, data: bytes) -> None:
        if self.answer.closed:
            raise RuntimeError("transport closed")
        self.answer.body += data


class Clock:
    """Steps one millisecond a call, so that every entry has its own time."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000_000

    def __call__(self) -> int:
        self.now += 1_000
        return self.now


class NoLetters:
    """A house without adapters has no dead letters."""

    def page(self, hall: Hall, state: str) -> Mapping[str, Any]:
        return {"items": [], "total": 0}

    def one(self, hall: Hall, id: str) -> Mapping[str, Any]:
        raise invalid("not-found", "no such dead letter", status=404)

    def mend(self, hall: Hall, id: str, text: str) -> Mapping[str, Any]:
        raise invalid("not-found", "no such dead letter", status=404)

    def replay(self, hall: Hall, id: str) -> Mapping[str, Any]:
        raise invalid("not-found", "no such dead letter", status=404)


class Erasing:
    """Erasers of the house's tenants; nothing follows here that would have to forget."""

    def __init__(self, house: House) -> None:
        self._house = house

    def _eraser(self, caller: Caller) -> Eraser:
        tenant = self._house.tenants[caller.tenant]
        folder = self._house.folder / caller.tenant / "blobs"
        shelf = Shelf(folder, Keyring(b"k" * 32), tenant.gate, tenant.trail, tenant.now)
        return Eraser(tenant, lambda acting: FolderBlobs(shelf, acting), lambda acting, person: ())

    async def plan(self, caller: Caller, asked: Asked) -> Plan:
        return driven(self._eraser(caller).planning(caller, asked))

    async def carry_out(self, caller: Caller, asked: Asked) -> Plan:
        return driven(self._eraser(caller).carrying_out(caller, asked))[0]


class Purging:
    """Purges of the house's trails."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def purge(self, caller: Caller, years: int | None, reason: str, *, rehearse: bool) -> Mapping[str, Any]:
        trail: Any = self._house.tenants[caller.tenant].trail
        asked = audit_retention.Asked(years or 2, reason)
        plan = driven(audit_retention.planning(trail, asked, self._house.clock()))
        if plan is not None and not rehearse:
            trail.add(audit_retention.row(caller, asked, plan, self._house.clock()))
            driven(audit_retention.carrying_out(trail, plan))
        return audit_retention.told(plan, done=not rehearse)


class Lake:
    """A lake that has followed nothing, made when somebody asks it."""

    def __init__(self, house: House, caller: Caller) -> None:
        self._house = house
        self._caller = caller

    def __getattr__(self, name: str) -> Any:
        tenant = self._house.tenants[self._caller.tenant]
        kept = ColumnarTables(self._house.folder / "lake" / tenant.name, b"k" * 32, [Resources()])
        empty: frozenset[Any] = frozenset()
        stores = Stores(
            tenant.gate, tenant.trail, tenant.now, (kept,), lambda *_: empty, lambda *_: empty, lambda: 0, lambda t: 0
        )
        return getattr(EmbeddedLake(stores, self._caller), name)


def ruled(tenant: Tenant) -> Tenant:
    """The tenant with the definitions of its own record."""

    def defining() -> Sequence[Version]:
        return tenant.index.find(Query(tuple(DEFINING), count=2**31), tenant.log.tip(), 0, 0, ALL).versions

    return msgspec.structs.replace(tenant, rules=Rules("off", defining))


class House:
    """Tenants `main` and `other`, on "memory", "sqlite" or at the address of a PostgreSQL; `rooms`, `settings` as given.

    `durables` counts how often answers were held.
    """

    def __init__(
        self, folder: Path, settings: Settings | None = None, rooms: Sequence[Room] = (), engine: str = "memory"
    ) -> None:
        self.folder = folder
        self.clock = Clock()
        self.accounts = SqliteAccounts(folder / "accounts.db", bytes(32))
        self.logins = Logins(self.accounts, b"k" * 32, self.clock)
        self.ids = itertools.count(1)
        self.durables = 0
        self.making: asyncio.Event | None = None  # set it, and rooms and the audit wait until it is
        self.tenants = {name: ruled(self._tenant(name, engine)) for name in ("main", "other")}
        self._rows: dict[str, list[Access]] = {}
        self.rooms = tuple(rooms)
        self.application = self._build(settings or Settings(static=folder / "static"))

    def _tenant(self, name: str, engine: str) -> Tenant:
        gate = Gate(name, Consents(), self.clock)
        if engine == "memory":
            log = MemoryLog(self.clock)
            return Tenant(name, log, log, MemoryTrail(), gate, self.clock, lambda: f"id-{next(self.ids)}")
        keys = Keys(name, b"p" * 32, b"c" * 32, b"s" * 32)
        home: Home | PgHome
        if engine == "sqlite":
            home = Home(self.folder / name, keys, self.clock)
        else:
            emptied(engine, keys)
            home = PgHome(engine, keys, self.clock)
        return Tenant(name, home, home.index, home.trail, gate, self.clock, lambda: f"id-{next(self.ids)}")

    def close(self) -> None:
        """Close what is on the disk."""
        self.accounts.close()
        for tenant in self.tenants.values():
            if isinstance(tenant.log, Home | PgHome):
                tenant.log.close()

    def _build(self, settings: Settings) -> Application:
        self.settings = settings
        return build(
            Doors(
                logins=self.logins,
                tenants=self.tenants.__contains__,
                door=lambda tenant: (tenant in self.tenants, ""),
                hall=self.hall,
                durable=self.durable,
                audit=lambda tenant, row: self.tenants[tenant].trail.add(row),
                audit_page=self.audit_page,
                changes=self.changes,
                why=lambda caller, name, keeper: explain(
                    self.tenants[caller.tenant], caller, name, self.logins.table, keeper=keeper
                ),
                lines=lambda hall: [],
                searched=lambda tenant: self.tenants[tenant].rules.parameters if tenant in self.tenants else {},
                letters=NoLetters(),
                erasing=Erasing(self),
                purging=Purging(self),
                ready=lambda tenant, what: self.making.wait() if self.making else None,
                rooms=self.rooms,
                settings=settings,
            )
        )

    def hall(self, caller: Caller, room: str, language: Language) -> Hall:
        if room:
            caller = narrowed(caller, next(one for one in self.rooms if one.name == room))
        chart = Chart(self.tenants[caller.tenant], caller)
        rules = self.tenants[caller.tenant].rules
        return Hall(caller, chart, Lake(self, caller), None, None, {}, language, rules)  # type: ignore[arg-type]

    async def durable(self, tenant: str, t: int) -> None:
        self.durables += 1
        log = self.tenants[tenant].log
        while log.tip() < t:
            await asyncio.sleep(0.01)
        log.wait(log.tip())

    def audit_page(self, hall: Hall, wanted: AuditFilter) -> Sequence[tuple[int, Access]]:
        return self.tenants[hall.caller.tenant].trail.page(
            patient=wanted.patient,
            user=wanted.user,
            since=wanted.since,
            until=wanted.until,
            before=wanted.before,
            count=wanted.count,
        )

    async def changes(self, caller: Caller, after: int) -> AsyncIterator[News]:
        log = self.tenants[caller.tenant].log
        seen = after or log.head()
        while True:
            for version in log.read(seen, 10):
                seen = version.t
                yield News(version.t, (), (version.type,))
            await asyncio.sleep(0.01)

    # -- what tests do ------------------------------------------------------------------------------------------

    def user(self, user: str, *roles: str, tenant: str = "main", patient: str = "") -> User:
        made = User(tenant, user, user, tuple(roles), patient=patient)  # type: ignore[arg-type]
        self.logins.keep_user(made)
        return made

    def token(self, user: str, *roles: str, scopes: str = "", tenant: str = "main", patient: str = "") -> str:
        """A bearer token of a new user with these roles."""
        return self.logins.issue(self.user(user, *roles, tenant=tenant, patient=patient), scopes)[0]

    def rows(self, tenant: str = "main") -> list[Access]:
        """The audit rows, oldest first. Those read before are kept: a table of a thousand requests looks after each."""
        kept = self._rows.setdefault(tenant, [])
        count, page = 16, self.tenants[tenant].trail.page(count=16)
        while len(page) == count and page[-1][0] > len(kept) + 1:
            count *= 16
            page = self.tenants[tenant].trail.page(count=count)
        kept += [row for number, row in reversed(page) if number > len(kept)]
        return list(kept)

    def added(self, tenant: str = "main") -> list[Access]:
        """The audit rows that came since `rows` or this was asked last."""
        known = len(self._rows.get(tenant, ()))
        return self.rows(tenant)[known:]

    async def call(
        self,
        method: str,
        url: str,
        body: Any = b"",
        headers: Mapping[str, str] | None = None,
        token: str = "",
        peer: str = "127.0.0.1",
    ) -> Answer:
        """One request; a body that is no bytes is sent as JSON."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = dict(headers or {})
        if token:
            given["authorization"] = f"Bearer {token}"
        if not isinstance(body, bytes):
            given.setdefault("content-type", "application/json")
        given.setdefault("content-length", str(len(sent)))
        protocol = _Protocol(sent)
        await self.application.__rsgi__(_Scope(method, url, given, peer), protocol)  # type: ignore[arg-type]
        return protocol.answer

    def ask(self, method: str, url: str, *how: Any, **more: Any) -> Answer:
        """`call` on a loop where nothing else runs, and nothing is left running."""
        asking = self.call(method, url, *how, **more)
        if threading.current_thread() is not threading.main_thread():
            return asyncio.run(asking)
        answer = RUNNER.run(asking)
        if left := asyncio.all_tasks(RUNNER.get_loop()):
            RUNNER.run(_ended(left))
        return answer


async def _ended(left: set[asyncio.Task[Any]]) -> None:
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
