"""Accounts in the database for all tenants and workers; each is encrypted, and durable when a save returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from onmaru.engines.postgres.bodies import Box
from onmaru.engines.postgres.link import Link
from onmaru.kernel.accounts import Grant, User
from onmaru.kernel.clients import Client
from onmaru.kernel.login import OPENING
from onmaru.kernel.tenancy import Tenancy

SCHEMA = "onmaru"
TABLES = f"""
SELECT pg_advisory_lock(7295302);
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
CREATE TABLE IF NOT EXISTS {SCHEMA}.tenant(name text PRIMARY KEY, wrapped bytea NOT NULL);
CREATE TABLE IF NOT EXISTS {SCHEMA}.account(tenant text, name text COLLATE "C", value bytea NOT NULL,
  PRIMARY KEY(tenant, name));
CREATE TABLE IF NOT EXISTS {SCHEMA}.given(key bytea PRIMARY KEY, tenant text NOT NULL, name text NOT NULL,
  client text NOT NULL, family text NOT NULL, created int8 NOT NULL, ends int8, value bytea NOT NULL);
CREATE INDEX IF NOT EXISTS given_to ON {SCHEMA}.given(tenant, name, created);
CREATE INDEX IF NOT EXISTS given_family ON {SCHEMA}.given(tenant, family) WHERE family <> '';
CREATE INDEX IF NOT EXISTS given_ends ON {SCHEMA}.given(ends) WHERE ends IS NOT NULL;
CREATE TABLE IF NOT EXISTS {SCHEMA}.client(tenant text, id text COLLATE "C", value bytea NOT NULL, PRIMARY KEY(tenant, id));
CREATE TABLE IF NOT EXISTS {SCHEMA}.once(name bytea PRIMARY KEY, ends int8 NOT NULL);
CREATE TABLE IF NOT EXISTS {SCHEMA}.kept(name text PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE IF NOT EXISTS {SCHEMA}.tenancy(tenant text COLLATE "C" PRIMARY KEY, value bytea NOT NULL);
SELECT pg_advisory_unlock(7295302)
"""
_SAVE = """INSERT INTO given VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
 tenant = excluded.tenant, name = excluded.name, client = excluded.client, family = excluded.family,
 created = excluded.created, ends = excluded.ends, value = excluded.value"""


class PgAccounts:
    """Accounts (kernel/accounts.py) under `key`. Calls may come from any thread."""

    def __init__(self, address: str, key: bytes) -> None:
        self._link = Link(address, SCHEMA)
        self._link.script(TABLES)
        self._box = Box(key, "accounts")

    def _all(self, kind: type[Any], sql: str, *values: Any) -> list[Any]:
        rows = self._link.execute(sql, values)
        return [msgspec.msgpack.decode(self._box.open(0, value), type=kind) for (value,) in rows]

    def _one(self, kind: type[Any], sql: str, *values: Any) -> Any:
        return next(iter(self._all(kind, sql, *values)), None)

    def _sealed(self, kept: User | Grant | Client | Tenancy) -> bytes:
        return self._box.seal(0, msgspec.msgpack.encode(kept))

    def user(self, tenant: str, user: str) -> User | None:
        found: User | None = self._one(User, "SELECT value FROM account WHERE tenant = ? AND name = ?", tenant, user)
        return found

    def users(self, tenant: str) -> Sequence[User]:
        return self._all(User, "SELECT value FROM account WHERE tenant = ? ORDER BY name", tenant)

    def save_user(self, user: User) -> None:
        self._link.execute(
            "INSERT INTO account VALUES(?, ?, ?) ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value",
            (user.tenant, user.user, self._sealed(user)),
        )

    def grant(self, key: bytes) -> Grant | None:
        found: Grant | None = self._one(Grant, "SELECT value FROM given WHERE key = ?", key)
        return found

    def grants(self, tenant: str, user: str) -> Sequence[Grant]:
        which = "SELECT value FROM given WHERE tenant = ? AND name = ? ORDER BY created DESC"
        return self._all(Grant, which, tenant, user)

    def save_grant(self, grant: Grant) -> None:
        self._link.execute(_SAVE, self._row(grant))

    def save_grants(self, grants: Sequence[Grant]) -> None:
        self._link.executemany(_SAVE, [self._row(grant) for grant in grants])

    def _row(self, grant: Grant) -> tuple[Any, ...]:
        # What apps were granted is forgotten when it has ended; what people hold stays
        ends = None if grant.kind in OPENING and not grant.client else grant.expires
        named = (grant.key, grant.tenant, grant.user, grant.client, grant.family)
        return *named, grant.created, ends, self._sealed(grant)

    def family(self, tenant: str, family: str) -> Sequence[Grant]:
        which = "SELECT value FROM given WHERE tenant = ? AND family = ? AND ends IS NOT NULL"
        return self._all(Grant, which, tenant, family)

    def client(self, tenant: str, id: str) -> Client | None:
        found: Client | None = self._one(Client, "SELECT value FROM client WHERE tenant = ? AND id = ?", tenant, id)
        return found

    def clients(self, tenant: str) -> Sequence[Client]:
        return self._all(Client, "SELECT value FROM client WHERE tenant = ? ORDER BY id", tenant)

    def save_client(self, client: Client) -> None:
        self._link.execute(
            "INSERT INTO client VALUES(?, ?, ?) ON CONFLICT (tenant, id) DO UPDATE SET value = excluded.value",
            (client.tenant, client.id, self._sealed(client)),
        )

    def remove_client(self, tenant: str, id: str) -> None:
        with self._link.transaction():
            self._link.execute("DELETE FROM client WHERE tenant = ? AND id = ?", (tenant, id))
            self._link.execute("DELETE FROM given WHERE tenant = ? AND client = ? AND ends IS NOT NULL", (tenant, id))

    def once(self, name: bytes, ends: int, now: int) -> bool:
        with self._link.transaction():
            self._link.execute("DELETE FROM once WHERE ends < ?", (now,))
            self._link.execute("INSERT INTO once VALUES(?, ?) ON CONFLICT DO NOTHING", (name, ends))
            return self._link.changes() == 1

    def kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        found = self._link.execute("SELECT value FROM kept WHERE name = ?", (name,)).get
        if found is None:
            value = self._box.seal(0, make())
            self._link.execute("INSERT INTO kept VALUES(?, ?) ON CONFLICT DO NOTHING", (name, value))
            found = self._link.execute("SELECT value FROM kept WHERE name = ?", (name,)).get
        return self._box.open(0, found)

    def sweep(self, before: int) -> None:
        self._link.execute("DELETE FROM given WHERE ends < ?", (before,))

    def tenancy(self, tenant: str) -> Tenancy | None:
        found: Tenancy | None = self._one(Tenancy, "SELECT value FROM tenancy WHERE tenant = ?", tenant)
        return found

    def tenancies(self) -> Sequence[Tenancy]:
        return self._all(Tenancy, "SELECT value FROM tenancy ORDER BY tenant")

    def save_tenancy(self, tenancy: Tenancy) -> None:
        self._link.execute(
            "INSERT INTO tenancy VALUES(?, ?) ON CONFLICT (tenant) DO UPDATE SET value = excluded.value",
            (tenancy.tenant, self._sealed(tenancy)),
        )

    def remove_tenant(self, tenant: str) -> None:
        with self._link.transaction():
            for table in ("account", "given", "client"):
                self._link.execute(f"DELETE FROM {table} WHERE tenant = ?", (tenant,))
            self._link.execute("DELETE FROM kept WHERE name = ?", (f"signing/{tenant}",))
        for table in ("account", "given", "client", "kept"):
            self._link.script(f"VACUUM {table}")

    def close(self) -> None:
        self._link.close()
