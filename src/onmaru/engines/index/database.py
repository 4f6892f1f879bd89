"""What the index asks of a connection; apsw's has it, and that of PostgreSQL takes its form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol


class Database(Protocol):
    """One connection. Values are bound to `?` in order, or to `:name` from a mapping."""

    def execute(self, sql: str, values: Any = ..., /) -> Any:
        """Rows to iterate over, with `get` (the only value, or None), `fetchone` and `fetchall`."""

    def executemany(self, sql: str, rows: Iterable[Any], /) -> Any:
        """The same for each row of values."""

    def changes(self) -> int:
        """How many rows the last INSERT, UPDATE or DELETE touched."""

    @property
    def in_transaction(self) -> bool: ...
