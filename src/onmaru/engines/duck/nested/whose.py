"""Whose each row is and which labels it bears, read from its columns: what the gate asks of every row.

Its one law: the patients and labels are those of the index's keys (kernel/index.py), for every resource there can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from onmaru.fhir.search.branches import Field, branches
from onmaru.fhir.search.catalogue import compartment, numbered
from onmaru.fhir.search.expression import parse_expression
from onmaru.fhir.search.values import target

# The patient that a resource is about comes before those who only took part in it
ABOUT = ("subject", "patient")
SECURITY = ("meta", "security")


def patients(type_name: str, table: pa.Table) -> list[str]:
    """For each row the ids of the Patients in whose compartment it is, by its own words, separated by spaces."""
    if type_name == "Patient":
        ids: list[str] = table.column("id").to_pylist()
        return ids
    held = [""] * table.num_rows
    for path in paths(type_name):
        for number, reference in _reached(table, (*path, "reference")):
            kind, id = target(reference)
            if kind == "Patient" and id not in held[number].split(" "):
                held[number] = f"{held[number]} {id}" if held[number] else id
    return held


def labels(table: pa.Table) -> list[str]:
    """For each row meta.security as `system|code`, separated by spaces."""
    held = [""] * table.num_rows
    for number, one in _reached(table, SECURITY):
        if one.get("code"):
            label = f"{one.get('system') or ''}|{one['code']}"
            held[number] = f"{held[number]} {label}" if held[number] else label
    return held


@cache
def paths(type_name: str) -> tuple[tuple[str, ...], ...]:
    """Where a resource of a type names the Patients of its compartments: paths to References."""
    found = [
        (definition.parameter.code not in ABOUT, tuple(step.name for step in branch.steps if isinstance(step, Field)))
        for definition in map(numbered, compartment(type_name))
        for branch in branches(parse_expression(definition.expression), type_name)
    ]
    return tuple(dict.fromkeys(path for _, path in sorted(found)))


def _reached(table: pa.Table, path: Sequence[str]) -> Iterator[tuple[int, Any]]:
    """(row, value) of everything at a path, lists opened; nothing where the table has no such column."""
    if path[0] not in table.column_names:
        return
    column, rows = opened(table.column(path[0]).combine_chunks(), pa.array(range(table.num_rows), pa.int64()))
    for name in path[1:]:
        if not any(field.name == name for field in column.type):
            return
        column, rows = opened(pc.struct_field(column, name), rows)
    for number, value in zip(rows.to_pylist(), column.to_pylist(), strict=True):
        if value is not None:
            yield number, value


def opened(column: Any, rows: Any) -> tuple[Any, Any]:
    """What lists hold, one after another, with the row of each; what is no list stays as it is."""
    if not pa.types.is_list(column.type):
        return column, rows
    return pc.list_flatten(column), rows.take(pc.list_parent_indices(column))
