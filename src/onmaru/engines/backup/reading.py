"""Reads a tenant's log and audit for a backup, beside the server that writes them, a bounded piece at a time.

What is read is forced onto the disk before it is backed up: a backup never knows of what a crash could still take back.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from onmaru.engines.backup.forms import Part
from onmaru.engines.sqlite.connection import Keys, connect

ROWS, BYTES = 5_000, 8 << 20
_LAST = "SELECT t, seal, at FROM entry ORDER BY t DESC LIMIT 1"
_ENTRIES = """SELECT e.t, e.ver, e.op, e.at, e.caller, e.purpose, e.request, e.epoch, e.com, e.seal,
 b.t, b.salt, b.type, b.id, b.z FROM entry e LEFT JOIN body b ON b.t = e.t WHERE e.t > ? ORDER BY e.t LIMIT ?"""
_ERASED = "SELECT t, by FROM erased WHERE (t > ?1 AND t <= ?2) OR (by > ?1 AND by <= ?2)"
_BLOCKS = "SELECT n, first, rows, seal FROM block WHERE n > ? ORDER BY n"


class Stand(NamedTuple):
    """How far both chains have been read: position with seal and time, block with seal. Seals in hex."""

    t: int
    seal: str
    at: int
    block: int
    audit: str


class Reading:
    """One tenant's files, open for reading."""

    def __init__(self, folder: Path, keys: Keys) -> None:
        self._folder = folder
        self.start = Stand(0, keys.genesis("log").hex(), 0, 0, keys.genesis("audit").hex())
        self._log = connect(folder / "log.db", keys.pages, cache_mb=8, readonly=True)
        self._trail = connect(folder / "audit.db", keys.pages, cache_mb=8, readonly=True)

    def has(self, stand: Stand) -> bool:
        """Whether both chains once stood so: then they can be followed from there."""
        seal: Any = self._log.execute("SELECT seal FROM entry WHERE t = ?", (stand.t,)).get
        audit: Any = self._trail.execute("SELECT seal FROM block WHERE n = ?", (stand.block,)).get
        return (seal.hex() if seal else self.start.seal) == stand.seal and (
            audit.hex() if audit else self.start.audit
        ) == stand.audit

    def parts(self, stand: Stand) -> Iterator[tuple[Part, Stand]]:
        """What came after `stand` up to the heads, as parts; each with how far it reaches, and on this house's disk."""
        while True:
            part, after = self._piece(stand)
            if part is None:
                break
            self._synced("log.db-wal")
            stand = after
            yield part, stand
        for blocks, reached in self._blocks(stand):
            self._synced("audit.db-wal")
            yield blocks, reached

    def _piece(self, stand: Stand) -> tuple[Part | None, Stand]:
        """The next rows, of one moment: what an erasure takes meanwhile is then missing together with its reason."""
        entries, bodies, size = [], [], 0
        with _moment(self._log):
            for row in self._log.execute(_ENTRIES, (stand.t, ROWS)):
                entries.append(row[:10])
                if row[10] is not None:
                    bodies.append(row[10:])
                size += 200 + len(row[14] or b"")
                if size > BYTES:
                    break
            if not entries:
                return None, stand
            last: Any = entries[-1]
            erased: Any = self._log.execute(_ERASED, (stand.t, last[0])).fetchall()
        return Part(entries, bodies, erased), stand._replace(t=last[0], seal=last[9].hex(), at=last[3])

    def _blocks(self, stand: Stand) -> Iterator[tuple[Part, Stand]]:
        blocks: list[Any] = []
        size = 0
        for row in self._trail.execute(_BLOCKS, (stand.block,)):
            blocks.append(row)
            size += 100 + len(row[2])
            if size > BYTES or len(blocks) >= ROWS:
                stand = stand._replace(block=row[0], audit=row[3].hex())
                yield Part(blocks=blocks), stand
                blocks, size = [], 0
        if blocks:
            last = blocks[-1]
            yield Part(blocks=blocks), stand._replace(block=last[0], audit=last[3].hex())

    def _synced(self, name: str) -> None:
        try:
            handle = os.open(self._folder / name, os.O_RDONLY)
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


class _moment:
    """All that is read within is of one moment."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN")

    def __exit__(self, *failed: object) -> None:
        self._db.execute("ROLLBACK")
