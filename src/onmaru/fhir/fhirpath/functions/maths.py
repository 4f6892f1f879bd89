"""§5.7 Math (STU), and the aggregates sum, min, max and avg. Decimal all through; what cannot be represented is empty."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, DecimalException
from functools import reduce
from typing import Any

from onmaru.fhir.fhirpath import quantities
from onmaru.fhir.fhirpath.equality import ordered
from onmaru.fhir.fhirpath.errors import execution
from onmaru.fhir.fhirpath.functions.registry import Arguments, function
from onmaru.fhir.fhirpath.node import value_of
from onmaru.fhir.fhirpath.operators import OPERATORS, fitted
from onmaru.fhir.fhirpath.run import Collection, Run
from onmaru.fhir.fhirpath.singles import decimal, integer, number
from onmaru.fhir.fhirpath.values import ARITHMETIC, DIGITS, NUMBERS, Long, Quantity, kind

# Ten more digits than are shown, so that 16.log(2) is 4 and not a hair beside it
_FINE = Context(prec=DIGITS + 10, Emax=999, Emin=-999, traps=ARITHMETIC.traps)
_WIDE = Context(prec=1000, traps=ARITHMETIC.traps)


@function("abs")
def abs_(run: Run, items: Collection, arguments: Arguments) -> Collection:
    value = number(items)
    if value is None:
        return []
    if isinstance(value, Quantity):
        return [value.of(abs(value.value))]
    return fitted(Long(abs(value)) if isinstance(value, Long) else abs(value))


def _enter_whole(name: str, rounding: str) -> None:
    @function(name)
    def whole(run: Run, items: Collection, arguments: Arguments) -> Collection:
        value = number(items)
        if value is None:
            return []
        if isinstance(value, Quantity):
            return [value.of(value.value.to_integral_value(rounding))]
        if isinstance(value, Decimal):
            if abs(value) > 10**30:
                return []
            return fitted(int(value.to_integral_value(rounding)))
        return [value]


_enter_whole("ceiling", ROUND_CEILING)
_enter_whole("floor", ROUND_FLOOR)
_enter_whole("truncate", ROUND_DOWN)


@function("round", 0, 1)
def round_(run: Run, items: Collection, arguments: Arguments) -> Collection:
    value = number(items)
    places = integer(arguments[0](run)) if arguments else 0
    if value is None or places is None:
        return []
    if not 0 <= places <= DIGITS:
        raise execution(f"the places to round to must be from 0 to {DIGITS}")
    step = Decimal(1).scaleb(-places)
    try:
        if isinstance(value, Quantity):
            return [value.of(value.value.quantize(step, ROUND_HALF_UP, _WIDE))]
        return fitted(Decimal(value).quantize(step, ROUND_HALF_UP, _WIDE))
    except DecimalException:
        return []


def _real(work: Callable[..., Decimal], *operands: Decimal) -> Collection:
    try:
        return fitted(ARITHMETIC.plus(work(*operands)))
    except (DecimalException, ZeroDivisionError):
        return []


@function("exp")
def exp(run: Run, items: Collection, arguments: Arguments) -> Collection:
    value = decimal(items)
    if value is None:
        return []
    if value < -2000:
        return [Decimal(0)]
    return [] if value > 100 else _real(_FINE.exp, value)


@function("ln")
def ln(run: Run, items: Collection, arguments: Arguments) -> Collection:
    value = decimal(items)
    return [] if value is None or value <= 0 else _real(_FINE.ln, value)


@function("log", 1)
def log(run: Run, items: Collection, arguments: Arguments) -> Collection:
    value, base = decimal(items), decimal(arguments[0](run))
    if value is None or base is None:
        return []
    if value <= 0 or base <= 0:
        raise execution("log() takes numbers above zero")
    if base == 1:
        return []
    return _real(lambda: _FINE.divide(_FINE.ln(value), _FINE.ln(base)))


@function("power", 1)
def power(run: Run, items: Collection, arguments: Arguments) -> Collection:
    value, exponent = decimal(items), decimal(arguments[0](run))
    if value is None or exponent is None:
        return []
    if not exponent:
        return [Decimal(1)]
    if abs(exponent) > 10**6 and abs(value) not in (0, 1):
        return [] if (abs(value) > 1) is (exponent > 0) else [Decimal(0)]
    return _real(_FINE.power, value, exponent)


@function("sqrt")
def sqrt(run: Run, items: Collection, arguments: Arguments) -> Collection:
    value = decimal(items)
    return [] if value is None or value < 0 else _real(_FINE.sqrt, value)


def _alike(items: Collection) -> list[Any]:
    values = [value_of(item) for item in items]
    if len({kind(value) for value in values}) > 1:
        raise execution("the items must be of one type here")
    return values


def _total(run: Run, values: list[Any]) -> Collection:
    run.spend(len(values))
    return reduce(lambda total, value: OPERATORS["+"](run, total, [value]), values[1:], [values[0]])


@function("sum")
def sum_(run: Run, items: Collection, arguments: Arguments) -> Collection:
    values = _alike(items)
    return _total(run, [_summable(value) for value in values]) if values else []


def _summable(value: Any) -> Any:
    if kind(value) in NUMBERS or isinstance(value, Quantity):
        return value
    raise execution("only numbers and quantities can be summed")


@function("avg")
def avg(run: Run, items: Collection, arguments: Arguments) -> Collection:
    values = [_summable(value) for value in _alike(items)]
    if not values:
        return []
    total = _total(run, [value if isinstance(value, Quantity) else Decimal(value) for value in values])
    if not total:
        return []
    if isinstance(total[0], Quantity):
        mean = quantities.quotient(total[0], Quantity(Decimal(len(values))))
        return [] if mean is None else fitted(mean)
    return fitted(ARITHMETIC.divide(total[0], Decimal(len(values))))


def _enter_extreme(name: str, wanted: int) -> None:
    @function(name)
    def extreme(run: Run, items: Collection, arguments: Arguments) -> Collection:
        values = _alike(items)
        best = values[0] if values else None
        try:
            for value in values[1:]:
                answer = ordered(value, best)
                if answer is None:
                    return []
                best = value if answer == wanted else best
        except TypeError:
            raise execution("the items have no order") from None
        return [] if best is None else [best]


_enter_extreme("min", -1)
_enter_extreme("max", 1)
