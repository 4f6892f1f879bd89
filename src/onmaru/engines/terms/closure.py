"""All that stands above and below each concept, from the direct links, in memory for a system of a million concepts.

Whoever stands below himself is no concept: a ring of links is refused, and so is a ladder without end.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from pyroaring import BitMap

from onmaru.fhir.outcome import invalid

DEEPEST = 128
"""Levels of a hierarchy; SNOMED CT and LOINC have some twenty."""


class Links:
    """Direct links of concepts numbered from 0, child to parent."""

    def __init__(self, size: int, pairs: Iterator[tuple[int, int]]) -> None:
        self.size = size
        self.parents: dict[int, array[int]] = {}
        self.children: dict[int, array[int]] = {}
        for child, parent in pairs:
            self.parents.setdefault(child, array("I")).append(parent)
            self.children.setdefault(parent, array("I")).append(child)

    def order(self) -> array[int]:
        """Every linked concept after all of its parents. Raises Invalid 422 for a ring and for more than DEEPEST levels."""
        linked = self.parents.keys() | self.children.keys()
        waiting = {number: len(above) for number, above in self.parents.items()}
        found = level = array("I", sorted(linked - waiting.keys()))
        for _ in range(DEEPEST):
            level = array("I", self._next(level, waiting))
            found = found + level
        if level:
            raise invalid("too-costly", f"the hierarchy has more than {DEEPEST} levels", "hierarchy", 422)
        if len(found) < len(linked):
            reason = f"{len(linked) - len(found)} concepts stand above themselves, by links that make a ring"
            raise invalid("business-rule", reason, "hierarchy", 422)
        return found

    def _next(self, level: array[int], waiting: dict[int, int]) -> Iterator[int]:
        for number in level:
            for child in self.children.get(number, ()):
                waiting[child] -= 1
                if not waiting[child]:
                    yield child


def reached(
    order: array[int], steps: dict[int, array[int]], back: dict[int, array[int]]
) -> Iterator[tuple[int, BitMap]]:
    """(number, all that is reached by one step or more) in an order in which steps lead backwards.

    What nobody will ask for again, by `back`, is let go at once.
    """
    held: dict[int, BitMap] = {}
    wanted = {number: len(near) for number, near in back.items()}
    for number in order:
        found = BitMap()
        for near in steps.get(number, ()):
            found.add(near)
            found |= held.get(near, BitMap())
            wanted[near] -= 1
            if not wanted[near]:
                held.pop(near, None)
        if found:
            yield number, found
            if number in wanted:
                held[number] = found
