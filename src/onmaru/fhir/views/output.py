"""A column of the answer: the one type that it has, and SQL that gives it or ends the query with the column's name."""

from __future__ import annotations

import re

import msgspec

from onmaru.fhir.definitions import bases, kinds
from onmaru.fhir.fhirpath.errors import semantic
from onmaru.fhir.primitives import PRIMITIVES
from onmaru.fhir.views.compiler import Compiler
from onmaru.fhir.views.conversion import written
from onmaru.fhir.views.definition import OutputColumn
from onmaru.fhir.views.dialect import DECIMAL, Type
from onmaru.fhir.views.navigation import narrowed
from onmaru.fhir.views.shaping import given_out
from onmaru.fhir.views.value import NULL, Kind, Value

_GROUPS: dict[Kind, str] = {
    "boolean": "boolean",
    "integer": "number",
    "decimal": "number",
    "string": "text",
    "date": "text",
    "dateTime": "text",
    "time": "text",
    "complex": "complex",
}
_TYPES: dict[Kind, Type] = {"boolean": "boolean", "integer": "integer", "decimal": "decimal"}
_ANSI = re.compile(
    r"(?:CHARACTER VARYING|VARCHAR|CHARACTER|CHAR)(?:\s*\(\s*[0-9]+\s*\))?|BOOLEAN|SMALLINT|INTEGER|INT|BIGINT"
    r"|DOUBLE PRECISION|REAL|FLOAT|DATE|TIMESTAMP|(?:DECIMAL|NUMERIC)(?:\s*\(\s*[0-9]{1,2}\s*(?:,\s*[0-9]{1,2}\s*)?\))?",
    re.IGNORECASE,
)


class Output(msgspec.Struct, frozen=True):
    """One column of the answer. `type`: FHIR's name, "" where it cannot be known; `many`: a list of such values."""

    name: str
    type: str
    many: bool
    sql: str
    sql_type: str


def output(compiler: Compiler, column: OutputColumn, value: Value) -> Output:
    """The SQL of a column. Raises PathError where the value is not of the type that the column claims."""
    declared = column.type.partition(".")[0] if column.type in PRIMITIVES else column.type
    if value.choices is not None:
        value = _chosen(compiler, value, declared)
    _check(declared, value)
    type_name = declared or value.type
    if not column.collection:
        value = compiler.single(
            value, f"column {column.name}: a resource has more than one value, but collection is not set"
        )
    kind = Value(NULL, type_name).kind
    sql, sql_type = _typed(compiler, value, kind, column.name)
    if column.collection:
        sql, sql_type = _listed(compiler, value, kind, column.name)
    elif column.sql_type:
        sql, sql_type = _hinted(compiler, sql, column)
    return Output(column.name, type_name, column.collection, sql, sql_type)


def _chosen(compiler: Compiler, value: Value, declared: str) -> Value:
    if not declared:
        raise semantic("the value may be of several types: choose one with ofType()")
    return narrowed(compiler, value, declared, -1)


def _check(declared: str, value: Value) -> None:
    """A declared type must be able to hold the value."""
    if not declared:
        if value.kind == "complex" and value.type != "Resource":
            raise semantic(f"the value is a {value.type}: a column of a complex type has to say its type")
        return
    if declared not in PRIMITIVES and declared != "integer64" and declared not in kinds() and declared not in bases():
        raise semantic("no type of FHIR has the name that the column claims")
    held, wanted = _GROUPS.get(value.kind), _GROUPS.get(Value(NULL, declared).kind)
    if held is not None and held != wanted:
        raise semantic(f"the column claims {declared}, but the value is {value.type}")
    if held == "complex" and declared != value.type and declared not in ("BackboneElement", "Element"):
        raise semantic(f"the column claims {declared}, but the value is {value.type}")


def _typed(compiler: Compiler, value: Value, kind: Kind, name: str) -> tuple[str, str]:
    """SQL of one value and its type."""
    d = compiler.dialect
    if kind == "complex":
        return (
            (f"CAST(NULL AS {d.type('text')})", d.type("text"))
            if value.sql == NULL
            else (given_out(compiler, value), "")
        )
    sql_type = d.type(_TYPES.get(kind, "text"))
    if value.sql == NULL:
        return f"CAST(NULL AS {sql_type})", sql_type
    if kind == "decimal" and not value.counted and value.kind == "decimal":
        return _decimal(compiler, value.sql, name), sql_type
    if kind == "integer" and value.kind == "decimal":
        return d.attempt(value.sql, sql_type), sql_type
    if kind in ("decimal", "boolean", "integer"):
        return (value.sql if kind == value.kind and not value.counted else f"CAST({value.sql} AS {sql_type})"), sql_type
    return written(compiler, value), sql_type


def _decimal(compiler: Compiler, sql: str, name: str) -> str:
    """A stored decimal as a number; one that does not fit ends the query instead of vanishing."""
    d = compiler.dialect
    said = compiler.error(f"column {name}: a decimal has too many digits for {DECIMAL}")

    def number(v: str) -> str:
        tried = d.decimal(v)
        return f"CASE WHEN {v} IS NOT NULL AND {tried} IS NULL THEN {said} ELSE {tried} END"

    return compiler.bound(sql, number)


def _listed(compiler: Compiler, value: Value, kind: Kind, name: str) -> tuple[str, str]:
    """SQL of the list of a collection, never NULL."""
    d = compiler.dialect
    sql_type = d.list_type(d.type(_TYPES.get(kind, "text")))
    if value.sql == NULL:
        return f"CAST({d.items()} AS {sql_type})", sql_type
    item = compiler.name()
    one, _ = _typed(compiler, value.of(item, many=False), kind, name)
    items = compiler.listed(value)
    sql = items if one == item else d.mapped(items, item, one)
    return f"coalesce({sql}, {d.items()})", "" if kind == "complex" else sql_type


def _hinted(compiler: Compiler, sql: str, column: OutputColumn) -> tuple[str, str]:
    """A column with the tag `ansi/type`. A value that is none of that type ends the query."""
    d = compiler.dialect
    if not _ANSI.fullmatch(column.sql_type.strip()):
        raise semantic("the tag ansi/type is not supported")
    wanted = re.sub(r"\s+", " ", column.sql_type.strip().upper()).replace("DOUBLE PRECISION", "DOUBLE")
    wanted = re.sub(r"^(?:CHARACTER VARYING|CHARACTER|VARCHAR|CHAR)\b.*", d.type("text"), wanted)
    wanted = re.sub(r"^NUMERIC", "DECIMAL", wanted)
    said = compiler.error(f"column {column.name}: a value is no {wanted}")

    def cast(v: str) -> str:
        tried = d.attempt(v, wanted)
        return f"CASE WHEN {v} IS NOT NULL AND {tried} IS NULL THEN {said} ELSE {tried} END"

    return compiler.bound(sql, cast), wanted
