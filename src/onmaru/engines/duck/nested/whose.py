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

# The patient that a resource is about comes before those who only took part in it
ABOUT = ("subject", "patient")
SECURITY = ("meta", "security")
# A relative reference to a Patient, as onmaru.fhir.search.values reads one
_PATIENT = r"\APatient/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?\z"


def patients(type_name: str, table: pa.Table) -> Any:
    """For each row the ids of the Patients in whose compartment it is, by its own words, separated by spaces: a column."""
    if type_name == "Patient":
        return table.column("id").combine_chunks()
    numbers, ids = [], []
    for path in paths(type_name):
        column, rows = _at(table, (*path, "reference"))
        if column is not None:
            found = pc.struct_field(pc.extract_regex(column, _PATIENT), "id")
            numbers.append(rows.filter(pc.is_valid(found)))
            ids.append(found.drop_null())
    if not ids:
        return pa.array([""] * table.num_rows, pa.string())
    number, id = (pa.concat_arrays(one) for one in (numbers, ids))
    if pc.count_distinct(number).as_py() < len(number):
        number, id = _together(number, id)
    places = pc.index_in(pa.array(range(table.num_rows), pa.int64()), value_set=number)
    return pc.fill_null(id.take(places), "")


def _together(number: Any, id: Any) -> tuple[Any, Any]:
    """Each row once, with all its patients in the order in which they were found."""
    held: dict[int, dict[str, None]] = {}
    for row, one in zip(number.to_pylist(), id.to_pylist(), strict=True):
        held.setdefault(row, {})[one] = None
    return pa.array(list(held), pa.int64()), pa.array([" ".join(one) for one in held.values()], pa.string())


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
    column, rows = _at(table, path)
    if column is None:
        return
    for number, value in zip(rows.to_pylist(), column.to_pylist(), strict=True):
        if value is not None:
            yield number, value


def _at(table: pa.Table, path: Sequence[str]) -> tuple[Any, Any]:
    """The values at a path, lists opened, and the row of each; None where the table has no such column."""
    if path[0] not in table.column_names:
        return None, None
    column, rows = opened(table.column(path[0]).combine_chunks(), pa.array(range(table.num_rows), pa.int64()))
    for name in path[1:]:
        if not any(field.name == name for field in column.type):
            return None, None
        column, rows = opened(pc.struct_field(column, name), rows)
    return column, rows


def opened(column: Any, rows: Any) -> tuple[Any, Any]:
    """What lists hold, one after another, with the row of each; what is no list stays as it is."""
    if not pa.types.is_list(column.type):
        return column, rows
    return pc.list_flatten(column), rows.take(pc.list_parent_indices(column))
