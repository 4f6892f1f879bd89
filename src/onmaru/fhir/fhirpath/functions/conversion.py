"""§5.5 Conversion: `iif`, and for each System type `toX()` and `convertsToX()`."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from onmaru.fhir.fhirpath import quantities
from onmaru.fhir.fhirpath.errors import execution
from onmaru.fhir.fhirpath.functions.registry import Arguments, function
from onmaru.fhir.fhirpath.node import Node
from onmaru.fhir.fhirpath.run import Collection, Run
from onmaru.fhir.fhirpath.singles import boolean, one, string
from onmaru.fhir.fhirpath.temporal import Date, DateTime, Moment, Time
from onmaru.fhir.fhirpath.values import CALENDAR_UNITS, MAX_INTEGER, MAX_LONG, Long, Quantity, kind, text

_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})
_WHOLE = re.compile(r"[+-]?[0-9]{1,40}", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]{1,100}(\.[0-9]{1,100})?", re.ASCII)
_QUANTITY = re.compile(r"([+-]?[0-9]{1,100}(?:\.[0-9]{1,100})?)\s*(?:'([^']+)'|([a-zA-Z]+))?", re.ASCII)

Conversion = Callable[[Any], Any]


@function("iif", 2, 3)
def iif(run: Run, items: Collection, arguments: Arguments) -> Collection:
    if len(items) > 1:
        raise execution("iif() takes no more than one item")
    if boolean(run.within(items, arguments[0])):
        return run.within(items, arguments[1])
    return run.within(items, arguments[2]) if len(arguments) > 2 else []


def to_boolean(value: Any) -> bool | None:
    named = kind(value)
    if named == "Boolean":
        return bool(value)
    if named in ("Integer", "Long", "Decimal"):
        return bool(value) if value in (0, 1) else None
    if named == "String":
        low = value.lower()
        return True if low in _TRUE else False if low in _FALSE else None
    return None


def _whole(value: Any, limit: int) -> int | None:
    named = kind(value)
    if named == "String" and _WHOLE.fullmatch(value):
        value = int(value)
    elif named not in ("Boolean", "Integer", "Long"):
        return None
    return int(value) if -limit - 1 <= value <= limit else None


def to_integer(value: Any) -> int | None:
    return _whole(value, MAX_INTEGER)


def to_long(value: Any) -> Long | None:
    found = _whole(value, MAX_LONG)
    return None if found is None else Long(found)


def to_decimal(value: Any) -> Decimal | None:
    named = kind(value)
    if named == "Boolean":
        return Decimal("1.0") if value else Decimal("0.0")
    if named in ("Integer", "Long", "Decimal"):
        return Decimal(value)
    return Decimal(value) if named == "String" and _NUMBER.fullmatch(value) else None


def to_quantity(value: Any) -> Quantity | None:
    if isinstance(value, Quantity):
        return value
    if kind(value) != "String":
        number = to_decimal(value)
        return None if number is None else Quantity(number)
    match = _QUANTITY.fullmatch(value)
    if match is None or (match[3] and match[3] not in CALENDAR_UNITS):
        return None
    unit = match[2] or match[3] or "1"
    return Quantity(Decimal(match[1]), unit, calendar=unit in CALENDAR_UNITS)


def to_string(value: Any) -> str | None:
    return text(value) if kind(value) else None


def _read(wanted: type[Moment], value: str) -> Moment | None:
    try:
        return wanted.read(value)
    except ValueError:
        return None


def to_date(value: Any) -> Moment | None:
    if isinstance(value, (Date, DateTime)):
        return Date(value.fields[:3])
    return _read(Date, value) if kind(value) == "String" else None


def to_date_time(value: Any) -> Moment | None:
    if isinstance(value, (Date, DateTime)):
        return DateTime(value.fields, value.zone)
    return _read(DateTime, value) if kind(value) == "String" else None


def to_time(value: Any) -> Moment | None:
    if isinstance(value, Time):
        return value
    return _read(Time, value.removeprefix("T")) if kind(value) == "String" else None


def _enter(name: str, convert: Conversion) -> None:
    @function(f"to{name}")
    def to(run: Run, items: Collection, arguments: Arguments) -> Collection:
        value = one(items)
        answer = None if value is None else convert(value)
        return [] if answer is None else [answer]

    @function(f"convertsTo{name}")
    def converts(run: Run, items: Collection, arguments: Arguments) -> Collection:
        value = one(items)
        return [] if value is None else [convert(value) is not None]


for _name, _convert in (
    ("Boolean", to_boolean),
    ("Integer", to_integer),
    ("Long", to_long),
    ("Decimal", to_decimal),
    ("Date", to_date),
    ("DateTime", to_date_time),
    ("Time", to_time),
):
    _enter(_name, _convert)


@function("toString")
def to_string_(run: Run, items: Collection, arguments: Arguments) -> Collection:
    value = one(items)
    if isinstance(items[0] if items else None, Node) and isinstance(items[0].data, str):
        return [items[0].data]  # as it was written
    answer = None if value is None else to_string(value)
    return [] if answer is None else [answer]


@function("convertsToString")
def converts_to_string(run: Run, items: Collection, arguments: Arguments) -> Collection:
    value = one(items)
    return [] if value is None else [to_string(value) is not None]


def _in_unit(run: Run, items: Collection, arguments: Arguments) -> Quantity | None:
    value = one(items)
    found = None if value is None else to_quantity(value)
    unit = string(arguments[0](run)) if arguments else None
    if found is None or unit is None:
        return found
    return quantities.converted(found, unit)


@function("toQuantity", 0, 1)
def to_quantity_(run: Run, items: Collection, arguments: Arguments) -> Collection:
    found = _in_unit(run, items, arguments)
    return [] if found is None else [found]


@function("convertsToQuantity", 0, 1)
def converts_to_quantity(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return [] if one(items) is None else [_in_unit(run, items, arguments) is not None]
