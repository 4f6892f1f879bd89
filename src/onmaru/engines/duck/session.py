"""One connection's statements. What a statement names is put before DuckDB when one first names it.

Its law: a statement pays for planning what it names, and nothing that no statement names is ever planned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from onmaru.engines.duck.reader import BATCH
from onmaru.engines.duck.sql import dollars

_QUOTED = re.compile(r'"([^"]+)"')


class Session:
    """Names stand in double quotes wherever a statement means them. `given`: the parameters that a source may name."""

    def __init__(self, cursor: Any, given: Mapping[str, Any]) -> None:
        self._cursor = cursor
        self._given = given
        self._data: dict[str, Any] = {}
        self._views: dict[str, str] = {}
        self._held: dict[str, str] = {}

    def data(self, name: str, data: Any) -> None:
        """Arrow data, or what gives it, in place of what had the name."""
        self._forget(name)
        self._data[name] = data

    def view(self, name: str, select: str) -> None:
        """A SELECT, which stands in every statement in place of the name: no column may be called so."""
        self._forget(name)
        self._views[name] = select

    def held(self, name: str, select: str) -> None:
        """A SELECT that is read once, and then stays in memory."""
        self._forget(name)
        self._held[name] = select

    def table(self, name: str, select: str, source: str = "") -> int:
        """Make a table in memory at once; how many rows it has. `source`: a step's text whose parameters are filled in."""
        select = self._put(select)
        self._forget(name)
        return self._create(name, select, source)

    def insert(self, name: str, select: str) -> int:
        """Add rows to such a table; how many."""
        ((found,),) = self._cursor.execute(f'INSERT INTO "{name}" {self._put(select)}').fetchall()
        return int(found)

    def column(self, sql: str) -> list[Any]:
        """The first column of the answer."""
        return [row[0] for row in self._cursor.execute(self._put(sql)).fetchall()]

    def rows(self, name: str) -> Iterator[pa.RecordBatch]:
        """A table that was made, as it is."""
        return iter(self._cursor.table(f'"{name}"').to_arrow_table().to_batches())

    def batches(self, sql: str, source: str = "") -> Iterator[pa.RecordBatch]:
        """The answer, never whole in memory."""
        return iter(self._cursor.sql(self._put(sql), params=self._named(source)).to_arrow_reader(BATCH))

    def _put(self, sql: str) -> str:
        """The statement, with views in place of their names, once everything that it names is there."""

        def meant(found: re.Match[str]) -> str:
            name = found[1]
            if name in self._views:
                return f"({self._put(self._views[name])})"
            if name in self._data:
                data = self._data.pop(name)
                self._cursor.register(name, data() if callable(data) else data)
            elif name in self._held:
                self._create(name, self._put(self._held.pop(name)), "")
            return found[0]

        return _QUOTED.sub(meant, sql)

    def _create(self, name: str, select: str, source: str) -> int:
        made = f'CREATE OR REPLACE TEMP TABLE "{name}" AS {select}'
        ((found,),) = self._cursor.execute(made, self._named(source)).fetchall()
        return int(found)

    def _forget(self, name: str) -> None:
        for kind in (self._data, self._views, self._held):
            kind.pop(name, None)

    def _named(self, source: str) -> dict[str, Any] | None:
        names = dollars(source)[1] if source else frozenset()
        return {name: self._given[name] for name in names} or None
