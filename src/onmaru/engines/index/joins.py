"""Chains and `_has` as joins of integer sets: from resources to what refers to them, and back.

Its one law: what goes in was seen by the caller, and what comes out is seen to before anything is made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from pyroaring import BitMap

from onmaru.engines.index.tables import Tables
from onmaru.engines.index.work import Work
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
    """Opens versions and gives (position, (type, id) that it refers to with the parameter)."""

    def __call__(self, sp: int, positions: BitMap) -> Sequence[tuple[int, tuple[str, str]]]: ...


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
        pointing = self._file.referring(sp, targets)
        self._work.read(len(pointing))
        return pointing

    def pointed(self, sp: int, pointing: BitMap, base: Callable[[], BitMap]) -> BitMap:
        """Where the resources stand that versions in `pointing` refer to with `sp`; `base` bounds what is asked for."""
        if len(pointing) <= FEW:
            return BitMap([at for _, at in self._referred(sp, pointing)])
        self._work.read(len(pointing))
        return self._file.pointed(sp, pointing, base())

    def _referred(self, sp: int, positions: BitMap) -> Iterator[tuple[int, int]]:
        """(t, where the resource stands) for every reference of the versions at these positions."""
        led = self._open(sp, positions)
        standing = self._file.standings({name for _, name in led}, self._t)
        for t, name in led:
            if name in standing:
                yield t, standing[name]
