"""What bodies have told: whether a version satisfies a clause, what it is sorted by, what it refers to. A version never
changes, so each is asked once; an erasure, or a group that is given up, forgets everything.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from pyroaring import BitMap

from onmaru.fhir.query import Clause, Sort
from onmaru.kernel.index import Reference

CLAUSES = 4_000
# Versions that all clauses together were asked of, and values that all sorts together have, at most
ASKED, VALUES = 8_000_000, 200_000
# Versions whose references are remembered: an _include asks for those of each match
REFERRING = 20_000


class Verdicts:
    """Answers by clause and by sort; not those of a tenant's own expressions, which may ask the clock."""

    def __init__(self) -> None:
        self._clauses: OrderedDict[Clause, tuple[BitMap, BitMap]] = OrderedDict()
        self._asked = 0
        self._sorts: dict[Sort | int, dict[int, Any]] = {}
        self._values = 0
        self.references = References()

    def of(self, clause: Clause) -> tuple[BitMap, BitMap]:
        """(versions that were asked, those of them that satisfy it)."""
        known = self._clauses.get(clause)
        if known is None:
            return BitMap(), BitMap()
        self._clauses.move_to_end(clause)
        return known

    def keep(self, clause: Clause, asked: BitMap, held: BitMap) -> None:
        """These were asked too, and those hold."""
        before, good = self._clauses.pop(clause, (BitMap(), BitMap()))
        self._clauses[clause] = before | asked, good | held
        self._asked += len(asked)
        while self._clauses and (self._asked > ASKED or len(self._clauses) > CLAUSES):
            _, (gone, _) = self._clauses.popitem(last=False)
            self._asked -= len(gone)

    def values(self, sort: Sort | int) -> dict[int, Any]:
        """By position what versions are sorted by, None where they lack it; of a parameter's number what they refer to."""
        return self._sorts.get(sort, {})

    def value(self, sort: Sort | int, found: dict[int, Any]) -> None:
        """Versions have these values too."""
        if self._values + len(found) > VALUES:
            self._sorts.clear()
            self._values = 0
        self._sorts.setdefault(sort, {}).update(found)
        self._values += len(found)

    def forget(self) -> None:
        """Positions may hold something else now, or nothing."""
        self._clauses.clear()
        self._sorts.clear()
        self.references.clear()
        self._asked = self._values = 0


class References(dict[int, Sequence[Reference]]):
    """What versions refer to, by position; full, it begins anew."""

    def __setitem__(self, t: int, found: Sequence[Reference]) -> None:
        if len(self) >= REFERRING:
            self.clear()
        super().__setitem__(t, found)
