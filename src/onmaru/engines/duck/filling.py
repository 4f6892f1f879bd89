"""Columnar tables filled without a log: versions in parts, each written where it is made; then one manifest names them all.

Its one law: a part's rows come of its versions by the code that follows the log, so they are those that following gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pyarrow as pa
from msgspec.structs import replace

from onmaru.engines.duck import manifest as rows_manifest
from onmaru.engines.duck.follow import batches as rows_batches
from onmaru.engines.duck.manifest import Segment
from onmaru.engines.duck.nested import files as nested_manifest
from onmaru.engines.duck.nested.batch import Share, shares
from onmaru.engines.duck.nested.codings import LARGEST, ORDER, codings, tree
from onmaru.engines.duck.nested.files import File, Kept
from onmaru.engines.duck.nested.followed import Resources
from onmaru.engines.duck.nested.shape import schema as nested_schema
from onmaru.engines.duck.nested.sums import gathered, summed
from onmaru.engines.duck.vault import Vault, Writing, schema
from onmaru.engines.keyring import write_new
from onmaru.fhir.columnar import Column, table, union
from onmaru.kernel.log import Version
from onmaru.kernel.projection import Projection, rows_of

FILE = "filled.json"
GROUP = 100_000
"""Rows of a row group: large ones are read faster, and each costs its share of the footer."""


class Part(msgspec.Struct, frozen=True):
    """What one part wrote: the positions of its versions, the files of each type and of its codings, and each projection's
    segment.
    """

    first: int
    last: int
    types: Mapping[str, Kept]
    segments: Mapping[str, Segment]
    codings: Mapping[str, Kept] = {}

    def rows(self) -> int:
        """How many versions its resource tables hold."""
        return sum(file.rows for kept in self.types.values() for file in kept.files)


def folder_of(folder: Path, projection: Projection) -> Path:
    """Where a tenant's folder has the rows of a projection."""
    return folder / "lake" / projection.name / str(projection.version)


def fill(
    folder: Path, key: bytes, projections: Sequence[Projection], log: Iterable[Sequence[Version]], span: tuple[int, int]
) -> Part:
    """Write one part of a tenant's tables: batches of first versions at the positions of `span`, none missing.

    Any number of processes may fill parts of one folder. Durable when it returns, and counted by nobody before `join`.
    """
    resources = Vault(folder_of(folder, Resources()), key)
    followed = [_Rows(Vault(folder_of(folder, one), key), one) for one in projections]
    types: dict[str, _Type] = {}
    with ExitStack() as open_files:
        for batch in log:
            for name, share in shares(batch).items():
                types.setdefault(name, _Type(resources, table(name), span, open_files)).add(share)
            for one in followed:
                one.add(batch, open_files)
        kept = {name: one.kept() for name, one in types.items()}
        said = {name: Kept(tree(name), one.said) for name, one in types.items() if one.said}
        segments = {one.projection.name: one.segment(span) for one in followed}
    for vault in (resources, *(one.vault for one in followed)):
        vault.sync()
    return Part(*span, kept, segments, said)


def join(folder: Path, key: bytes, projections: Sequence[Projection], parts: Sequence[Part]) -> int:
    """Name the files of all parts in the manifests, which then stand at the last position; that position.

    `parts`: in order of position, none missing.
    """
    last = 0
    for part in parts:
        if part.first != last + 1:
            raise ValueError("a part is missing")
        last = part.last
    vault = Vault(folder_of(folder, Resources()), key)
    tables, apart = _joined([part.types for part in parts]), _joined([part.codings for part in parts])
    said = {name: _gathered(vault, kept) for name, kept in apart.items()}
    vault.sync()
    for one in projections:
        segments = tuple(part.segments[one.name] for part in parts)
        columnar = tuple(table for table in one.tables if table.store == "columnar")
        rows_manifest.save(folder_of(folder, one), rows_manifest.Manifest(last, columnar, segments))
    nested_manifest.save(vault.folder, nested_manifest.Manifest(last, tables, said))
    vault.remove(
        {name for kept in apart.values() for name in kept.sums} - {name for one in said.values() for name in one.sums}
    )
    return last


def _gathered(vault: Vault, kept: Kept) -> Kept:
    """With one file of sums for all parts' codings of a type."""
    if len(kept.sums) < 2 or not all(file.sums for file in kept.standing):
        return kept
    one = gathered(vault, kept.sums)
    return replace(kept, standing=tuple(replace(file, sums=one) for file in kept.standing))


