"""Accounts in one encrypted SQLite file (`accounts.db`) for all tenants; every save is on disk when it returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock

import apsw
import msgspec

from onmaru.kernel.accounts import Grant, User
from onmaru.kernel.clients import Client
from onmaru.kernel.login import OPENING
from onmaru.kernel.tenancy import Tenancy

_SCHEMA = """
CREATE TABLE IF NOT EXISTS user (tenant TEXT, user TEXT, value BLOB NOT NULL, PRIMARY KEY (tenant, user)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS grant_ (
    key BLOB PRIMARY KEY, tenant TEXT NOT NULL, user TEXT NOT NULL, created INTEGER NOT NULL, value BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS grant_of ON grant_ (tenant, user, created);
CREATE TABLE IF NOT EXISTS granted (
    key BLOB PRIMARY KEY, tenant TEXT NOT NULL, client TEXT NOT NULL, user TEXT NOT NULL, family TEXT NOT NULL,
    created INTEGER NOT NULL, ends INTEGER NOT NULL, value BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS granted_of ON granted (tenant, user, created);
CREATE INDEX IF NOT EXISTS granted_family ON granted (tenant, family);
CREATE INDEX IF NOT EXISTS granted_ends ON granted (ends);
CREATE TABLE IF NOT EXISTS client (tenant TEXT, id TEXT, value BLOB NOT NULL, PRIMARY KEY (tenant, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS once (name BLOB PRIMARY KEY, ends INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tenancy (tenant TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
# What apps were granted is found by family and forgotten when it has ended; what people hold stays
_SAVE_GRANTED = "INSERT OR REPLACE INTO granted VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_SAVE_GRANT = "INSERT OR REPLACE INTO grant_ VALUES (?, ?, ?, ?, ?)"


class SqliteAccounts:
    """`key` encrypts the pages (32 bytes); a wrong key raises `apsw.NotADBError`. Calls may come from any thread."""

    def __init__(self, path: Path | str, key: bytes) -> None:
        self._lock = Lock()
        self._base = _opened(str(path), f'PRAGMA key="raw:{key.hex()}"') or _stretched(str(path), key)
        self._base.pragma("journal_mode", "wal")
        self._base.pragma("synchronous", "full")
        self._base.pragma("secure_delete", 1)
        with self._base:
            self._base.execute(_SCHEMA)

    def user(self, tenant: str, user: str) -> User | None:
        value = self._one("SELECT value FROM user WHERE tenant = ? AND user = ?", (tenant, user))
        return msgspec.msgpack.decode(value, type=User) if value is not None else None

    def users(self, tenant: str) -> Sequence[User]:
        rows = self._all("SELECT value FROM user WHERE tenant = ? ORDER BY user", (tenant,))
        return [msgspec.msgpack.decode(value, type=User) for value in rows]

    def save_user(self, user: User) -> None:
        self._run(
            "INSERT OR REPLACE INTO user VALUES (?, ?, ?)", (user.tenant, user.user, msgspec.msgpack.encode(user))
        )

    def grant(self, key: bytes) -> Grant | None:
        either = "SELECT value FROM grant_ WHERE key = ? UNION ALL SELECT value FROM granted WHERE key = ?"
        value = self._one(either, (key, key))
        return msgspec.msgpack.decode(value, type=Grant) if value is not None else None

    def grants(self, tenant: str, user: str) -> Sequence[Grant]:
        own = "SELECT value, created FROM {} WHERE tenant = ? AND user = ?"
        both = f"{own.format('grant_')} UNION ALL {own.format('granted')} ORDER BY created DESC"
        rows = self._all(both, (tenant, user, tenant, user))
        return [msgspec.msgpack.decode(value, type=Grant) for value in rows]

    def save_grant(self, grant: Grant) -> None:
        self._run(*_saving(grant))

    def save_grants(self, grants: Sequence[Grant]) -> None:
        with self._lock, self._base:
            for grant in grants:
                self._base.execute(*_saving(grant))

    def family(self, tenant: str, family: str) -> Sequence[Grant]:
        rows = self._all("SELECT value FROM granted WHERE tenant = ? AND family = ?", (tenant, family))
        return [msgspec.msgpack.decode(value, type=Grant) for value in rows]

    def client(self, tenant: str, id: str) -> Client | None:
        value = self._one("SELECT value FROM client WHERE tenant = ? AND id = ?", (tenant, id))
        return msgspec.msgpack.decode(value, type=Client) if value is not None else None

    def clients(self, tenant: str) -> Sequence[Client]:
        rows = self._all("SELECT value FROM client WHERE tenant = ? ORDER BY id", (tenant,))
        return [msgspec.msgpack.decode(value, type=Client) for value in rows]

    def save_client(self, client: Client) -> None:
        row = (client.tenant, client.id, msgspec.msgpack.encode(client))
        self._run("INSERT OR REPLACE INTO client VALUES (?, ?, ?)", row)

    def remove_client(self, tenant: str, id: str) -> None:
        with self._lock, self._base:
            self._base.execute("DELETE FROM client WHERE tenant = ? AND id = ?", (tenant, id))
            self._base.execute("DELETE FROM granted WHERE tenant = ? AND client = ?", (tenant, id))

    def once(self, name: bytes, ends: int, now: int) -> bool:
        with self._lock, self._base:
            self._base.execute("DELETE FROM once WHERE ends < ?", (now,))
            self._base.execute("INSERT OR IGNORE INTO once VALUES (?, ?)", (name, ends))
            fresh = self._base.changes() == 1
        return fresh

    def kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        found = self._one("SELECT value FROM kept WHERE name = ?", (name,))
        if found is None:
            self._run("INSERT OR IGNORE INTO kept VALUES (?, ?)", (name, make()))
            found = self._one("SELECT value FROM kept WHERE name = ?", (name,))
        return found or b""

    def sweep(self, before: int) -> None:
        self._run("DELETE FROM granted WHERE ends < ?", (before,))

    def tenancy(self, tenant: str) -> Tenancy | None:
        value = self._one("SELECT value FROM tenancy WHERE tenant = ?", (tenant,))
        return msgspec.msgpack.decode(value, type=Tenancy) if value is not None else None

    def tenancies(self) -> Sequence[Tenancy]:
        rows = self._all("SELECT value FROM tenancy ORDER BY tenant", ())
        return [msgspec.msgpack.decode(value, type=Tenancy) for value in rows]

    def save_tenancy(self, tenancy: Tenancy) -> None:
        self._run("INSERT OR REPLACE INTO tenancy VALUES (?, ?)", (tenancy.tenant, msgspec.msgpack.encode(tenancy)))

    def remove_tenant(self, tenant: str) -> None:
        with self._lock:
            with self._base:
                for table in ("user", "grant_", "granted", "client"):
                    self._base.execute(f"DELETE FROM {table} WHERE tenant = ?", (tenant,))
                self._base.execute("DELETE FROM kept WHERE name = ?", (f"signing/{tenant}",))
            self._base.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def close(self) -> None:
        with self._lock:
            self._base.close()

    def _one(self, sql: str, values: tuple[apsw.SQLiteValue, ...]) -> bytes | None:
        rows = self._all(sql, values)
        return rows[0] if rows else None

    def _all(self, sql: str, values: tuple[apsw.SQLiteValue, ...]) -> list[bytes]:
        with self._lock:
            return [row[0] for row in self._base.execute(sql, values)]

    def _run(self, sql: str, values: tuple[apsw.SQLiteValue, ...]) -> None:
        with self._lock:
            self._base.execute(sql, values)


def _saving(grant: Grant) -> tuple[str, tuple[apsw.SQLiteValue, ...]]:
    value = msgspec.msgpack.encode(grant)
    if grant.kind in OPENING and not grant.client:
        return _SAVE_GRANT, (grant.key, grant.tenant, grant.user, grant.created, value)
    named = (grant.key, grant.tenant, grant.client, grant.user, grant.family)
    return _SAVE_GRANTED, (*named, grant.created, grant.expires, value)


def _opened(path: str, unlock: str) -> apsw.Connection | None:
    """The file unlocked; None where it was locked otherwise."""
    base = apsw.Connection(path)
    base.set_busy_timeout(5_000)
    base.pragma("cipher", "chacha20")
    base.execute(unlock)
    try:
        base.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    except apsw.NotADBError:
        base.close()
        return None
    return base


def _stretched(path: str, key: bytes) -> apsw.Connection:
    """A file of before the key, which is random, was used as it is: it was stretched as passwords are."""
    found = _opened(path, f"PRAGMA hexkey='{key.hex()}'")
    if found is None:
        raise apsw.NotADBError("the key does not open the file of accounts")
    return found
