"""The search planner: the smallest set drives; small sets are judged on bodies with the oracle's own rules, large by bitmap.

Forbidden and closed positions are subtracted before anything is counted, chained or paged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol

from pyroaring import BitMap

from onmaru.engines.index.names import TYPES
from onmaru.engines.index.scan import scan
from onmaru.engines.index.tables import Tables, paired
from onmaru.engines.index.veil import Veils
from onmaru.fhir.keys import Keys
from onmaru.fhir.outcome import invalid
from onmaru.fhir.query import Chain, Clause, Date, Has, Query, Ref, Sort, Text, Token
from onmaru.kernel.gate import ALL, SHARED, Sight
from onmaru.kernel.log import Version
from onmaru.kernel.meaning import clause_holds, sort_value

SMALL = 512
BUDGET = 200_000


class Bodies(Protocol):
    """Where the finder opens what its bitmaps point at."""

    def version(self, t: int) -> Version: ...

    def ahead(self, positions: Sequence[int]) -> None:
        """These are about to be opened one by one."""

    def keys(self, version: Version) -> Keys: ...

    @property
    def veils(self) -> Veils: ...

    def recorded(self, microseconds: int) -> int:
        """The last position recorded before that time."""


class Finder:
    """Evaluates one query at one position for one sight."""

    def __init__(self, file: Tables, bodies: Bodies, t: int, sight: Sight) -> None:
        self._file = file
        self._t = t
        self._sight = sight
        self._version = bodies.version
        self._ahead = bodies.ahead
        self._keys = bodies.keys
        self._recorded = bodies.recorded
        self._bodies = bodies
        self._hidden: BitMap | None = None
        self._shown: dict[str, BitMap] = {}

    def positions(self, query: Query) -> list[int]:
        """Positions of all matches in the query's order."""
        found = self._pair(query)
        if found is None:
            return self._sorted(self._matching(query.types, query.clauses), query.sort)
        return self._sorted(found, query.sort)

    def _pair(self, query: Query) -> BitMap | None:
        """The page a ward opens all day: one patient and one code, answered by one range."""
        if len(query.clauses) != 2 or len(query.types) != 1:
            return None
        whose, what = query.clauses
        if isinstance(whose, Clause) and whose.parameter.kind == "token":
            whose, what = what, whose
        if not (isinstance(whose, Clause) and isinstance(what, Clause)) or whose.modifier or what.modifier:
            return None
        patient_sp, codes = paired(query.types[0])
        if what.parameter.sp not in codes or len(whose.values) != 1 or whose.parameter.sp != patient_sp:
            return None
        return self._paired(query.types[0], whose.values[0], what)

    def _paired(self, type: str, whose: object, what: Clause) -> BitMap | None:
        if not isinstance(whose, Ref) or whose.type not in ("", "Patient"):
            return None
        names = self._file.names
        rid = names.known("Patient", whose.id)
        found = BitMap()
        for value in what.values:
            if not isinstance(value, Token) or value.code is None:
                return None
            system = None if value.system is None else names.known_system(value.system)
            if rid is None or (value.system is not None and system is None):
                continue
            rows: Any
            key = (rid, what.parameter.sp, names.code(value.code))
            if system is None:
                rows = self._file.db.execute("SELECT t FROM pc WHERE rid = ? AND sp = ? AND c = ?", key)
            else:
                rows = self._file.db.execute(
                    "SELECT t FROM pc WHERE rid = ? AND sp = ? AND c = ? AND s = ?", (*key, system)
                )
            found.update([t for (t,) in rows.fetchall()])
        found &= self._file.by_type[TYPES[type]]
        return self._visible(found, (type,))

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
            found = found & _union(file.by_type[TYPES[type]] for type in (types or allowed) if type in allowed)
        if sight.only is not None:
            mine = _union(self._compartment(patient) for patient in sight.only)
            shared = _union(file.by_type[TYPES[type]] for type in SHARED)
            found = found & (mine | shared)
        if sight.hiding:
            if self._hidden is None:
                self._hidden = self._bodies.veils.whole(sight, self._t)
            found = found - self._hidden
        if sight.shares:
            found = found - self._bodies.veils.parts(sight, found)
        for type in sight.narrowed:
            mine = file.by_type[TYPES[type]]
            if (not types or type in types) and not mine.isdisjoint(found):
                found = (found - mine) | (found & self._narrowed(type))
        return found

    def _narrowed(self, type: str) -> BitMap:
        """Of a type that scopes with a search part show in part: what any of them finds."""
        if type not in self._shown:
            all_of_it = Finder(self._file, self._bodies, self._t, ALL)
            each = self._sight.narrowed[type]
            self._shown[type] = _union(all_of_it._matching((type,), clauses) for clauses in each)
        return self._shown[type]

    def _compartment(self, patient: str) -> BitMap:
        rid = self._file.names.known("Patient", patient)
        if rid is None:
            return BitMap()
        return BitMap([t for (t,) in self._file.db.execute("SELECT t FROM comp WHERE rid = ?", (rid,))])

    def _everything(self, types: tuple[str, ...]) -> BitMap:
        file = self._file
        kinds = [TYPES[type] for type in types] if types else file.by_type
        return self._visible(_union(file.by_type[kind] for kind in kinds), types)

    def _matching(self, types: tuple[str, ...], clauses: Iterable[Clause | Chain | Has]) -> BitMap:
        """Visible positions of `types` that satisfy all clauses."""
        found: BitMap | None = None
        for clause in sorted(clauses, key=_cost):
            if found is not None and (not found or (len(found) <= SMALL and isinstance(clause, Clause))):
                found = self._judge(found, clause)
                continue
            found = self._narrow(found, types, clause)
        return self._everything(types) if found is None else found

    def _narrow(self, found: BitMap | None, types: tuple[str, ...], clause: Clause | Chain | Has) -> BitMap:
        if isinstance(clause, Chain):
            return self._within(found, self._chain(clause), types)
        if isinstance(clause, Has):
            return self._has(found, types, clause)
        code = clause.parameter.code
        if code == "_id":
            return self._ids(found, types, clause)
        if code == "_lastUpdated":
            return self._recorded_in(found, types, clause)
        scanned = scan(self._file, clause)
        if scanned.negated:
            base = self._everything(types) if found is None else found
            rest = base - scanned.bits
            return rest if scanned.exact else self._judge(rest, clause)
        kept = self._within(found, scanned.bits, types)
        return kept if scanned.exact else self._judge(kept, clause)

    def _within(self, found: BitMap | None, bits: BitMap, types: tuple[str, ...]) -> BitMap:
        if found is not None:
            return found & bits
        if types:
            bits = bits & _union(self._file.by_type[TYPES[type]] for type in types)
        return self._visible(bits, types)

    def _judge(self, found: BitMap, clause: Clause | Chain | Has) -> BitMap:
        """Keep those whose body satisfies the clause."""
        if not isinstance(clause, Clause) or not found:
            return found
        if len(found) > BUDGET:
            raise invalid("too-costly", "the search would open too many resources; narrow it", clause.parameter.code)
        kept = BitMap()
        for t in self._opened(found):
            version = self._version(t)
            if clause_holds(version, self._keys(version), clause):
                kept.add(t)
        return kept

    def _opened(self, positions: Iterable[int]) -> Iterator[int]:
        """The same positions; the versions there are fetched some hundreds at a time before they are asked for."""
        waiting = iter(positions)
        while some := list(islice(waiting, SMALL)):
            self._ahead(some)
            yield from some

    def _ids(self, found: BitMap | None, types: tuple[str, ...], clause: Clause) -> BitMap:
        names, here = self._file.names, BitMap()
        for value in clause.values:
            for type in types or TYPES:
                rid = names.known(type, value.text) if isinstance(value, Text) else None
                t = self._file.last(rid, self._t) if rid is not None else None
                if t is not None:
                    here.add(t)
        if clause.modifier == "not":
            return (self._everything(types) if found is None else found) - here
        live = here & _union(self._file.by_type.values()) if not types else here
        return self._within(found, live, types)

    def _recorded_in(self, found: BitMap | None, types: tuple[str, ...], clause: Clause) -> BitMap:
        base = self._everything(types) if found is None else found
        kept = BitMap()
        for value in clause.values:
            if isinstance(value, Date):
                kept |= base & self._span(value)
        return kept

    def _span(self, value: Date) -> BitMap:
        """Positions recorded as the prefix asks; a recorded time is one instant."""
        before_low, before_high = self._recorded(value.low), self._recorded(value.high)
        top = self._t + 1
        spans: dict[str, tuple[int, int]] = {
            "eq": (before_low + 1, before_high + 1),
            "gt": (before_high + 1, top),
            "sa": (before_high + 1, top),
            "ge": (before_low + 1, top),
            "lt": (1, before_low + 1),
            "eb": (1, before_low + 1),
            "le": (1, before_high + 1),
            "ap": (before_low + 1, before_high + 1),
        }
        if value.prefix == "ne":
            return BitMap(range(1, before_low + 1)) | BitMap(range(before_high + 1, top))
        start, end = spans[value.prefix]
        return BitMap(range(start, end)) if start < end else BitMap()

    def _chain(self, clause: Chain) -> BitMap:
        """Versions whose reference points at a visible target that satisfies the inner clause."""
        found = BitMap()
        for type, inner in clause.inner:
            pointing = self._file.pointing(clause.parameter.sp, self._matching((type,), (inner,)))
            found.update(by for _, by in pointing)
        return found

    def _has(self, found: BitMap | None, types: tuple[str, ...], clause: Has) -> BitMap:
        """Those that some visible resource of the named type points at."""
        pointing = self._matching((clause.type,), (clause.inner,))
        base = self._everything(types) if found is None else found
        sp = clause.parameter.sp
        if len(base) <= len(pointing) * 4:
            return BitMap(t for t, by in self._file.pointing(sp, base) if by in pointing)
        here = BitMap()
        for t in self._opened(pointing):
            for one, type, id in self._keys(self._version(t)).reference:
                rid = self._file.names.known(type, id) if one == sp else None
                last = self._file.last(rid, self._t) if rid is not None else None
                if last is not None:
                    here.add(last)
        return base & here

    def _sorted(self, found: BitMap, sort: tuple[Sort, ...]) -> list[int]:
        positions = list(reversed(found))
        for one in reversed(sort):
            positions = self._by(positions, one)
        return positions

    def _by(self, positions: list[int], sort: Sort) -> list[int]:
        if sort.parameter.code == "_lastUpdated":
            return sorted(positions, reverse=sort.descending)
        if len(positions) > BUDGET:
            raise invalid("too-costly", "too many matches to sort; narrow the search", "_sort")
        keyed = []
        for t in self._opened(positions):
            version = self._version(t)
            keyed.append((sort_value(self._keys(version), version, sort), t))
        present = sorted((pair for pair in keyed if pair[0] is not None), key=lambda p: p[0], reverse=sort.descending)
        return [t for _, t in present] + [t for key, t in keyed if key is None]


def _union(parts: Iterable[BitMap]) -> BitMap:
    return BitMap.union(BitMap(), *parts)


def _cost(clause: Clause | Chain | Has) -> int:
    """Which clause to look up first: what usually names fewest."""
    if isinstance(clause, Clause):
        if clause.parameter.code == "_id":
            return 0
        if clause.modifier in ("not", "missing"):
            return 8
        return {"reference": 1, "string": 3, "token": 2, "uri": 3, "composite": 3}.get(clause.parameter.kind, 4)
    return 6 if isinstance(clause, Chain) else 7
