"""Hot projection tables in SQLite: rows and position change in one transaction, so a kill neither skips nor doubles."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa

from onmaru.engines.sqlite.connection import connect, truncated
from onmaru.kernel.gate import SHARED, Sight
from onmaru.kernel.lake import Layout, Script, View
from onmaru.kernel.log import Log, Version
from onmaru.kernel.projection import Projection, Row, Table, rows_of

TYPES = {
    "text": "TEXT",
    "int": "INTEGER",
    "float": "REAL",
    "bool": "INTEGER",
    "date": "INTEGER",
    "timestamp": "INTEGER",
}
OWN = "_source TEXT, _version INTEGER, _t INTEGER, _patient TEXT, _patients TEXT, _labels TEXT"
BELONGS = "instr(' ' || _patients || ' ', ' ' || d.value || ' ')"
MARKED = "instr(' ' || _labels || ' ', ' ' || d.value || ' ')"
BATCH = 1000


class HotTables:
    """The tables of the projections whose store is "hot", one file a tenant.

    A new version of a projection is built beside the one before, which serves until the new one has reached it.
    `tables` gives what serves; `older` the version that does so for a projection whose new one is still behind.
    """

    sites = False

    def __init__(self, folder: Path, key: bytes, projections: Sequence[Projection]) -> None:
        self.db = connect(folder / "rows.db", key, cache_mb=64)
        self.db.execute("CREATE TABLE IF NOT EXISTS follow(name TEXT PRIMARY KEY, position INTEGER) WITHOUT ROWID")
        self.projections = [one for one in projections if any(table.store == "hot" for table in one.tables)]
        self.tables: dict[str, tuple[Table, str]] = {}
        self.older: dict[str, int] = {}
        for projection in self.projections:
            older = self._before(projection)
            if older is not None:
                self.older[projection.name] = older
            for table in _hot(projection):
                self._make(table, _physical(table, projection.version))
                self.tables[table.name] = (table, _physical(table, projection.version if older is None else older))
        for projection in self.projections:
            self._settle(projection)
        self._drop_unnamed()

    def _before(self, projection: Projection) -> int | None:
        """The version before that followed furthest, if its rows answer today's views."""
        found: list[Any] = self.db.execute("SELECT name, position FROM follow ORDER BY position DESC").fetchall()
        for name, _ in found:
            one, _, version = name.rpartition("__")
            if one == projection.name and int(version) != projection.version and self._serves(projection, int(version)):
                return int(version)
        return None

    def _serves(self, projection: Projection, version: int) -> bool:
        for table in _hot(projection):
            info: list[Any] = self.db.execute(f'PRAGMA table_info("{_physical(table, version)}")').fetchall()
            if not {name for name, _ in table.columns} <= {row[1] for row in info}:
                return False
        return True

    def _settle(self, projection: Projection) -> None:
        """Let the new version serve, and drop the older, as soon as it has come as far."""
        older = self.older.get(projection.name)
        if older is None or self.position(projection) < self._position(projection.name, older):
            return
        del self.older[projection.name]
        for table in _hot(projection):
            self.tables[table.name] = (table, _physical(table, projection.version))
        self._drop_unnamed()

    def _make(self, table: Table, physical: str) -> None:
        columns = ", ".join(f'"{name}" {TYPES[kind]}' for name, kind in table.columns)
        self.db.execute(f'CREATE TABLE IF NOT EXISTS "{physical}"({OWN}, {columns})')
        self.db.execute(f'CREATE INDEX IF NOT EXISTS "{physical}_source" ON "{physical}"(_source)')
        wanted = ", ".join(f'"{name}"' for name in table.index)
        extra = f", {wanted}" if wanted else ""
        self.db.execute(f'CREATE INDEX IF NOT EXISTS "{physical}_patient" ON "{physical}"(_patient{extra})')

    def _drop_unnamed(self) -> None:
        """Drop, with their positions, tables that neither serve nor are built: those of versions that nobody asks for."""
        built = [(_physical(table, one.version), one, one.version) for one in self.projections for table in _hot(one)]
        named = {physical for physical, _, _ in built} | {physical for _, physical in self.tables.values()}
        kept = {f"{one.name}__{version}" for _, one, version in built}
        kept |= {f"{name}__{version}" for name, version in self.older.items()}
        with self.db:
            tables: list[Any] = self.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (name,) in tables:
                if name not in named and "__" in name:
                    self.db.execute(f'DROP TABLE "{name}"')
            followed: list[Any] = self.db.execute("SELECT name FROM follow").fetchall()
            self.db.executemany("DELETE FROM follow WHERE name = ?", [one for one in followed if one[0] not in kept])

    def position(self, projection: Projection) -> int:
        """How far this projection has followed."""
        return self._position(projection.name, projection.version)

    def _position(self, name: str, version: int) -> int:
        found: int | None = self.db.execute("SELECT position FROM follow WHERE name = ?", (f"{name}__{version}",)).get
        return found or 0

    def catch_up(self, projection: Projection, log: Log, limit: int = BATCH) -> bool:
        """Follow one batch; False when there was nothing to follow."""
        batch = log.read(self.position(projection), limit)
        if batch:
            self.take(projection, batch, {})
        return bool(batch)

    def take(self, projection: Projection, batch: Sequence[Version], made: Mapping[int, Sequence[Row]]) -> None:
        """Follow versions that come right after the position, in one atomic step; see `rows_of` for `made`."""
        found = list(rows_of(projection, batch, made))
        with self.db:
            for version, rows in found:
                self._replace(projection, version, rows)
            name = f"{projection.name}__{projection.version}"
            self.db.execute("INSERT OR REPLACE INTO follow VALUES(?,?)", (name, batch[-1].t))
        self._settle(projection)

    def _replace(self, projection: Projection, version: Version, rows: Iterable[Row]) -> None:
        if version.version > 1:
            for table in _hot(projection):
                physical = _physical(table, projection.version)
                self.db.execute(f'DELETE FROM "{physical}" WHERE _source = ?', (version.name,))
        for row in rows:
            if row.table not in self.tables:
                continue
            table = self.tables[row.table][0]
            physical = _physical(table, projection.version)
            marks = ",".join("?" * (6 + len(table.columns)))
            own = (version.name, version.version, version.t, row.patient.partition(" ")[0], row.patient, row.labels)
            self.db.execute(f'INSERT INTO "{physical}" VALUES({marks})', (*own, *row.values))

    def query(self, view: View, params: Mapping[str, Any], sight: Sight, t: int | None = None) -> pa.Table:
        """Run a view over what `sight` sees; of no past position, since hot tables keep no past."""
        if t is not None:
            raise LookupError(f"view {view.name} is over hot tables, which keep no past")
        scopes = ", ".join(f'"{name}" AS NOT MATERIALIZED ({self._filtered(name, sight)})' for name in view.tables)
        sql = view.sql.strip()
        head, rest = ("WITH ", sql)
        if sql[:5].upper() == "WITH ":
            rest = ", " + sql[5:]
        values = {
            **params,
            "__denied": json.dumps(sorted(sight.denied)),
            "__concealed": json.dumps(sorted(sight.concealed)),
            "__masked": json.dumps(sight.marks),
            "__lifted": json.dumps(sorted(sight.lifted)),
            "__only": json.dumps(sorted(sight.only or ())),
            "__types": json.dumps(sorted(sight.types or ())),
        }
        names: list[str] = []
        cursor = self.db.cursor()

        def named(running: Any, *_: Any) -> bool:
            """Before the first row: afterwards a cursor without rows has no description any more."""
            names[:] = [column[0] for column in running.get_description()]
            return True

        cursor.exec_trace = named
        rows = cursor.execute(f"{head}{scopes} {rest}", values).fetchall()
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
        return pa.table([pa.array(column) for column in columns], names=names)

    def _filtered(self, name: str, sight: Sight) -> str:
        physical = self.tables[name][1]
        conditions = []
        if sight.denied:
            conditions.append("NOT EXISTS (SELECT 1 FROM json_each(:__denied) d WHERE " + BELONGS + ")")
        if sight.concealed:
            conditions.append("_source NOT IN (SELECT value FROM json_each(:__concealed))")
        if sight.masked:
            marked = "NOT EXISTS (SELECT 1 FROM json_each(:__masked) d WHERE " + MARKED + ")"
            conditions.append(f"({marked} OR _patients IN (SELECT value FROM json_each(:__lifted)))")
        if sight.only is not None:
            shared = "', '".join(sorted(SHARED))
            own = "_patient IN (SELECT value FROM json_each(:__only))"
            conditions.append(
                f"({own} OR (_patient = '' AND substr(_source, 1, instr(_source, '/') - 1) IN ('{shared}')))"
            )
        if sight.types is not None:
            conditions.append("substr(_source, 1, instr(_source, '/') - 1) IN (SELECT value FROM json_each(:__types))")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f'SELECT * FROM "{physical}"{where}'

    def published(self) -> Sequence[str]:
        """None: it takes no site tables."""
        return ()

    def publish(self, name: str, table: pa.Table | pa.RecordBatchReader) -> None:
        """Site tables are columnar."""
        raise LookupError(f"{name}: a hot table is kept by a projection only")

    def keeps_past(self, name: str) -> bool:
        """No hot table does."""
        return False

    def layout(self, name: str) -> Layout:
        """Its columns; the bytes are those of one file that holds all hot tables."""
        table, _ = self.tables[name]
        columns = pa.schema([(column, _ARROW.get(kind, pa.int64())) for column, kind in table.columns])
        return Layout(columns, 1, 0, self.reached((name,)))

    def script(self, script: Script, given: Mapping[str, pa.Table], sight: Sight, t: int | None = None) -> NoReturn:
        """Scripts are for analysis."""
        raise LookupError(f"script {script.name} is over hot tables, which one thread alone may read")

    def reached(self, names: Sequence[str]) -> int:
        """The position that all projections of these tables have followed to."""
        asked = set(names)
        serving = [one for one in self.projections if asked & {table.name for table in one.tables}]
        return min(self._position(one.name, self.older.get(one.name, one.version)) for one in serving)

    def emptied(self) -> bool:
        """See `Home.emptied`."""
        return truncated(self.db)

    def close(self) -> None:
        """Close the file."""
        self.db.close()


_ARROW = {"text": pa.string(), "float": pa.float64()}


def _hot(projection: Projection) -> list[Table]:
    return [table for table in projection.tables if table.store == "hot"]


def _physical(table: Table, version: int) -> str:
    """The name that a table has in the file."""
    return f"{table.name}__{version}"
