"""Quantities compared in SQL: by value where they have the same unit, unknown where they have not or bear a comparator."""

from __future__ import annotations

from onmaru.fhir.fhirpath.errors import semantic
from onmaru.fhir.fhirpath.node import MEASURES
from onmaru.fhir.fhirpath.values import Quantity
from onmaru.fhir.views.arithmetic import number
from onmaru.fhir.views.compiler import Compiler
from onmaru.fhir.views.literals import literal
from onmaru.fhir.views.navigation import child
from onmaru.fhir.views.value import NULL, Value

__all__ = ["MEASURES", "measured"]


def measured(compiler: Compiler, operator: str, left: Value, right: Value, at: int) -> str:
    """`=`, `<` and so on. Units are not converted: of different units nothing is known."""
    if not all(isinstance(one.literal, Quantity) or one.type in MEASURES for one in (left, right)):
        raise semantic("a quantity is compared with a quantity", at)
    (one, unit), (two, other) = _parts(compiler, left, at), _parts(compiler, right, at)
    if NULL in (one, two):
        return NULL
    return f"CASE WHEN {unit} = {other} THEN {one} {operator} {two} END"


def _parts(compiler: Compiler, value: Value, at: int) -> tuple[str, str]:
    """SQL of the number and of the unit: its code, else its text, else '1'."""
    given = value.literal
    if isinstance(given, Quantity):
        if given.calendar:
            raise semantic("durations of the calendar are not supported in views", at)
        return number(compiler, literal(compiler.dialect, given.value)), compiler.dialect.text(given.unit)
    held = child(compiler, value, "value", at)
    comparator = child(compiler, value, "comparator", at).sql
    amount = NULL if held.sql == NULL else number(compiler, held)
    if NULL not in (amount, comparator):
        amount = f"CASE WHEN {comparator} IS NULL THEN {amount} END"
    units = [found.sql for name in ("code", "unit") if (found := child(compiler, value, name, at)).sql != NULL]
    return amount, f"coalesce({', '.join([*units, compiler.dialect.text('1')])})"
