"""One projection's columnar rows. A batch's files are durable before the manifest that names them and its position is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from onmaru.engines.duck import manifest as manifests
from onmaru.engines.duck.manifest import Manifest, Segment
from onmaru.engines.duck.merging import Merger
from onmaru.engines.duck.reader import Reader
from onmaru.engines.duck.vault import GONE, Vault, schema
from onmaru.kernel.log import Version
from onmaru.kernel.projection import Projection, Row, Table, rows_of


class Followed:
    """The rows of one version of one projection, in a folder of their own. `batch`: how many versions it takes at a time."""

    batch = 1000

    def __init__(self, folder: Path, key: bytes, reader: Reader, projection: Projection) -> None:
        self.projection = projection
        self.tables = tuple(table for table in projection.tables if table.store == "columnar")
        self.vault = Vault(folder, key)
        found = manifests.load(folder)
        self.manifest = found if found and found.tables == self.tables else Manifest(tables=self.tables)
        self._merger = Merger(self.vault, reader, self.tables)
        self.vault.remove(self.vault.names() - self.manifest.names())

    def serving(self, folder: Path) -> Manifest | None:
        """What another version left in its folder, if its rows answer today's views."""
        found = manifests.load(folder)
        return found if found and all(_serves(found, table) for table in self.tables) else None

    def contents(self) -> Iterator[tuple[str, Any]]:
        """(table, data set) of all that the files hold."""
        for table in self.tables:
            yield table.name, self.vault.dataset(self.manifest.files(table.name), schema(table))
        yield "gone", self.vault.dataset(self.manifest.gone(), GONE)

    def take(self, batch: Sequence[Version], made: Mapping[int, Sequence[Row]]) -> set[str]:
        """Follow a batch in one atomic step; the names of files that count no more."""
        segment, erased = self._segment(batch, made)
        segments = self.manifest.segments
        if erased:
            segments = self._merger.scrubbed(segments, sorted(erased))
        if next(segment.names(), ""):
            segments = self._merger.compacted((*segments, segment))
        self.vault.sync()
        manifest = Manifest(batch[-1].t, self.tables, segments)
        manifests.save(self.vault.folder, manifest)
        left = (self.manifest.names() | self.vault.fresh) - manifest.names()
        self.manifest = manifest
        self.vault.fresh.clear()
        return left

    def _segment(self, batch: Sequence[Version], made: Mapping[int, Sequence[Row]]) -> tuple[Segment, set[str]]:
        """The batch's rows, each resource's last version only; and what it erases."""
        mine = [version for version in batch if version.type in self.projection.types]
        standing = {version.name: (version, rows) for version, rows in rows_of(self.projection, mine, made)}
        erased = {version.name for version in mine if version.op == "erase"}
        ended = [(version.name, version.t) for version in mine if version.version > 1 and version.name not in erased]
        files = {table.name: self._write(table, standing.values()) for table in self.tables}
        gone, _ = self.vault.write(_columns(zip(*ended, strict=True), GONE), GONE) if ended else ("", 0)
        return Segment(batch[0].t, batch[-1].t, {t: name for t, name in files.items() if name}, gone), erased

    def _write(self, table: Table, standing: Iterable[tuple[Version, Sequence[Row]]]) -> str:
        return self.vault.write(batches(table, standing), schema(table))[0]


def batches(table: Table, standing: Iterable[tuple[Version, Sequence[Row]]]) -> list[pa.RecordBatch]:
    """The rows of one table among those of versions; none, or all in one batch."""
    rows = [
        (version.name, version.version, version.t, *_covered(row), *row.values)
        for version, found in standing
        for row in found
        if row.table == table.name
    ]
    return _columns(zip(*rows, strict=True), schema(table)) if rows else []


def _covered(row: Row) -> tuple[str, str, str]:
    """The patient it is of, all whose consent covers it, its labels."""
    return row.patient.partition(" ")[0], row.patient, row.labels


def _columns(columns: Iterable[Sequence[Any]], of: pa.Schema) -> list[pa.RecordBatch]:
    made = [_array(values, field.type) for values, field in zip(columns, of, strict=True)]
    return [pa.RecordBatch.from_arrays(made, schema=of)]


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Dates come as days since 1970 and timestamps as µs (kernel/projection.py)."""
    if pa.types.is_date(kind):
        return pa.array(values, pa.int32()).cast(kind)
    if pa.types.is_timestamp(kind):
        return pa.array(values, pa.int64()).cast(kind)
    return pa.array(values, kind)


def _serves(kept: Manifest, table: Table) -> bool:
    return any(one.name == table.name and set(table.columns) <= set(one.columns) for one in kept.tables)
