"""The oracle: plain dicts and lists, never optimised but for reading each body once. Every other engine must give the same
answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import takewhile

import msgspec
from pyroaring import BitMap

from onmaru.fhir import search, structure, verbatim
from onmaru.fhir.keys import Keys
from onmaru.fhir.query import Chain, Clause, Either, Has, Node, Query, Sort, Wide, unwidened
from onmaru.kernel.alarms import found_under
from onmaru.kernel.audit import Access
from onmaru.kernel.audit_retention import Stretch
from onmaru.kernel.compartment import MANY, NOBODYS, place
from onmaru.kernel.gate import UNKNOWN, Compartments, Sight
from onmaru.kernel.index import Found, Reference
from onmaru.kernel.labels import UNKNOWN_LABEL, Coding
from onmaru.kernel.log import Draft, Moved, Version
from onmaru.kernel.meaning import clause_holds, sort_value


class MemoryLog:
    """Log and Index of one tenant in one list; position t is `versions[t - 1]`. Everything appended is durable."""

    def __init__(self, now: Callable[[], int]) -> None:
        self.versions: list[Version] = []
        self._now = now
        self._keys = cache(_keys)

    def append(self, expected: int, drafts: Sequence[Draft]) -> Sequence[Version]:
        """All drafts at expected+1…, or Moved."""
        if expected != self.tip():
            raise Moved
        made = []
        for draft in drafts:
            last = self.versions[-1].at if self.versions else 0
            at = max(self._now(), last + 1)
            body = None if draft.body is None else verbatim.stamp(draft.body, draft.id, draft.version, at, draft.spots)
            if draft.op == "erase":
                self._erase(draft)
            version = Version(
                self.tip() + 1,
                draft.type,
                draft.id,
                draft.version,
                draft.op,
                at,
                body,
                draft.caller,
                draft.purpose,
                draft.request,
            )
            self.versions.append(version)
            made.append(version)
        return made

    def _erase(self, draft: Draft) -> None:
        for t in draft.erases:
            self.versions[t - 1] = msgspec.structs.replace(self.versions[t - 1], body=None)
        self._keys.cache_clear()

    def read(self, after: int, limit: int) -> Sequence[Version]:
        """Positions after+1 … after+limit."""
        return self.versions[after : after + limit]

    def head(self) -> int:
        """The last position."""
        return len(self.versions)

    def tip(self) -> int:
        """The same as the head: nothing here waits for a disk."""
        return len(self.versions)

    def wait(self, t: int) -> None:
        """Nothing to wait for."""

    def touched(self, after: int, t: int) -> Sequence[Version]:
        """Positions after+1 … t."""
        return self.versions[after:t]

    def reach(self, t: int) -> None:
        """Nothing waits here."""

    def expect(self, names: Sequence[tuple[str, str]]) -> None:
        """Nothing is far away."""

    def latest(self, type: str, id: str, t: int) -> Version | None:
        """The newest version at or below t."""
        found = [v for v in self.versions[:t] if v.type == type and v.id == id]
        return found[-1] if found else None

    def numbered(self, type: str, id: str, version: int, t: int) -> Version | None:
        """Version `version` if it was made at or below t."""
        return next((v for v in self.versions[:t] if (v.type, v.id, v.version) == (type, id, version)), None)

    def positions(self, type: str, id: str, t: int) -> Sequence[int]:
        """By looking at every version."""
        return [v.t for v in self.versions[:t] if v.type == type and v.id == id]

    def belonging(self, patient: str, t: int) -> Sequence[tuple[str, str]]:
        """By looking at every version that has a body."""
        found = {(v.type, v.id) for v in self.versions[:t] if v.body and patient in self.keys(v).patients}
        return sorted(found)

    def referring(self, by: tuple[str, str], targets: Sequence[tuple[str, str]], t: int) -> Sequence[tuple[str, str]]:
        """By looking at every version of the parameter's type."""
        rows = {(search.parameters(by[0])[by[1]].sp, *target) for target in targets}
        mine = (v for v in self.versions[:t] if v.type == by[0])
        return sorted({(v.type, v.id) for v in mine if not rows.isdisjoint(self.keys(v).reference)})

    def keys(self, version: Version) -> Keys:
        """Keys by decoding the body."""
        return Keys() if version.body is None else self._keys(version.type, version.id, version.body)

    def references(self, version: Version) -> Sequence[Reference]:
        """Of the keys."""
        return self.keys(version).reference

    def compartments(self, version: Version) -> Compartments:
        """Patients of the version, or of the last one before it that still has a body; what it inherits, as of now."""
        labels = self._labels(version)
        if version.type == "Patient":
            return Compartments([version.id], (), labels)
        if any(one.op == "erase" and one.name == version.name for one in self.versions[version.t - 1 :]):
            return Compartments((), [] if version.type in NOBODYS else [UNKNOWN], labels)
        own = self._said(version).patients
        return Compartments(own, sorted(self._inherited(version, set())), labels)

    def _labels(self, version: Version) -> list[Coding]:
        """Of the version and of the newest of its resource."""
        newest = self.latest(version.type, version.id, self.tip()) or version
        return [label for one in dict.fromkeys((version.t, newest.t)) for label in self._borne(self.versions[one - 1])]

    def _borne(self, version: Version) -> list[Coding]:
        if version.body is not None:
            return self.keys(version).labels
        before = [v for v in self.versions[: version.t - 1] if v.name == version.name]
        if version.op != "delete":
            return [UNKNOWN_LABEL]
        return self._borne(before[-1]) if before else []

    def codings(self) -> set[Coding]:
        """By looking at every version."""
        return {label for version in self.versions for label in self.keys(version).labels}

    def _said(self, version: Version) -> Keys:
        for one in reversed(self.versions[: version.t]):
            if one.name == version.name and one.body is not None:
                return self.keys(one)
        return Keys()

    def _inherited(self, version: Version, asked: set[int]) -> set[str]:
        """Walk everything that the version leads to, each position once."""
        found: set[str] = set()
        for type, id in self._said(version).heir_of:
            last = self.latest(type, id, self.tip())
            if type == "Patient":
                found.add(id)
            elif (type, id) == MANY or (last is not None and last.op == "erase"):
                found.add(UNKNOWN)
            elif last is not None and last.t not in asked:
                asked.add(last.t)
                found.update(self._said(last).patients, self._inherited(last, asked))
        return found

    def history(self, type: str, id: str, bounds: tuple[int, int, int], count: int, sight: Sight) -> Found:
        """Every version, newest first."""
        t, before, since = bounds
        seen = [
            v
            for v in reversed(self.versions[:t])
            if type in ("", v.type)
            and id in ("", v.id)
            and v.at >= since
            and sight.shows(v, self.compartments(v), self.keys)
        ]
        page = [v for v in seen if not before or v.t < before]
        return Found(page[:count], len(seen), len(page) > count)

    def recorded(self, microseconds: int) -> int:
        """By looking at every version."""
        return sum(1 for v in self.versions if v.at < microseconds)

    def standing(self, query: Query, t: int, sight: Sight) -> BitMap:
        """All that `find` finds."""
        everything = msgspec.structs.replace(query, count=2**31, sort=())
        return BitMap(v.t for v in self.find(everything, t, 0, 0, sight).versions)

    def seen(self, positions: BitMap, type: str, t: int, sight: Sight) -> BitMap:
        """By looking at each."""
        asked = (self.versions[t - 1] for t in positions)
        return BitMap(v.t for v in asked if sight.shows(v, self.compartments(v), self.keys))

    def marked(self, type: str, t: int, sight: Sight) -> Iterator[Version | None]:
        """All that there are."""
        yield from _Scan(self, t, sight).current((type,) if type else ())

    def inside(self, patients: Sequence[str]) -> BitMap:
        """By looking at every version."""
        return BitMap(v.t for v in self.versions if not set(patients).isdisjoint(self.compartments(v).own))

    def owned(self, after: int, t: int) -> BitMap:
        """By looking at each."""
        return BitMap(v.t for v in self.versions[after:t] if self.compartments(v).own)

    def named(self, positions: BitMap) -> frozenset[str]:
        """By looking at each."""
        return frozenset(one for t in positions for one in self.compartments(self.versions[t - 1]).named)

    def bodies(self, positions: Sequence[int], most: int) -> tuple[int, list[bytes]]:
        """One by one."""
        found: list[bytes] = []
        for number, t in enumerate(positions):
            if sum(map(len, found)) >= most:
                return number, found
            found += [body] if (body := self.versions[t - 1].body) is not None else []
        return len(positions), found

    def find(self, query: Query, t: int, after: int, offset: int, sight: Sight) -> Found:
        """Look at every current resource, one after the other."""
        scan = _Scan(self, t, sight)
        inside = (v for v in scan.current(query.types) if self._inside(v, query.compartment))
        found = [v for v in inside if all(scan.holds(v, clause) for clause in query.clauses)]
        found.sort(key=lambda v: v.t, reverse=True)
        for sort in reversed(query.sort):
            found = self._sorted(found, sort)
        total = None if query.total == "none" else len(found)
        rest = found[offset:] if query.sort else [v for v in found if not after or v.t < after]
        return Found(rest[: query.count], total, len(rest) > query.count)

    def _inside(self, version: Version, patient: str) -> bool:
        return not patient or patient in self.compartments(version).own

    def _sorted(self, found: list[Version], sort: Sort) -> list[Version]:
        """Stable; resources without the element come last whichever the direction."""
        keyed = [(sort_value(self.keys(v), v, sort), v) for v in found]
        present = [(key, v) for key, v in keyed if key is not None]
        present.sort(key=lambda pair: pair[0], reverse=sort.descending)
        return [v for _, v in present] + [v for key, v in keyed if key is None]


