"""Equality, equivalence and order of collections and items (FHIRPath 2.0.0 §6.1 and §6.2), in three values.

Complex values are compared by a frozen form of their JSON, so that finding duplicates stays linear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from onmaru.fhir.fhirpath import quantities, temporal
from onmaru.fhir.fhirpath.node import Node, value_of
from onmaru.fhir.fhirpath.types import TypeInfo
from onmaru.fhir.fhirpath.values import NUMBERS, TEMPORAL, Quantity, kind

Spend = Callable[[int], None]


def frozen(data: Any) -> Any:
    """A hashable form in which equal JSON is equal: numbers by value, instants by their place in time."""
    if isinstance(data, dict):
        return frozenset((name, frozen(value)) for name, value in data.items())
    if isinstance(data, list):
        return tuple(map(frozen, data))
    if isinstance(data, str):
        return _instant(data) if len(data) >= 20 and data[4] == "-" and data[10:11] == "T" else data
    return (data.__class__ is bool, data)


def _instant(text: str) -> Any:
    try:
        return temporal.DateTime.read(text).key()
    except ValueError:
        return text


def key(item: Any) -> Any:
    """What two items that are equal share, None where only comparing them tells."""
    value = value_of(item)
    if value.__class__ is str:
        return value
    if value.__class__ is Node:
        return ("node", frozen(value.data), frozen(value.extra))
    named = kind(value)
    if named in NUMBERS:
        return ("number", value)
    if named in ("Date", "DateTime", "Time"):
        return ("time" if named == "Time" else "moment", *value.key())
    return None if named == "Quantity" else (named, value)


def items_equal(one: Any, other: Any) -> bool | None:
    """The meaning of `=` for two items: None where it is unknown."""
    left, right = value_of(one), value_of(other)
    if left.__class__ is str and right.__class__ is str:
        return bool(left == right)
    if left.__class__ is Node or right.__class__ is Node or isinstance(left, TypeInfo):
        return _nodes_equal(left, right)
    pair = (kind(left), kind(right))
    if pair[0] in NUMBERS and pair[1] in NUMBERS:
        return bool(left == right)
    if pair[0] in TEMPORAL and pair[1] in TEMPORAL:
        return _moments_equal(left, right)
    if "Quantity" in pair:
        return _quantities_equal(left, right)
    return pair[0] == pair[1] and left == right


def _nodes_equal(left: Any, right: Any) -> bool:
    if left.__class__ is not right.__class__:
        return False
    if isinstance(left, TypeInfo):
        return bool(left == right)
    return left is right or (frozen(left.data) == frozen(right.data) and frozen(left.extra) == frozen(right.extra))


def _moments_equal(left: Any, right: Any) -> bool | None:
    if isinstance(left, temporal.Time) is not isinstance(right, temporal.Time):
        return False
    order = temporal.compare(left, right)
    return None if order is None else order == 0


def measure(value: Any) -> Quantity | None:
    """A Quantity, or a number as one of the unit `1`; None for anything else."""
    if isinstance(value, Quantity):
        return value
    return Quantity(Decimal(value)) if kind(value) in NUMBERS else None


def _quantities_equal(left: Any, right: Any) -> bool | None:
    one, other = measure(left), measure(right)
    if one is None or other is None:
        return False
    order = quantities.compare(one, other)
    return None if order is None else order == 0


def equal(left: Sequence[Any], right: Sequence[Any]) -> bool | None:
    """The meaning of `=` for two collections: None (empty) where one is empty or it is unknown."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    answers = [items_equal(one, other) for one, other in zip(left, right, strict=True)]
    if False in answers:
        return False
    return None if None in answers else True


def distinct(items: Sequence[Any], spend: Spend) -> list[Any]:
    """The first of each set of equal items, in order."""
    return Seen(spend).only_new(items)


