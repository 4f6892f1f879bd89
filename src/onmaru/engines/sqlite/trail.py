"""The audit trail in a SQLite file of its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from onmaru.engines.sqlite.connection import Keys, connect
from onmaru.engines.trail import SealedTrail
from onmaru.kernel.audit import Access
from onmaru.kernel.seal import seal_block

SCHEMA = """
CREATE TABLE IF NOT EXISTS block(n INTEGER PRIMARY KEY, first INTEGER NOT NULL, rows BLOB NOT NULL, seal BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS seen(n INTEGER PRIMARY KEY, at INTEGER, user TEXT, block INTEGER);
CREATE TABLE IF NOT EXISTS whose(patient TEXT, n INTEGER, PRIMARY KEY(patient, n)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seen_user ON seen(user, n);
"""


class SqliteTrail(SealedTrail):
    """`commit` seals the buffered rows as one block."""

    def __init__(self, folder: Path, keys: Keys) -> None:
        self.path = folder / "audit.db"
        self._file = connect(self.path, keys.pages, cache_mb=8)
        self._file.execute(SCHEMA)
        self._key = keys.seals
        super().__init__(self._file, keys.genesis("audit"))

    def commit(self) -> None:
        """Write the buffered rows as one sealed block; not yet durable."""
        rows = [self._rows.popleft() for _ in range(len(self._rows))]
        if not rows:
            return
        try:
            self._write(rows)
        except BaseException:
            self._rows.extendleft(reversed(rows))
            raise

    def _write(self, rows: Sequence[Access]) -> None:
        packed = self.packed(rows)
        seal = seal_block(self._key, self.seal, self.block + 1, packed)
        self._file.execute("INSERT INTO block VALUES(?,?,?,?)", (self.block + 1, self._next, packed, seal))
        self.block, self.seal = self.block + 1, seal
        self._next += len(rows)

    def _together(self) -> AbstractContextManager[object]:
        return self._file

    def close(self) -> None:
        """Close without writing what is buffered."""
        self._file.close()
