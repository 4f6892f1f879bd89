"""The tables of a search index: the log's first follower. Rows are inserted and closed, never rewritten.

What a version adds is gathered by table and written some hundreds of rows at a time, between other answers.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

from pyroaring import BitMap

from onmaru.engines.index.database import Database
from onmaru.engines.index.heirs import Heirs
from onmaru.engines.index.marks import URIS, of_type, paired
from onmaru.engines.index.names import TYPE_NAMES, TYPES, Names
from onmaru.engines.index.words import terms
from onmaru.fhir import search
from onmaru.fhir.keys import Keys
from onmaru.kernel.log import Version

NAMES = ("ver", "hist", "dead", "comp", "link", "heir", "pc", "tok", "ref", "dat", "str", "qty", "txt")
NO_CODE = "\x00text"
SECURITY = search.parameters("Patient")["_security"].sp
# Rows written in one go: about four milliseconds of the loop that answers everybody.
SLICE_ROWS = 500
# Texts times codes of one parameter up to which each text is kept with each code: beyond, it is kept without a code, for a
# candidate is looked at again anyway.
MOST_PAIRS = 2000
# Keys of a version up to which none of its rows are worth a pause; so few make fewer pairs than MOST_PAIRS
FEW = 80
Row = TypeVar("Row")


class Tables:
    """The index tables of one tenant and what is kept of them in memory: live positions by type and closed positions.

    An engine opens them, writes rows (`put`) and makes them permanent. `equals` and `begins` find folded strings.
    """

    slice = SLICE_ROWS
    equals = "SELECT t FROM str WHERE sp = :sp AND norm = :low"
    begins = "SELECT t FROM str WHERE sp = :sp AND norm >= :low AND norm < :high"
    among = "SELECT t, pats FROM ver WHERE t IN (SELECT value FROM json_each(?))"

    def __init__(self, db: Database, names: Names, position: int) -> None:
        self.db = db
        self.names = names
        self.heirs = Heirs(db, names)
        self.position = position
        self.begun = self.committed = position
        self.by_type: dict[int, BitMap] = {}
        self.dead = BitMap(t for (t,) in self.db.execute("SELECT t FROM dead"))
        # Versions that bear a security label
        self.labelled = BitMap([t for (t,) in self.db.execute("SELECT t FROM tok WHERE sp = ?", (SECURITY,))])
        for number in TYPES.values():
            self.by_type[number] = BitMap()
        for t, number in self.db.execute("SELECT t, type FROM ver WHERE live = 1"):
            self.by_type[number].add(t)

    def put(self, rows: Mapping[str, list[tuple[Any, ...]]]) -> None:
        """Insert rows by table, those that are there already left as they are."""
        raise NotImplementedError

    def begin(self) -> None:
        """Have a transaction open."""
        if not self.db.in_transaction:
            self.db.execute("BEGIN IMMEDIATE")

    def foresee(self, batch: Sequence[tuple[Version, Keys | None]]) -> Mapping[int, int]:
        """Look up at once what the batch is about to ask for one by one: where resources stand, by rid."""
        return {}

    def apply(self, batch: Sequence[tuple[Version, Keys | None]]) -> None:
        """Index versions at the next positions; visible on this connection at once."""
        for _ in self.applying(batch):
            pass

    def applying(self, batch: Sequence[tuple[Version, Keys | None]]) -> Iterator[None]:
        """The same in short slices. Rows above `position` are no reader's yet; `begun` is how far they go."""
        if not batch:
            return
        self.begin()
        self.begun = batch[-1][0].t
        rows = _Rows(self)
        rows.latest.update(self.foresee(batch))
        for version, keys in batch:
            many = rows.add(version, keys)
            if many is not None:
                for count in many:
                    if rows.full(count):
                        rows.flush()
                        yield
            elif rows.full():
                rows.flush()
                yield
        rows.flush()
        yield from self.heirs.settling()
        self.position = self.begun

    def erase(self, positions: Sequence[int]) -> Sequence[tuple[int, int, int]]:
        """Leave of these positions only their place in the history; scans each table once, for erasure is rare.

        Gives the (parameter, code, system) that they had, whose display texts may have been theirs alone.
        """
        self.begin()
        taken = [(t,) for t in positions]
        self.db.execute("CREATE TEMP TABLE IF NOT EXISTS taken(t INTEGER PRIMARY KEY)")
        self.db.executemany("INSERT INTO taken VALUES(?)", taken)
        codes: Any = self.db.execute(
            "SELECT DISTINCT sp, c, s FROM tok WHERE t IN (SELECT t FROM taken) ORDER BY sp, c, s"
        ).fetchall()
        self.db.executemany("UPDATE ver SET live = 0, pats = '' WHERE t = ?", taken)
        for bits in self.by_type.values():
            bits.difference_update(BitMap(positions))
        for table in ("comp", "pc", "tok", "ref", "dat", "str", "qty"):
            self.db.execute(f"DELETE FROM {table} WHERE t IN (SELECT t FROM taken)")
        self.db.execute("DELETE FROM taken")
        return list(codes)

    def texts(self, sp: int, code: int, system: int) -> set[str]:
        """The display texts that a code occurs with."""
        found: Any = self.db.execute("SELECT norm FROM txt WHERE sp = ? AND c = ? AND s = ?", (sp, code, system))
        return {norm for (norm,) in found}

    def users(self, sp: int, code: int, system: int) -> Iterator[int]:
        """Positions that a code occurs at, newest first."""
        found: Any = self.db.execute(
            "SELECT t FROM tok WHERE sp = ? AND c = ? AND s = ? ORDER BY t DESC", (sp, code, system)
        )
        return (t for (t,) in found)

    def unlearn(self, sp: int, code: int, system: int, texts: set[str]) -> None:
        """Forget display texts of a code."""
        rows = [(sp, norm, code, system) for norm in texts]
        self.db.executemany("DELETE FROM txt WHERE sp = ? AND norm = ? AND c = ? AND s = ?", rows)

    def words(self, keys: Keys, sp: int) -> set[tuple[str, int, int]]:
        """(text, code, system) that a resource shows the codes of one parameter with."""
        rows = _Rows(self)
        tokens = [(one, self.names.code(code), self.names.system(system), 0) for one, system, code in keys.token]
        for _ in rows.texts([text for text in keys.text if text[0] == sp], tokens, 0):
            pass
        shown = {(norm, code, system) for _, norm, code, system in rows.tables["txt"]}
        return shown | {(url, self.names.code(url), 0) for one, _, url in keys.token if one == sp and sp in URIS}

    def resources(self, positions: str, values: tuple[object, ...]) -> list[tuple[str, str]]:
        """(type, id) of the versions at the positions that a SELECT gives, each once, in order."""
        found: Any = self.db.execute(
            f"SELECT DISTINCT r.type, r.id FROM ver v JOIN res r ON r.rid = v.rid WHERE v.t IN ({positions})",
            values,
        )
        return sorted((TYPE_NAMES[type], id) for type, id in found)

    def pointing(self, sp: int, positions: Iterable[int]) -> Iterator[tuple[int, int]]:
        """(t, by): the version at `by` refers with a parameter to the resource whose version is at t, for these t."""
        waiting = iter(positions)
        while some := list(islice(waiting, 20 * SLICE_ROWS)):
            found: Any = self.db.execute(
                """SELECT v.t, r.t FROM json_each(?) w CROSS JOIN ver v ON v.t = w.value
                CROSS JOIN ref r ON r.sp = ? AND r.rid = v.rid""",
                (json.dumps(some), sp),
            )
            yield from found.fetchall()

    def naming(self, sps: Sequence[int], rids: Sequence[int]) -> BitMap:
        """Versions that refer with any of these parameters to any of these resources."""
        rows = (
            "SELECT t FROM ref WHERE sp IN (SELECT value FROM json_each(?)) AND rid IN (SELECT value FROM json_each(?))"
        )
        return BitMap([t for (t,) in self.db.execute(rows, (json.dumps(list(sps)), json.dumps(list(rids))))])

    def referring(self, sp: int, positions: BitMap) -> BitMap:
        """Versions that refer with a parameter to a resource that has a version at one of these positions."""
        return BitMap([by for _, by in self.pointing(sp, positions)])

    def pointed(self, sp: int, pointing: BitMap, base: BitMap) -> BitMap:
        """Those of `base` whose resource a version in `pointing` refers to with a parameter."""
        return BitMap([t for t, by in self.pointing(sp, base) if by in pointing])

    def history(self, type: str, id: str, top: int, some: int) -> list[int]:
        """The last `some` positions at or below `top` of one resource, of a type or (both "") of all, newest first."""
        of: tuple[int | None, ...] = ()
        rows = "SELECT t FROM ver WHERE t <= ? ORDER BY t DESC LIMIT ?"
        if id:
            of = (self.names.known(type, id),)
            rows = "SELECT t FROM hist WHERE rid = ? AND t <= ? ORDER BY t DESC LIMIT ?"
        elif type:
            of = (self.number(type),)
            rows = "SELECT t FROM ver WHERE type = ? AND t <= ? ORDER BY t DESC LIMIT ?"
        return [t for (t,) in self.db.execute(rows, (*of, top, some))]

    def scanned(self, sql: str, values: tuple[object, ...] | Mapping[str, object]) -> BitMap:
        """The positions that `SELECT t FROM … WHERE …` names: one range of one table, whose rows are only added."""
        return BitMap([t for (t,) in self.db.execute(sql, values)])

    def number(self, type: str) -> int:
        """The small integer of a resource type."""
        return TYPES.get(type, 0)

    def last(self, rid: int, t: int) -> int | None:
        """The newest position of a resource at or below t."""
        found: int | None = self.db.execute("SELECT max(t) FROM hist WHERE rid = ? AND t <= ?", (rid, t)).get
        return found

    def standings(self, names: Iterable[tuple[str, str]], t: int) -> dict[tuple[str, str], int]:
        """The newest position at or below t of each (type, id) that has one."""
        found: dict[tuple[str, str], int] = {}
        for name in names:
            rid = self.names.known(*name)
            at = None if rid is None else self.last(rid, t)
            if at is not None:
                found[name] = at
        return found

    def newest(self, type: str, id: str, t: int) -> tuple[int, str] | None:
        """The newest position of `type/id` at or below t, and the keys of its patients; one question for a reader.

        Three scalar questions, each answered by one seek, cost a third of the same as a join.
        """
        found: Any = self.db.execute(
            """SELECT t, pats FROM ver WHERE t = (SELECT t FROM hist WHERE rid =
            (SELECT rid FROM res WHERE type = ? AND id = ?) AND t <= ? ORDER BY t DESC LIMIT 1)""",
            (TYPES.get(type, 0), id, t),
        ).fetchone()
        row: tuple[int, str] | None = found
        return row

    def standing(self, after: int, top: int) -> dict[int, str]:
        """The keys of the patients of each version at after+1 … top that is its resource's current one."""
        rows: Any = self.db.execute("SELECT t, pats FROM ver WHERE t > ? AND t <= ? AND live = 1", (after, top))
        return {t: pats for t, pats in rows if t not in self.dead}

    def patients(self, t: int) -> str:
        """Comma-joined keys of the patients whose compartments the version at t is in."""
        found: str | None = self.db.execute("SELECT pats FROM ver WHERE t = ?", (t,)).get
        return found or ""

    def whose(self, positions: Sequence[int]) -> Iterator[tuple[int, str]]:
        """(t, keys of the patients) of these versions."""
        rows: Any = self.db.execute(self.among, (str(list(positions)),))
        return iter(rows)

    def inherited(self, patients: Iterable[str]) -> BitMap:
        """Positions of all versions that inherit one of these patients' compartments, or nobody knows whose."""
        known = (self.names.known("Patient", patient) for patient in patients)
        return self.heirs.positions(rid for rid in known if rid is not None)


