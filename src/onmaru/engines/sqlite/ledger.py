"""The subscriptions' ledger in an encrypted SQLite file of the tenant's (`subscriptions.db`), made when first written to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import apsw
import msgspec

from onmaru.engines.sqlite.connection import connect
from onmaru.kernel.subscribing import KEPT, Owner, Progress

FILE = "subscriptions.db"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS owner (id TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS progress (id TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event (id TEXT, n INTEGER, t INTEGER NOT NULL, PRIMARY KEY (id, n)) WITHOUT ROWID;
"""
_PROGRESS = "INSERT OR REPLACE INTO progress VALUES (?, ?)"


class SqliteLedger:
    """Ledger (kernel/subscribing.py). It holds positions and grants' hashes, nothing that names a patient."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._path = folder / FILE
        self._key = key
        self._lock = Lock()
        self._open: apsw.Connection | None = None

    @property
    def _base(self) -> apsw.Connection:
        if self._open is None:
            self._open = connect(self._path, self._key, cache_mb=4)
            self._open.pragma("synchronous", "full")
            self._open.pragma("wal_autocheckpoint", 1000)
            self._open.execute(_SCHEMA)
        return self._open

    def rows(self) -> Sequence[tuple[str, Owner]]:
        rows = self._rows("SELECT id, value FROM owner ORDER BY id")
        return [(id, msgspec.msgpack.decode(value, type=Owner)) for id, value in rows]

    def row(self, id: str) -> tuple[Owner | None, Progress | None]:
        owner = self._rows("SELECT value FROM owner WHERE id = ?", (id,))
        found = self._rows("SELECT value FROM progress WHERE id = ?", (id,))
        return (
            msgspec.msgpack.decode(owner[0][0], type=Owner) if owner else None,
            msgspec.msgpack.decode(found[0][0], type=Progress) if found else None,
        )

    def own(self, id: str, owner: Owner | None) -> None:
        if owner is not None:
            self._write([("INSERT OR REPLACE INTO owner VALUES (?, ?)", (id, msgspec.msgpack.encode(owner)))])
        elif self._path.exists():
            self._write([(f"DELETE FROM {table} WHERE id = ?", (id,)) for table in ("owner", "progress", "event")])

    def keep(self, rows: Sequence[tuple[str, Progress]], events: Sequence[tuple[str, int, int]] = ()) -> None:
        steps: list[tuple[str, tuple[Any, ...]]] = [(_PROGRESS, (id, msgspec.msgpack.encode(row))) for id, row in rows]
        steps += [("INSERT OR REPLACE INTO event VALUES (?, ?, ?)", event) for event in events]
        for id, number in {id: number for id, number, _ in events}.items():
            steps.append(("DELETE FROM event WHERE id = ? AND n <= ?", (id, number - KEPT)))
        self._write(steps)

    def events(self, id: str, since: int, until: int, count: int) -> Sequence[tuple[int, int]]:
        found = self._rows(
            "SELECT n, t FROM event WHERE id = ? AND n BETWEEN ? AND ? ORDER BY n LIMIT ?", (id, since, until, count)
        )
        return [(number, t) for number, t in found]

    def lead(self) -> bool:
        """The tenant's one home does."""
        return True

    def close(self) -> None:
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None

    def _rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return list(self._base.execute(sql, values)) if self._path.exists() else []

    def _write(self, steps: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
        with self._lock, self._base:
            for sql, values in steps:
                self._base.execute(sql, values)