def _keys(type: str, id: str, body: bytes) -> Keys:
    return place(search.extract(structure.decode(body)), type, id, body)


class _Scan:
    """One search over everything visible at one position."""

    def __init__(self, log: MemoryLog, t: int, sight: Sight) -> None:
        self.log = log
        self.visible: dict[str, Version] = {}
        everything = sight.everything
        for version in log.versions[:t]:
            if version.body is None:
                self.visible.pop(version.name, None)
            elif everything or sight.shows(version, log.compartments(version), log.keys):
                self.visible[version.name] = version
            else:
                self.visible.pop(version.name, None)

    def current(self, types: tuple[str, ...]) -> Iterator[Version]:
        return (v for v in self.visible.values() if not types or v.type in types)

    def holds(self, version: Version, node: Node) -> bool:
        if isinstance(node, Clause):
            return clause_holds(version, self.log.keys(version), node)
        if isinstance(node, Either):
            return any(type in ("", version.type) and self.holds(version, one) for type, one in node.of)
        if isinstance(node, Wide):
            raise unwidened(node)
        return self._has(version, node) if isinstance(node, Has) else self._chained(version, node)

    def _chained(self, version: Version, node: Chain) -> bool:
        for sp, type, id in self.log.keys(version).reference:
            target = self.visible.get(f"{type}/{id}")
            if sp != node.parameter.sp or target is None:
                continue
            if any(type == wanted and self.holds(target, inner) for wanted, inner in node.inner):
                return True
        return False

    def _has(self, version: Version, node: Has) -> bool:
        row = (node.parameter.sp, version.type, version.id)
        pointing = (v for v in self.current((node.type,)) if row in self.log.keys(v).reference)
        return any(self.holds(v, node.inner) for v in pointing)


