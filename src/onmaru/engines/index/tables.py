"""The tables of a search index: the log's first follower. Rows are inserted and closed, never rewritten.

What a version adds is gathered by table and written some hundreds of rows at a time, between other answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pyroaring import BitMap

from onmaru.engines.index.database import Database
from onmaru.engines.index.heirs import Heirs
from onmaru.engines.index.marks import URIS
from onmaru.engines.index.names import TYPE_NAMES, TYPES, Names
from onmaru.engines.index.rows import SECURITY, SLICE_ROWS, Rows
from onmaru.fhir.keys import Keys
from onmaru.kernel.log import Version


class Tables:
    """The index tables of one tenant and what is kept of them in memory: live positions by type and closed positions.

    An engine opens them, writes rows (`put`) and makes them permanent. `equals` and `begins` find folded strings; `tokens`
    is the table that those of codes lie in.
    """

    slice = SLICE_ROWS
    equals = "SELECT t FROM str WHERE sp = :sp AND norm = :low"
    begins = "SELECT t FROM str WHERE sp = :sp AND norm >= :low AND norm < :high"
    tokens = "tok"
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
        rows = Rows(self)
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
            self.cleared(table)
        self.db.execute("DELETE FROM taken")
        return list(codes)

    def cleared(self, table: str) -> None:
        """Take the rows of the positions in `taken` out of a table."""
        self.db.execute(f"DELETE FROM {table} WHERE t IN (SELECT t FROM taken)")

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

    def bearing(self, sp: int, code: int, system: int, below: int, some: int) -> list[int]:
        """The last `some` positions below one that a code occurs at, newest first."""
        rows = "SELECT t FROM tok WHERE sp = ? AND c = ? AND s = ? AND t < ? ORDER BY t DESC LIMIT ?"
        return [t for (t,) in self.db.execute(rows, (sp, code, system, below, some))]

    def codes(self, sp: int) -> Iterator[tuple[int, int]]:
        """Each (code, system) that occurs with a parameter: a seek each, however many rows it has."""
        last = -1, -1
        sql = f"SELECT c, s FROM {self.tokens} WHERE sp = ? AND (c, s) > (?, ?) ORDER BY c, s LIMIT 1"
        while (found := self.db.execute(sql, (sp, *last)).fetchone()) is not None:
            last = found
            yield last

    def unlearn(self, sp: int, code: int, system: int, texts: set[str]) -> None:
        """Forget display texts of a code."""
        rows = [(sp, norm, code, system) for norm in texts]
        self.db.executemany("DELETE FROM txt WHERE sp = ? AND norm = ? AND c = ? AND s = ?", rows)

    def words(self, keys: Keys, sp: int) -> set[tuple[str, int, int]]:
        """(text, code, system) that a resource shows the codes of one parameter with."""
        rows = Rows(self)
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

    def beyond(self, sql: str, values: tuple[object, ...], t: int) -> BitMap:
        """The same of positions above t."""
        return self.scanned(f"{sql} AND t > ?", (*values, t))

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
