"""The published suite of SQL on FHIR: each case of a file run on an engine and judged against what it must give.

Rows are compared as a multiset, since a view has no order; numbers by their value; a column that is missing is null.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from onmaru.app.views.runners import Runner, prepared
from onmaru.fhir.columnar import Written, read
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.views import parse


class Case(msgspec.Struct, frozen=True):
    """One test of a file and how it went; `reason` is "" where it passed."""

    file: str
    group: str
    title: str
    reason: str


class Unfit(ValueError):
    """A file is not of the suite's form."""


def files(folder: Path) -> list[Path]:
    """The case files of a folder: every JSON but schemas."""
    return sorted(file for file in folder.glob("*.json") if not file.name.endswith(".schema.json"))


def judge(runner: Runner, file: Path) -> Iterator[Case]:
    """Run every test of a file. Raises Unfit where the file is no file of the suite."""
    try:
        suite = read(file.read_bytes())
        title, resources, tests = suite["title"], suite.get("resources") or [], suite["tests"]
        named = [(str(test["title"]), test) for test in tests]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        raise Unfit(f"{file.name}: expected a title, resources and tests") from None
    for name, test in named:
        yield Case(file.name, str(title), name, reason(runner, resources, test))


def reason(runner: Runner, resources: Sequence[Any], test: Mapping[str, Any]) -> str:
    """Why a test fails, "" where it passes. The text may hold the suite's own values, which are nobody's."""
    try:
        compiled, table = prepared(runner, parse(test.get("view")), resources)
        rows = runner.rows(compiled.sql, table).to_pylist()
    except (Invalid, ValueError) as error:
        return "" if test.get("expectError") else f"refused: {error}"
    if test.get("expectError"):
        return "expected an error, but the view ran"
    columns = [column.name for column in compiled.columns]
    if "expectColumns" in test and columns != list(test["expectColumns"]):
        return f"expected columns {list(test['expectColumns'])}, got {columns}"
    return _rows(test, rows)


def _rows(test: Mapping[str, Any], rows: list[dict[str, Any]]) -> str:
    if "expectCount" in test:
        wanted = int(_number(test["expectCount"]))
        return "" if len(rows) == wanted else f"expected {wanted} rows, got {len(rows)}"
    if "expect" not in test:
        return "the test says neither expect, expectCount nor expectError"
    expected, got = Counter(map(_key, test["expect"])), Counter(map(_key, rows))
    if expected == got:
        return ""
    return f"missing rows: {_few(expected - got)}; unexpected rows: {_few(got - expected)}"


def _few(rows: Counter[str]) -> str:
    return ", ".join(list(rows.elements())[:3]) or "none"


def _key(row: Mapping[str, Any]) -> str:
    """A row as text that is equal for equal rows."""
    held = {name: _plain(value) for name, value in row.items() if value is not None}
    return msgspec.json.encode(held, order="sorted").decode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(held) for name, held in value.items() if held is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(held) for held in value]
    return _number(value) if _is_number(value) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal, Written)) and not isinstance(value, bool)


def _number(value: Any) -> float:
    return float(value)


def report(cases: Sequence[Case]) -> dict[str, Any]:
    """The suite's own report: file → tests, each with its name and whether it passed (`test-report.schema.json`)."""
    found: dict[str, Any] = {}
    for case in cases:
        result: dict[str, Any] = {"passed": not case.reason}
        if case.reason:
            result["reason"] = case.reason
        found.setdefault(case.file, {"tests": []})["tests"].append({"name": case.title, "result": result})
    return found
