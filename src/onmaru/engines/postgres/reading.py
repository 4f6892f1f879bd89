"""Reads a tenant's log and audit in PostgreSQL for a backup, beside the workers that write them, a bounded piece at a time.

What is read is flushed before it is backed up, and comes in the form that a home's files have: one backup, either engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from onmaru.engines.backup.reading import BYTES, ENTRIES, ERASED, ROWS, Reading, Stand, weight
from onmaru.engines.postgres.bodies import Box
from onmaru.engines.postgres.link import Link
from onmaru.engines.postgres.schema import schema_of
from onmaru.engines.sqlite.connection import Keys

_SIZES = "SELECT e.t, length(b.z) FROM entry e LEFT JOIN body b ON b.t = e.t WHERE e.t > ? ORDER BY e.t LIMIT ?"
_WEIGHTS = "SELECT n, length(rows) FROM block WHERE n > ? ORDER BY n LIMIT ?"
_BLOCKS = "SELECT n, first, rows, seal FROM block WHERE n > ? AND n <= ? ORDER BY n"
# Who says in `mark` how far the log was flushed
READER = "backup"


class PgReading(Reading):
    """One tenant's schema, open for reading."""

    def __init__(self, address: str, keys: Keys) -> None:
        self._begin(keys)
        self._log = self._trail = self._link = Link(address, schema_of(keys.tenant))
        self._bodies, self._audit = Box(keys.pages, "bodies"), Box(keys.pages, "audit")

    def _rows(self, after: int) -> Iterator[tuple[Any, ...]]:
        """Those of some megabytes: they all come at once."""
        last = self._upto(_SIZES, after)
        for row in self._link.execute(ENTRIES, (after, last - after)):
            *rest, z = row
            yield (*rest, None if z is None else self._bodies.open(row[0], z))

    def _upto(self, sizes: str, after: int) -> int:
        """How far some megabytes reach; `after` where nothing follows."""
        held, last = 0, after
        for number, size in self._link.execute(sizes, (after, ROWS)):
            held, last = held + weight(size), number
            if held > BYTES:
                break
        return int(last)

    def _taken(self, after: int, upto: int) -> list[Any]:
        return self._link.execute(ERASED, {"after": after, "upto": upto})

    def _packed(self, after: int) -> Iterator[tuple[Any, ...]]:
        while (upto := self._upto(_WEIGHTS, after)) > after:
            for number, first, rows, seal in self._link.execute(_BLOCKS, (after, upto)):
                yield number, first, self._audit.open(number, rows), seal
            after = upto

    @contextmanager
    def _moment(self) -> Iterator[None]:
        self._link.script("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        try:
            yield
        finally:
            self._link.script("ROLLBACK")

    def _flushed(self, stand: Stand, chain: str) -> None:
        """A commit that is waited for flushes all before it; blocks were waited for when they were written."""
        if chain == "log":
            self._link.execute("SELECT settle(?, ?)", (READER, stand.t))

    def close(self) -> None:
        """Read no more."""
        self._link.close()
