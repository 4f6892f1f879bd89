"""The Arrow form of a column tree (onmaru.fhir.columnar), and the tree of an Arrow form that was found in JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from onmaru.engines.duck.nested.files import OWN
from onmaru.fhir.columnar import DEPTH, Column, defined

_PLAIN: dict[str, pa.DataType] = {
    "text": pa.string(),
    "decimal": pa.string(),
    "json": pa.string(),
    "boolean": pa.bool_(),
    "integer": pa.int32(),
}


def elements(tree: Column) -> pa.Schema:
    """A table's columns by its tree."""
    return pa.schema([pa.field(name, _type(column)) for name, column in tree.columns.items()])


def schema(tree: Column) -> pa.Schema:
    """A table's columns by its tree, then the engine's own."""
    return pa.schema([*elements(tree), *OWN])


def seen(tree: Column) -> pa.Schema:
    """A table's columns as SQL sees them: which version a row is of comes first."""
    own = [field for field in OWN if field.name != "_ended"]
    ids = [] if "id" in tree.columns else [pa.field("id", pa.string())]
    return pa.schema([pa.field("_source", pa.string()), *ids, *elements(tree), *own])


def _type(column: Column) -> pa.DataType:
    if column.kind == "group":
        one = pa.struct([pa.field(name, _type(below)) for name, below in column.columns.items()])
    else:
        one = _PLAIN[column.kind]
    return pa.list_(one) if column.many else one


def found(type_name: str, fields: Iterable[Any], depth: int = 1) -> dict[str, Column]:
    """Columns of a type for the Arrow fields that a reader met in JSON; what R4 does not define is left out."""
    known = defined(type_name)
    made = {field.name: _column(known[field.name], field.type, depth) for field in fields if field.name in known}
    return {
        name: made[name] for name in known if (column := made.get(name)) and (column.kind != "group" or column.columns)
    }


def _column(known: Column, met: Any, depth: int) -> Column:
    if known.kind != "group":
        return known
    if depth >= DEPTH:
        return Column(known.type, "json", known.many)
    inner = met.value_type if pa.types.is_list(met) else met
    below = found(known.type, inner, depth + 1) if pa.types.is_struct(inner) else {}
    return Column(known.type, "group", known.many, below)


def decimals(tree: Column) -> tuple[str, ...]:
    """The names of all decimals of a tree: what JSON writes as a number and a table as text."""
    return tuple(sorted({path[-1] for path, column in tree.leaves() if column.kind == "decimal"}))
