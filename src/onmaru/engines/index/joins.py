"""Chains and `_has` as joins of integer sets: from resources to what refers to them, and back.

Its one law: what goes in was seen by the caller, and what comes out is seen to before anything is made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from pyroaring import BitMap

from onmaru.engines.index.tables import Tables
from onmaru.engines.index.work import Work
from onmaru.fhir.keys import Keys
from onmaru.fhir.query import Clause, Either, Ref

FEW = 512
"""Resources up to which their own bodies are quicker to ask than the tables."""


def pointers(node: Either) -> dict[tuple[Ref, ...], list[int]]:
    """Resources → the parameters that may point at them, where the node asks for nothing else; else empty."""
    found: dict[tuple[Ref, ...], list[int]] = {}
    for type, one in node.of:
        if type or not isinstance(one, Clause) or one.modifier or one.parameter.expression:
            return {}
        refs = tuple(value for value in one.values if isinstance(value, Ref) and value.type)
        if len(refs) != len(one.values):
            return {}
        found.setdefault(refs, []).append(one.parameter.sp)
    return found


class Opener(Protocol):
    """Opens versions one by one and gives their keys."""

    def __call__(self, positions: BitMap, where: str) -> Iterator[tuple[int, Keys]]: ...


class Joins:
    """Steps along one reference parameter, as the record was at `t`."""

    def __init__(self, file: Tables, t: int, open: Opener, work: Work) -> None:
        self._file = file
        self._t = t
        self._open = open
        self._work = work

    def chained(self, sp: int, found: BitMap | None, targets: BitMap) -> BitMap:
        """Versions, of `found` where that is given, that refer with parameter `sp` to a resource standing in `targets`."""
        if found is not None and len(found) <= FEW and len(found) < len(targets):
            return BitMap([t for t, at in self._referred(sp, found) if at in targets])
        return BitMap([by for _, by in self._pointing(sp, targets)])

    def pointed(self, sp: int, pointing: BitMap, base: Callable[[], BitMap]) -> BitMap:
        """Where the resources stand that versions in `pointing` refer to with `sp`; `base` bounds what is asked for."""
        if len(pointing) <= FEW:
            return BitMap([at for _, at in self._referred(sp, pointing)])
        return BitMap([t for t, by in self._pointing(sp, base()) if by in pointing])

    def _pointing(self, sp: int, targets: BitMap) -> Iterator[tuple[int, int]]:
        for row in self._file.pointing(sp, targets):
            self._work.read(1)
            yield row

    def _referred(self, sp: int, positions: BitMap) -> Iterator[tuple[int, int]]:
        """(t, where the resource stands) for every reference of the versions at these positions."""
        names = self._file.names
        for t, keys in self._open(positions, "_has"):
            for one, type, id in keys.reference:
                rid = names.known(type, id) if one == sp and type else None
                at = self._file.last(rid, self._t) if rid is not None else None
                if at is not None:
                    yield t, at
