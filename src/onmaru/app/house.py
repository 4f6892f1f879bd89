"""The house opened on its folder: every tenant wired once. Only here is it known which engine is behind a door."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from onmaru.app import rooms as listed
from onmaru.app import settings as chosen
from onmaru.app.fresh import new_id
from onmaru.app.lake.commands import LAKE
from onmaru.app.refusal import Refusal
from onmaru.app.watching import Book
from onmaru.engines import keyring
from onmaru.engines.accounts import SqliteAccounts
from onmaru.engines.duck.filling import marked
from onmaru.engines.duck.nested.followed import Resources
from onmaru.engines.duck.tables import ColumnarTables
from onmaru.engines.folder import FolderBlobs, Shelf, Space
from onmaru.engines.index.follower import FollowedIndex
from onmaru.engines.lake import EmbeddedLake, Stores
from onmaru.engines.sqlite.connection import Keys
from onmaru.engines.sqlite.filled import FilledHome
from onmaru.engines.sqlite.home import Home
from onmaru.engines.sqlite.ledger import FILE as LEDGER
from onmaru.engines.sqlite.ledger import SqliteLedger
from onmaru.engines.sqlite.own import OwnFiles
from onmaru.engines.sqlite.pump import Pump
from onmaru.engines.sqlite.rows import HotTables
from onmaru.engines.terms.store import TermStore
from onmaru.engines.witness import Head, lying, sign
from onmaru.fhir.query import Query
from onmaru.kernel import assigning
from onmaru.kernel.accounts import Accounts
from onmaru.kernel.assigning import Assigned
from onmaru.kernel.caller import Caller, Role, Scope
from onmaru.kernel.chart import HOUR, Chart, Tenant
from onmaru.kernel.consent import Consents
from onmaru.kernel.gate import ALL, Gate
from onmaru.kernel.labels import borne
from onmaru.kernel.log import Version
from onmaru.kernel.login import Logins
from onmaru.kernel.room import Hall, Room, narrowed
from onmaru.kernel.rules import DEFINING, Rules
from onmaru.kernel.subscribing import Ledger
from onmaru.kernel.tasks import TaskJobs
from onmaru.kernel.tenancies import GONE, Tenancies
from onmaru.kernel.tenancy import Limits

if TYPE_CHECKING:
    from onmaru.engines.postgres.home import PgHome
    from onmaru.engines.postgres.pump import PgPump
    from onmaru.engines.postgres.store import Store

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
MAIN = "main"
# Whom the log names where the house itself writes
HOUSE = "system"
LEAVING = frozenset({"destroying", "destroyed"})
# In the folder of a tenant whose record is in the database
MOVED = "in-postgresql"


def now() -> int:
    """µs since 1970 UTC; the one clock that everything else is given."""
    return time.time_ns() // 1000


class Place(msgspec.Struct, frozen=True):
    """Where a house lives: data, keys and witness, each ideally on a disk of its own.

    `store` is the address of the PostgreSQL that holds the record; "" keeps it in the home.
    """

    home: Path
    keys: Path
    witness: Path
    store: str = ""


def place(environ: Mapping[str, str] = os.environ) -> Place:
    """The folders that the settings name."""
    found = chosen.load(environ)
    home, keys, witness = (Path(str(found[name].value)).expanduser() for name in ("home", "keys", "witness"))
    return Place(home, keys, witness, str(found["store"].value))


def assigned(file: str) -> Sequence[Assigned]:
    """The rules in a file by which codes put labels on what is written; "" none."""
    try:
        return assigning.rules(Path(file).expanduser().read_text("utf-8")) if file else ()
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise Refusal(f"label_rules: {file}: {error}") from None


def heard(gate: Gate, index: FollowedIndex, version: Version) -> None:
    """Take note of what another worker appended."""
    labels = borne(version.body) if version.body is not None else ()
    if labels:
        index.file.labelled.add(version.t)
    gate.learn(version, labels)


class Seat(msgspec.Struct, frozen=True):
    """One open tenant."""

    home: Home | PgHome
    tenant: Tenant
    stores: Stores
    hot: HotTables
    columnar: ColumnarTables
    shelf: Shelf
    book: Book
    own: OwnFiles


class House:
    """Opens tenants on first use; `close` makes everything durable and signs the last heads."""

    def __init__(self, where: Place, rooms: Sequence[Room] | None = None) -> None:
        self.where = where
        self.rooms = tuple(listed.all_rooms() if rooms is None else rooms)
        environ = self._environ = {**os.environ, "ONMARU_HOME": str(where.home)}
        self._rooms = {room.name: room for room in (*self.rooms, LAKE)}
        self._settings = {
            room.name: chosen.room_settings(room.name, room.settings, environ) for room in self.rooms if room.settings
        }
        self._horizon = int(chosen.load(environ)["search_horizon_hours"].value) * HOUR
        self._master = keyring.master(where.keys)
        self.signer: Ed25519PrivateKey = keyring.signer(where.keys)
        self._seats: dict[str, Seat] = {}
        # What is kept in this process for a tenant's room, by (tenant, room)
        self.memories: dict[tuple[str, str], dict[str, Any]] = {}
        self._logins: Logins | None = None
        self._store: Store | None = None
        self.tenancies = Tenancies(lambda: self.logins.accounts, now)

    def offers(self, name: str) -> Room | None:
        """The room of this name, or the lake, whose commands are given a Hall like a room's."""
        return self._rooms.get(name)

    @property
    def logins(self) -> Logins:
        """Users, tokens and sessions of all tenants."""
        if self._logins is None:
            self.where.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            ring = keyring.Keyring(self._master)
            self._logins = Logins(self._accounts(ring.key("accounts")), ring.key("secrets"), now)
        return self._logins

    def _accounts(self, key: bytes) -> Accounts:
        store = self.store
        return SqliteAccounts(self.where.home / "accounts.db", key) if store is None else store.accounts(key)

    @property
    def store(self) -> Store | None:
        """The database that holds the record, None where the home does."""
        if self._store is None and self.where.store:
            try:
                from onmaru.engines.postgres.store import Store
            except ImportError:
                raise Refusal("the record is in PostgreSQL: install onmaru[postgres]") from None
            self._store = Store(self.where.store)
        return self._store

    def folder(self, tenant: str) -> Path:
        """The tenant's folder; refuses a name that is not a plain one."""
        if not NAME.fullmatch(tenant):
            raise Refusal(
                "a tenant's name is lower-case letters, digits and hyphens, at most 40, beginning with a letter"
            )
        return self.where.home / "tenants" / tenant

    def tenants(self) -> list[str]:
        """Every tenant there is; the default one always is."""
        folder = self.where.home / "tenants"
        found = {path.name for path in folder.iterdir() if (path / "tenant.key").exists()} if folder.exists() else set()
        if self.store is not None:
            found.update(self.store.tenants())
        return sorted(found | {MAIN})

    def exists(self, tenant: str) -> bool:
        """Whether requests may name this tenant."""
        return self.door(tenant)[0]

    def door(self, tenant: str) -> tuple[bool, str]:
        """Whether requests may name this tenant, and why nobody gets at it now, "" where it is open."""
        there = tenant in self._seats or (bool(NAME.fullmatch(tenant)) and tenant in self.tenants())
        closed = self.tenancies.closed(tenant)
        return there and closed != GONE, closed

    @property
    def opened(self) -> Sequence[str]:
        """The tenants that are open in this process."""
        return tuple(self._seats)

    def subscribed(self, tenant: str) -> bool:
        """Whether anybody in a tenant may have subscribed to something."""
        return self.store is not None or (self.folder(tenant) / LEDGER).exists()

    def ledger(self, tenant: str) -> Ledger:
        """A ledger of the tenant's subscriptions of one's own, to be closed."""
        keys, _ = self.keys(tenant)
        return self._ledger(tenant, keys)

    def _ledger(self, tenant: str, keys: Keys) -> Ledger:
        store = self.store
        return SqliteLedger(self.folder(tenant), keys.pages) if store is None else store.ledger(keys)

    def keys(self, tenant: str) -> tuple[Keys, keyring.Keyring]:
        """The keys of one tenant's files, made on first use."""
        folder = self.folder(tenant)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.store is not None:
            self.store.same_key(tenant, folder)
        found = self.keys_in(folder, tenant)
        if self.store is not None:
            self.store.same_key(tenant, folder)
        return found

    def keys_in(self, folder: Path, tenant: str, names: bytes = b"") -> tuple[Keys, keyring.Keyring]:
        """The same for a tenant that lies, or will lie, in any folder; `names`: see `keyring.tenant_keyring`."""
        ring = keyring.tenant_keyring(folder, self.where.keys, self._master, tenant, names)
        seals = keyring.Keyring(self.signer.private_bytes_raw()).key(f"seals/{tenant}")
        return Keys(tenant, ring.key("pages"), ring.key("codes"), seals), ring

    def terms(self, tenant: str) -> TermStore:
        """The code systems that a tenant has loaded beside its record."""
        return TermStore(self.folder(tenant) / "terms", self.keys(tenant)[1].key("terms"))

    def seat(self, tenant: str) -> Seat:
        """Open a tenant, following what its index and gate have not seen yet."""
        if tenant not in self._seats:
            self._seats[tenant] = self._open(tenant)
        return self._seats[tenant]

    def release(self, tenant: str) -> None:
        """Close one tenant; what was acknowledged of it is durable."""
        seat = self._seats.pop(tenant, None)
        if seat is not None:
            for one in (seat.own, seat.home, seat.hot, seat.columnar, seat.book.ledger):
                one.close()

    def _open(self, tenant: str) -> Seat:
        if self.tenancies.of(tenant).state in LEAVING:
            raise Refusal(f"tenant {tenant} was destroyed, or is being destroyed; no other is given its name")
        keys, ring = self.keys(tenant)
        filled = marked(self.folder(tenant))
        if filled and not filled.position:
            raise Refusal(
                f"the tables of tenant {tenant} are being filled: let `onmaru simulate` end, or go on with it"
            )
        home = self._home(tenant, keys)
        gate = Gate(tenant, Consents(), now, lambda: self.tenancies.closed(tenant))
        for version in home.index.find(Query(("Consent",), count=2**31), home.head(), 0, 0, ALL).versions:
            gate.learn(version)
        gate.assigned = assigned(chosen.of_tenant("label_rules", tenant, self._environ))
        gate.labels.occur(home.index.codings())
        for version, labels in home.index.bearing("Patient", gate.labels.hiding):
            gate.labels.take(version.type, version.id, labels)
        if not isinstance(home, Home):
            home.listeners.append(partial(heard, gate, home.index))
            home.listeners.append(lambda version: rules.forget(version.type) if version.type in DEFINING else None)
        projections = [projection for room in self.rooms for projection in room.projections]
        hot = HotTables(self.folder(tenant), keys.pages, projections)
        derivations = [(one, self._settings.get(room.name, {})) for room in self.rooms for one in room.derivations]
        columnar = ColumnarTables(self.folder(tenant), ring.key("lake"), [*projections, Resources()], derivations)

        def defining() -> Sequence[Version]:
            return home.index.find(Query(tuple(DEFINING), count=2**31), home.tip(), 0, 0, ALL).versions

        def limits() -> Limits:
            return self.tenancies.of(tenant).limits

        asked = [chosen.of_tenant(name, tenant, self._environ) for name in ("validation", "integrity")]
        rules = Rules(asked[0], defining, asked[1], self.terms(tenant))
        book = Book(self._ledger(tenant, keys), lambda: self.logins, home.index, home.tip)
        stands = Tenant(
            tenant, home, home.index, home.trail, gate, now, new_id, self._horizon, rules,
            lambda: limits().resources, book,
        )  # fmt: skip
        space = Space(lambda: limits().blobs)
        shelf = Shelf(self.folder(tenant) / "blobs", ring, gate, home.trail, now, space)
        index = home.index
        stores = Stores(
            gate, home.trail, now, (hot, columnar), index.concealed, index.concealed_at,
            home.head if filled is None else lambda: filled.position, lambda t: index.touched(t - 1, t)[0].at,
        )  # fmt: skip
        own = OwnFiles(self.folder(tenant), keys, home.index, lambda: rules.parameters, home.head)
        home.index.own, rules.indexed = own, own.standing
        return Seat(home, stands, stores, hot, columnar, shelf, book, own)

    def _home(self, tenant: str, keys: Keys) -> Home | PgHome:
        """The tenant's home, on the engine that holds its record and no other."""
        folder, store = self.folder(tenant), self.store
        moved = folder / MOVED
        if store is None:
            if moved.exists():
                raise Refusal(
                    f"tenant {tenant} is in PostgreSQL: set ONMARU_STORE, or bring it back with `onmaru move`"
                )
            return Home(folder, keys, now) if marked(folder) is None else FilledHome(folder, keys, now)
        if (folder / "log.db").exists():
            raise Refusal(f"tenant {tenant} is in this home: `onmaru move` takes it to the database")
        moved.touch()
        return store.home(folder, keys, now)

    def heeded(self, tenant: str, forget: Callable[[], None]) -> None:
        """Have `forget` called whenever another worker has written to the tenant."""
        home = self.seat(tenant).home
        if not isinstance(home, Home):
            home.listeners.append(lambda version: forget())

    def pump(self, tenant: str, after: Callable[[int], None]) -> Pump | PgPump:
        """Group commit for a tenant on the running loop."""
        home = self.seat(tenant).home
        if isinstance(home, Home):
            return Pump(home, after)
        from onmaru.engines.postgres.pump import PgPump

        return PgPump(home, after)

    def hall(self, caller: Caller, room: str = "", language: Literal["ko", "en"] = "ko") -> Hall:
        """The doors for one caller; in a room they are narrowed to the scopes that the room declares, with its settings.

        `Invalid` 403 where the tenant is suspended.
        """
        seat = self.seat(caller.tenant)
        self.tenancies.check(caller.tenant)
        if room:
            caller = narrowed(caller, self._rooms[room])
        record = Chart(seat.tenant, caller)
        blobs = FolderBlobs(seat.shelf, caller)
        lake, settings = EmbeddedLake(seat.stores, caller), self._settings.get(room, {})
        memory = self.memories.get((caller.tenant, room), {})
        return Hall(
            caller, record, lake, blobs, TaskJobs(record), settings, language, seat.tenant.rules, memory,
            partial(self.roles, caller.tenant),
        )  # fmt: skip

    def roles(self, tenant: str, user: str) -> frozenset[Role]:
        """Those that a user holds now: none for one who is disabled. The house's own name is the system's."""
        found = self.logins.accounts.user(tenant, user)
        if found is None:
            return frozenset({"system"}) if user == HOUSE else frozenset()
        return frozenset() if found.disabled else frozenset(found.roles)

    def catch_up(self, tenant: str) -> None:
        """Bring every projection of a tenant up to its durable head."""
        seat = self.seat(tenant)
        for projection in seat.hot.projections:
            while seat.hot.catch_up(projection, seat.home):
                pass
        for projection in seat.columnar.projections:
            while seat.columnar.catch_up(projection, seat.home):
                pass
        while seat.own.step():
            pass

    def witness(self) -> None:
        """Sign the durable heads of all open tenants for the witness."""
        for name, seat in self._seats.items():
            home = seat.home
            if home.waiting():
                home.wait(home.tip())
            head = Head(name, now(), *home.ends(), seat.shelf.keyring.called(), lying(self.where.home))
            sign(self.where.witness, self.signer, head)

    def close(self) -> None:
        """Close all tenants."""
        self.witness()
        for tenant in self.opened:
            self.release(tenant)
        if self._store is not None:
            self._store.close()
            self._store = None
            if self._logins is not None:
                self._logins.accounts.close()
                self._logins = None


def system(tenant: str, user: str = HOUSE) -> Caller:
    """The house's own caller, for doors, commands and jobs."""
    everything = (Scope("system", "*", frozenset("cruds")),)
    return Caller(tenant, user, frozenset({"system"}), "HOPERAT", everything)
