"""A ViewDefinition over the lake of one caller, or over resources that were handed over: compiled, decided, computed.

Its one law: a view sees only rows the caller may see, and whose rows it showed is audited.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from onmaru.fhir.columnar import Column, defined, filled, row
from onmaru.fhir.outcome import invalid
from onmaru.fhir.views import DIALECTS, Compiled, Dialect, ViewDefinition, compile
from onmaru.kernel.entry import ID
from onmaru.kernel.lake import Lake, Run, Script

GIVEN = "given"
ANSWER = "answer"
WHOSE = "_patient"
SECONDS = 60.0
MOST = 1_000_000
"""Rows of one answer."""
_DUCK = DIALECTS["duckdb"]
_PLAIN: Mapping[str, pa.DataType] = {"boolean": pa.bool_(), "integer": pa.int32()}


class Narrowed(msgspec.Struct, frozen=True):
    """What of a view is wanted. `patients`: ids in whose compartment a resource is; none: of everybody. `limit`: rows."""

    patients: tuple[str, ...] = ()
    limit: int = MOST


class Begun(msgspec.Struct, frozen=True):
    """A view that was permitted: `run` computes it in any thread."""

    compiled: Compiled
    run: Run
    limit: int

    def __call__(self) -> tuple[pa.Table, int]:
        """The rows, and the position they are true at. `Invalid` 422 where there are more than an answer may have."""
        results = self.run()
        table = results.tables[ANSWER]
        if table.num_rows > self.limit:
            raise invalid("too-costly", f"the view gives more than {MOST:,} rows: narrow it or set _limit", status=422)
        return table.drop_columns([WHOSE]), results.t


def tree_of(type_name: str, fields: Iterable[Any]) -> Column:
    """The tree of a resource table by its Arrow fields; the engine's own columns are not in it."""
    return Column(type_name, "group", columns=_columns(type_name, fields))


def _columns(type_name: str, fields: Iterable[Any]) -> dict[str, Column]:
    known, found = defined(type_name), {}
    for field in fields:
        column = known.get(field.name)
        if column is None:
            continue
        one = field.type.value_type if pa.types.is_list(field.type) else field.type
        if column.kind == "group" and pa.types.is_struct(one):
            column = Column(column.type, "group", column.many, _columns(column.type, one.fields))
        elif column.kind == "group":
            column = Column(column.type, "json", column.many)
        found[field.name] = column
    return found


def permit(lake: Lake) -> None:
    """Refuse, with an audit row, whoever may ask no view; `Invalid` 403."""
    lake.script(Script("view", (), (), ()))


def over_lake(lake: Lake, view: ViewDefinition, wanted: Narrowed) -> Begun:
    """A view over the resource table of the caller's lake, for a data manager in research or operations. Raises Invalid."""
    tree = tree_of(view.resource, lake.layout(view.resource).columns)
    compiled = compile(view, tree, _DUCK, _source(view.resource, wanted), (WHOSE,))
    script = _script(view, compiled, wanted, (view.resource,))
    return Begun(compiled, lake.script(script), _most(wanted))


def over_given(lake: Lake, view: ViewDefinition, resources: Sequence[Mapping[str, Any]], wanted: Narrowed) -> Begun:
    """A view over resources that the caller handed over (`columnar.read`), for whoever may ask the lake. Raises Invalid."""
    tree, table = handed(view, resources)
    compiled = compile(view, tree, _DUCK, GIVEN, (WHOSE,))
    script = _script(view, compiled, wanted, ())
    return Begun(compiled, lake.script(script, {GIVEN: table}), _most(wanted))


def handed(view: ViewDefinition, resources: Iterable[Mapping[str, Any]]) -> tuple[Column, pa.Table]:
    """The resources of a view's type among some as a table that names no patient, and its tree. `Invalid` 422."""
    mine = [one for one in resources if one.get("resourceType") == view.resource]
    tree = filled(view.resource, mine)
    try:
        rows = [{**row(tree, one), WHOSE: None} for one in mine]
    except ValueError as error:
        raise invalid("structure", str(error), "resource", 422) from None
    schema = pa.schema([*((name, arrow_type(column)) for name, column in tree.columns.items()), (WHOSE, pa.string())])
    return tree, pa.Table.from_pylist(rows, schema=schema)


def sql(lake: Lake, view: ViewDefinition, dialect: Dialect) -> Compiled:
    """What a view is over the caller's lake, in a dialect; nothing is run."""
    tree = tree_of(view.resource, lake.layout(view.resource).columns)
    return compile(view, tree, dialect, dialect.quoted(view.resource))


def arrow_type(column: Column) -> pa.DataType:
    """How a column lies in Arrow: decimals and JSON are text."""
    if column.kind == "group":
        of = pa.struct([(name, arrow_type(below)) for name, below in column.columns.items()])
    else:
        of = _PLAIN.get(column.kind, pa.string())
    return pa.list_(of) if column.many else of


def _source(table: str, wanted: Narrowed) -> str:
    name = _DUCK.quoted(table)
    if not wanted.patients:
        return name
    if not all(ID.fullmatch(id) for id in wanted.patients):
        raise invalid("value", "not the id of a patient", "patient")
    ids = _DUCK.items(*map(_DUCK.text, wanted.patients))
    return f"(SELECT * FROM {name} WHERE list_has_any(string_split(_patients, ' '), {ids}))"  # noqa: S608  # ids were checked


def _most(wanted: Narrowed) -> int:
    return min(wanted.limit, MOST)


def _script(view: ViewDefinition, compiled: Compiled, wanted: Narrowed, tables: tuple[str, ...]) -> Script:
    """Rows of the lake are rows of single persons; what somebody handed over is nobody's of this house."""
    # One row more than an answer may have tells that there are more
    limit = wanted.limit if wanted.limit < MOST else MOST + 1
    statement = f"CREATE TABLE {ANSWER} AS {compiled.sql} LIMIT {limit}"
    name = f"view/{view.name or view.resource}"
    return Script(name, (statement,), tables, (ANSWER,), seconds=SECONDS, told=compiled.messages, rowwise=bool(tables))
