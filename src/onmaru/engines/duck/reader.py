"""DuckDB without a file system: it sees the Arrow data it is handed for one query, and can reach nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

BATCH = 100_000
CLOSED = (
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET python_enable_replacements = false",
    "SET TimeZone = 'UTC'",
    "SET temp_directory = ''",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
# Before the names of what is made for one query
ANEW = "__anew_"


class Reader:
    """One database in memory; every query runs on a cursor of its own, so that threads do not meet."""

    def __init__(self, memory: str = "1GB", threads: int = 2) -> None:
        self._limits: dict[str, Any] = {"memory_limit": memory, "threads": threads}
        self._root: Any = None
        self._opening = threading.Lock()

    def _database(self) -> Any:
        """Opened by the first query: most programs that open a house ask the lake nothing."""
        with self._opening:
            if self._root is None:
                import duckdb

                self._root = duckdb.connect(":memory:", config=self._limits)
                for setting in CLOSED:
                    self._root.execute(setting)
            return self._root

    def table(
        self, sql: str, params: Mapping[str, Any], parts: Mapping[str, Any], views: Mapping[str, str] | None = None
    ) -> pa.Table:
        """The whole answer. `parts` are tables by the name that the SQL gives them, `views` SELECTs, each over those before.

        Views, since of a CTE that is asked several times DuckDB reads for all what any of them asks. What is ANEW is made as
        a table: a dozen views over views would be put into each other until no memory holds the plan.
        """
        with self.cursor(parts) as cursor:
            for name, select in (views or {}).items():
                cursor.execute(f'CREATE TEMP {"TABLE" if name.startswith(ANEW) else "VIEW"} "{name}" AS {select}')
            answer: pa.Table = cursor.sql(sql, params=dict(params) or None).to_arrow_table()
            return answer

    @contextmanager
    def stream(self, sql: str, params: Mapping[str, Any], parts: Mapping[str, Any]) -> Iterator[Any]:
        """The answer as record batches, never whole in memory."""
        with self.cursor(parts) as cursor:
            yield cursor.sql(sql, params=dict(params) or None).to_arrow_reader(BATCH)

    @contextmanager
    def cursor(self, parts: Mapping[str, Any]) -> Iterator[Any]:
        cursor = self._database().cursor()
        try:
            for name, data in parts.items():
                cursor.register(name, data)
            yield cursor
        finally:
            cursor.close()

    def close(self) -> None:
        """Let everything go."""
        if self._root is not None:
            self._root.close()
