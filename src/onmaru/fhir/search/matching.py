"""The meaning of one clause on one resource's keys: every engine's index must give what `matches` says (R4 search 3.1.1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from onmaru.fhir.keys import Keys
from onmaru.fhir.query import Clause, Date, Missing, Number, Parameter, Parts, Ref, Text, Token, Typed, Value
from onmaru.fhir.search.folding import normal
from onmaru.fhir.search.uris import lies_below


def matches(keys: Keys, clause: Clause) -> bool:
    """Whether the resource with these keys satisfies the clause: any of its values, under its modifier.

    `:not` holds when no value matches, so also without the element. `:missing` looks for any row of the parameter.
    """
    sp = clause.parameter.sp
    if clause.modifier == "missing":
        absent = not present(keys, clause.parameter)
        return any(isinstance(value, Missing) and value.missing == absent for value in clause.values)
    if clause.modifier == "not":
        return not _tokens(keys, clause)
    if clause.parameter.kind == "token" and not clause.modifier:
        return _tokens(keys, clause)
    if clause.parameter.kind == "composite":
        return any(_composite(keys, clause.parameter, value) for value in clause.values)
    test = _MODIFIED[clause.modifier] if clause.modifier else _PLAIN[clause.parameter.kind]
    return any(test(keys, sp, value) for value in clause.values)


def present(keys: Keys, parameter: Parameter) -> bool:
    """Whether the parameter has any row, of whatever list."""
    lists: tuple[list[Any], ...] = (
        keys.token, keys.text, keys.reference, keys.date, keys.string, keys.quantity, keys.composite,
    )  # fmt: skip
    return any(row[0] == parameter.sp for rows in lists for row in rows)


def sort_key(keys: Keys, parameter: Parameter, descending: bool) -> str | int | float | None:
    """What `_sort` orders the resource by: its lowest key, or its highest when descending; None without the element.

    string: the normal form. token, uri: the code. reference: `Type/id`. date: where a range begins. number, quantity:
    the value. Keys of one parameter compare with each other; where a None goes is the engine's to say.
    """
    found = _sortable(keys, parameter)
    return (max if descending else min)(found, default=None)


def _sortable(keys: Keys, parameter: Parameter) -> list[Any]:
    sp, kind = parameter.sp, parameter.kind
    if kind in ("token", "uri"):
        return [code for row, _, code in keys.token if row == sp]
    if kind == "string":
        return [normal(text) for row, text in keys.string if row == sp]
    if kind in ("number", "quantity"):
        return [value for row, _, _, value in keys.quantity if row == sp]
    if kind == "reference":
        return [f"{type}/{id}" if type else id for row, type, id in keys.reference if row == sp]
    return [low for row, low, _ in keys.date if row == sp]


def _tokens(keys: Keys, clause: Clause) -> bool:
    """Whether any of the values matches. A value set has thousands of them, a resource few codes: it is asked for those."""
    sp, values = clause.parameter.sp, clause.values
    if len(values) <= 8:
        return any(_token(keys, sp, value) for value in values)
    wanted = _set(values)
    return any(
        row == sp and not wanted.isdisjoint((Token(system, code), Token(None, code), Token(system, None)))
        for row, system, code in keys.token
    )


@lru_cache(maxsize=64)
def _set(values: tuple[Value, ...]) -> frozenset[Value]:
    return frozenset(values)


def _of_type(keys: Keys, sp: int, value: Value) -> bool:
    return isinstance(value, Typed) and (sp, value.system, value.code, value.value) in keys.typed


def _token(keys: Keys, sp: int, value: Value) -> bool:
    """Case matters: whether it does in a code system is not known here."""
    if isinstance(value, Text):  # _id
        return (sp, "", value.text) in keys.token
    return isinstance(value, Token) and any(
        row == sp and value.system in (None, system) and value.code in (None, code) for row, system, code in keys.token
    )


def _reference(keys: Keys, sp: int, value: Value) -> bool:
    return isinstance(value, Ref) and any(
        row == sp and id == value.id and value.type in ("", type) for row, type, id in keys.reference
    )


def _uri(keys: Keys, sp: int, value: Value) -> bool:
    return isinstance(value, Text) and (sp, "", value.text) in keys.token


def _below(keys: Keys, sp: int, value: Value) -> bool:
    return isinstance(value, Text) and any(row == sp and lies_below(code, value.text) for row, _, code in keys.token)


def _above(keys: Keys, sp: int, value: Value) -> bool:
    return isinstance(value, Text) and any(row == sp and lies_below(value.text, code) for row, _, code in keys.token)


def _begins(keys: Keys, sp: int, value: Value) -> bool:
    return isinstance(value, Text) and _folded(keys.string, sp, value, str.startswith)


def _contains(keys: Keys, sp: int, value: Value) -> bool:
    return isinstance(value, Text) and _folded(keys.string, sp, value, str.__contains__)


def _text(keys: Keys, sp: int, value: Value) -> bool:
    """`:text` is a string search over display and text, so it matches from the beginning."""
    return isinstance(value, Text) and _folded(keys.text, sp, value, str.startswith)


def _exact(keys: Keys, sp: int, value: Value) -> bool:
    return isinstance(value, Text) and (sp, value.text) in keys.string


def _folded(rows: list[tuple[int, str]], sp: int, value: Text, test: Callable[[str, str], bool]) -> bool:
    wanted = normal(value.text)
    return any(row == sp and test(normal(text), wanted) for row, text in rows)


def _date(keys: Keys, sp: int, value: Value) -> bool:
    return isinstance(value, Date) and any(
        row == sp and compare_ranges(value, low, high) for row, low, high in keys.date
    )


def _special(keys: Keys, sp: int, value: Value) -> bool:
    return _date(keys, sp, value) or _token(keys, sp, value)


def _quantity(keys: Keys, sp: int, value: Value) -> bool:
    return isinstance(value, Number) and any(
        row == sp and value.system in (None, system) and value.code in (None, code) and compare_values(value, amount)
        for row, system, code, amount in keys.quantity
    )


def _composite(keys: Keys, parameter: Parameter, value: Value) -> bool:
    return isinstance(value, Parts) and any(
        row == parameter.sp
        and all(
            matches(part, Clause(component, "", (wanted,)))
            for part, component, wanted in zip(parts, parameter.components, value.parts, strict=True)
        )
        for row, parts in keys.composite
    )


def compare_ranges(wanted: Date, low: int, high: int) -> bool:
    """The prefix table of R4 search 3.1.1.4.5 for a resource's range [low, high).

    The range above a value begins after its precision for gt and sa, with it for ge; below likewise for lt, eb and le.
    """
    return _RANGES[wanted.prefix](wanted, low, high)


def compare_values(wanted: Number, value: float) -> bool:
    """The same for a number: eq, ne and ap use the implicit range, the others the exact value."""
    return _VALUES[wanted.prefix](wanted, value)


def _within(wanted: Date, low: int, high: int) -> bool:
    return wanted.low <= low and high <= wanted.high


_RANGES: dict[str, Callable[[Date, int, int], bool]] = {
    "eq": _within,
    "ne": lambda wanted, low, high: not _within(wanted, low, high),
    "gt": lambda wanted, low, high: high > wanted.high,
    "lt": lambda wanted, low, high: low < wanted.low,
    "ge": lambda wanted, low, high: high > wanted.low,
    "le": lambda wanted, low, high: low < wanted.high,
    "sa": lambda wanted, low, high: low >= wanted.high,
    "eb": lambda wanted, low, high: high <= wanted.low,
    "ap": lambda wanted, low, high: low < wanted.high and high > wanted.low,
}
_VALUES: dict[str, Callable[[Number, float], bool]] = {
    "eq": lambda wanted, value: wanted.low <= value < wanted.high,
    "ne": lambda wanted, value: not wanted.low <= value < wanted.high,
    "gt": lambda wanted, value: value > wanted.value,
    "lt": lambda wanted, value: value < wanted.value,
    "ge": lambda wanted, value: value >= wanted.value,
    "le": lambda wanted, value: value <= wanted.value,
    "sa": lambda wanted, value: value > wanted.value,
    "eb": lambda wanted, value: value < wanted.value,
    "ap": lambda wanted, value: wanted.low <= value <= wanted.high,
}
_PLAIN: dict[str, Callable[[Keys, int, Value], bool]] = {
    "token": _token,
    "reference": _reference,
    "date": _date,
    "string": _begins,
    "quantity": _quantity,
    "number": _quantity,
    "uri": _uri,
    "special": _special,
}
_MODIFIED: dict[str, Callable[[Keys, int, Value], bool]] = {
    "exact": _exact,
    "contains": _contains,
    "text": _text,
    "identifier": _token,
    "of-type": _of_type,
    "above": _above,
    "below": _below,
}
