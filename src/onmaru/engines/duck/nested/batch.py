"""A batch of the log sorted by resource type: what begins in it, what ends by it, what it erases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from onmaru.engines.duck.nested.files import ENDS, OWN
from onmaru.engines.duck.nested.flatten import flatten
from onmaru.engines.duck.nested.shape import schema
from onmaru.engines.duck.nested.whose import labels, patients
from onmaru.fhir.columnar import Column
from onmaru.kernel.log import Version


class Share(msgspec.Struct):
    """One type's part of a batch. `ended`: (id, version) → the position that ended it. `erased`: ids."""

    begun: dict[tuple[str, int], Version] = {}
    ended: dict[tuple[str, int], int] = {}
    erased: set[str] = set()

    def take(self, version: Version) -> None:
        """The next version."""
        if version.op == "erase":
            self.erased.add(version.id)
            for names in (self.begun, self.ended):
                for name in [name for name in names if name[0] == version.id]:
                    del names[name]
            return
        if version.version > 1:
            self.ended[version.id, version.version - 1] = version.t
        if version.body is not None:
            self.begun[version.id, version.version] = version

    def rows(self, tree: Column) -> tuple[pa.Table, Column]:
        """What begins as a table of the schema that the second, grown tree gives; what the batch itself ended says so."""
        versions = list(self.begun.values())
        table, tree = flatten(tree, [version.body for version in versions if version.body is not None])
        whose = patients(tree.type, table)
        own = [
            [version.version for version in versions],
            [version.t for version in versions],
            [self.ended.get(name) for name in self.begun] if self.ended else pa.nulls(len(versions), pa.int64()),
            pc.replace_substring_regex(whose, " .*", "") if pc.any(pc.match_substring(whose, " ")).as_py() else whose,
            whose,
            labels(table),
        ]
        for field, values in zip(OWN, own, strict=True):
            column = values if isinstance(values, pa.Array) else pa.array(values, field.type)
            table = table.append_column(field, column)
        return table.cast(schema(tree)), tree

    def ends(self) -> pa.Table:
        """What is ended of earlier batches."""
        left = [(*name, t) for name, t in self.ended.items() if name not in self.begun]
        columns: Iterable[Sequence[object]] = zip(*left, strict=True) if left else ([], [], [])
        return pa.table(
            [pa.array(values, field.type) for values, field in zip(columns, ENDS, strict=True)], schema=ENDS
        )


def shares(batch: Sequence[Version]) -> dict[str, Share]:
    """By type. What the log gives without a type was erased, and a later entry of the log says so."""
    found: dict[str, Share] = {}
    for version in batch:
        if version.type:
            found.setdefault(version.type, Share()).take(version)
    return found