class MemoryTrail:
    """Audit rows in a list; each is a block of its own, and what was purged leaves its number free."""

    def __init__(self) -> None:
        self.rows: list[Access] = []
        self._gone = 0

    def add(self, access: Access) -> None:
        """Append one row."""
        self.rows.append(access)

    def page(
        self, *, patient: str = "", user: str = "", since: int = 0, until: int = 2**62, before: int = 0, count: int = 50
    ) -> Sequence[tuple[int, Access]]:
        """Rows newest first."""
        numbered = list(enumerate(self.rows, start=self._gone + 1))
        wanted = [
            (number, row)
            for number, row in reversed(numbered)
            if (not before or number < before)
            and (not patient or patient in found_under(row))
            and (not user or user == row.user)
            and since <= row.at < until
        ]
        return wanted[:count]

    def older(self, before: int, after: int) -> Sequence[Stretch]:
        """See `audit_retention.Thinned`."""
        fresh = takewhile(lambda found: found[1].at < before, enumerate(self.rows, start=self._gone + 1))
        return [Stretch(number, number, [row]) for number, row in fresh if number > after]

    def purge(self, gone: Sequence[Stretch]) -> None:
        """See `audit_retention.Thinned`."""
        del self.rows[: gone[-1].last - self._gone]
        self._gone = gone[-1].last
