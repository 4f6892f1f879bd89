"""The index tables in PostgreSQL: written in the log's own transaction, so that every worker sees entry and rows at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pyroaring import BitMap

from onmaru.engines.index.names import TYPE_NAMES
from onmaru.engines.index.tables import Tables
from onmaru.engines.postgres.link import Link, columns, unnested
from onmaru.engines.postgres.names import PgNames
from onmaru.engines.postgres.schema import TYPES
from onmaru.fhir.keys import Keys
from onmaru.kernel.compartment import MANY
from onmaru.kernel.log import Version

_STRINGS = "SELECT t FROM str WHERE sp = :sp AND left(norm, 100) "


class PgTables(Tables):
    """Rows of a batch go in one statement; what other workers wrote is learnt by `learn`."""

    slice = 20_000
    equals = _STRINGS + "= left(:low, 100) AND norm = :low"
    begins = _STRINGS + "BETWEEN left(:low, 100) AND left(:high, 100) AND norm >= :low AND norm < :high"

    def __init__(self, link: Link, codes: bytes, position: int, next_rid: int) -> None:
        self._link = link
        self._names = PgNames(link, codes, next_rid)
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
        some = {table: _safe(table, found) for table, found in {**self._names.rows, **rows}.items() if found}
        if some:
            arrays = [array for found in some.values() for array in columns(found)]
            self._link.execute(unnested({table: TYPES[table] for table in some}), arrays)
        for found in self._names.rows.values():
            found.clear()

    def foresee(self, batch: Sequence[tuple[Version, Keys | None]]) -> Mapping[int, int]:
        """All keys and all standing positions that the batch needs, in two questions."""
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
            "SELECT v.t, r.t FROM ver v JOIN ref r ON r.sp = ? AND r.rid = v.rid WHERE v.t = ANY(?)",
            (sp, list(positions)),
        )
        return iter(rows)

    def naming(self, sps: Sequence[int], rids: Sequence[int]) -> BitMap:
        """All in one question."""
        rows = self._link.execute("SELECT t FROM ref WHERE sp = ANY(?) AND rid = ANY(?)", (list(sps), list(rids)))
        return BitMap([t for (t,) in rows])

    def whose(self, positions: Sequence[int]) -> Iterator[tuple[int, str]]:
        """(t, keys of the patients) of these versions; the patients' ids are remembered."""
        rows = self._link.execute("SELECT t, pats FROM ver WHERE t = ANY(?)", (list(positions),))
        self._names.people({int(rid) for _, pats in rows for rid in pats.split(",") if rid})
        return iter(rows)

    def learn(self, t: int, next_rid: int) -> list[str]:
        """Take in what other workers appended up to `t`: the names of the resources that have moved."""
        after = self.position
        self._names.learn(next_rid)
        moved = []
        for position, type, live, id in self._link.execute(
            "SELECT v.t, v.type, v.live, r.id FROM ver v JOIN res r ON r.rid = v.rid WHERE v.t > ? AND v.t <= ?",
            (after, t),
        ):
            moved.append(f"{TYPE_NAMES[type]}/{id}")
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
        for bits in self.by_type.values():
            bits.difference_update(BitMap(positions))


def _safe(table: str, rows: list[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
    """Each row of `str` once, since no key of the table sees to that."""
    return list(dict.fromkeys(rows)) if table == "str" else rows