def _joined(parts: Iterable[Mapping[str, Kept]]) -> dict[str, Kept]:
    tables: dict[str, Kept] = {}
    for types in parts:
        for name, kept in types.items():
            before = tables.get(name, Kept(kept.tree))
            tables[name] = Kept(union(before.tree, kept.tree), (*before.standing, *kept.standing))
    return tables


class _File:
    """One file that grows by row groups of GROUP rows."""

    def __init__(self, vault: Vault, of: pa.Schema, open_files: ExitStack) -> None:
        self._of = of
        self._stack = ExitStack()
        self._writing: Writing = self._stack.enter_context(vault.writing(of))
        self._waiting: list[pa.Table] = []
        self._rows = 0
        open_files.callback(self._stack.close)

    def add(self, rows: pa.Table) -> None:
        self._waiting.append(rows)
        self._rows += rows.num_rows
        if self._rows >= GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            for batch in pa.concat_tables(self._waiting).combine_chunks().to_batches():
                self._writing.add(batch)
        self._waiting, self._rows = [], 0

    def close(self) -> Writing:
        """End the file; its name is "" where it has no rows."""
        self._flush()
        self._stack.close()
        return self._writing


class _Type:
    """The files of one resource type, and of its codings: a new one begins where a column is met for the first time."""

    def __init__(self, vault: Vault, tree: Column, span: tuple[int, int], open_files: ExitStack) -> None:
        self._vault, self._tree, self._span, self._open = vault, tree, span, open_files
        self._file: _File | None = None
        self._made: list[File] = []
        self._codings: list[pa.Table] = []
        self.said: tuple[File, ...] = ()

    def add(self, share: Share) -> None:
        rows, grown = share.rows(self._tree)
        if self._file is None or grown != self._tree:
            self._end()
            self._tree, self._file = grown, _File(self._vault, nested_schema(grown), self._open)
        self._file.add(rows)
        found = codings(grown.type, rows)
        if found is not None:
            self._codings.append(found)
            if sum(one.num_rows for one in self._codings) >= LARGEST:
                self._sort()

    def _sort(self) -> None:
        """Write the codings that wait, sorted, as one file."""
        if self._codings:
            rows = pa.concat_tables(self._codings)
            with self._vault.writing(rows.schema, ORDER, summed) as written:
                for batch in rows.to_batches():
                    written.add(batch)
            file = File(written.name, written.rows, written.bytes, *self._span, sums=written.beside)
            self.said = (*self.said, file)
            self._codings = []

    def _end(self) -> None:
        if self._file is not None:
            written = self._file.close()
            self._made.append(File(written.name, written.rows, written.bytes, *self._span))

    def kept(self) -> Kept:
        self._end()
        self._sort()
        return Kept(self._tree, tuple(self._made))


class _Rows:
    """The files of one projection's tables."""

    def __init__(self, vault: Vault, projection: Projection) -> None:
        self.vault, self.projection = vault, projection
        self._tables = [table for table in projection.tables if table.store == "columnar"]
        self._files: dict[str, _File] = {}

    def add(self, batch: Sequence[Version], open_files: ExitStack) -> None:
        mine = [version for version in batch if version.type in self.projection.types]
        standing = list(rows_of(self.projection, mine, {}))
        for one in self._tables:
            for rows in rows_batches(one, standing):
                if one.name not in self._files:
                    self._files[one.name] = _File(self.vault, schema(one), open_files)
                self._files[one.name].add(pa.Table.from_batches([rows]))

    def segment(self, span: tuple[int, int]) -> Segment:
        return Segment(*span, {name: file.close().name for name, file in self._files.items()})


class Filled(msgspec.Struct, frozen=True):
    """The mark of a tenant whose tables were filled without a log: `of` what, up to which position; 0 while it goes on."""

    of: str
    position: int = 0


def mark(folder: Path, filled: Filled) -> None:
    """Put it, or put it anew, durably."""
    write_new(folder / FILE, msgspec.json.encode(filled))


def marked(folder: Path) -> Filled | None:
    """The mark of a tenant's folder; None where its tables follow a log."""
    path = folder / FILE
    return msgspec.json.decode(path.read_bytes(), type=Filled) if path.exists() else None
