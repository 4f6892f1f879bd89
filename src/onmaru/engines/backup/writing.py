"""Backs a tenant up: what came since the last point, and a new point. Killed at any instant it leaves every point whole.

Parts are put before the point that names them; a point of a step that was not the last lets the next run go on from there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec

from onmaru.engines.backup.forms import Box, Damaged, Point, own_box, tenant_box
from onmaru.engines.backup.reading import Reading, Stand
from onmaru.engines.backup.repository import CHUNK, Repository, whole
from onmaru.engines.keyring import Keyring

# After so many parts a point of a step is written
STEP = 16
Told = Callable[[int], None]


class Source(NamedTuple):
    """What is backed up: a tenant's folder with its keys, its people and apps as the caller packed them, and its record."""

    tenant: str
    folder: Path
    ring: Keyring
    accounts: bytes
    reading: Callable[[], Reading]


class Lines:
    """The points of one tenant. A line is a chain of points, each after the one before; a full backup begins a new one."""

    def __init__(self, repository: Repository, secret: bytes, folder: str) -> None:
        self.repository = repository
        self.folder = folder
        self._box = own_box(secret)

    def lines(self) -> list[str]:
        """The names of the lines, oldest first."""
        return list(self.repository.names(f"{self.folder}/lines"))

    def numbers(self, line: str) -> list[int]:
        """The numbers of a line's points, in order."""
        return [int(name) for name in self.repository.names(f"{self.folder}/lines/{line}/points") if name.isdigit()]

    def proved(self, line: str) -> set[int]:
        """The numbers of those that were restored and proved."""
        return {int(name) for name in self.repository.names(f"{self.folder}/lines/{line}/proved") if name.isdigit()}

    def point(self, line: str, number: int) -> Point:
        """One point; Damaged where it is not what was written."""
        name = self.place(line, "points", number)
        try:
            found = self._box.open(name, whole(self.repository, name), Point)
        except FileNotFoundError as error:
            raise Damaged(f"{name} is missing") from error
        if found.number != number:
            raise Damaged(f"{name} is another point")
        return found

    def last(self) -> tuple[str, Point | None]:
        """The newest line and its last point, of a step too; ("", None) where there is none that can be read."""
        for line in reversed(self.lines()):
            numbers = self.numbers(line)
            if numbers:
                try:
                    return line, self.point(line, numbers[-1])
                except Damaged:
                    break
        return "", None

    def keep(self, line: str, kind: str, number: int, value: object) -> bool:
        """Put a point or a proof; False where another run was faster."""
        name = self.place(line, kind, number)
        return self.repository.put(name, [self._box.seal(name, value)])

    def place(self, line: str, kind: str, number: int) -> str:
        """The name of the object."""
        return f"{self.folder}/lines/{line}/{kind}/{number:010d}"


class Overtaken(Exception):
    """Another backup of this tenant is under way."""


class Writing:
    """One run. `now` is µs since 1970 UTC."""

    def __init__(self, lines: Lines, secret: bytes, source: Source, now: Callable[[], int]) -> None:
        self._lines, self._source, self._now = lines, source, now
        self._box: Box = tenant_box(secret, source.ring)

    def run(self, *, full: bool, told: Told) -> tuple[str, Point]:
        """Write what is missing and a whole point: the line and the point. `told`: the position each time."""
        reading = self._source.reading()
        try:
            line, last = self._lines.last()
            stand = _stand(last) if last is not None and not full else None
            if stand is None or not reading.has(stand):
                # A house that was put back to an earlier day goes another way from there: so does its backup
                line, last, stand = f"{self._now():016d}-{os.urandom(4).hex()}", None, reading.start
            number = 0 if last is None else last.number
            parts: list[tuple[str, str]] = []
            for part, reached in reading.parts(stand):
                stand = reached
                parts.append(self._put(line, part, stand))
                told(stand.t)
                if len(parts) >= STEP:
                    number, parts = number + 1, self._step(line, number + 1, stand, parts)
        finally:
            reading.close()
        gone = self._blobs()
        point = self._point(number + 1, stand, parts)
        point = msgspec.structs.replace(point, accounts=self._accounts(), gone=gone, whole=True)
        self._keep(line, point)
        return line, point

    def _step(self, line: str, number: int, stand: Stand, parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
        self._keep(line, self._point(number, stand, parts))
        return []

    def _keep(self, line: str, point: Point) -> None:
        if not self._lines.keep(line, "points", point.number, point):
            raise Overtaken

    def _put(self, line: str, part: object, stand: Stand) -> tuple[str, str]:
        """Put a part under a name of its own: what a killed run left behind is in nobody's way."""
        name = f"{self._lines.folder}/lines/{line}/parts/{stand.t:012d}-{stand.block:012d}-{os.urandom(8).hex()}"
        sealed = self._box.seal(name, part)
        self._lines.repository.put(name, [sealed])
        return name, sha256(sealed).hexdigest()

    def _point(self, number: int, stand: Stand, parts: list[tuple[str, str]]) -> Point:
        key = (self._source.folder / "tenant.key").read_bytes()
        t, seal, at, block, audit = stand
        return Point(self._source.tenant, number, self._now(), t, seal, at, block, audit, key, parts)

    def _accounts(self) -> bytes:
        return self._box.seal("accounts", self._source.accounts)

    def _blobs(self) -> list[str]:
        """Put the blobs that are not there yet; gives those that are there and are the tenant's no more.

        A blob is sealed under the tenant's key already, and there before the entry that names it.
        """
        gone: list[str] = []
        for number in range(256):
            prefix = f"{number:02x}"
            here = self._source.folder / "blobs" / prefix
            mine = {path.name for path in here.iterdir()} if here.is_dir() else set()
            there = set(self._lines.repository.names(f"{self._lines.folder}/blobs/{prefix}"))
            for name in sorted(mine - there):
                try:
                    self._lines.repository.put(f"{self._lines.folder}/blobs/{prefix}/{name}", _pieces(here / name))
                except FileNotFoundError:
                    gone.append(name)  # erased just now
            gone += sorted(there - mine)
        return gone


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def _stand(point: Point) -> Stand:
    return Stand(point.t, point.seal, point.entry_at, point.block, point.audit)
