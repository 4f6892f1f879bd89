"""Segments made one: what newer versions ended is left out for good, what was erased is in no file afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from onmaru.engines.duck.manifest import Segment
from onmaru.engines.duck.reader import Reader
from onmaru.engines.duck.vault import GONE, Vault, schema
from onmaru.kernel.projection import Table

FAN = 4
STANDING = "SELECT * FROM rows r WHERE NOT EXISTS (SELECT 1 FROM gone g WHERE g._source = r._source AND g._t > r._t)"
LAST = "SELECT _source, max(_t) AS _t FROM gone GROUP BY _source"
KEPT = "SELECT * FROM rows WHERE NOT list_contains($erased, _source)"
TOUCHED = "SELECT count(*) FROM rows WHERE list_contains($erased, _source)"


class Merger:
    """Writes new files from old ones; which of them count is decided by who saves the manifest."""

    def __init__(self, vault: Vault, reader: Reader, tables: Sequence[Table]) -> None:
        self._vault = vault
        self._reader = reader
        self._schemas = {table.name: schema(table) for table in tables}

    def compacted(self, segments: Sequence[Segment]) -> tuple[Segment, ...]:
        """While the last FAN segments have one level they become one of the next, so n batches leave about log n."""
        counted = [(segment.level, 1) for segment in segments]
        while len(counted) >= FAN and len({level for level, _ in counted[-FAN:]}) == 1:
            counted[-FAN:] = [(counted[-1][0] + 1, sum(number for _, number in counted[-FAN:]))]
        level, number = counted[-1]
        if number == 1:
            return tuple(segments)
        return (*segments[:-number], self._merge(segments[-number:], level, oldest=number == len(segments)))

    def _merge(self, segments: Sequence[Segment], level: int, *, oldest: bool) -> Segment:
        """One segment of many; ended versions are remembered only while older segments may still hold their rows."""
        ended = self._vault.rows([segment.gone for segment in segments if segment.gone], GONE)
        files = {}
        for table, of in self._schemas.items():
            names = [segment.files[table] for segment in segments if table in segment.files]
            if names:
                parts = {"rows": self._vault.rows(names, of), "gone": ended}
                files[table] = self._written(STANDING, parts, of)
        gone = "" if oldest else self._written(LAST, {"gone": ended}, GONE)
        kept = {table: name for table, name in files.items() if name}
        return Segment(segments[0].first, segments[-1].last, kept, gone, level)

    def scrubbed(self, segments: Sequence[Segment], erased: Sequence[str]) -> tuple[Segment, ...]:
        """The same segments with no file that names an erased resource."""
        return tuple(self._scrub(segment, erased) for segment in segments)

    def _scrub(self, segment: Segment, erased: Sequence[str]) -> Segment:
        files = {table: self._without(name, self._schemas[table], erased) for table, name in segment.files.items()}
        gone = self._without(segment.gone, GONE, erased) if segment.gone else ""
        kept = {table: name for table, name in files.items() if name}
        return Segment(segment.first, segment.last, kept, gone, segment.level)

    def _without(self, name: str, of: pa.Schema, erased: Sequence[str]) -> str:
        """The file itself when it names none of them, else a new one ("" when nothing is left)."""
        parts = {"rows": self._vault.rows([name], of)}
        given = {"erased": list(erased)}
        if not self._reader.table(TOUCHED, given, parts).column(0)[0].as_py():
            return name
        return self._written(KEPT, parts, of, given)

    def _written(
        self, sql: str, parts: Mapping[str, Any], of: pa.Schema, given: Mapping[str, Any] | None = None
    ) -> str:
        with self._reader.stream(sql, given or {}, parts) as batches:
            return self._vault.write(_cast(batches, of), of)[0]


def _cast(batches: Iterator[pa.RecordBatch], of: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch.cast(of)
