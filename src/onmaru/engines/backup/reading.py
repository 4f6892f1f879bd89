"""Reads a tenant's log and audit for a backup, beside the server that writes them, a bounded piece at a time.

What is read is forced onto the disk before it is backed up: a backup never knows of what a crash could still take back.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from onmaru.engines.backup.forms import Part
from onmaru.engines.sqlite.connection import Keys, connect

ROWS, BYTES = 5_000, 8 << 20
ENTRIES = """SELECT e.t, e.ver, e.op, e.at, e.caller, e.purpose, e.request, e.epoch, e.com, e.seal,
 b.t, b.salt, b.type, b.id, b.z FROM entry e LEFT JOIN body b ON b.t = e.t WHERE e.t > ? ORDER BY e.t LIMIT ?"""
ERASED = "SELECT t, by FROM erased WHERE (t > :after AND t <= :upto) OR (by > :after AND by <= :upto)"
_BLOCKS = "SELECT n, first, rows, seal FROM block WHERE n > ? ORDER BY n"


class Stand(NamedTuple):
    """How far both chains have been read: position with seal and time, block with seal. Seals in hex."""

    t: int
    seal: str
    at: int
    block: int
    audit: str


def weight(size: int | None) -> int:
    """About how many bytes a row takes whose body has so many."""
    return 200 + (size or 0)


class Reading:
    """One tenant's files, open for reading."""

    def __init__(self, folder: Path, keys: Keys) -> None:
        self._begin(keys)
        self._folder = folder
        self._log: Any = connect(folder / "log.db", keys.pages, cache_mb=8, readonly=True)
        self._trail: Any = connect(folder / "audit.db", keys.pages, cache_mb=8, readonly=True)

    def _begin(self, keys: Keys) -> None:
        self.start = Stand(0, keys.genesis("log").hex(), 0, 0, keys.genesis("audit").hex())

    def has(self, stand: Stand) -> bool:
        """Whether both chains once stood so: then they can be followed from there."""
        seal: Any = self._log.execute("SELECT seal FROM entry WHERE t = ?", (stand.t,)).get
        audit: Any = self._trail.execute("SELECT seal FROM block WHERE n = ?", (stand.block,)).get
        return (seal.hex() if seal else self.start.seal) == stand.seal and (
            audit.hex() if audit else self.start.audit
        ) == stand.audit

    def parts(self, stand: Stand) -> Iterator[tuple[Part, Stand]]:
        """What came after `stand` up to the heads, as parts; each with how far it reaches, and on this store's disk."""
        while True:
            part, after = self._piece(stand)
            if part is None:
                break
            self._flushed(after, "log")
            stand = after
            yield part, stand
        for blocks, reached in self._blocks(stand):
            self._flushed(reached, "audit")
            yield blocks, reached

    def _piece(self, stand: Stand) -> tuple[Part | None, Stand]:
        """The next rows, of one moment: what an erasure takes meanwhile is then missing together with its reason."""
        entries, bodies, size = [], [], 0
        with self._moment():
            for row in self._rows(stand.t):
                entries.append(row[:10])
                if row[10] is not None:
                    bodies.append(row[10:])
                size += weight(len(row[14] or b""))
                if size > BYTES:
                    break
            if not entries:
                return None, stand
            last: Any = entries[-1]
            erased = self._taken(stand.t, last[0])
        return Part(entries, bodies, erased), stand._replace(t=last[0], seal=last[9].hex(), at=last[3])

    def _blocks(self, stand: Stand) -> Iterator[tuple[Part, Stand]]:
        blocks: list[Any] = []
        size = 0
        for row in self._packed(stand.block):
            blocks.append(row)
            size += 100 + len(row[2])
            if size > BYTES or len(blocks) >= ROWS:
                stand = stand._replace(block=row[0], audit=row[3].hex())
                yield Part(blocks=blocks), stand
                blocks, size = [], 0
        if blocks:
            last = blocks[-1]
            yield Part(blocks=blocks), stand._replace(block=last[0], audit=last[3].hex())

    def _rows(self, after: int) -> Iterator[tuple[Any, ...]]:
        """Rows of ENTRIES, one by one."""
        return iter(self._log.execute(ENTRIES, (after, ROWS)))

    def _taken(self, after: int, upto: int) -> list[Any]:
        return list(self._log.execute(ERASED, {"after": after, "upto": upto}))

    def _packed(self, after: int) -> Iterator[tuple[Any, ...]]:
        """Rows of `block`, one by one."""
        return iter(self._trail.execute(_BLOCKS, (after,)))

    @contextmanager
    def _moment(self) -> Iterator[None]:
        """All that is read of the log within is of one moment."""
        self._log.execute("BEGIN")
        try:
            yield
        finally:
            self._log.execute("ROLLBACK")

    def _flushed(self, stand: Stand, chain: str) -> None:
        """Have what was read of a chain on the disk."""
        try:
            handle = os.open(self._folder / f"{chain}.db-wal", os.O_RDONLY)
        except FileNotFoundError:
            return  # nobody serves the tenant, and all of it is in the file
        try:
            os.fdatasync(handle)
        finally:
            os.close(handle)

    def close(self) -> None:
        """Read no more."""
        self._log.close()
        self._trail.close()
