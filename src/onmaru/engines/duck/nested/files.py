"""Which files hold each resource table, and how far they follow the log.

Its one law: it is one list, replaced whole, so that files and position change at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa

from onmaru.engines.keyring import write_new
from onmaru.fhir.columnar import Column, table

FILE = "manifest.json"
OWN = pa.schema(
    [
        ("_version", pa.int64()),
        ("_t", pa.int64()),
        ("_ended", pa.int64()),
        ("_patient", pa.string()),
        ("_patients", pa.string()),
        ("_labels", pa.string()),
    ]
)
ENDS = pa.schema([("id", pa.string()), ("_version", pa.int64()), ("_t", pa.int64())])


class File(msgspec.Struct, frozen=True):
    """One Parquet file: its rows are of versions at positions `first` … `last`; `level` counts how often it was merged.

    `sums`: of codings the file beside it that has their sums, of those that had not ended when it was written (sums.py);
    several files may have one together.
    """

    name: str
    rows: int
    bytes: int
    first: int
    last: int
    level: int = 0
    sums: str = ""


class Kept(msgspec.Struct, frozen=True):
    """One resource type. Rows of `past` were ended when their file was written; those of `standing` may have been since.

    A row is ended by its own `_ended` or by a row of `ends`, which names a version that a later batch ended.
    `tree` is the union of what the files hold: an older file that lacks a column reads as NULL there.
    """

    tree: Column
    standing: tuple[File, ...] = ()
    past: tuple[File, ...] = ()
    ends: tuple[File, ...] = ()

    @property
    def files(self) -> tuple[File, ...]:
        """Every file."""
        return (*self.standing, *self.past, *self.ends)

    @property
    def sums(self) -> tuple[str, ...]:
        """Every file of sums, each once."""
        return tuple(dict.fromkeys(file.sums for file in self.standing if file.sums))

    def after(self, before: Kept) -> Kept:
        """The same once it has taken the place of `before`: sums that a file had together with one that left are no longer
        those of who stays, whose rows are counted from then on.
        """
        gone = {file.sums for file in before.standing if file not in self.standing}
        if gone.isdisjoint(file.sums for file in self.standing):
            return self
        stay = (msgspec.structs.replace(file, sums="") if file.sums in gone else file for file in self.standing)
        return msgspec.structs.replace(self, standing=tuple(stay))


class Manifest(msgspec.Struct, frozen=True):
    """The state of all resource tables at `position`; `codings` are those of each type (codings.py)."""

    position: int = 0
    tables: dict[str, Kept] = {}
    codings: dict[str, Kept] = {}

    def of(self, type_name: str) -> Kept:
        """One table; empty where nothing of it was ever written."""
        return self.tables.get(type_name) or Kept(table(type_name))

    def said(self) -> tuple[File, ...]:
        """Every file of codings."""
        return tuple(file for kept in self.codings.values() for file in kept.files)

    def names(self) -> set[str]:
        """Every file that counts."""
        every = (*self.tables.values(), *self.codings.values())
        return {name for kept in every for file in kept.files for name in (file.name, file.sums) if name}


def load(folder: Path) -> Manifest | None:
    """The manifest of a folder; None when there is none, or none that can be read: the log then gives it anew."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Manifest)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def save(folder: Path, manifest: Manifest) -> None:
    """Replace it, durably and in one step."""
    write_new(folder / FILE, msgspec.json.encode(manifest))


def names(files: Sequence[File]) -> Iterator[str]:
    """Their names."""
    return (file.name for file in files)
