"""The Index door over the index file and the log: opens versions, keeps the recent ones, follows what was appended."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from onmaru.engines.index.find import Finder
from onmaru.engines.index.owned import Owned, Unowned
from onmaru.engines.index.rows import SECURITY
from onmaru.engines.index.tables import Tables
from onmaru.engines.index.veil import Veils
from onmaru.engines.index.verdicts import Verdicts
from onmaru.engines.index.wholesale import Wholesale
from onmaru.fhir import search, structure
from onmaru.fhir.keys import Keys
from onmaru.fhir.query import Query
from onmaru.kernel.compartment import place
from onmaru.kernel.gate import UNKNOWN, Compartments, Sight
from onmaru.kernel.index import Found, Reference
from onmaru.kernel.labels import UNKNOWN_LABEL, Coding, borne
from onmaru.kernel.log import Version
from onmaru.kernel.portion import Ruling

SLICE = 500
WARM = 100
KEPT = 192 << 20
ROOM = 16 << 20
MANY = 200_000
DONE = object()
Rulings = Mapping[str, tuple[Ruling, ...]]


class Entries(Protocol):
    """What the index asks of the log that it follows."""

    def read(self, after: int, limit: int) -> Sequence[Version]: ...

    def version(self, t: int) -> Version | None: ...

    def at(self, microseconds: int) -> int: ...


class FollowedIndex(Wholesale):
    """Index (kernel/index.py). Appended versions wait with their keys until `apply` or a look that needs them."""

    def __init__(self, file: Tables, log: Entries) -> None:
        self.file = file
        self._log = log
        self.pending: list[tuple[Version, Keys | None]] = []
        self._newest: dict[str, Version] = {}
        self._kept: OrderedDict[int, Version] = OrderedDict()
        self._current: dict[str, int] = {}
        self._whose: dict[int, tuple[str, ...]] = {}
        self._concealed: tuple[tuple[int, frozenset[str], Rulings], frozenset[str]] = (
            (-1, frozenset(), {}),
            frozenset(),
        )
        self.veils = Veils(file, self)
        self.verdicts = Verdicts()
        self.own: Owned = Unowned()
        self._bytes = 0
        self._batch: list[tuple[Version, Keys | None]] = []
        self._steps: Iterator[None] | None = None

    def add(self, version: Version, keys: Keys | None) -> None:
        """Take note of an appended version."""
        self.pending.append((version, keys))
        self._newest[version.name] = version

    def apply(self) -> None:
        """Index everything that was noted."""
        while self.step():
            pass

    def step(self) -> bool:
        """Index a short slice of what was noted; False when nothing is left to do."""
        if self._steps is None:
            if not self.pending:
                return False
            most = SLICE
            # What was erased in one go leaves the tables in one go, each of which it costs a scan
            while most < len(self.pending) and self.pending[most][0].op == "erase":
                most += 1
            self._batch, self.pending = self.pending[:most], self.pending[most:]
            self._steps = self.file.applying(self._batch)
        if next(self._steps, DONE) is DONE:
            self._steps = None
            self._applied(self._batch)
        return self.under_way or bool(self.pending)

    @property
    def under_way(self) -> bool:
        """Whether a version may be indexed in part, so that the index cannot be committed."""
        return self._steps is not None

    def _indexed(self, t: int) -> None:
        """Make sure that everything up to `t` is indexed; readers, who look no further than the durable head, never wait."""
        if t > self.file.position:
            self.apply()

    def _applied(self, batch: Sequence[tuple[Version, Keys | None]]) -> None:
        for version, _ in batch:
            if self._newest.get(version.name) is version:
                del self._newest[version.name]
            self._keep(version)
            if version.version > 1:
                self._current.pop(version.name, None)
        self._forget([version for version, _ in batch if version.op == "erase"])

    def _forget(self, erasures: Sequence[Version]) -> None:
        """Take erased resources out of every table, with the display texts that only they used."""
        if not erasures:
            return
        gone = sorted({t for one in erasures for t in self.positions(one.type, one.id, one.t)})
        self._drop(gone)
        for sp, code, system in self.file.erase(gone):
            self._unlearn(sp, code, system)

    def _drop(self, gone: Sequence[int]) -> None:
        """Keep nothing in memory of these positions."""
        if gone:
            self.verdicts.forget()
            self.own.drop(gone, max(self.file.begun, self.file.position))
        for t in gone:
            old = self._kept.pop(t, None)
            self._bytes -= _weight(old) if old is not None else 0
            self._whose.pop(t, None)

    def _unlearn(self, sp: int, code: int, system: int) -> None:
        """Forget the display texts of a code that nobody is left to use; mostly the newest user shows them all."""
        orphans = self.file.texts(sp, code, system)
        for t in self.file.users(sp, code, system):
            if not orphans:
                return
            shown = self.file.words(self.keys(self.version(t)), sp)
            orphans -= {norm for norm, *which in shown if which == [code, system]}
        self.file.unlearn(sp, code, system, orphans)

    def positions(self, type: str, id: str, t: int) -> Sequence[int]:
        """From the history of the resource."""
        self._indexed(t)
        rid = self.file.names.known(type, id)
        return [found for (found,) in self.file.db.execute("SELECT t FROM hist WHERE rid = ? AND t <= ?", (rid, t))]

    def expect(self, names: Sequence[tuple[str, str]]) -> None:
        """See the door; what is near is asked for one by one."""

    def ahead(self, positions: Sequence[int]) -> None:
        """These versions are about to be asked for one by one; an engine that is far away fetches them together."""

    def touched(self, after: int, t: int) -> Sequence[Version]:
        """The versions at after+1 … t, indexed or not."""
        self.ahead(range(after + 1, t + 1))
        return [self.version(position) for position in range(after + 1, t + 1)]

    def latest(self, type: str, id: str, t: int) -> Version | None:
        """The newest version at or below t, also one that is not indexed yet."""
        newest = self._newest.get(f"{type}/{id}")
        if newest is not None and newest.t <= t:
            return newest
        if newest is not None:
            self._indexed(t)
        name = f"{type}/{id}"
        position = self._current.get(name)
        if position is not None and position <= t:
            return self.version(position)
        found = self._found(type, id, t)
        if found is None:
            return None
        position = found[0]
        self._whose = bounded(self._whose)
        self._whose[position] = self._people(found[1])
        if t >= self.file.position:
            self._current = bounded(self._current)
            self._current[name] = position
        return self.version(position)

    def _found(self, type: str, id: str, t: int) -> tuple[int, str] | None:
        """The newest position of a resource at or below t, and the keys of its patients."""
        return self.file.newest(type, id, t)

    def warm(self) -> Iterator[None]:
        """Take the newest standing versions into memory, a slice each step, until it is full: one pass in order costs a
        sixth of what the first readers after a start would pay one by one.
        """
        top = self.file.position
        while top > 0 and self._bytes < KEPT - ROOM:
            after = max(top - WARM, 0)
            whose = self.file.standing(after, top)
            for version in self._log.read(after, top - after) if whose else ():
                if version.t in whose and version.t not in self._kept and version.name not in self._newest:
                    self._keep(version)
                    self._current[version.name] = version.t
                    self._whose[version.t] = self._people(whose[version.t])
            top = after
            yield

    def numbered(self, type: str, id: str, version: int, t: int) -> Version | None:
        """Version numbers count a resource's positions from 1."""
        self._indexed(t)
        rid = self.file.names.known(type, id)
        if rid is None or version < 1:
            return None
        row = self.file.db.execute(
            "SELECT t FROM hist WHERE rid = ? AND t <= ? ORDER BY t LIMIT 1 OFFSET ?", (rid, t, version - 1)
        ).get
        return self.version(row) if isinstance(row, int) else None

    def belonging(self, patient: str, t: int) -> Sequence[tuple[str, str]]:
        """From the patient's compartment."""
        self._indexed(t)
        rid = self.file.names.known("Patient", patient)
        return self.file.resources("SELECT t FROM comp WHERE rid = ? AND t <= ?", (rid, t))

    def referring(self, by: tuple[str, str], targets: Sequence[tuple[str, str]], t: int) -> Sequence[tuple[str, str]]:
        """From the range of each reference; a parameter may be several types' in common."""
        self._indexed(t)
        known = (self.file.names.known(*target) for target in targets)
        rids = ",".join(str(rid) for rid in known if rid is not None) or "NULL"
        rows = f"SELECT t FROM ref WHERE sp = ? AND rid IN ({rids}) AND t <= ?"
        found = self.file.resources(rows, (search.parameters(by[0])[by[1]].sp, t))
        return [name for name in found if name[0] == by[0]]

    def keys(self, version: Version) -> Keys:
        """Keys by decoding the body."""
        return decoded(version) or Keys()

    def references(self, version: Version) -> Sequence[Reference]:
        """From the keys, once a version."""
        known = self.verdicts.references
        if version.t not in known:
            known[version.t] = self.keys(version).reference
        return known[version.t]

    def reach(self, t: int) -> None:
        """Index everything up to `t`."""
        self._indexed(t)

    def compartments(self, version: Version) -> Compartments:
        """Patients of a version, by id. What is its own never changes; what it inherits is asked each time."""
        self._indexed(version.t)
        labels = self._labels(version) if self.file.labelled else ()
        if version.type == "Patient":
            return Compartments((version.id,), (), labels)
        own, heirs = self._own(version), self.file.heirs
        if version.t not in heirs.referring:
            return Compartments(own, (), labels)
        names = self.file.names
        whose = tuple(sorted(names.person(rid) if rid else UNKNOWN for rid in heirs.of(version.t)))
        return Compartments(own, whose, labels)

    def _labels(self, version: Version) -> Sequence[Coding]:
        """Of the version and of the newest of its resource."""
        newest = self._newest.get(version.name) or self.latest(version.type, version.id, self.file.position)
        own = self._borne(version)
        if newest is None or newest.t == version.t:
            return own
        return (*own, *self._borne(newest))

    def _borne(self, version: Version) -> Sequence[Coding]:
        """What a version bears; a deletion what the version before it did. Of what was erased nobody knows."""
        if version.body is not None:
            return borne(version.body) if version.t in self.file.labelled or version.t > self.file.position else ()
        if version.op != "delete":
            return (UNKNOWN_LABEL,)
        before = self.positions(version.type, version.id, version.t - 1)
        return self._borne(self.version(max(before))) if before else ()

    def codings(self) -> set[Coding]:
        """Every security label that something bears."""
        found: set[Coding] = set()
        rows = self.file.db.execute("SELECT max(t) FROM tok WHERE sp = ? GROUP BY c, s", (SECURITY,))
        for (t,) in rows.fetchall():
            found.update(borne(self.version(int(str(t))).body or b""))
        return found

    def _own(self, version: Version) -> tuple[str, ...]:
        whose = self._whose.get(version.t)
        if whose is None:
            whose = self._people(self.file.patients(version.t))
            self._whose = bounded(self._whose)
            self._whose[version.t] = whose
        return whose

    def _people(self, pats: str) -> tuple[str, ...]:
        """Patient ids behind comma-joined keys; most resources have one, and many the same."""
        return tuple(self.file.names.person(int(rid)) for rid in pats.split(",") if rid)

    def bearing(self, type: str, codings: Iterable[Coding]) -> Iterator[tuple[Version, Sequence[Coding]]]:
        """The newest version of each resource of `type` that ever bore one of the labels, and its labels."""
        bits = self.veils.bearing(codings) & self.file.by_type[self.file.number(type)]
        rids = {self.file.db.execute("SELECT rid FROM ver WHERE t = ?", (t,)).get for t in bits}
        for _, id in (self.file.names.name(rid) for rid in rids if isinstance(rid, int)):
            found = self.latest(type, id, self.file.position)
            if found is not None:
                yield found, self._borne(found)

    def concealed(self, denied: frozenset[str], rulings: Rulings) -> frozenset[str]:
        """`Type/id` of what, as it stands, inherits the compartment of one of these patients, or nobody knows whose.

        And of what the rulings hide of their patients.
        """
        if rulings:
            self.apply()
        file = self.file
        state = (file.position, denied, rulings)
        if self._concealed[0] != state:
            standing = self.veils.standing(denied, rulings)
            rids = [file.db.execute("SELECT rid FROM ver WHERE t = ?", (t,)).get for t in standing]
            self._concealed = state, frozenset("/".join(file.names.name(rid)) for rid in rids)
        return self._concealed[1]

    def concealed_at(self, denied: frozenset[str], rulings: Rulings) -> frozenset[int]:
        """The positions of all versions, standing or not, that are hidden for the same reasons."""
        self.apply()
        return frozenset(self.veils.ever(denied, rulings))

    def history(self, type: str, id: str, bounds: tuple[int, int, int], count: int, sight: Sight) -> Found:
        """Newest first; a whole-system history walks the log backwards until the page is full."""
        t, before, since = bounds
        self._indexed(t)
        positions = self._positions(type, id, min(t, before - 1) if before else t, count + 1)
        page: list[Version] = []
        for position in positions:
            version = self.version(position)
            if version.at < since:
                break
            if sight.everything or sight.shows(version, self.compartments(version), self.keys):
                page.append(version)
            if len(page) > count:
                break
        return Found(page[:count], None, len(page) > count)

    def _positions(self, type: str, id: str, top: int, some: int) -> Iterator[int]:
        """Newest first, `some` of them fetched together: a page seldom needs more."""
        while found := self.file.history(type, id, top, some):
            self.ahead(found)
            yield from found
            top = found[-1] - 1

    def find(self, query: Query, t: int, after: int, offset: int, sight: Sight) -> Found:
        """Matches of a query; all positions are known before the page is cut, so the total is exact."""
        self._indexed(t)
        finder = Finder(self.file, self, t, sight)
        positions = finder.positions(query)
        total = None if query.total == "none" else len(positions)
        rest = positions[offset:] if query.sort else [p for p in positions if not after or p < after]
        self.ahead(rest[: query.count])
        page = [self.version(position) for position in rest[: query.count]]
        return Found(page, total, len(rest) > query.count, finder.plan)

    def version(self, t: int) -> Version:
        """The version at a position, from memory where it was seen lately."""
        kept = self._kept.get(t)
        if kept is None:
            found = self._log.version(t)
            if found is None:
                raise LookupError(f"no entry at position {t}")
            self._keep(found)
            return found
        return kept

    def glance(self, t: int) -> Version | None:
        """The same for who reads everything once and would push out what others ask for."""
        return self._kept.get(t) or self._log.version(t)

    def recorded(self, microseconds: int) -> int:
        """The last position recorded before a time."""
        return self._log.at(microseconds)

    def _keep(self, version: Version) -> None:
        self._kept[version.t] = version
        self._bytes += _weight(version)
        while self._bytes > KEPT:
            _, old = self._kept.popitem(last=False)
            self._bytes -= _weight(old)


K = TypeVar("K")
V = TypeVar("V")


def bounded(kept: dict[K, V]) -> dict[K, V]:
    """The same cache, or an empty one when it has grown full."""
    return kept if len(kept) < MANY else {}


def _weight(version: Version) -> int:
    """About how many bytes a version takes in memory."""
    return len(version.body or b"") + 400


def decoded(version: Version) -> Keys | None:
    """The search keys of a stored version; None for a deletion."""
    if version.body is None:
        return None
    keys = search.extract(structure.stored(version.body, version.type))
    return place(keys, version.type, version.id, version.body)
