"""Hot projection tables in SQLite: rows and position change in one transaction, so a kill neither skips nor doubles."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from onmaru.engines.sqlite.connection import connect
from onmaru.kernel.gate import SHARED, Sight
from onmaru.kernel.lake import View
from onmaru.kernel.log import Log, Version
from onmaru.kernel.projection import Projection, Row, Table

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
BATCH = 1000


class HotTables:
    """The tables of the projections whose store is "hot", one file a tenant."""

    sites = False

    def __init__(self, folder: Path, key: bytes, projections: Sequence[Projection]) -> None:
        self.db = connect(folder / "rows.db", key, cache_mb=64)
        self.db.execute("CREATE TABLE IF NOT EXISTS follow(name TEXT PRIMARY KEY, position INTEGER) WITHOUT ROWID")
        self.projections = [one for one in projections if any(table.store == "hot" for table in one.tables)]
        self.tables: dict[str, tuple[Table, str]] = {}
        for projection in self.projections:
            for table in projection.tables:
                if table.store == "hot":
                    physical = f"{table.name}__{projection.version}"
                    self.tables[table.name] = (table, physical)
                    self._make(table, physical)
        self._drop_old()

    def _make(self, table: Table, physical: str) -> None:
        columns = ", ".join(f'"{name}" {TYPES[kind]}' for name, kind in table.columns)
        self.db.execute(f'CREATE TABLE IF NOT EXISTS "{physical}"({OWN}, {columns})')
        self.db.execute(f'CREATE INDEX IF NOT EXISTS "{physical}_source" ON "{physical}"(_source)')
        wanted = ", ".join(f'"{name}"' for name in table.index)
        extra = f", {wanted}" if wanted else ""
        self.db.execute(f'CREATE INDEX IF NOT EXISTS "{physical}_patient" ON "{physical}"(_patient{extra})')

    def _drop_old(self) -> None:
        """Drop the tables of earlier projection versions: the house catches up before it answers the first request."""
        current = {physical for _, physical in self.tables.values()} | {"follow"}
        names: list[Any] = self.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            if name not in current and "__" in name:
                self.db.execute(f'DROP TABLE "{name}"')

    def position(self, projection: Projection) -> int:
        """How far this projection has followed."""
        name = f"{projection.name}__{projection.version}"
        found: int | None = self.db.execute("SELECT position FROM follow WHERE name = ?", (name,)).get
        return found or 0

    def catch_up(self, projection: Projection, log: Log, limit: int = BATCH) -> bool:
        """Follow one batch; False when there was nothing to follow."""
        position = self.position(projection)
        batch = log.read(position, limit)
        if not batch:
            return False
        wanted = [version for version in batch if version.type in projection.types]
        made = list(projection.apply(wanted))
        with self.db:
            for version, rows in made:
                self._replace(projection, version, rows)
            name = f"{projection.name}__{projection.version}"
            self.db.execute("INSERT OR REPLACE INTO follow VALUES(?,?)", (name, batch[-1].t))
        return True

    def _replace(self, projection: Projection, version: Version, rows: Iterable[Row]) -> None:
        if version.version > 1:
            for table in projection.tables:
                if table.store == "hot":
                    self.db.execute(f'DELETE FROM "{self.tables[table.name][1]}" WHERE _source = ?', (version.name,))
        for row in rows:
            if row.table not in self.tables:
                continue
            table, physical = self.tables[row.table]
            marks = ",".join("?" * (6 + len(table.columns)))
            own = (version.name, version.version, version.t, row.patient.partition(" ")[0], row.patient, row.labels)
            self.db.execute(f'INSERT INTO "{physical}" VALUES({marks})', (*own, *row.values))

    def query(self, view: View, params: Mapping[str, Any], sight: Sight) -> pa.Table:
        """Run a view over what `sight` sees."""
        scopes = ", ".join(f'"{name}" AS NOT MATERIALIZED ({self._filtered(name, sight)})' for name in view.tables)
        sql = view.sql.strip()
        head, rest = ("WITH ", sql)
        if sql[:5].upper() == "WITH ":
            rest = ", " + sql[5:]
        values = {
            **params,
            "__denied": json.dumps(sorted(sight.denied)),
            "__concealed": json.dumps(sorted(sight.concealed)),
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

    def publish(self, name: str, table: pa.Table) -> None:
        """Site tables are columnar."""
        raise LookupError(f"{name}: a hot table is kept by a projection only")

    def reached(self, names: Sequence[str]) -> int:
        """The position that all projections of these tables have followed to."""
        asked = set(names)
        return min(self.position(one) for one in self.projections if asked & {table.name for table in one.tables})

    def close(self) -> None:
        """Close the file."""
        self.db.close()