class Seen:
    """The items of a growing collection, for asking whether an equal one is among them."""

    def __init__(self, spend: Spend) -> None:
        self._keys: set[Any] = set()
        self._measures: list[Any] = []
        self._numbers: list[Any] = []
        self._spend = spend

    def add(self, item: Any) -> bool:
        """Whether the item was new."""
        named = key(item)
        self._spend(1)
        if named is None:
            if self._among(item, self._measures) or self._among(item, self._numbers):
                return False
            self._measures.append(item)
            return True
        number = named.__class__ is tuple and named[0] == "number"
        if named in self._keys or (number and self._among(item, self._measures)):
            return False
        self._keys.add(named)
        if number:
            self._numbers.append(item)
        return True

    def _among(self, item: Any, others: list[Any]) -> bool:
        self._spend(len(others))
        return any(items_equal(item, other) for other in others)

    def has(self, item: Any) -> bool:
        """Whether an equal item was added."""
        named = key(item)
        self._spend(1)
        if named is None:
            return self._among(item, self._measures) or self._among(item, self._numbers)
        return named in self._keys or (
            named.__class__ is tuple and named[0] == "number" and self._among(item, self._measures)
        )

    def only_new(self, items: Sequence[Any]) -> list[Any]:
        return [item for item in items if self.add(item)]


def equivalent(left: Sequence[Any], right: Sequence[Any], spend: Spend) -> bool | None:
    """The meaning of `~` for two collections, in any order."""
    if len(left) != len(right):
        return False
    if len(left) == 1:
        return items_equivalent(left[0], right[0], spend)
    waiting = list(right)
    for item in left:
        spend(len(waiting))
        place = next((i for i, other in enumerate(waiting) if items_equivalent(item, other, spend)), None)
        if place is None:
            return False
        del waiting[place]
    return True


def items_equivalent(one: Any, other: Any, spend: Spend) -> bool | None:
    """The meaning of `~` for two items: None only for quantities without a common measure."""
    left, right = value_of(one), value_of(other)
    if isinstance(left, str) and isinstance(right, str):
        return folded(left) == folded(right)
    if left.__class__ is Node or right.__class__ is Node:
        return _nodes_equivalent(left, right, spend)
    pair = (kind(left), kind(right))
    if "Decimal" in pair and pair[0] in NUMBERS and pair[1] in NUMBERS:
        return _close(Decimal(left), Decimal(right))
    if "Quantity" in pair:
        return _quantities_equivalent(left, right)
    return bool(items_equal(left, right))


def folded(text: str) -> str:
    """Case ignored, and every kind of white space the same."""
    return "".join(" " if letter.isspace() else letter for letter in text.casefold())


def _places(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent if number else 0
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _close(left: Decimal, right: Decimal) -> bool:
    """Equal when rounded to the precision of the less precise; trailing zeros are no precision."""
    places = min(_places(left), _places(right))
    with localcontext() as context:
        context.prec = 1000
        step = Decimal(1).scaleb(-places)
        return left.quantize(step, ROUND_HALF_UP) == right.quantize(step, ROUND_HALF_UP)


def _quantities_equivalent(left: Any, right: Any) -> bool | None:
    one, other = measure(left), measure(right)
    if one is None or other is None:
        return False
    pair = quantities.in_larger_unit(one, other)
    return None if pair is None else _close(*pair)


def _nodes_equivalent(left: Any, right: Any, spend: Spend) -> bool:
    if left.__class__ is not Node or right.__class__ is not Node:
        return False
    if left is right:
        return True
    one, other = _by_label(left), _by_label(right)
    spend(len(one) + len(other))
    return one.keys() == other.keys() and all(equivalent(one[name], other[name], spend) for name in one)


def _by_label(node: Node) -> dict[str, list[Node]]:
    found: dict[str, list[Node]] = {}
    for child in node.children():
        found.setdefault(child.label, []).append(child)
    return found


def ordered(left: Any, right: Any) -> int | None:
    """-1, 0 or 1 for two System values that can be ordered, None where it is unknown.

    Raises TypeError where they cannot.
    """
    pair = (kind(left), kind(right))
    if (pair[0] in NUMBERS and pair[1] in NUMBERS) or pair == ("String", "String"):
        return int(left > right) - int(left < right)
    if pair[0] in TEMPORAL and pair[1] in TEMPORAL and (pair[0] == "Time") is (pair[1] == "Time"):
        return temporal.compare(left, right)
    one, other = measure(left), measure(right)
    if "Quantity" in pair and one is not None and other is not None:
        return quantities.compare(one, other)
    raise TypeError
