"""What runs a view on resources that were handed over: DuckDB without a file system, or Spark in this process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from onmaru.app.refusal import NOT_READY, Refusal
from onmaru.engines.duck.given import arrow_table
from onmaru.engines.duck.reader import Reader
from onmaru.fhir.columnar import filled
from onmaru.fhir.views import DIALECTS, Compiled, ViewDefinition, compile

TABLE = "resources"


class Refused(ValueError):
    """An engine did not run a view. Its text is the engine's own and may hold values; `said` never does."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {str(error)[:500]}")
        at = str(error).find("column ")
        told = str(error)[at:].partition("\n")[0] if at >= 0 else ""
        self.said = told or f"the engine refused the view ({type(error).__name__})"


class Runner(Protocol):
    """An engine. `rows` raises Refused."""

    name: str

    def rows(self, sql: str, table: pa.Table) -> list[dict[str, Any]]: ...

    def close(self) -> None: ...


class DuckRunner:
    """DuckDB (engines/duck/reader.py)."""

    name = "duckdb"

    def __init__(self) -> None:
        self._reader = Reader()

    def rows(self, sql: str, table: pa.Table) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = self._reader.table(sql, {}, {TABLE: table}).to_pylist()
        except Exception as error:  # noqa: BLE001  # whatever an engine raises is its refusal
            raise Refused(error) from None
        return found

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

    def rows(self, sql: str, table: pa.Table) -> list[dict[str, Any]]:
        try:
            return self._session.rows(sql, {TABLE: table})
        except Exception as error:  # noqa: BLE001  # whatever an engine raises is its refusal
            raise Refused(error) from None

    def close(self) -> None:
        self._session.close()


ENGINES: Mapping[str, type[DuckRunner] | type[SparkRunner]] = {"duckdb": DuckRunner, "spark": SparkRunner}


def run(
    runner: Runner, view: ViewDefinition, resources: Iterable[Mapping[str, Any]]
) -> tuple[Compiled, list[dict[str, Any]]]:
    """A view on decoded resources (`columnar.read`) of any types. Raises Invalid, ValueError or Refused."""
    mine: Sequence[Mapping[str, Any]] = [one for one in resources if one.get("resourceType") == view.resource]
    tree = filled(view.resource, mine)
    compiled = compile(view, tree, DIALECTS[runner.name], TABLE)
    return compiled, runner.rows(compiled.sql, arrow_table(tree, mine))
