"""What a condition of the mapping tables says of one segment: the trees that tools/v2_conditions.py reads, as functions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from onmaru.adapters.hl7v2.er7 import Repetition, Segment

Find = Callable[[str], Segment | None]
Holds = Callable[[Segment, Repetition | None, Find], bool]
_Values = Callable[[Segment, Repetition | None, Find], list[str]]
_REF = re.compile(r"([A-Z][A-Z0-9]{1,2})(?:([-.])(\d+)(?:\.(\d+))?)?\Z")


def _reader(ref: str) -> _Values:
    """A function that reads what `ref` names: a field (PID-3), a component (PID-3.1), a segment; CX.4: of the repetition."""
    match = _REF.match(ref)
    if not match:
        raise ValueError(f"condition names {ref}")
    name, of_type = match.group(1), match.group(2) == "."
    number, component, whole = int(match.group(3) or 0), int(match.group(4) or 1), "." not in ref

    def read(segment: Segment, repetition: Repetition | None, find: Find) -> list[str]:
        if of_type and len(name) < 4 and name != segment.name:  # CX.4: the repetition at hand
            return [repetition.c(number)] if repetition is not None else []
        where = segment if name == segment.name else find(name)
        if where is None:
            return []
        if not number:
            return [name]
        if component == 1 and whole:
            return [one.c(1) or one.text for one in where.repetitions(number)]
        return [one.c(component) for one in where.repetitions(number)]

    return read


def compiled(tree: list[Any]) -> Holds:
    """The condition as a function of the segment, the repetition at hand and `find`, which gives the other segment meant
    by name (same group first)."""
    word = tree[0]
    if word == "not":
        inner = compiled(tree[1])
        return lambda segment, repetition, find: not inner(segment, repetition, find)
    if word in ("and", "or"):
        return _joined(word, compiled(tree[1]), compiled(tree[2]))
    return _simple(tree, _reader(tree[1]))


def _joined(word: str, one: Holds, other: Holds) -> Holds:
    if word == "and":
        return lambda segment, repetition, find: one(segment, repetition, find) and other(segment, repetition, find)
    return lambda segment, repetition, find: one(segment, repetition, find) or other(segment, repetition, find)


def _simple(tree: list[Any], read: _Values) -> Holds:
    word = tree[0]
    if word == "valued":
        return lambda segment, repetition, find: any(read(segment, repetition, find))
    if word == "in":
        allowed = frozenset(tree[2]) - {""}
        return lambda segment, repetition, find: not allowed.isdisjoint(read(segment, repetition, find))
    if word == "same":
        others = _reader(tree[2])

        def same(segment: Segment, repetition: Repetition | None, find: Find) -> bool:
            values = {value for value in read(segment, repetition, find) if value}
            return not values.isdisjoint(others(segment, repetition, find))

        return same
    return _sized(word, tree[2], tree[3], read)


def _sized(word: str, sign: str, limit: int, read: _Values) -> Holds:
    """`count`: how many there are; `length`: how long the first one is."""

    def sized(segment: Segment, repetition: Repetition | None, find: Find) -> bool:
        values = read(segment, repetition, find)
        size = len(values) if word == "count" else len(values[0]) if values else 0
        return size > limit if sign == ">" else size <= limit if sign == "<=" else size == limit

    return sized
