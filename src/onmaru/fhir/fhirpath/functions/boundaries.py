"""`lowBoundary`, `highBoundary`, `precision` and `comparable` (STU): what a value of limited precision may stand for.

A Decimal's low boundary is cut and its high boundary is rounded half up when fewer digits are asked for, a negative one's
as the mirror image: the one reading under which every example of the specification and of the R4 suite holds.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from typing import Any

from onmaru.fhir.fhirpath import quantities
from onmaru.fhir.fhirpath.equality import measure
from onmaru.fhir.fhirpath.errors import execution
from onmaru.fhir.fhirpath.functions.registry import Arguments, function
from onmaru.fhir.fhirpath.run import Collection, Run
from onmaru.fhir.fhirpath.singles import integer, one
from onmaru.fhir.fhirpath.temporal import EAST, WEST, WIDTHS, Date, DateTime, Field, Moment, Time, last_day
from onmaru.fhir.fhirpath.values import DIGITS, NUMBERS, TEMPORAL, Quantity, kind

_WIDE = Context(prec=1000)
_DEFAULT = {"Date": 8, "DateTime": 17, "Time": 9}
_LOW: tuple[Field, ...] = (1, 1, 1, 0, 0, 0)
_HIGH: tuple[Field, ...] = (9999, 12, 31, 23, 59, 59)


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def decimal_boundary(value: Decimal, places: int, *, high: bool) -> Decimal | None:
    """The end of the interval that a Decimal stands for, to so many places; None beyond what is held."""
    if not 0 <= places <= DIGITS:
        return None
    half = Decimal(5).scaleb(-_places(value) - 1)
    edge = _WIDE.add(value, half) if high else _WIDE.subtract(value, half)
    outward = high is (value >= 0)
    rounding = ROUND_HALF_UP if outward else ROUND_DOWN
    if edge and (edge > 0) is not (value >= 0):
        rounding = ROUND_HALF_UP
    found = edge.quantize(Decimal(1).scaleb(-places), rounding, _WIDE)
    return found or found.copy_abs()


def moment_boundary(value: Moment, digits: int, *, high: bool) -> Moment | None:
    """The first or last moment that a partial value may mean, to so many digits; None for a count that none has."""
    wanted = _fields_of(value, digits)
    if wanted is None:
        return None
    limits = _HIGH if high else _LOW
    fields = list(value.fields)
    for place in range(len(fields), wanted):
        absolute = place + value.first
        fields.append(last_day(int(fields[0]), int(fields[1])) if high and absolute == 2 else limits[absolute])
    fields = fields[:wanted]
    if wanted + value.first == 6:
        fields[5 - value.first] = _to_milliseconds(fields[5 - value.first], len(value.fields) == wanted, digits, high)
    zone = value.zone
    if isinstance(value, DateTime) and wanted > 3 and zone is None:
        zone = WEST if high else EAST
    return value.__class__(tuple(fields), zone if wanted > 3 else None)


def _fields_of(value: Moment, digits: int) -> int | None:
    counts = {sum(WIDTHS[value.first : value.first + n]): n for n in range(1, value.most + 1)}
    if value.first + value.most == 6:
        counts[_DEFAULT[kind(value)]] = value.most
    return counts.get(digits)


def _to_milliseconds(second: Field, written: bool, digits: int, high: bool) -> Field:
    if digits not in (9, 17):
        return int(second)
    if written and isinstance(second, Decimal):
        return second.quantize(Decimal("0.001"), ROUND_DOWN)
    return second + (Decimal("0.999") if high else Decimal("0.000"))


def _boundary(run: Run, items: Collection, arguments: Arguments, high: bool) -> Collection:
    value = one(items)
    asked = integer(arguments[0](run)) if arguments else None
    if value is None or (arguments and asked is None):
        return []
    found: Any
    named = kind(value)
    if named in TEMPORAL:
        found = moment_boundary(value, _DEFAULT[named] if asked is None else asked, high=high)
    elif isinstance(value, Quantity):
        edge = decimal_boundary(value.value, 8 if asked is None else asked, high=high)
        found = None if edge is None else value.of(edge)
    elif named in NUMBERS:
        found = decimal_boundary(Decimal(value), 8 if asked is None else asked, high=high)
    else:
        raise execution("a boundary is had by numbers, quantities, dates and times")
    return [] if found is None else [found]


@function("lowBoundary", 0, 1)
def low_boundary(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return _boundary(run, items, arguments, False)


@function("highBoundary", 0, 1)
def high_boundary(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return _boundary(run, items, arguments, True)


@function("precision")
def precision(run: Run, items: Collection, arguments: Arguments) -> Collection:
    value = one(items)
    if value is None:
        return []
    if isinstance(value, (Date, DateTime, Time)):
        return [value.digits]
    if kind(value) in NUMBERS:
        return [_places(Decimal(value))]
    raise execution("a precision is had by numbers, dates and times")


@function("comparable", 1)
def comparable(run: Run, items: Collection, arguments: Arguments) -> Collection:
    other_items = arguments[0](run)
    if len(items) != 1 or len(other_items) != 1:
        return []
    first, second = measure(one(items)), measure(one(other_items))
    if first is None or second is None:
        return []
    return [quantities.ratio(first, second) is not None]
