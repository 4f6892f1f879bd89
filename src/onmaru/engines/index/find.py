"""The search planner: the smallest set drives; small sets are judged on bodies with the oracle's own rules, large by bitmap.

Forbidden and closed positions are subtracted before anything is counted, chained or paged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

from pyroaring import BitMap

from onmaru.engines.index import order
from onmaru.engines.index.joins import Joins, pointers
from onmaru.engines.index.marks import paired
from onmaru.engines.index.moments import recorded_in
from onmaru.engines.index.names import TYPES
from onmaru.engines.index.nodes import cost, described
from onmaru.engines.index.owned import answered, looked_up
from onmaru.engines.index.scan import Scan, scan
from onmaru.engines.index.standing import Bodies, Standing, union
from onmaru.engines.index.tables import Tables
from onmaru.engines.index.work import Work
from onmaru.fhir.keys import Keys
from onmaru.fhir.query import (
    Chain,
    Clause,
    Date,
    Either,
    Has,
    Node,
    Parameter,
    Query,
    Ref,
    Sort,
    Text,
    Token,
    Wide,
    unwidened,
)
from onmaru.kernel.gate import Sight
from onmaru.kernel.meaning import clause_holds, sort_value

# Matches up to which their own bodies are quicker to ask than the tables
SMALL = 512
# Matches up to which it is kept what they are sorted by
SORTED = 50_000
# What an expression costs on a body, against opening it
EXPRESSION = 10
# Versions fetched together
AHEAD = 512


class Finder(Standing):
    """Evaluates one query at one position for one sight."""

    def __init__(self, file: Tables, bodies: Bodies, t: int, sight: Sight, work: Work | None = None) -> None:
        super().__init__(file, bodies, t, sight)
        self._version = bodies.version
        self._ahead = bodies.ahead
        self._keys = bodies.keys
        self._recorded = bodies.recorded
        self.work = work or Work()
        self.plan: list[str] = []
        self._explains = False
        self._depth = 0
        self._joins = Joins(file, t, self._references, self.work)
        self._scans: dict[Clause, Scan] = {}

    def positions(self, query: Query) -> list[int]:
        """Positions of all matches in the query's order."""
        self._explains = query.explain
        found = self._pair(query)
        if found is not None:
            self._tell("patient and code together", "one range of the index", len(found))
        else:
            inside = self._inside(query) if query.compartment else None
            found = self._matching(query.types, query.clauses, inside)
        ordered = self._sorted(found, query.sort)
        self._tell("bodies opened", "", self.work.opened)
        return ordered

    def _tell(self, what: str, how: str, count: int) -> None:
        """One line of the plan; `count` is of what the caller sees, as a search of its own would tell."""
        if self._explains:
            self.plan.append("  " * self._depth + ": ".join(filter(None, (what, how, str(count)))))

    def matching(self, query: Query) -> BitMap:
        """The same as a set."""
        return self._matching(query.types, query.clauses)

    def _inside(self, query: Query) -> BitMap:
        """What lies in the compartment that is searched; what a chain leads to need not lie there."""
        return self._within(None, self._compartment(query.compartment) & self._live, query.types)

    @cached_property
    def _live(self) -> BitMap:
        """Versions that have a body."""
        return union(self._file.by_type.values())

    def _pair(self, query: Query) -> BitMap | None:
        """The page a ward opens all day: one patient and one code, answered by one range."""
        if len(query.clauses) != 2 or len(query.types) != 1 or query.compartment:
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
            key = (rid, what.parameter.sp, names.code(value.code))
            if system is None:
                found |= self._file.scanned("SELECT t FROM pc WHERE rid = ? AND sp = ? AND c = ?", key)
            else:
                found |= self._file.scanned(
                    "SELECT t FROM pc WHERE rid = ? AND sp = ? AND c = ? AND s = ?", (*key, system)
                )
        found &= self._file.by_type[TYPES[type]]
        return self._visible(found, (type,))

    def _matching(self, types: tuple[str, ...], nodes: Iterable[Node], found: BitMap | None = None) -> BitMap:
        """Visible positions of `types`, of `found` where that is given, that satisfy all nodes."""
        for node in sorted(nodes, key=cost):
            if found is not None and not found:
                return found
            self._depth += 1
            if found is not None and len(found) <= SMALL and isinstance(node, Clause):
                found, how = self._judge(found, node), "asked of bodies"
            else:
                found, how = self._narrow(found, types, node), "looked up"
            self._depth -= 1
            self._tell(described(node), how, len(found))
        return self._everything(types) if found is None else found

    def _narrow(self, found: BitMap | None, types: tuple[str, ...], node: Node) -> BitMap:
        if isinstance(node, Either):
            if together := pointers(node):
                return self._within(found, self._naming(together), types)
            return union(self._alternative(found, types, type, one) for type, one in node.of)
        if isinstance(node, Chain):
            return self._within(found, self._chain(found, node), types)
        if isinstance(node, Has):
            return self._has(found, types, node)
        if isinstance(node, Wide):
            raise unwidened(node)
        return self._scanned(found, types, node)

    def _naming(self, together: Mapping[tuple[Ref, ...], Sequence[int]]) -> BitMap:
        """What refers to any of some resources by any of some parameters: hundreds of them for `_revinclude=*`."""
        names = self._file.names
        return union(
            self._file.naming(sps, names.all_known([(one.type, one.id) for one in refs]))
            for refs, sps in together.items()
        )

    def _alternative(self, found: BitMap | None, types: tuple[str, ...], type: str, node: Node) -> BitMap:
        if not type:
            return self._matching(types, (node,), found)
        if types and type not in types:
            return BitMap()
        return self._matching((type,), (node,), None if found is None else found & self._file.by_type[TYPES[type]])

    def _scanned(self, found: BitMap | None, types: tuple[str, ...], clause: Clause) -> BitMap:
        code = clause.parameter.code
        if code == "_id":
            return self._ids(found, types, clause)
        if code == "_lastUpdated":
            return self._recorded_in(found, types, clause)
        if clause.parameter.expression:
            return self._owned(self._everything(types) if found is None else found, clause)
        scanned = self._scan(clause)
        if scanned.negated:
            base = self._everything(types) if found is None else found
            rest = base - scanned.bits
            return rest if scanned.exact else self._judge(rest, clause)
        kept = self._within(found, scanned.bits, types)
        return kept if scanned.exact else self._judge(kept, clause)

    def _owned(self, found: BitMap, clause: Clause) -> BitMap:
        """A parameter of the tenant's own: by its rows as far as they reach, and by bodies beyond."""
        file = self._bodies.own.of(clause.parameter) if answered(clause) else None
        if file is None:
            return self._judge(found, clause)
        kept, exact, fresh = looked_up(file, found, clause, self.work)
        return (kept if exact else self._judge(kept, clause)) | self._judge(fresh, clause)

    def _scan(self, clause: Clause) -> Scan:
        """Look one clause up; many types of a chain may ask the same."""
        found = self._scans.get(clause)
        if found is None:
            found = self._scans[clause] = scan(self._file, clause)
            self.work.read(len(found.bits))
        return found

    def _within(self, found: BitMap | None, bits: BitMap, types: tuple[str, ...]) -> BitMap:
        if found is not None:
            return found & bits
        if types:
            bits = bits & union(self._file.by_type[TYPES[type]] for type in types)
        return self._visible(bits, types)

    def _judge(self, found: BitMap, clause: Clause) -> BitMap:
        """Keep those whose body satisfies the clause; what a body has told before is not asked again, but counts alike."""
        kept = not clause.parameter.expression
        asked, held = self._bodies.verdicts.of(clause) if kept else (BitMap(), BitMap())
        fresh = found - asked
        self.work.open(len(found) - len(fresh), clause.parameter.code)
        opened = self._open(fresh, clause.parameter.code, clause.parameter)
        good = BitMap([t for t, keys in opened if clause_holds(self._version(t), keys, clause)])
        if kept and fresh:
            self._bodies.verdicts.keep(clause, fresh, good)
        return good | (held & found)

    def _open(self, positions: BitMap, where: str, asked: Parameter | None = None) -> Iterator[tuple[int, Keys]]:
        """These versions one by one with their keys, fetched some hundreds at a time before they are asked for."""
        self.work.open(len(positions) * (EXPRESSION if asked is not None and asked.expression else 1), where)
        waiting = iter(positions)
        while some := list(islice(waiting, AHEAD)):
            self._ahead(some)
            for t in some:
                yield t, self._keys(self._version(t))

    def _references(self, sp: int, positions: BitMap) -> list[tuple[int, tuple[str, str]]]:
        """(position, (type, id) that it refers to with the parameter), as bodies tell or told."""
        known = self._bodies.verdicts.values(sp)
        told = {t: known[t] for t in positions if t in known}
        self.work.open(len(told), "_has")
        fresh = {
            t: [(type, id) for one, type, id in keys.reference if one == sp and type]
            for t, keys in self._open(positions - BitMap(told), "_has")
        }
        if fresh:
            self._bodies.verdicts.value(sp, fresh)
        return [(t, name) for found in (told, fresh) for t, names in found.items() for name in names]

    def _ids(self, found: BitMap | None, types: tuple[str, ...], clause: Clause) -> BitMap:
        texts = [value.text for value in clause.values if isinstance(value, Text)]
        asked = [(type, text) for type in types or TYPES for text in texts]
        here = BitMap(self._file.standings(asked, self._t).values())
        if clause.modifier == "not":
            return (self._everything(types) if found is None else found) - here
        return self._within(found, here & self._live if not types else here, types)

    def _recorded_in(self, found: BitMap | None, types: tuple[str, ...], clause: Clause) -> BitMap:
        base = self._everything(types) if found is None else found
        moments = (value for value in clause.values if isinstance(value, Date))
        return base & union(recorded_in(value, self._recorded, self._t) for value in moments)

    def _chain(self, found: BitMap | None, clause: Chain) -> BitMap:
        """Versions whose reference points at a visible target that satisfies the inner clause."""
        sp = clause.parameter.sp
        return union(self._joins.chained(sp, found, self._matching((type,), (inner,))) for type, inner in clause.inner)

    def _has(self, found: BitMap | None, types: tuple[str, ...], clause: Has) -> BitMap:
        """Those that some visible resource of the named type points at."""
        pointing = self._matching((clause.type,), (clause.inner,))

        def base() -> BitMap:
            return self._everything(types) if found is None else found

        pointed = self._joins.pointed(clause.parameter.sp, pointing, base)
        return self._within(found, pointed & self._live, types)

    def _sorted(self, found: BitMap, sort: tuple[Sort, ...]) -> list[int]:
        positions = list(reversed(found))
        for one in reversed(sort):
            positions = self._by(positions, one)
        return positions

    def _by(self, positions: list[int], sort: Sort) -> list[int]:
        """Stable; resources without the element come last whichever the direction."""
        if sort.parameter.code == "_lastUpdated":
            return sorted(positions, reverse=sort.descending)
        keyed = self._told(BitMap(positions), sort)
        present = sorted((t for t in positions if t in keyed), key=keyed.__getitem__, reverse=sort.descending)
        return present + [t for t in positions if t not in keyed]

    def _told(self, found: BitMap, sort: Sort) -> dict[int, Any]:
        """What they are sorted by, where they have it: as told before, by the tables where many are new, or by bodies."""
        own = sort.parameter.expression
        known = {} if own else self._bodies.verdicts.values(sort)
        told = {t: known[t] for t in found if t in known}
        if len(found) > SMALL:
            self.work.read(len(told))
        else:
            self.work.open(len(told), "_sort")
        fresh = found - BitMap(told)
        file = self._bodies.own.of(sort.parameter) if own else self._file
        values, left = order.told(file, sort, fresh, self.work) if len(fresh) > SMALL else ({}, fresh)
        opened = self._open(left, "_sort", sort.parameter)
        values.update({t: sort_value(keys, self._version(t), sort) for t, keys in opened})
        told.update({t: values.get(t) for t in fresh})
        if fresh and not own and len(fresh) <= SORTED:
            self._bodies.verdicts.value(sort, {t: told[t] for t in fresh})
        return {t: value for t, value in told.items() if value is not None}
