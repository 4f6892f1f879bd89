"""What runs a view on resources that were handed over: DuckDB without a file system, or Spark in this process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import pyarrow as pa

from onmaru.app.refusal import NOT_READY, Refusal
from onmaru.engines.duck.reader import Reader
from onmaru.fhir.views import DIALECTS, Compiled, ViewDefinition, compile
from onmaru.kernel.views import handed

TABLE = "resources"


class Refused(ValueError):
    """An engine did not run a view. Its text is the engine's own and may hold values."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {str(error)[:500]}")
        self._text = str(error)

    def said(self, messages: Iterable[str]) -> str:
        """What may be told: what the view's SQL makes an engine say."""
        return next((one for one in messages if one in self._text), "the engine refused the view")


class Runner(Protocol):
    """An engine. `rows` raises Refused."""

    name: str

    def rows(self, sql: str, table: pa.Table) -> pa.Table: ...

    def close(self) -> None: ...


class DuckRunner:
    """DuckDB (engines/duck/reader.py)."""

    name = "duckdb"

    def __init__(self) -> None:
        self._reader = Reader()

    def rows(self, sql: str, table: pa.Table) -> pa.Table:
        try:
            return self._reader.table(sql, {}, {TABLE: table})
        except Exception as error:  # noqa: BLE001  # whatever an engine raises is its refusal
            raise Refused(error) from None

    def close(self) -> None:
        self._reader.close()


class SparkRunner:
    """Spark (engines/spark.py). Raises Refusal where it is not there."""

    name = "spark"

    def __init__(self) -> None:
        from onmaru.engines.spark import SparkSession, missing

        lacking = missing()
        if lacking:
            raise Refusal(lacking, NOT_READY)
        self._session = SparkSession()

    def rows(self, sql: str, table: pa.Table) -> pa.Table:
        try:
            return self._session.rows(sql, {TABLE: table})
        except Exception as error:  # noqa: BLE001  # whatever an engine raises is its refusal
            raise Refused(error) from None

    def close(self) -> None:
        self._session.close()


ENGINES: Mapping[str, type[DuckRunner] | type[SparkRunner]] = {"duckdb": DuckRunner, "spark": SparkRunner}


def prepared(runner: Runner, view: ViewDefinition, resources: Iterable[Mapping[str, Any]]) -> tuple[Compiled, pa.Table]:
    """A view's SQL and the table of its resources among some (`columnar.read`). Raises Invalid."""
    tree, table = handed(view, resources)
    return compile(view, tree, DIALECTS[runner.name], TABLE), table