class _Rows:
    """The rows that one batch adds, by table."""

    def __init__(self, file: Tables) -> None:
        self.file = file
        self.names = file.names
        self.tables: dict[str, list[tuple[Any, ...]]] = {name: [] for name in NAMES}
        self.latest: dict[int, int] = {}
        self.pats: dict[int, str] = {}
        self._live: list[tuple[int, int]] = []
        self._labelled: list[int] = []
        self._weight = 0

    def flush(self) -> None:
        """Write what has gathered. The bitmaps follow the tables, so that whoever looks in between sees both or neither."""
        for found in self.tables.values():
            found.sort()
        self.file.put(self.tables)
        self.file.dead.update([before for _, before in self.tables["dead"]])
        for type, t in self._live:
            self.file.by_type[type].add(t)
        self.file.labelled.update(self._labelled)
        self._labelled.clear()
        for found in self.tables.values():
            found.clear()
        self._live.clear()
        self._weight = 0

    def add(self, version: Version, keys: Keys | None) -> Iterator[int] | None:
        """Gather the rows of one version; of a version with many, those of its keys come as the iterator is drawn."""
        type, t = TYPES[version.type], version.t
        rid = self.names.rid(version.type, version.id)
        before = None
        if version.version > 1:
            before = self.latest.get(rid) or self.file.last(rid, t - 1)
        self.latest[rid] = t
        if before is not None:
            self.tables["dead"].append((t, before))
        self.tables["hist"].append((rid, t))
        self.file.heirs.note(version, rid, before)
        if keys is None:
            self._gone(version, type, rid, before)
            self._weight += 10
            return None
        self._live.append((type, t))
        if keys.labels:
            self._labelled.append(t)
        patients = [rid] if version.type == "Patient" else [self.names.rid("Patient", p) for p in keys.patients]
        pats = ",".join(map(str, patients))
        self.pats[t] = pats
        self.tables["ver"].append((t, rid, type, 1, pats))
        self.tables["comp"] += [(patient, t) for patient in patients]
        coded = len(keys.token) + len(keys.text) + len(keys.reference)
        count = coded + len(keys.typed) + len(keys.date) + len(keys.string) + len(keys.quantity)
        found = terms(version.body or b"", keys)
        count += len(found)
        self._weight += 4 + len(patients)
        if count + len(keys.heir_of) > FEW:
            return chain(self._links(t, keys), self._keys(version.type, t, keys), self._terms(t, found))
        if keys.heir_of:
            self.tables["link"] += self.file.heirs.links(t, keys.heir_of)
            self._weight += 3 * len(keys.heir_of)
        self._few(version.type, t, keys)
        self.tables["tok"] += [(sp, self.names.codes[term], 0, t) for sp, term in found]
        self._weight += count
        return None

    def full(self, rows: int = 0) -> bool:
        """Count rows in; whether so many have gathered that they had better be written."""
        self._weight += rows
        return self._weight >= self.file.slice

    def _gone(self, version: Version, type: int, rid: int, before: int | None) -> None:
        """A deletion belongs to the patients of the version before it, an erasure to nobody; neither is in other tables."""
        pats = ""
        if before is not None and version.op != "erase":
            pats = self.pats.get(before) or self.file.patients(before)
        self.pats[version.t] = pats
        self.tables["ver"].append((version.t, rid, type, 0, pats))
        for patient in filter(None, pats.split(",")):
            self.tables["comp"].append((int(patient), version.t))

    def _few(self, type: str, t: int, keys: Keys) -> None:
        """What `_keys` does, for nearly every version there is: all at once, which costs half as much."""
        tables, codes, systems, rids = self.tables, self.names.codes, self.names.systems, self.names.rids
        tokens = [(sp, codes[code], systems[system], t) for sp, system, code in keys.token]
        tables["tok"] += tokens
        tables["dat"] += [(sp, low, high, t) for sp, low, high in keys.date]
        tables["str"] += [(sp, search.normal(text), t) for sp, text in keys.string]
        tables["qty"] += [(sp, value, codes[code], systems[s], t) for sp, s, code, value in keys.quantity]
        patient_sp, code_sps = paired(type)
        for sp, target, id in keys.reference:
            found = rids[target, id]
            tables["ref"].append((sp, found, t))
            if sp == patient_sp:
                tables["pc"] += [(found, s, c, system, t) for s, c, system, _ in tokens if s in code_sps]
        if keys.typed:
            tables["tok"] += [(sp, codes[of_type(*typed)], 0, t) for sp, *typed in keys.typed]
        tables["txt"] += [(sp, url, codes[url], 0) for sp, _, url in keys.token if sp in URIS]
        for sp, text in keys.text:
            own = [(c, s) for one, c, s, _ in tokens if one == sp]
            if not own:
                tables["tok"].append((sp, codes[NO_CODE], 0, t))
                own = [(codes[NO_CODE], 0)]
            norm = search.normal(text)
            tables["txt"] += [(sp, norm, c, s) for c, s in own]

    def _terms(self, t: int, found: Sequence[tuple[int, str]]) -> Iterator[int]:
        """The words of free text, some hundreds at a time."""
        for some in _parts(found):
            self.tables["tok"] += [(sp, self.names.codes[term], 0, t) for sp, term in some]
            yield len(some)

    def _links(self, t: int, keys: Keys) -> Iterator[int]:
        """What the version inherits from, some hundreds at a time; yields how many rows that may come to."""
        for heir_of in _parts(keys.heir_of):
            self.tables["link"] += self.file.heirs.links(t, heir_of)
            yield 3 * len(heir_of)

    def _keys(self, type: str, t: int, keys: Keys) -> Iterator[int]:
        """The rows of the keys, some hundreds at a time; yields how many."""
        names, tables = self.names, self.tables
        codes, systems = names.codes, names.systems
        patient_sp, code_sps = paired(type)
        whose = [names.rid(target, id) for sp, target, id in keys.reference if sp == patient_sp]
        tokens: list[tuple[int, int, int, int]] = []
        for some in _parts(keys.token):
            part = [(sp, codes[code], systems[system], t) for sp, system, code in some]
            tokens += part
            tables["tok"] += part
            tables["txt"] += [(sp, url, codes[url], 0) for sp, _, url in some if sp in URIS]
            coded = [(s, c, system, t) for s, c, system, _ in part if s in code_sps]
            tables["pc"] += [(rid, *one) for rid in whose for one in coded]
            yield len(part) + len(whose) * len(coded)
        for dates in _parts(keys.date):
            tables["dat"] += [(sp, low, high, t) for sp, low, high in dates]
            yield len(dates)
        for strings in _parts(keys.string):
            tables["str"] += [(sp, search.normal(text), t) for sp, text in strings]
            yield len(strings)
        for amounts in _parts(keys.quantity):
            tables["qty"] += [(sp, value, codes[code], systems[s], t) for sp, s, code, value in amounts]
            yield len(amounts)
        for typed in _parts(keys.typed):
            tables["tok"] += [(sp, codes[of_type(*one)], 0, t) for sp, *one in typed]
            yield len(typed)
        for references in _parts(keys.reference):
            tables["ref"] += [(sp, names.rid(target, id), t) for sp, target, id in references]
            yield 2 * len(references)
        yield from self.texts(keys.text, tokens, t)

    def texts(
        self, texts: Sequence[tuple[int, str]], tokens: Sequence[tuple[int, int, int, int]], t: int
    ) -> Iterator[int]:
        """Which codes a display occurs with; where there are none, or very many, it gets a token of its own."""
        if not texts:
            return
        codes: dict[int, list[tuple[int, int]]] = {}
        for sp, c, s, _ in tokens:
            codes.setdefault(sp, []).append((c, s))
        many = Counter(sp for sp, _ in texts)
        for some in _parts(texts):
            before = len(self.tables["txt"])
            for sp, text in some:
                norm, own = search.normal(text), codes.get(sp, [])
                if not own or len(own) * many[sp] > MOST_PAIRS:
                    code = self.names.code(NO_CODE)
                    self.tables["tok"].append((sp, code, 0, t))
                    own = [(code, 0)]
                self.tables["txt"] += [(sp, norm, c, s) for c, s in own]
            yield len(self.tables["txt"]) - before


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """All of them at once where they are few, as they nearly always are."""
    if len(rows) <= SLICE_ROWS:
        if rows:
            yield rows
        return
    for start in range(0, len(rows), SLICE_ROWS):
        yield rows[start : start + SLICE_ROWS]
