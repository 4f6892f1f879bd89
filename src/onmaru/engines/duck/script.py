"""A script's run: a database in memory that is made for it, handed only what one caller sees, and gone when it ends."""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import pyarrow as pa

from onmaru.engines.duck.hidden import named_plainly
from onmaru.engines.duck.reader import CLOSED
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.kernel.lake import Script

MEMORY, THREADS, MOST = "2GB", 2, 5000
_HIDDEN = re.compile(r'"(__\w+)"|\$(__\w+)')


class Handed(NamedTuple):
    """What a script is handed: Arrow data by name, the SELECT behind each table's name, and the SELECTs' parameters."""

    parts: Mapping[str, Any]
    tables: Mapping[str, str]
    bound: Mapping[str, Any]


class ScriptRun:
    """One run. `handed`: the data, held for as long as the context lasts. Cancelled from any thread."""

    def __init__(self, script: Script, handed: Callable[[], AbstractContextManager[Handed]]) -> None:
        if len(script.statements) > MOST:
            raise invalid("too-costly", f"more than {MOST} statements", script.name, 422)
        self._script = script
        self._handed = handed
        self._lock = threading.Lock()
        self._connection: Any = None
        self._ended = ""

    def cancel(self) -> None:
        """End the run."""
        self._end("cancelled")

    def _end(self, why: str) -> None:
        with self._lock:
            self._ended = self._ended or why
            if self._connection is not None:
                self._connection.interrupt()

    def compute(self) -> dict[str, pa.Table]:
        """Run every statement; the results by name. Raises Invalid."""
        import duckdb

        clock = threading.Timer(self._script.seconds, self._end, ["late"])
        clock.daemon = True
        clock.start()
        done = 0
        try:
            with self._handed() as handed, self._opened(handed) as connection:
                for done, statement in enumerate(self._script.statements, 1):
                    self._going()
                    named_plainly(statement, self._script.name, done)
                    connection.execute(statement)
                return {name: connection.table(name).to_arrow_table() for name in self._script.results}
        except duckdb.Error as error:
            raise self._refused(error, done) from None
        finally:
            clock.cancel()

    def _refused(self, error: Exception, at: int) -> Invalid:
        """Never DuckDB's own text: it may hold a value."""
        if self._ended:
            return self._stopped()
        if type(error).__name__ == "OutOfMemoryException":
            return invalid("too-costly", f"needs more than {MEMORY} of memory", self._script.name, 422)
        told = next((text for text in self._script.told if text in str(error)), "")
        if told:
            return invalid("processing", told, self._script.name, 422)
        return invalid("processing", f"statement {at} failed: {type(error).__name__}", self._script.name)

    def _stopped(self) -> Invalid:
        if self._ended == "cancelled":
            return invalid("transient", "was cancelled", self._script.name, 409)
        return invalid("too-costly", f"took longer than {self._script.seconds:g} s", self._script.name, 422)

    def _going(self) -> None:
        if self._ended:
            raise self._stopped()

    @contextlib.contextmanager
    def _opened(self, handed: Handed) -> Iterator[Any]:
        import duckdb

        connection = duckdb.connect(":memory:", config={"memory_limit": MEMORY, "threads": THREADS})
        try:
            for setting in CLOSED:
                connection.execute(setting)
            _handed_over(connection, handed)
            with self._lock:
                self._connection = connection
            yield connection
        finally:
            with self._lock:
                self._connection = None
            connection.close()


def _handed_over(connection: Any, handed: Handed) -> None:
    """The data and, over them, each table's name as a view. What lies behind a view has a name that no statement can guess.

    A view takes no parameters, so that they stand in a table of one row.
    """
    secret = secrets.token_hex(16)
    bound = f"__bound_{secret}"
    for name, data in handed.parts.items():
        connection.register(f"{name}_{secret}" if name.startswith("__") else name, data)
    if handed.bound:
        columns = ", ".join(f'${name} AS "{name}"' for name in handed.bound)
        connection.execute(f"CREATE TABLE {bound} AS SELECT {columns}", dict(handed.bound))

    def behind(found: re.Match[str]) -> str:
        return f'"{found[1]}_{secret}"' if found[1] else f'(SELECT "{found[2]}" FROM {bound})'

    for name, select in handed.tables.items():
        connection.execute(f'CREATE VIEW "{name}" AS {_HIDDEN.sub(behind, select)}')
