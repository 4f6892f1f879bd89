"""`sort` (STU): by the items themselves or by keys, each ascending or descending, stable, empty below all else.

A key written with a minus sign is negated whatever its type, as the R4 test suite writes it for strings; the negation of
empty is empty, so unlike `desc` it leaves empty keys in front.
"""

from __future__ import annotations

from functools import cmp_to_key
from typing import Any, NamedTuple

from onmaru.fhir.fhirpath.equality import ordered
from onmaru.fhir.fhirpath.errors import execution
from onmaru.fhir.fhirpath.run import Collection, Evaluation, Run
from onmaru.fhir.fhirpath.singles import one


class Key(NamedTuple):
    """How to find an item's key, and how keys are compared."""

    evaluation: Evaluation
    descending: bool = False
    negated: bool = False


_ITSELF = Key(lambda run: run.this)


def sort(run: Run, items: Collection, keys: tuple[Key, ...]) -> Collection:
    """The items in order. Raises PathError where two keys have no order."""
    keys = keys or (_ITSELF,)
    columns = [[one(answer) for answer in run.each(items, key.evaluation)] for key in keys]
    rows = list(zip(items, *columns, strict=True))

    def compare(left: tuple[Any, ...], right: tuple[Any, ...]) -> int:
        run.spend(1)
        for first, second, key in zip(left[1:], right[1:], keys, strict=True):
            answer = _compared(first, second, key.negated)
            if answer:
                return -answer if key.descending else answer
        return 0

    return [row[0] for row in sorted(rows, key=cmp_to_key(compare))]


def _compared(left: Any, right: Any, negated: bool) -> int:
    if left is None or right is None:
        return (left is not None) - (right is not None)
    try:
        answer = ordered(left, right) or 0
    except TypeError:
        raise execution("what is to be sorted has no order") from None
    return -answer if negated else answer
