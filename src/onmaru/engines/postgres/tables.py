"""The index tables in PostgreSQL: written in the log's own transaction, so that every worker sees entry and rows at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pyroaring import BitMap

from onmaru.engines.index.names import SEVERAL_AT_MOST, TYPE_NAMES
from onmaru.engines.index.tables import Tables
from onmaru.engines.postgres.groups import GROUPS, SPAN, putting, putting_one, taking
from onmaru.engines.postgres.link import Link, columns
from onmaru.engines.postgres.names import PgNames
from onmaru.engines.postgres.ranges import Ranges, Values
from onmaru.engines.postgres.schema import COLUMNS, TYPES
from onmaru.fhir.keys import Keys
from onmaru.kernel.compartment import MANY
from onmaru.kernel.log import Version

# Tables that most groups have no rows for: each costs as much as some rows do
RARE = ("sys", "dead", "link", "heir")
USUAL = {table: types for table, types in TYPES.items() if table not in RARE}
# Rows bear their own position, so only texts of codes can be there before
_FIRST, _MORE = putting(COLUMNS, TYPES, {"txt"}), putting(COLUMNS, TYPES, TYPES)
_MOSTLY, _ONE = putting(COLUMNS, USUAL, {"txt"}), putting_one(COLUMNS, USUAL, {"txt"})
Types = Mapping[str, Sequence[str]]
_POINTED = """SELECT array_agg(DISTINCT v.t) FROM unnest(?::int4[]) p(t) JOIN ref r ON r.sp = ? AND r.t = p.t
 JOIN ver v ON v.rid = r.rid JOIN unnest(?::int4[]) b(t) ON b.t = v.t"""
_STRINGS = "SELECT t FROM str WHERE sp = :sp AND left(norm, 100) "


class PgTables(Tables):
    """Rows of a batch go in one statement; what other workers wrote is learnt by `learn`."""

    slice = 20_000
    tokens = "toks"
    equals = _STRINGS + "= left(:low, 100) AND norm = :low"
    begins = _STRINGS + "BETWEEN left(:low, 100) AND left(:high, 100) AND norm >= :low AND norm < :high"

    def __init__(self, link: Link, codes: bytes, position: int, next_rid: int) -> None:
        self._link = link
        self._names = PgNames(link, codes, next_rid)
        self._ranges = Ranges(link, position)
        # Whether rows of this batch were put already, so that more of the same version may repeat some
        self._began = False
        # Where resources stand, by key: the newest position that was written or looked up
        self._last: dict[int, int] = {}
        super().__init__(link, self._names, position)

    @property
    def last_rid(self) -> int:
        """The last key of a resource that was given."""
        return self._names.next_rid - 1

    def begin(self) -> None:
        """The home has begun: nothing is indexed without its lock."""
        if not self._link.in_transaction:
            raise RuntimeError("rows are put under the append lock only")

    def put(self, rows: Mapping[str, list[tuple[Any, ...]]]) -> None:
        """Insert rows by table, with the names that they brought up, in one statement."""
        some = {**self._names.rows, **rows}
        # What may follow SPAN positions in one batch are erasures, which have no keys
        last = [min(self.begun, self.position + SPAN)]
        # A few statements for all, whichever tables have rows, so that they are planned once
        if self._began:
            self._insert(_MORE, TYPES, some, last)
        elif any(some[table] for table in RARE):
            self._insert(_FIRST, TYPES, some, last)
        elif len(some["ver"]) > 1 or self.begun > self.position + 1:
            self._insert(_MOSTLY, USUAL, some, last)
        else:
            self._insert(_ONE, USUAL, some, [])
        self._began = True
        self._ranges.put(rows)
        for found in self._names.rows.values():
            found.clear()
        self._stood((rid, t) for rid, t in rows.get("hist", ()) if rid in self._last)

    def _insert(self, sql: str, tables: Types, rows: Mapping[str, list[tuple[Any, ...]]], last: list[int]) -> None:
        arrays = [array for table, types in tables.items() for array in columns(dict.fromkeys(rows[table]), len(types))]
        self._link.execute(sql, [*arrays, *last])

    def ready(self) -> None:
        """Have the statements of every group planned before somebody waits for the first; nothing is written."""
        self._names.ready()
        self._link.script("BEGIN")
        empty: dict[str, list[tuple[Any, ...]]] = {table: [] for table in TYPES}
        for sql, tables, last in ((_FIRST, TYPES, [0]), (_MOSTLY, USUAL, [0]), (_ONE, USUAL, [])):
            self._insert(sql, tables, empty, last)
        self._link.script("ROLLBACK")

    def _stood(self, found: Iterable[tuple[int, int]]) -> None:
        if len(self._last) >= SEVERAL_AT_MOST:
            self._last.clear()
        self._last.update(found)

    def scanned(self, sql: str, values: Values) -> BitMap:
        """From memory up to where it was read before."""
        return self._ranges.read(sql, values, self.position)

    def beyond(self, sql: str, values: tuple[object, ...], t: int) -> BitMap:
        """What was read before is remembered already."""
        found = self.scanned(sql, values)
        found.remove_range(0, t + 1)
        return found

    def bearing(self, sp: int, code: int, system: int, below: int, some: int) -> list[int]:
        """From memory too."""
        return _last(
            self.scanned("SELECT t FROM tok WHERE sp = ? AND c = ? AND s = ?", (sp, code, system)), below - 1, some
        )

    def pointed(self, sp: int, pointing: BitMap, base: BitMap) -> BitMap:
        """In one question, asked again when anything was written."""
        return self._ranges.whole(_POINTED, (list(pointing), sp, list(base)), self.position)

    def history(self, type: str, id: str, top: int, some: int) -> list[int]:
        """From memory too; positions are dense, so those of all need no look."""
        if not type:
            return list(range(top, max(0, top - some), -1))
        if id:
            rid = self._names.known(type, id)
            bits = self.scanned("SELECT t FROM hist WHERE rid = ?", (rid,)) if rid is not None else BitMap()
        else:
            bits = self.scanned("SELECT t FROM ver WHERE type = ?", (self.number(type),))
        return _last(bits, top, some)

    def erase(self, positions: Sequence[int]) -> Sequence[tuple[int, int, int]]:
        """The tables' own, and what is kept of ranges."""
        self._ranges.forget()
        return super().erase(positions)

    def cleared(self, table: str) -> None:
        """Out of what lies together too."""
        if table not in GROUPS:
            super().cleared(table)
            return
        for statement in taking(table):
            self._link.execute(statement)

    def last(self, rid: int, t: int) -> int | None:
        """From memory where nothing newer is known."""
        known = self._last.get(rid)
        return known if known is not None and known <= t else super().last(rid, t)

    def standings(self, names: Iterable[tuple[str, str]], t: int) -> dict[tuple[str, str], int]:
        """What is not in memory in two questions."""
        rids = self._names.known_of(list(names))
        asked = [rid for rid in rids.values() if self._last.get(rid, t + 1) > t]
        older: dict[int, int] = {}
        if asked:
            rows = "SELECT rid, max(t) FROM hist WHERE rid = ANY(?) AND t <= ? GROUP BY rid"
            older = dict(self._link.execute(rows, (asked, t)))
        stands = {name: older.get(rid) or self._last.get(rid, t + 1) for name, rid in rids.items()}
        if t >= self.begun:
            self._stood(older.items())
        return {name: at for name, at in stands.items() if at <= t}

    def foresee(self, batch: Sequence[tuple[Version, Keys | None]]) -> Mapping[int, int]:
        """All keys and all standing positions that the batch needs, in two questions."""
        self._began = False
        wanted: list[tuple[str, str]] = []
        for version, keys in batch:
            wanted.append((version.type, version.id))
            if keys is not None:
                wanted += [("Patient", patient) for patient in keys.patients]
                wanted += [(type, id) for _, type, id in keys.reference]
                wanted += [name for name in keys.heir_of if name != MANY]
        self._names.foresee(wanted)
        again = [self.names.rid(version.type, version.id) for version, _ in batch if version.version > 1]
        if not again:
            return {}
        rows = self._link.execute("SELECT rid, max(t) FROM hist WHERE rid = ANY(?) GROUP BY rid", (again,))
        return dict(rows)

    def pointing(self, sp: int, positions: Iterable[int]) -> Iterator[tuple[int, int]]:
        """All in one question."""
        rows = self._link.execute(
            """SELECT v.t, r.t - unnest(coalesce(r.more, '{0}')) FROM ver v JOIN refs r ON r.sp = ? AND r.rid = v.rid
            WHERE v.t = ANY(?)""",
            (sp, list(positions)),
        )
        return iter(rows)

    def naming(self, sps: Sequence[int], rids: Sequence[int]) -> BitMap:
        """All in one question."""
        rows = "SELECT t FROM ref WHERE sp = ANY(?) AND rid = ANY(?)"
        return self._ranges.read(rows, (list(sps), list(rids)), self.position)

    def referring(self, sp: int, positions: BitMap) -> BitMap:
        """In one question, and that only for what is new."""
        rows = "SELECT t FROM ref WHERE sp = ? AND rid = ANY(ARRAY(SELECT rid FROM ver WHERE t = ANY(?)))"
        return self._ranges.read(rows, (sp, list(positions)), self.position)

    def whose(self, positions: Sequence[int]) -> Iterator[tuple[int, str]]:
        """(t, keys of the patients) of these versions; the patients' ids are remembered."""
        rows = self._link.execute("SELECT t, pats FROM ver WHERE t = ANY(?)", (list(positions),))
        self._names.people({int(rid) for _, pats in rows for rid in pats.split(",") if rid})
        return iter(rows)

    def learn(self, t: int, next_rid: int) -> list[str]:
        """Take in what other workers appended up to `t`: the names of the resources that have moved."""
        after = self.position
        self._names.learn(next_rid)
        self._ranges.others(t)
        moved = []
        for position, type, live, id, rid in self._link.execute(
            """SELECT v.t, v.type, v.live, r.id, v.rid FROM ver v JOIN res r ON r.rid = v.rid
            WHERE v.t > ? AND v.t <= ? ORDER BY v.t""",
            (after, t),
        ):
            moved.append(f"{TYPE_NAMES[type]}/{id}")
            if rid in self._last:
                self._last[rid] = position
            if live:
                self.by_type[type].add(position)
        self.dead.update(
            [one for (one,) in self._link.execute("SELECT t FROM dead WHERE by > ? AND by <= ?", (after, t))]
        )
        self.heirs.learn(after)
        self.position = self.begun = self.committed = t
        return moved

    def taken(self, positions: Sequence[int]) -> None:
        """Another worker's erasure took these out of the tables."""
        if positions:
            self._ranges.forget()
        for bits in self.by_type.values():
            bits.difference_update(BitMap(positions))


def _last(bits: BitMap, top: int, some: int) -> list[int]:
    """The last `some` at or below `top`, newest first."""
    last = bits.rank(top)
    return list(reversed(bits[max(0, last - some) : last]))
