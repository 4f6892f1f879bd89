"""The search index in SQLite.

One transaction stays open on the connection that reads, so SQLite works as a log-structured tree; it is committed with its
position only when the log is durable up to there. After a crash the missing positions are followed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onmaru.engines.index.names import Names
from onmaru.engines.index.tables import Tables
from onmaru.engines.sqlite.connection import Keys, connect
from onmaru.engines.sqlite.schema import FORMAT, INSERTS, SCHEMA


class IndexFile(Tables):
    """The index tables of one tenant in a file of their own."""

    def __init__(self, folder: Path, keys: Keys, *, cache_mb: int = 192) -> None:
        self.path = folder / "idx.db"
        self.base = connect(self.path, keys.pages, cache_mb=cache_mb)
        self.base.execute(SCHEMA)
        super().__init__(self.base, Names(self.base, keys.codes), self.fact("position") or 0)

    def fact(self, name: str) -> Any:
        """A value kept in the index's own transaction."""
        return self.base.execute("SELECT value FROM fact WHERE name = ?", (name,)).get

    def sound(self, seal: bytes | None) -> bool:
        """Whether what is committed belongs to a log that has this seal where the index stands: same format, not ahead."""
        if not self.position:
            return self.base.execute("SELECT 1 FROM ver LIMIT 1").get is None
        return seal is not None and self.fact("seal") == seal and self.fact("format") == FORMAT

    def put(self, rows: Mapping[str, list[tuple[Any, ...]]]) -> None:
        """Insert rows by table."""
        for table, statement in INSERTS.items():
            found = rows[table]
            if found:
                self.base.executemany(statement, found)

    def commit(self, seal: bytes) -> None:
        """Make the open transaction permanent, with the position and seal it stands at. The log must be durable there."""
        if not self.base.in_transaction:
            return
        self.base.executemany(
            "INSERT OR REPLACE INTO fact VALUES(?,?)",
            [("position", self.position), ("seal", seal), ("format", FORMAT)],
        )
        self.base.execute("COMMIT")
        self.committed = self.position

    def close(self) -> None:
        """Close; an open transaction is given up and followed again later."""
        if self.base.in_transaction:
            self.base.execute("ROLLBACK")
        self.base.close()
