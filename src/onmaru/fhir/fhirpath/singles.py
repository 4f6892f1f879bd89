"""Singleton evaluation of collections (FHIRPath 2.0.0 §4.5): what an operator or function that wants one value gets."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from onmaru.fhir.fhirpath.errors import execution
from onmaru.fhir.fhirpath.node import Node, value_of
from onmaru.fhir.fhirpath.values import NUMBERS, TEMPORAL, Quantity, kind
from onmaru.fhir.primitives import PRIMITIVES


def one(items: Sequence[Any]) -> Any:
    """The value of the single item, None for an empty collection. Raises PathError for more.

    A primitive element without a value, having only extensions, counts as empty.
    """
    if len(items) == 1:
        value = value_of(items[0])
        return None if value.__class__ is Node and value.data is None and value.type in PRIMITIVES else value
    if not items:
        return None
    raise execution("a single item is wanted here, but there are more")


def boolean(items: Sequence[Any]) -> bool | None:
    """A Boolean: a single item that is none counts as true."""
    if len(items) == 1:
        value = value_of(items[0])
        return value if value.__class__ is bool else True
    if not items:
        return None
    raise execution("a single Boolean is wanted here, but there are more items")


def string(items: Sequence[Any]) -> str | None:
    """A String, None for an empty collection."""
    value = one(items)
    if value is None or value.__class__ is str:
        return value
    raise _unfit("String", value)


def integer(items: Sequence[Any]) -> int | None:
    """An Integer or Long."""
    value = one(items)
    if value is None or kind(value) in ("Integer", "Long"):
        return value  # type: ignore[no-any-return]  # its kind was asked
    raise _unfit("Integer", value)


def decimal(items: Sequence[Any]) -> Decimal | None:
    """A number as a Decimal."""
    value = one(items)
    if value is None:
        return None
    if kind(value) in NUMBERS:
        return Decimal(value)
    raise _unfit("Decimal", value)


def number(items: Sequence[Any]) -> Any:
    """An Integer, Long, Decimal or Quantity."""
    value = one(items)
    if value is None or kind(value) in NUMBERS or isinstance(value, Quantity):
        return value
    raise _unfit("number", value)


def moment(items: Sequence[Any]) -> Any:
    """A Date, DateTime or Time."""
    value = one(items)
    if value is None or kind(value) in TEMPORAL:
        return value
    raise _unfit("Date, DateTime or Time", value)


def _unfit(wanted: str, value: object) -> Exception:
    return execution(f"a {wanted} is wanted here, not a {kind(value) or 'structure'}")
