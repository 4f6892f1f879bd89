"""What the SQL of an expression gives is what the FHIRPath evaluator gives: two ways to one answer, on every engine."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from onmaru.app.views.runners import DuckRunner, prepared
from onmaru.fhir.columnar import read
from onmaru.fhir.fhirpath import compiled, root, value_of
from onmaru.fhir.fhirpath import read as exact
from onmaru.fhir.views import parse

GIVEN = tomllib.loads(Path(__file__).with_name("view_expressions.toml").read_text("utf-8"))
CASES = [(name, place, text) for name, held in GIVEN.items() for place, text in enumerate(held["expressions"])]


@cache
def answers(type_name: str) -> list[dict[str, Any]]:
    """One view with a column for each expression, so that the engine is asked once."""
    columns = [
        {"name": f"c{place}", "path": text, "collection": True}
        for place, text in enumerate(GIVEN[type_name]["expressions"])
    ]
    runner = DuckRunner()
    view = parse({"resource": type_name, "select": [{"column": columns}]})
    made, table = prepared(runner, view, [read(raw.encode()) for raw in GIVEN[type_name]["resources"]])
    found: list[dict[str, Any]] = runner.rows(made.sql, table).to_pylist()
    return found


def plain(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    return Decimal(value) if isinstance(value, (int, Decimal)) else str(value)


def oracle(expression: str, raw: str) -> list[Any]:
    found = [plain(value_of(item)) for item in compiled(expression)(root(exact(raw.encode())))]
    return [item.quantize(Decimal("1E-12")) if isinstance(item, Decimal) else item for item in found]


@pytest.mark.parametrize(("type_name", "place", "expression"), [pytest.param(*case, id=case[2]) for case in CASES])
def test_the_sql_of_an_expression_gives_what_the_evaluator_gives(type_name: str, place: int, expression: str) -> None:
    for raw, row in zip(GIVEN[type_name]["resources"], answers(type_name), strict=True):
        got = [plain(item) for item in row[f"c{place}"]]
        got = [item.quantize(Decimal("1E-12")) if isinstance(item, Decimal) else item for item in got]
        assert got == oracle(expression, raw), row[f"c{place}"]
