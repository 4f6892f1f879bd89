"""Resources that somebody hands over, as a typed nested Arrow table: what a view runs on beside the lake's own files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from onmaru.fhir.columnar import Column, Kind, row

_TYPES: dict[Kind, pa.DataType] = {"boolean": pa.bool_(), "integer": pa.int32()}


def arrow_type(column: Column) -> pa.DataType:
    """How a column lies in Arrow: decimals and JSON are text."""
    if column.kind == "group":
        of = pa.struct([(name, arrow_type(below)) for name, below in column.columns.items()])
    else:
        of = _TYPES.get(column.kind, pa.string())
    return pa.list_(of) if column.many else of


def arrow_table(tree: Column, resources: Iterable[Mapping[str, Any]]) -> pa.Table:
    """The resources (`columnar.read`) as a table with the columns of `tree`; a tree without any has one of nothing.

    Raises ValueError with the path where a resource has not the shape of its type.
    """
    rows = [row(tree, resource) for resource in resources]
    schema = pa.schema([(name, arrow_type(column)) for name, column in tree.columns.items()])
    if not schema.names:
        return pa.table({"nothing": pa.nulls(len(rows), pa.int8())})
    return pa.Table.from_pylist(rows, schema=schema)
