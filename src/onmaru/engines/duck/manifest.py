"""Which files hold a projection's rows, and the position they reach: one file, replaced whole, so both change at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from onmaru.engines.keyring import write_new
from onmaru.kernel.projection import Table

FILE = "manifest.json"


class Segment(msgspec.Struct, frozen=True):
    """Rows of the versions at positions `first` … `last`: a file a table; `gone` names the versions that end older rows.

    `level` counts how often it was merged.
    """

    first: int
    last: int
    files: dict[str, str]
    gone: str = ""
    level: int = 0

    def names(self) -> Iterator[str]:
        """Its files."""
        yield from self.files.values()
        if self.gone:
            yield self.gone


class Manifest(msgspec.Struct, frozen=True):
    """Segments in order of position. `tables` are those the rows were made for."""

    position: int = 0
    tables: tuple[Table, ...] = ()
    segments: tuple[Segment, ...] = ()

    def files(self, table: str, after: int = 0) -> list[str]:
        """The files of one table, but for those that hold nothing after a position."""
        return [one.files[table] for one in self.segments if table in one.files and one.last > after]

    def gone(self, after: int = 0) -> list[str]:
        """The files that name ended versions, but for those that tell of none that ended after a position."""
        return [one.gone for one in self.segments if one.gone and one.last > after]

    def names(self) -> set[str]:
        """Every file."""
        return {name for segment in self.segments for name in segment.names()}


def load(folder: Path) -> Manifest | None:
    """The manifest of a folder; None when there is none, or none that can be read: the log then gives it anew."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Manifest)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def save(folder: Path, manifest: Manifest) -> None:
    """Replace it, durably and in one step."""
    write_new(folder / FILE, msgspec.json.encode(manifest))
