"""The journey's views on bare SQLite and DuckDB: enough of the Lake door to try the SQL before any engine does."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb
import msgspec

from onmaru.kernel.lake import View
from onmaru.kernel.log import Version
from onmaru.kernel.projection import Projection, Table

_TYPES = {
    "text": "TEXT",
    "int": "BIGINT",
    "float": "DOUBLE",
    "bool": "INTEGER",
    "date": "BIGINT",
    "timestamp": "BIGINT",
}


def version(body: Mapping[str, Any], number: int = 1, *, op: str = "create") -> Version:
    """A stored version of a resource; `op` delete has no body."""
    raw = None if op in ("delete", "erase") else msgspec.json.encode(body)
    return Version(1, body["resourceType"], body["id"], number, op, 0, raw)  # type: ignore[arg-type]


class Tables:
    """The rows that a projection's versions stand for, in SQLite and, where they are `queried`, in DuckDB."""

    def __init__(self, projection: Projection, *, queried: bool = True) -> None:
        self.projection = projection
        self.lite = sqlite3.connect(":memory:")
        self.duck = duckdb.connect()
        self.both: tuple[Any, ...] = (self.lite, self.duck) if queried else (self.lite,)
        for table in projection.tables:
            made = _create(table)
            self.lite.execute(made)
            self.duck.execute(made)
            index = ", ".join(("_patient", *table.index))
            self.lite.execute(f"CREATE INDEX i_{table.name} ON {table.name} ({index})")

    def follow(self, versions: Iterable[Version], batch: int = 100) -> None:
        waiting = list(versions)
        for start in range(0, len(waiting), batch):
            for one, rows in self.projection.apply(waiting[start : start + batch]):
                self._replace(one, rows)

    def _replace(self, one: Version, rows: Iterable[Any]) -> None:
        for table in self.projection.tables:
            for connection in self.both:
                connection.execute(f"DELETE FROM {table.name} WHERE _source = ?", (one.name,))
        for row in rows:
            values = (one.name, one.version, one.t, row.patient, row.labels, *row.values)
            marks = ", ".join("?" * len(values))
            for connection in self.both:
                connection.execute(f"INSERT INTO {row.table} VALUES ({marks})", values)

    def query(self, view: View, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The answer, after making sure that both engines give the same."""
        used = {name: value for name, value in params.items() if f":{name}" in view.sql}
        found = self.lite.execute(view.sql, used)
        names = [column[0] for column in found.description]
        rows = found.fetchall()
        sql = view.sql
        for name in sorted(used, key=len, reverse=True):
            sql = sql.replace(f":{name}", f"${name}")
        assert [tuple(row) for row in self.duck.execute(sql, used).fetchall()] == rows, view.name
        return [dict(zip(names, row, strict=True)) for row in rows]

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table, ordered."""
        return {
            table.name: sorted(self.lite.execute(f"SELECT * FROM {table.name}").fetchall(), key=repr)
            for table in self.projection.tables
        }


def _create(table: Table) -> str:
    engine = "_source TEXT, _version BIGINT, _t BIGINT, _patient TEXT, _labels TEXT"
    return (
        f"CREATE TABLE {table.name} ({engine}, {', '.join(f'{name} {_TYPES[kind]}' for name, kind in table.columns)})"
    )
