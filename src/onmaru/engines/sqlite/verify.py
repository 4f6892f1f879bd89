"""Proof that a tenant's files are what was written: bodies, chain, audit, witness; deep also index rows and blobs.

Pages are read without their own authentication, so that one altered byte spoils one entry and can be named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import msgspec
import zstandard
from pyroaring import BitMap

from onmaru.engines.packing import unpacker
from onmaru.engines.sqlite.connection import Keys, connect
from onmaru.engines.witness import Head
from onmaru.kernel.audit import Access
from onmaru.kernel.audit_retention import RULE, Purge, stated
from onmaru.kernel.seal import ERASURE, Header, commitment, seal, seal_block

ENTRIES = """SELECT e.t, e.ver, e.op, e.at, e.caller, e.purpose, e.request, e.epoch, e.com, e.seal,
 b.salt, b.type, b.id, b.z, b.t, x.by
 FROM entry e LEFT JOIN body b ON b.t = e.t LEFT JOIN erased x ON x.t = e.t ORDER BY e.t"""
ERASURES = """SELECT e.t, e.com, b.salt, b.type, b.id, b.z
 FROM entry e JOIN body b ON b.t = e.t WHERE e.op = 'erase' AND b.z IS NOT NULL"""
_rows = msgspec.msgpack.Decoder(list[Access]).decode
# µs that entries may run ahead of the newest signed head: heads are signed every minute
UNSIGNED = 5 * 60 * 1_000_000


class Wrong(msgspec.Struct, frozen=True):
    """The first thing found wrong: which file, which entry (or audit block, or blob), and what about it."""

    file: str
    entry: int | str
    what: str


class Purged(msgspec.Struct, frozen=True):
    """What the trail holds no more: so many rows, all from before that day, by the purge in row `by`; under which rule."""

    rows: int
    before: str
    years: int
    by: int
    rule: str


class Report(msgspec.Struct):
    """What was looked at and the first thing wrong with each part; `ok` when nothing is.

    `begun` False: the store was never whole, so there was nothing to look at. `purged`: what of the trail was purged.
    """

    tenant: str
    ok: bool = True
    begun: bool = True
    entries: int = 0
    bodies: int = 0
    erased: int = 0
    audit_rows: int = 0
    witnessed: int = 0
    index_rows: int = 0
    blobs: int = 0
    purged: Purged | None = None
    wrong: list[Wrong] = []

    def add(self, wrong: Wrong | None) -> None:
        """Note a finding."""
        if wrong is not None:
            self.wrong.append(wrong)
            self.ok = False


class Verifier:
    """Reads one tenant's log and audit files; works beside a running home."""

    LOG, AUDIT = "log.db", "audit.db"

    def __init__(self, folder: Path, keys: Keys, heads: Sequence[Head]) -> None:
        self._folder = folder
        self._keys = keys
        self._heads = heads
        self.report = Report(keys.tenant, wrong=[])
        self._seals: dict[int, bytes] = {}
        self._blocks: dict[int, bytes] = {}
        self._erasures: dict[int, BitMap] = {}
        self._erased = BitMap()
        self._oldest = self._newest = 0
        # The last block that was purged, and how many rows are missing with it
        self._purged_to = self._missing = 0

    def run(self) -> Report:
        """Check chain, bodies, audit and witness."""
        self._wanted()
        for name, check in ((self.LOG, self._log), (self.AUDIT, self._audit)):
            if not (self._folder / name).exists():
                self.report.add(Wrong(name, 1, "the file is missing"))
                continue
            try:
                connection = connect(self._folder / name, self._keys.pages, checked=False, readonly=True)
            except apsw.Error:
                self.report.add(Wrong(name, 1, "the file does not open with this tenant's key"))
                continue
            try:
                self.report.add(check(connection))
            except apsw.Error:
                self.report.add(Wrong(name, self._next(name), "unreadable from here on"))
            finally:
                connection.close()
        self._witness()
        if self.report.ok:
            self._pages()
        return self.report

    def _next(self, name: str) -> int:
        return (self.report.entries if name == self.LOG else max(self._blocks, default=0)) + 1

    def _wanted(self) -> None:
        """Only the seals at witnessed positions are kept, so memory stays bounded."""
        self._wanted_t = {head.t for head in self._heads}
        self._wanted_block = {head.block for head in self._heads}

    def _log(self, db: apsw.Connection) -> Wrong | None:
        previous, last_at = self._keys.genesis("log"), 0
        unpack = unpacker()
        self._seals[0] = previous
        self._authority(db, unpack)
        for row in db.execute(ENTRIES):
            wrong, previous, last_at = self._entry(row, previous, last_at, unpack)
            if wrong is not None:
                return wrong
            if row[0] == 1:
                self._oldest = last_at
            self._newest = last_at
            if row[0] in self._wanted_t:
                self._seals[row[0]] = previous
        return self._orphans(db)

    def _entry(self, row: Any, previous: bytes, last_at: int, unpack: Any) -> tuple[Wrong | None, bytes, int]:
        t, ver, op, at, caller, purpose, request, epoch, com, stored = row[:10]
        body_t, by = row[14:]
        expected = self.report.entries + 1
        if t != expected:
            return Wrong(self.LOG, expected, "the entry is missing"), previous, at
        if at <= last_at:
            return Wrong(self.LOG, t, "its time goes back"), previous, at
        header = Header(t, ver, op, at, caller, purpose, request, epoch, com)
        sealed = b""
        try:
            sealed = seal(self._keys.seals, previous, header)
        except (TypeError, ValueError, UnicodeError):
            return Wrong(self.LOG, t, "its header is not what was sealed"), previous, at
        if sealed != stored:
            return Wrong(self.LOG, t, "its header or seal is not what was sealed"), previous, at
        found = self._kept(row, unpack) if body_t is not None else self._taken(t, by)
        if found:
            return Wrong(self.LOG, t, found), previous, at
        self.report.entries += 1
        return None, sealed, at

    def _kept(self, row: Any, unpack: Any) -> str:
        """What is wrong with a body that is there; "" when nothing is."""
        if not _committed(row[8], row[10:14], ERASURE if row[2] == "erase" else b"\x01", unpack):
            return "its body is not the one it commits to"
        if row[0] in self._erased:
            return "an erasure took its body, yet there it is"
        self.report.bodies += 1
        return ""

    def _taken(self, t: int, by: Any) -> str:
        """What is wrong with a body that is not there; "" when an erasure commits to having taken it."""
        if t not in self._erasures.get(by, ()):
            return "its body is missing and no erasure says why"
        self.report.erased += 1
        return ""

    def _authority(self, db: apsw.Connection, unpack: Any) -> None:
        """Which positions each erasure commits to have taken; one that was altered speaks for none."""
        for t, com, *body in db.execute(ERASURES):
            if _committed(com, body, ERASURE, unpack):
                taken = msgspec.msgpack.decode(unpack(body[3]))
                self._erasures[t] = BitMap(one for one in taken if one < t)
                self._erased |= self._erasures[t]

    def _orphans(self, db: apsw.Connection) -> Wrong | None:
        found = db.execute("SELECT min(t) FROM body WHERE t NOT IN (SELECT t FROM entry)").get
        return Wrong(self.LOG, found, "a body without an entry") if isinstance(found, int) else None

    def _audit(self, db: apsw.Connection) -> Wrong | None:
        previous, expected, gone = self._keys.genesis("audit"), 1, (0, 0)
        self._blocks[0] = previous
        unpack = zstandard.ZstdDecompressor().decompress
        for number, first, rows, stored in db.execute("SELECT n, first, rows, seal FROM block ORDER BY n"):
            if not rows and expected == 1:
                # All up to here may have been purged: the chain goes on from this seal, which the next one is over
                self._blocks[number] = previous = stored
                expected, gone = number + 1, (number, first)
                continue
            if number != expected or not self._follows(first, gone):
                return Wrong(self.AUDIT, expected, "the block is missing or out of place")
            previous = seal_block(self._keys.seals, previous, number, rows)
            if previous != stored:
                return Wrong(self.AUDIT, number, "its rows or seal are not what was sealed")
            self._counted(first, _rows(unpack(rows)), gone)
            if number in self._wanted_block:
                self._blocks[number] = previous
            expected += 1
        if gone[0] and self.report.purged is None:
            return Wrong(self.AUDIT, 1, "rows are missing and no purge says why")
        self._purged_to = gone[0]
        return None

    def _follows(self, first: int, gone: tuple[int, int]) -> bool:
        """Whether a block begins with the row after the last; the first one after a purge with any later one."""
        if gone[0] and not self.report.audit_rows:
            self._missing = first - 1
            return first > gone[1]
        return first == self._missing + self.report.audit_rows + 1

    def _counted(self, first: int, rows: list[Access], gone: tuple[int, int]) -> None:
        """Count a block's rows; among them may be the purge that took what is missing."""
        self.report.audit_rows += len(rows)
        for number, row in enumerate(rows, start=first) if gone[0] else ():
            purge = stated(row)
            if purge is not None and purge.block >= gone[0] and purge.last >= self._missing:
                self.report.purged = _told(purge, self._missing, number)

    def _witness(self) -> None:
        """Every signed head must still be found where it stood."""
        for head in self._heads:
            for file, place, seals, signed in (
                (self.LOG, head.t, self._seals, head.seal),
                (self.AUDIT, head.block, self._blocks, head.audit),
            ):
                if any(one.file == file for one in self.report.wrong):
                    continue
                here = seals.get(place)
                if file == self.AUDIT and 0 < place < self._purged_to:
                    continue
                if here is None:
                    missing = self.report.entries + 1 if file == self.LOG else max(self._last_block() + 1, 1)
                    self.report.add(Wrong(file, missing, "missing: the witness has seen the file reach further"))
                elif here.hex() != signed:
                    self.report.add(Wrong(file, place, "the witness has seen another chain"))
            self.report.witnessed += 1
        newest = max((head.at for head in self._heads), default=self._oldest)
        if self._newest - newest > UNSIGNED:
            self.report.add(Wrong("witness", len(self._heads) + 1, "no signed head for what was written last"))

    def _last_block(self) -> int:
        db = connect(self._folder / "audit.db", self._keys.pages, checked=False, readonly=True)
        try:
            found = db.execute("SELECT max(n) FROM block").get
            return found if isinstance(found, int) else 0
        finally:
            db.close()

    def _pages(self) -> None:
        """With every row right, read each page once more with its authentication, for damage that no row shows."""
        for name in ("log.db", "audit.db"):
            try:
                for _ in self._tables(name):
                    pass
            except apsw.Error:
                self.report.add(Wrong(name, "page", "a page is damaged, though every row reads as it was sealed"))

    def _tables(self, name: str) -> Iterator[object]:
        db = connect(self._folder / name, self._keys.pages, readonly=True)
        try:
            yield db.execute("PRAGMA integrity_check").fetchall()
        finally:
            db.close()


def _told(purge: Purge, rows: int, by: int) -> Purged:
    before = datetime.fromtimestamp(purge.before / 1e6, UTC).date().isoformat()
    return Purged(rows, before, purge.years, by, f"{RULE.name}, {RULE.source}")


def _committed(com: bytes, body: Any, mark: bytes, unpack: Any) -> bool:
    """Whether a row of `body` (salt, type, id, z) is the one that an entry commits to."""
    salt, type, id, z = body
    try:
        return commitment(salt, type, id, None if z is None else unpack(z), mark=mark) == com
    except (zstandard.ZstdError, TypeError, ValueError):
        return False
