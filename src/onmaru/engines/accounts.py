"""Accounts in one encrypted SQLite file (`accounts.db`) for all tenants; every save is on disk when it returns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import apsw
import msgspec

from onmaru.kernel.accounts import Grant, User

_SCHEMA = """
CREATE TABLE IF NOT EXISTS user (tenant TEXT, user TEXT, value BLOB NOT NULL, PRIMARY KEY (tenant, user)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS grant_ (
    key BLOB PRIMARY KEY, tenant TEXT NOT NULL, user TEXT NOT NULL, created INTEGER NOT NULL, value BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS grant_of ON grant_ (tenant, user, created);
"""


class SqliteAccounts:
    """`key` encrypts the pages (32 bytes); a wrong key raises `apsw.NotADBError`. Calls may come from any thread."""

    def __init__(self, path: Path | str, key: bytes) -> None:
        self._lock = Lock()
        self._base = apsw.Connection(str(path))
        self._base.set_busy_timeout(5_000)
        self._base.pragma("hexkey", key.hex())
        self._base.pragma("journal_mode", "wal")
        self._base.pragma("synchronous", "full")
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
        value = self._one("SELECT value FROM grant_ WHERE key = ?", (key,))
        return msgspec.msgpack.decode(value, type=Grant) if value is not None else None

    def grants(self, tenant: str, user: str) -> Sequence[Grant]:
        rows = self._all("SELECT value FROM grant_ WHERE tenant = ? AND user = ? ORDER BY created DESC", (tenant, user))
        return [msgspec.msgpack.decode(value, type=Grant) for value in rows]

    def save_grant(self, grant: Grant) -> None:
        self._run(
            "INSERT OR REPLACE INTO grant_ VALUES (?, ?, ?, ?, ?)",
            (grant.key, grant.tenant, grant.user, grant.created, msgspec.msgpack.encode(grant)),
        )

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
