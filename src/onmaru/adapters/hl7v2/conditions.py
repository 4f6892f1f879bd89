"""What a condition of the mapping tables says of one segment: the trees that tools/v2_conditions.py reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from onmaru.adapters.hl7v2.er7 import Repetition, Segment

Find = Callable[[str], Segment | None]
_REF = re.compile(r"([A-Z][A-Z0-9]{1,2})(?:([-.])(\d+)(?:\.(\d+))?)?\Z")


@cache
def _split(ref: str) -> tuple[str, bool, int, int]:
    match = _REF.match(ref)
    if not match:
        raise ValueError(f"condition names {ref}")
    return match.group(1), match.group(2) == ".", int(match.group(3) or 0), int(match.group(4) or 1)


def _values(ref: str, segment: Segment, repetition: Repetition | None, find: Find) -> list[str]:
    name, component_of_type, number, component = _split(ref)
    if component_of_type and len(name) < 4 and name != segment.name:  # CX.4: the repetition at hand
        return [repetition.c(number)] if repetition is not None else []
    where = segment if name == segment.name else find(name)
    if where is None:
        return []
    if not number:
        return [name]
    if component == 1 and "." not in ref:
        return [one.c(1) or one.text for one in where.repetitions(number)]
    return [one.c(component) for one in where.repetitions(number)]


def holds(tree: list[Any] | None, segment: Segment, repetition: Repetition | None, find: Find) -> bool:
    """Evaluate; `repetition` is the one at hand, `find` gives the other segment meant by name (same group first)."""
    if tree is None:
        return True
    word = tree[0]
    if word == "not":
        return not holds(tree[1], segment, repetition, find)
    if word in ("and", "or"):
        left = holds(tree[1], segment, repetition, find)
        if left == (word == "or"):
            return left
        return holds(tree[2], segment, repetition, find)
    return _simple(tree, _values(tree[1], segment, repetition, find), segment, repetition, find)


def _simple(tree: list[Any], values: list[str], segment: Segment, repetition: Repetition | None, find: Find) -> bool:
    word = tree[0]
    if word == "valued":
        return any(values)
    if word == "in":
        return any(value in tree[2] for value in values if value)
    if word == "same":
        return any(value and value in _values(tree[2], segment, repetition, find) for value in values)
    size = len(values) if word == "count" else len(values[0]) if values else 0
    limit: int = tree[3]
    return size > limit if tree[2] == ">" else size <= limit if tree[2] == "<=" else size == limit
