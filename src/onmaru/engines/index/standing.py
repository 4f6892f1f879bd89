"""What of a set of positions stands at one position and is seen by one caller: subtracted before anything is made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from pyroaring import BitMap

from onmaru.engines.index.names import TYPES
from onmaru.engines.index.owned import Owned
from onmaru.engines.index.tables import Tables
from onmaru.engines.index.veil import Veils
from onmaru.engines.index.verdicts import Verdicts
from onmaru.fhir.keys import Keys
from onmaru.fhir.query import Node
from onmaru.kernel.gate import ALL, SHARED, Sight
from onmaru.kernel.log import Version


class Bodies(Protocol):
    """Where the finder opens what its bitmaps point at."""

    def version(self, t: int) -> Version: ...

    def ahead(self, positions: Sequence[int]) -> None:
        """These are about to be opened one by one."""

    def keys(self, version: Version) -> Keys: ...

    veils: Veils
    verdicts: Verdicts
    own: Owned

    def recorded(self, microseconds: int) -> int:
        """The last position recorded before that time."""


class Standing:
    """One record at one position `t`, for one sight."""

    def __init__(self, file: Tables, bodies: Bodies, t: int, sight: Sight) -> None:
        self._file = file
        self._t = t
        self._sight = sight
        self._bodies = bodies
        self._hidden: BitMap | None = None
        self._shown: dict[str, BitMap] = {}

    def seen(self, found: BitMap, types: tuple[str, ...]) -> BitMap:
        """What of `found`, current or not, this caller sees; all of it is of `types`."""
        return self._seen(found, types)

    def standing(self, found: BitMap, types: tuple[str, ...]) -> BitMap:
        """What of `found` is of `types` ((): of any), current and seen; what was deleted is nothing that stands."""
        kinds = [TYPES[type] for type in types] if types else self._file.by_type
        return self._visible(found & union(self._file.by_type[kind] for kind in kinds), types)

    def _matching(self, types: tuple[str, ...], nodes: Iterable[Node], found: BitMap | None = None) -> BitMap:
        """Visible positions of `types`, of `found` where that is given, that satisfy all nodes."""
        raise NotImplementedError

    def _visible(self, found: BitMap, types: tuple[str, ...]) -> BitMap:
        """What of `found` is current at t and seen by this caller."""
        file = self._file
        if self._t < file.begun:
            since = BitMap([t for (t,) in file.db.execute("SELECT t FROM dead WHERE by > ?", (self._t,))])
            found = found - (file.dead - since if since else file.dead)
            found.remove_range(self._t + 1, 2**32)
        else:
            found = found - file.dead
        if self._sight.everything:
            return found
        return self._seen(found, types)

    def _seen(self, found: BitMap, types: tuple[str, ...]) -> BitMap:
        sight, file = self._sight, self._file
        allowed = sight.types
        if allowed is not None and (not types or not allowed.issuperset(types)):
            found = found & union(file.by_type[TYPES[type]] for type in (types or allowed) if type in allowed)
        if sight.only is not None:
            mine = union(self._compartment(patient) for patient in sight.only)
            shared = union(file.by_type[TYPES[type]] for type in SHARED)
            found = found & (mine | shared)
        if sight.hiding:
            if self._hidden is None:
                self._hidden = self._bodies.veils.whole(sight, self._t)
            found = found - self._hidden
        if sight.rulings:
            found = found - self._bodies.veils.parts(sight, found)
        for type in sight.narrowed:
            mine = file.by_type[TYPES[type]]
            if (not types or type in types) and not mine.isdisjoint(found):
                found = (found - mine) | (found & self._narrowed(type))
        return found

    def _narrowed(self, type: str) -> BitMap:
        """Of a type that scopes with a search part show in part: what any of them finds."""
        if type not in self._shown:
            all_of_it = self.__class__(self._file, self._bodies, self._t, ALL)
            each = self._sight.narrowed[type]
            self._shown[type] = union(all_of_it._matching((type,), clauses) for clauses in each)
        return self._shown[type]

    def _compartment(self, patient: str) -> BitMap:
        rid = self._file.names.known("Patient", patient)
        if rid is None:
            return BitMap()
        return self._file.scanned("SELECT t FROM comp WHERE rid = ?", (rid,))

    def _everything(self, types: tuple[str, ...]) -> BitMap:
        file = self._file
        kinds = [TYPES[type] for type in types] if types else file.by_type
        return self._visible(union(file.by_type[kind] for kind in kinds), types)


def union(parts: Iterable[BitMap]) -> BitMap:
    """All of them together."""
    return BitMap.union(BitMap(), *parts)
