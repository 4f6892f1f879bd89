"""Values written in a view: literals of FHIRPath and the view's constants, as SQL that cannot be broken out of."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from onmaru.fhir.fhirpath.errors import semantic
from onmaru.fhir.fhirpath.temporal import Date, DateTime, Moment, Time
from onmaru.fhir.fhirpath.values import MAX_INTEGER, Quantity
from onmaru.fhir.views.definition import Constant
from onmaru.fhir.views.dialect import Dialect
from onmaru.fhir.views.value import Value

URLS = {"sct": "http://snomed.info/sct", "loinc": "http://loinc.org", "ucum": "http://unitsofmeasure.org"}
"""What FHIR names in every expression."""
DIGITS = 38
_TIMES: dict[str, type[Moment]] = {"date": Date, "dateTime": DateTime, "instant": DateTime, "time": Time}


def literal(dialect: Dialect, value: Any) -> Value:
    """A System value. Raises PathError for what no SQL type holds."""
    if isinstance(value, bool):
        return Value("TRUE" if value else "FALSE", "boolean", literal=value)
    if isinstance(value, int):
        return Value(str(value), "integer" if abs(value) <= MAX_INTEGER + 1 else "integer64", literal=value)
    if isinstance(value, Decimal):
        return _decimal(dialect, value)
    if isinstance(value, Quantity):
        return Value(dialect.text(str(value)), "Quantity", literal=value)
    if isinstance(value, Moment):
        kind = {Date: "date", DateTime: "dateTime", Time: "time"}[value.__class__]
        return Value(dialect.text(str(value)), kind, literal=value)
    return _text(dialect, str(value), "string")


def _decimal(dialect: Dialect, value: Decimal) -> Value:
    if not value.is_finite() or len(f"{value:f}".lstrip("-").replace(".", "")) > DIGITS:
        raise semantic(f"a decimal has more than {DIGITS} digits")
    return Value(dialect.text(f"{value:f}"), "decimal", literal=value)


def _text(dialect: Dialect, value: str, type: str) -> Value:
    if "\x00" in value:
        raise semantic("a text holds the character NUL")
    return Value(dialect.text(value), type, literal=value)


def constant(dialect: Dialect, given: Constant) -> Value:
    """A constant of a view, of its own type. Raises PathError where its value is not of the type it claims."""
    try:
        if given.type in _TIMES:
            return literal(dialect, _TIMES[given.type].read(given.value))
        if given.type == "decimal":
            return literal(dialect, Decimal(given.value))
    except (ValueError, InvalidOperation):
        raise semantic(f"the constant {given.name} is no {given.type}") from None
    return (
        literal(dialect, given.value) if not isinstance(given.value, str) else _text(dialect, given.value, given.type)
    )
