"""A group given another shape: rebuilt field by field, in the order of the new shape, with NULL for what it has not."""

from __future__ import annotations

from onmaru.fhir.columnar import Column
from onmaru.fhir.views.compiler import Compiler
from onmaru.fhir.views.dialect import DECIMAL, type_of
from onmaru.fhir.views.value import Value


def shaped(compiler: Compiler, value: Value, shape: Column) -> Value:
    """The same items as groups of `shape`, which has every column that they have."""
    if value.column is None or value.column.columns == shape.columns:
        return value
    column = Column(value.column.type, "group", value.many, value.column.columns)
    target = Column(shape.type, "group", value.many, shape.columns)
    return Value(_rebuilt(compiler, value.sql, column, target, False), value.type, value.many, target)


def given_out(compiler: Compiler, value: Value) -> str:
    """SQL of a group for the answer: its decimals are numbers."""
    if value.column is None:
        return value.sql
    column = Column(value.column.type, "group", value.many, value.column.columns)
    return _rebuilt(compiler, value.sql, column, column, True)


def _rebuilt(compiler: Compiler, sql: str, column: Column, target: Column, numbers: bool) -> str:
    if column == target and not (numbers and _decimals(column)):
        return sql
    d = compiler.dialect
    if column.many:
        name = compiler.name()
        return d.mapped(sql, name, _one(compiler, name, column, target, numbers))
    return compiler.bound(sql, lambda v: _one(compiler, v, column, target, numbers))


def _one(compiler: Compiler, sql: str, column: Column, target: Column, numbers: bool) -> str:
    d = compiler.dialect
    if column.kind == "decimal":
        return d.attempt(sql, DECIMAL)
    fields = []
    for name, wanted in target.columns.items():
        held = column.columns.get(name)
        if held is None:
            fields.append((name, f"CAST(NULL AS {type_of(d, wanted)})"))
        else:
            fields.append((name, _rebuilt(compiler, f"{sql}.{d.quoted(name)}", held, wanted, numbers)))
    return f"CASE WHEN {sql} IS NOT NULL THEN {d.struct(fields)} END"


def _decimals(column: Column) -> bool:
    return any(leaf.kind == "decimal" for _, leaf in column.leaves())
