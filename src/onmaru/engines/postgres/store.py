"""What all tenants of one database share: their wrapped keys, so that every worker opens them, and the accounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from onmaru.engines.keyring import KeyLost, write_new
from onmaru.engines.postgres.bodies import Box
from onmaru.engines.postgres.home import PgHome
from onmaru.engines.postgres.link import Link
from onmaru.engines.postgres.schema import tenants
from onmaru.engines.postgres.verify import PgVerifier
from onmaru.engines.sqlite.connection import Keys
from onmaru.engines.witness import Head
from onmaru.kernel.accounts import Grant, User

SCHEMA = "onmaru"
_TABLES = f"""
SELECT pg_advisory_lock(7295302);
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
CREATE TABLE IF NOT EXISTS {SCHEMA}.tenant(name text PRIMARY KEY, wrapped bytea NOT NULL);
CREATE TABLE IF NOT EXISTS {SCHEMA}.account(tenant text, name text COLLATE "C", value bytea NOT NULL,
  PRIMARY KEY(tenant, name));
CREATE TABLE IF NOT EXISTS {SCHEMA}.given(key bytea PRIMARY KEY, tenant text NOT NULL, name text NOT NULL,
  created int8 NOT NULL, value bytea NOT NULL);
CREATE INDEX IF NOT EXISTS given_to ON {SCHEMA}.given(tenant, name, created);
SELECT pg_advisory_unlock(7295302)
"""


class Store:
    """One database at an address `postgresql://user@host:port/name`; the password is found as libpq finds it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._link = Link(address, SCHEMA)
        self._link.script(_TABLES)

    def tenants(self) -> list[str]:
        """The tenants that live here."""
        return tenants(self._link)

    def same_key(self, tenant: str, folder: Path) -> None:
        """Have the tenant's wrapped key in the worker's folder and in the database; KeyLost when they are two."""
        path = folder / "tenant.key"
        if path.exists():
            self._link.execute("INSERT INTO tenant VALUES(?, ?) ON CONFLICT DO NOTHING", (tenant, path.read_bytes()))
        stored = self._link.execute("SELECT wrapped FROM tenant WHERE name = ?", (tenant,)).get
        if stored is None:
            return
        if not path.exists():
            write_new(path, stored)
        elif path.read_bytes() != stored:
            raise KeyLost(f"tenant {tenant}: its key in this home is not the one in the database")

    def home(self, folder: Path, keys: Keys, now: Callable[[], int]) -> PgHome:
        """A worker's part in a tenant; `folder` is its own, for what it follows by itself."""
        return PgHome(self.address, keys, now, folder)

    def verifier(self, folder: Path, keys: Keys, heads: Sequence[Head]) -> PgVerifier:
        """What proves a tenant's rows to be as they were written."""
        return PgVerifier(self.address, folder, keys, heads)

    def accounts(self, key: bytes) -> PgAccounts:
        """Users and grants of all tenants."""
        return PgAccounts(self.address, key)

    def close(self) -> None:
        """Leave."""
        self._link.close()


class PgAccounts:
    """Accounts (kernel/accounts.py): what is kept of each is encrypted under `key`. Calls may come from any thread."""

    def __init__(self, address: str, key: bytes) -> None:
        self._link = Link(address, SCHEMA)
        self._box = Box(key, "accounts")

    def user(self, tenant: str, user: str) -> User | None:
        return next(iter(self._users("WHERE tenant = ? AND name = ?", tenant, user)), None)

    def users(self, tenant: str) -> Sequence[User]:
        return self._users("WHERE tenant = ? ORDER BY name", tenant)

    def _users(self, which: str, *values: str) -> list[User]:
        rows = self._link.execute(f"SELECT value FROM account {which}", values)
        return [msgspec.msgpack.decode(self._box.open(0, value), type=User) for (value,) in rows]

    def save_user(self, user: User) -> None:
        self._link.execute(
            "INSERT INTO account VALUES(?, ?, ?) ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value",
            (user.tenant, user.user, self._sealed(user)),
        )

    def grant(self, key: bytes) -> Grant | None:
        return next(iter(self._grants("WHERE key = ?", key)), None)

    def grants(self, tenant: str, user: str) -> Sequence[Grant]:
        return self._grants("WHERE tenant = ? AND name = ? ORDER BY created DESC", tenant, user)

    def _grants(self, which: str, *values: Any) -> list[Grant]:
        rows = self._link.execute(f"SELECT value FROM given {which}", values)
        return [msgspec.msgpack.decode(self._box.open(0, value), type=Grant) for (value,) in rows]

    def save_grant(self, grant: Grant) -> None:
        self._link.execute(
            "INSERT INTO given VALUES(?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (grant.key, grant.tenant, grant.user, grant.created, self._sealed(grant)),
        )

    def _sealed(self, kept: User | Grant) -> bytes:
        return self._box.seal(0, msgspec.msgpack.encode(kept))

    def close(self) -> None:
        self._link.close()
