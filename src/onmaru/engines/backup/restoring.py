"""Makes a tenant's files out of a backup, as they were at a position; what was erased later is erased here too.

The chain comes back entry by entry with its seals, so that `Verifier` proves the copy as it would the original.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import msgspec

from onmaru.engines.backup.forms import Box, Damaged, Part, tenant_box
from onmaru.engines.backup.repository import whole
from onmaru.engines.backup.writing import Lines
from onmaru.engines.chain import unpack
from onmaru.engines.keyring import Keyring, sync_folder, write_new
from onmaru.engines.sqlite import log as sqlite_log
from onmaru.engines.sqlite import trail as sqlite_trail
from onmaru.engines.sqlite.connection import Keys, connect, truncated
from onmaru.engines.sqlite.log import SqliteLog
from onmaru.kernel.log import Draft

ENDLESS = 2**62
# Every version of the resource that is there, and those whose bodies were taken before they could be backed up
_TAKEN = """SELECT e.t, e.ver FROM entry e LEFT JOIN body b ON b.t = e.t WHERE e.t <= ?1 AND e.op != 'erase' AND (
 (b.type = ?2 AND b.id = ?3) OR (b.t IS NULL AND e.t IN (SELECT value FROM json_each(?4))
 AND e.t NOT IN (SELECT t FROM erased)))"""
_LATER = "SELECT b.t, b.type, b.id, b.z FROM later b ORDER BY b.t"
Told = Callable[[int], None]


class Into(NamedTuple):
    """The folder to fill, its keys, and the clock (µs since 1970 UTC)."""

    folder: Path
    keys: Keys
    ring: Keyring
    now: Callable[[], int]


class Restoring:
    """One restore of the points of a line up to `point`, into an empty folder."""

    def __init__(self, lines: Lines, secret: bytes, line: str, number: int) -> None:
        self._lines, self._secret, self._line = lines, secret, line
        self._numbers = [one for one in lines.numbers(line) if one <= number]
        self.unread = 0
        self.point = lines.point(line, number)
        if not self.point.whole:
            raise Damaged("this point is a step of a backup that was not finished")

    def key(self, folder: Path) -> None:
        """Put the tenant's wrapped key into an empty folder; without the folder of keys it opens nothing."""
        folder.mkdir(parents=True, mode=0o700)
        write_new(folder / "tenant.key", self.point.key)

    def run(self, into: Into, until: tuple[int, int], told: Told) -> tuple[int, int]:
        """Fill a folder that `key` was put into. `until`: the last position wanted and the time before which it was
        recorded (ENDLESS: all). Gives the position and the audit block that come from the backup. Raises Damaged.
        """
        folder, keys, ring, now = into
        box = tenant_box(self._secret, ring)
        log, trail = (connect(folder / name, keys.pages, cache_mb=16) for name in ("log.db", "audit.db"))
        try:
            log.execute(sqlite_log.SCHEMA)
            log.execute("CREATE TEMP TABLE later(t INTEGER, type TEXT, id TEXT, z BLOB)")
            trail.execute(sqlite_trail.SCHEMA)
            for name, data in self._read(self._line, self._numbers):
                told(_put(log, trail, box.open(name, data, Part), until))
            for part in self._since(box):
                _put(log, trail, msgspec.structs.replace(part, blocks=[]), (0, 0))
            later: list[Any] = log.execute(_LATER).fetchall()
            for one in (log, trail):
                truncated(one)
        finally:
            log.close()
            trail.close()
        reached = _erase(folder, keys, later, now)
        self._blobs(folder)
        return reached, self.point.block

    def _read(self, line: str, numbers: Sequence[int]) -> Iterator[tuple[str, bytes]]:
        """The parts that points name, in order, each proved to be what was written."""
        for expected, number in enumerate(numbers, start=1):
            if number != expected:
                raise Damaged(f"point {expected} is missing")
            for name, digest in self._lines.point(line, number).parts:
                yield name, self._object(name, digest)

    def _object(self, name: str, digest: str) -> bytes:
        try:
            data = whole(self._lines.repository, name)
        except FileNotFoundError as error:
            raise Damaged(f"{name} is missing") from error
        if sha256(data).hexdigest() != digest:
            raise Damaged(f"{name} is not what was written")
        return data

    def _since(self, box: Box) -> Iterator[Part]:
        """The parts after the point, in newer lines too, for what was erased since; what cannot be read is counted."""
        for line in self._lines.lines():
            for number in self._lines.numbers(line) if line >= self._line else ():
                if line == self._line and number in self._numbers:
                    continue
                try:
                    for name, digest in self._lines.point(line, number).parts:
                        yield box.open(name, self._object(name, digest), Part)
                except Damaged:
                    self.unread += 1

    def _blobs(self, folder: Path) -> None:
        """Put every blob but those that are gone by the newest point of all: what was erased since stays erased."""
        gone = set(self.point.gone)
        _, last = self._lines.last()
        gone |= set(last.gone) if last is not None else set()
        base = f"{self._lines.folder}/blobs"
        for prefix in self._lines.repository.names(base):
            for name in self._lines.repository.names(f"{base}/{prefix}"):
                if name not in gone:
                    _write(folder / "blobs" / prefix / name, self._lines.repository.get(f"{base}/{prefix}/{name}"))

    def accounts(self, ring: Keyring) -> bytes:
        """The tenant's people and apps as they were packed."""
        return tenant_box(self._secret, ring).open("accounts", self.point.accounts, bytes)


def _put(log: apsw.Connection, trail: apsw.Connection, part: Part, until: tuple[int, int]) -> int:
    """Put the rows of one part; what an erasure after `until` took is kept in `later`. Gives the last position."""
    t, before = until
    kept = {row[0] for row in part.entries if row[0] <= t and row[3] < before}
    later = {row[0] for row in part.entries if row[2] == "erase"} - kept
    with log:
        log.executemany(sqlite_log.ENTRY, (row for row in part.entries if row[0] in kept))
        log.executemany(sqlite_log.BODY, (row for row in part.bodies if row[0] in kept))
        log.executemany(
            "INSERT INTO later VALUES(?,?,?,?)", ((row[0], *row[2:]) for row in part.bodies if row[0] in later)
        )
        reached: Any = log.execute("SELECT coalesce(max(t), 0) FROM entry").get
        taken = [row for row in part.erased if row[1] <= reached]
        log.executemany("INSERT OR REPLACE INTO erased VALUES(?,?)", taken)
        log.executemany("DELETE FROM body WHERE t = ?", ((row[0],) for row in taken))
    with trail:
        trail.executemany("INSERT INTO block VALUES(?,?,?,?)", part.blocks)
    return int(reached)


def _erase(folder: Path, keys: Keys, later: Sequence[tuple[int, str, str, bytes]], now: Callable[[], int]) -> int:
    """Erase once more what was erased after the position gone back to, by entries of their own: the chain says so."""
    log = SqliteLog(folder, keys, now)
    try:
        start = log.tip()
        for _, type, id, z in later:
            named = msgspec.msgpack.decode(unpack(z), type=list[int])
            found: Any = log.db.execute(_TAKEN, (start, type, id, json.dumps(named))).fetchall()
            if found:
                taken, version = [row[0] for row in found], max(row[1] for row in found) + 1
                draft = Draft("erase", type, id, version, None, "restore", "HOPERAT", "restore", erases=taken)
                log.append(log.tip(), [draft])
                log.commit()
        truncated(log.db)
        return start
    finally:
        log.close()


def _write(place: Path, pieces: Iterator[bytes]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with place.open("wb") as file:
        for piece in pieces:
            file.write(piece)
    sync_folder(place.parent)
