"""What an export asks of an index: whole sets of positions, never pages of versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyroaring import BitMap

from onmaru.engines.index.find import Finder
from onmaru.engines.index.marked import bearers
from onmaru.engines.index.standing import Bodies
from onmaru.engines.index.tables import Tables
from onmaru.fhir.query import Query
from onmaru.kernel.gate import Sight
from onmaru.kernel.log import Version


class Wholesale(Bodies):
    """The part of the Index door (kernel/index.py) that answers in bitmaps."""

    file: Tables
    _finder: tuple[tuple[int, int, Sight], Finder] | None = None

    def reach(self, t: int) -> None:
        """See the door."""
        raise NotImplementedError

    def apply(self) -> None:
        """Index everything that was noted."""
        raise NotImplementedError

    def standing(self, query: Query, t: int, sight: Sight) -> BitMap:
        """See the door."""
        self.reach(t)
        return Finder(self.file, self, t, sight).matching(query)

    def seen(self, positions: BitMap, type: str, t: int, sight: Sight) -> BitMap:
        """What is hidden is looked up once, and again when the sight or the record has moved, durably or not."""
        self.apply()
        state = (self.file.position, t, sight)
        if self._finder is None or self._finder[0] != state:
            self._finder = state, Finder(self.file, self, t, sight)
        return self._finder[1].seen(positions, (type,))

    def marked(self, type: str, t: int, sight: Sight) -> Iterator[Version | None]:
        """From the rows of each mark, newest first."""
        self.reach(t)
        finder, types = Finder(self.file, self, t, sight), (type,) if type else ()
        for position in bearers(self.file, lambda some: finder.standing(some, types)):
            yield None if position is None else self.version(position)

    def inside(self, patients: Sequence[str]) -> BitMap:
        """From the range of each patient."""
        found = BitMap()
        for rid in self.file.names.all_known([("Patient", one) for one in patients]):
            found |= self.file.scanned("SELECT t FROM comp WHERE rid = ?", (rid,))
        return found

    def owned(self, after: int, t: int) -> BitMap:
        """From the rows of the versions."""
        self.reach(t)
        rows = self.file.db.execute("SELECT t FROM ver WHERE t > ? AND t <= ? AND pats <> ''", (after, t))
        return BitMap([one for (one,) in rows])

    def named(self, positions: BitMap) -> frozenset[str]:
        """Patients recur: each is named once."""
        keys = {pats for _, pats in self.file.whose(list(positions))}
        rids = {int(rid) for pats in keys for rid in pats.split(",") if rid}
        for t in positions & self.file.heirs.referring:
            rids.update(self.file.heirs.of(t))
        return frozenset(self.file.names.person(rid) for rid in rids if rid)
