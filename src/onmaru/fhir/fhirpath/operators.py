"""The operators of FHIRPath 2.0.0 §6 on collections: each gives a collection, empty where the answer is unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, Decimal, InvalidOperation, Overflow, Underflow
from typing import Any

from onmaru.fhir.fhirpath import durations, quantities
from onmaru.fhir.fhirpath.equality import Seen, distinct, equal, equivalent, measure, ordered
from onmaru.fhir.fhirpath.errors import execution
from onmaru.fhir.fhirpath.run import Collection, Run
from onmaru.fhir.fhirpath.singles import boolean, number, one, string
from onmaru.fhir.fhirpath.values import (
    ARITHMETIC,
    LARGEST,
    MAX_INTEGER,
    MAX_LONG,
    NUMBERS,
    TEMPORAL,
    Long,
    Quantity,
    kind,
)

Operator = Callable[[Run, Collection, Collection], Collection]


def truth(answer: bool | None) -> Collection:
    """Three values as a collection."""
    return [] if answer is None else [answer]


def _equal(run: Run, left: Collection, right: Collection) -> Collection:
    run.spend(len(left))
    return truth(equal(left, right))


def _unequal(run: Run, left: Collection, right: Collection) -> Collection:
    answer = equal(left, right)
    return truth(None if answer is None else not answer)


def _equivalent(run: Run, left: Collection, right: Collection) -> Collection:
    return truth(equivalent(left, right, run.spend))


def _inequivalent(run: Run, left: Collection, right: Collection) -> Collection:
    answer = equivalent(left, right, run.spend)
    return truth(None if answer is None else not answer)


def _order(test: Callable[[int], bool]) -> Operator:
    def compare(run: Run, left: Collection, right: Collection) -> Collection:
        first, second = one(left), one(right)
        if first is None or second is None:
            return []
        try:
            answer = ordered(first, second)
        except TypeError:
            raise execution(f"{_named(first)} and {_named(second)} have no order") from None
        return [] if answer is None else [test(answer)]

    return compare


def _named(value: object) -> str:
    return kind(value) or "a structure"


def _and(run: Run, left: Collection, right: Collection) -> Collection:
    first, second = boolean(left), boolean(right)
    if first is False or second is False:
        return [False]
    return [True] if first and second else []


def _or(run: Run, left: Collection, right: Collection) -> Collection:
    first, second = boolean(left), boolean(right)
    if first or second:
        return [True]
    return [False] if first is False and second is False else []


def _xor(run: Run, left: Collection, right: Collection) -> Collection:
    first, second = boolean(left), boolean(right)
    return [] if first is None or second is None else [first is not second]


def _implies(run: Run, left: Collection, right: Collection) -> Collection:
    first, second = boolean(left), boolean(right)
    if first is False or second:
        return [True]
    return [second] if first and second is False else []


def union(run: Run, left: Collection, right: Collection) -> Collection:
    """`|`: what is in either, once."""
    return distinct([*left, *right], run.spend)


def among(run: Run, item: Collection, items: Collection) -> Collection:
    """`in`: whether an equal item is among `items`."""
    if not item:
        return []
    if len(item) > 1:
        raise execution("a single item is wanted here, but there are more")
    if not items:
        return [False]
    seen = Seen(run.spend)
    seen.only_new(items)
    return [seen.has(item[0])]


def _contains(run: Run, left: Collection, right: Collection) -> Collection:
    return among(run, right, left)


def _concatenate(run: Run, left: Collection, right: Collection) -> Collection:
    first, second = string(left) or "", string(right) or ""
    run.afford(len(first) + len(second))
    return [first + second]


def fitted(value: Any) -> Collection:
    """An arithmetic result, or nothing where it overflows its type."""
    if value.__class__ is Decimal:
        return [value] if value.is_finite() and abs(value) < LARGEST else []
    if isinstance(value, Quantity):
        return [value] if fitted(value.value) else []
    limit = MAX_LONG if isinstance(value, Long) else MAX_INTEGER
    return [value] if -limit - 1 <= value <= limit else []


def _arithmetic(sign: str) -> Operator:
    def calculate(run: Run, left: Collection, right: Collection) -> Collection:
        first, second = one(left), one(right)
        if first is None or second is None:
            return []
        try:
            return _calculated(sign, first, second, run)
        except (Overflow, Underflow, InvalidOperation):
            return []

    return calculate


def _calculated(sign: str, left: Any, right: Any, run: Run) -> Collection:
    kinds = (kind(left), kind(right))
    if kinds[0] in NUMBERS and kinds[1] in NUMBERS:
        return _numeric(sign, left, right)
    if kinds == ("String", "String") and sign == "+":
        run.afford(len(left) + len(right))
        return [left + right]
    if kinds[0] in TEMPORAL and kinds[1] == "Quantity" and sign in "+-":
        return [durations.add(left, right if sign == "+" else right.of(-right.value))]
    one_, other = measure(left), measure(right)
    if one_ is not None and other is not None and sign in _MEASURES:
        found = _MEASURES[sign](one_, other)
        return [] if found is None else fitted(found)
    raise execution(f"`{sign}` does not join {_named(left)} and {_named(right)}")


def _difference(left: Quantity, right: Quantity) -> Quantity | None:
    return quantities.plus(left, right.of(-right.value))


_MEASURES: Mapping[str, Callable[[Quantity, Quantity], Quantity | None]] = {
    "+": quantities.plus,
    "-": _difference,
    "*": quantities.product,
    "/": quantities.quotient,
}


def _numeric(sign: str, left: Any, right: Any) -> Collection:
    if sign in ("/", "div", "mod") and not right:
        return []
    if sign == "/":
        return fitted(ARITHMETIC.divide(Decimal(left), Decimal(right)))
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        return fitted(_DECIMAL[sign](Decimal(left), Decimal(right)))
    found = _INTEGER[sign](left, right)
    return fitted(Long(found) if isinstance(left, Long) or isinstance(right, Long) else found)


def _truncated(left: int, right: int) -> int:
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) is (right < 0) else -quotient


_INTEGER: Mapping[str, Callable[[int, int], int]] = {
    "+": lambda left, right: int(left) + int(right),
    "-": lambda left, right: int(left) - int(right),
    "*": lambda left, right: int(left) * int(right),
    "div": _truncated,
    "mod": lambda left, right: left - right * _truncated(left, right),
}
_DECIMAL: Mapping[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": ARITHMETIC.add,
    "-": ARITHMETIC.subtract,
    "*": ARITHMETIC.multiply,
    "div": lambda left, right: ARITHMETIC.divide(left, right).to_integral_value(ROUND_DOWN),
    "mod": ARITHMETIC.remainder,
}


def signed(operator: str, items: Collection) -> Collection:
    """Unary `+` and `-`."""
    value = number(items)
    if value is None:
        return []
    if operator == "+":
        return [value]
    if isinstance(value, Quantity):
        return [value.of(_negated(value.value))]
    if isinstance(value, Decimal):
        return [_negated(value)]
    return fitted(Long(-value) if isinstance(value, Long) else -value)


def _negated(value: Decimal) -> Decimal:
    """Keeps every digit; zero has no sign."""
    return value.copy_negate() if value else value.copy_abs()


OPERATORS: Mapping[str, Operator] = {
    "=": _equal,
    "!=": _unequal,
    "~": _equivalent,
    "!~": _inequivalent,
    "<": _order(lambda order: order < 0),
    "<=": _order(lambda order: order <= 0),
    ">": _order(lambda order: order > 0),
    ">=": _order(lambda order: order >= 0),
    "and": _and,
    "or": _or,
    "xor": _xor,
    "implies": _implies,
    "|": union,
    "in": among,
    "contains": _contains,
    "&": _concatenate,
    "+": _arithmetic("+"),
    "-": _arithmetic("-"),
    "*": _arithmetic("*"),
    "/": _arithmetic("/"),
    "div": _arithmetic("div"),
    "mod": _arithmetic("mod"),
}
