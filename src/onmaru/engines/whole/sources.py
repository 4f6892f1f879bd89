"""A tenant's rows read from its files or from the database, in slices and decompressed, beside whoever serves it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import msgspec
import zstandard

from onmaru.engines.chain import unpack
from onmaru.engines.sqlite.connection import Keys, connect
from onmaru.kernel.audit import Access

ENTRIES = """SELECT t, ver, op, at, caller, purpose, request, epoch, com, seal
 FROM entry WHERE t > ? AND t <= ? ORDER BY t LIMIT ?"""
SIZES = "SELECT t, length(z) FROM body WHERE t > ? AND t <= ? ORDER BY t"
BODIES = "SELECT t, salt, type, id, z FROM body WHERE t > ? AND t <= ?"
ERASED = "SELECT t, by FROM erased WHERE t > ? AND t <= ?"
BLOCKS = "SELECT n, first, rows, seal FROM block WHERE n > ? AND n <= ? ORDER BY n LIMIT ?"
# Compressed bytes of bodies held at a time
PACKED = 2 << 20
_rows = msgspec.msgpack.Decoder(list[Access]).decode
_open_rows = zstandard.ZstdDecompressor().decompress


class Box(Protocol):
    """Opens what the database holds encrypted for one place."""

    def open(self, place: int, data: bytes) -> bytes: ...


class Source:
    """`bodies` and `trails` open what a database holds encrypted; None where the file itself is."""

    def __init__(self, log: Any, trail: Any, bodies: Box | None = None, trails: Box | None = None) -> None:
        self._log, self._trail = log, trail
        self._bodies, self._trails = bodies, trails

    def ends(self) -> tuple[int, str, int, str]:
        """Where log and trail stand: position, seal, block, seal of the block; 0 and "" where nothing was written."""
        log: Any = self._log.execute("SELECT t, seal FROM entry ORDER BY t DESC LIMIT 1").fetchone() or (0, b"")
        trail: Any = self._trail.execute("SELECT n, seal FROM block ORDER BY n DESC LIMIT 1").fetchone() or (0, b"")
        return log[0], log[1].hex(), trail[0], trail[1].hex()

    def entries(self, after: int, end: int, limit: int) -> list[tuple[Any, Any, int]]:
        """(entry, (salt, type, id, body) or None, by which position it was erased) after `after`, in order.

        At most `limit`, and fewer where their bodies are large.
        """
        entries: Any = self._log.execute(ENTRIES, (after, end, limit)).fetchall()
        if not entries:
            return []
        entries = entries[: self._few(after, entries[-1][0])]
        span = (after, entries[-1][0])
        erased: dict[int, int] = dict(self._log.execute(ERASED, span).fetchall())
        bodies = {row[0]: self._body(row) for row in self._log.execute(BODIES, span).fetchall()}
        return [(row, bodies.get(row[0]), erased.get(row[0], 0)) for row in entries]

    def _few(self, after: int, last: int) -> int:
        """How many positions after `after` have bodies of PACKED bytes or just above."""
        held = 0
        for t, size in self._log.execute(SIZES, (after, last)).fetchall():
            held += size or 0
            if held >= PACKED:
                return int(t) - after
        return last - after

    def erased(self, after: int, end: int) -> int:
        """How many entries have lost their body."""
        counted: Any = self._log.execute(f"SELECT count(*) FROM ({ERASED}) AS x", (after, end)).fetchone()
        return int(counted[0])

    def blocks(self, after: int, end: int, limit: int) -> list[tuple[int, int, list[Access], bytes]]:
        """(number, number of the first row, rows, seal) after `after`, in order."""
        found: Any = self._trail.execute(BLOCKS, (after, end, limit)).fetchall()
        box = self._trails
        return [(n, first, _opened(rows if box is None else box.open(n, rows)), seal) for n, first, rows, seal in found]

    def _body(self, row: Any) -> tuple[bytes, str, str, bytes | None]:
        t, salt, type, id, z = row
        if z is not None and self._bodies is not None:
            z = self._bodies.open(t, z)
        return salt, type, id, None if z is None else unpack(z)

    def close(self) -> None:
        """Let go of the store."""
        for one in {id(one): one for one in (self._log, self._trail)}.values():
            one.close()


def _opened(packed: bytes) -> list[Access]:
    """The rows of a block; none of the one that stands for all that was purged."""
    return _rows(_open_rows(packed)) if packed else []


def of_files(folder: Path, keys: Keys) -> Source:
    """A tenant whose record is in its folder."""
    log, trail = (connect(folder / name, keys.pages, readonly=True) for name in ("log.db", "audit.db"))
    return Source(log, trail)


def of_database(address: str, keys: Keys) -> Source:
    """A tenant whose record is in PostgreSQL."""
    from onmaru.engines.postgres.bodies import Box as PgBox
    from onmaru.engines.postgres.link import Link
    from onmaru.engines.postgres.schema import schema_of

    link = Link(address, schema_of(keys.tenant))
    return Source(link, link, PgBox(keys.pages, "bodies"), PgBox(keys.pages, "audit"))
