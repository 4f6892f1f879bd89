"""The published suite of SQL on FHIR, and cases of our own in its form, on DuckDB. On Spark: `onmaru prove 4.views`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from conftest import NO_DATA, data_root
from onmaru.app.views.command import views
from onmaru.app.views.conformance import files, judge
from onmaru.app.views.runners import DuckRunner

OURS = Path(__file__).with_name("views")
_ROOT = data_root()
FOLDERS = [OURS, *([_ROOT / "sql-on-fhir"] if _ROOT else [])]
FILES = [file for folder in FOLDERS for file in files(folder)]


@pytest.fixture(scope="module")
def runner() -> Iterator[DuckRunner]:
    made = DuckRunner()
    yield made
    made.close()


@pytest.mark.parametrize("file", [pytest.param(file, id=f"{file.parent.name}-{file.stem}") for file in FILES])
def test_every_case_of_a_file_gives_what_it_must(file: Path, runner: DuckRunner) -> None:
    cases = list(judge(runner, file))
    assert cases
    assert {case.title: case.reason for case in cases if case.reason} == {}


def test_the_published_suite_is_whole() -> None:
    if _ROOT is None:
        pytest.skip(NO_DATA)
    assert sum(len(json.loads(file.read_bytes())["tests"]) for file in files(_ROOT / "sql-on-fhir")) == 134


def test_a_case_that_fails_is_told_and_reported_in_the_suites_form(tmp_path: Path) -> None:
    view = {"resource": "Patient", "select": [{"column": [{"name": "id", "path": "id", "type": "id"}]}]}
    tests = [
        {"title": "good", "view": view, "expect": [{"id": "a"}]},
        {"title": "bad", "view": view, "expect": [{"id": "b"}]},
        {"title": "ran", "view": view, "expectError": True},
        {"title": "count", "view": view, "expectCount": 2},
        {"title": "columns", "view": view, "expect": [{"id": "a"}], "expectColumns": ["x"]},
        {"title": "refused", "view": {}, "expect": []},
        {"title": "nothing said", "view": view},
    ]
    suite = {"title": "made", "resources": [{"resourceType": "Patient", "id": "a"}], "tests": tests}
    (tmp_path / "made.json").write_text(json.dumps(suite), "utf-8")
    (tmp_path / "other.json").write_text("[]", "utf-8")
    written = tmp_path / "out" / "report.json"
    written.parent.mkdir()
    done = CliRunner().invoke(
        views, ["conformance", str(tmp_path), "--json", "--report", str(written)], standalone_mode=False
    )
    assert done.return_value == 1
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["passed"], result["failed"]) == (1, 6)
    assert [failure["test"] for failure in result["failures"]] == [test["title"] for test in tests[1:]]
    assert "skipped: other.json" in done.stderr
    reported = json.loads(written.read_bytes())
    assert list(reported) == ["made.json"]
    assert [one["result"]["passed"] for one in reported["made.json"]["tests"]] == [True] + [False] * 6
    assert reported["made.json"]["tests"][0]["name"] == "good"


def test_a_view_runs_on_files_and_shows_its_sql(tmp_path: Path) -> None:
    definition = tmp_path / "view.json"
    column = {"name": "v", "path": "value.ofType(Quantity).value", "type": "decimal"}
    definition.write_text(json.dumps({"resource": "Observation", "select": [{"column": [column]}]}), "utf-8")
    data = tmp_path / "data.ndjson"
    data.write_text(
        '{"resourceType":"Observation","valueQuantity":{"value":1.50}}\n{"resourceType":"Patient"}\n', "utf-8"
    )
    done = CliRunner().invoke(views, ["run", str(definition), str(data)], standalone_mode=False)
    assert json.loads(done.stdout) == {"v": 1.5}
    shown = CliRunner().invoke(views, ["run", "--sql", "--engine", "spark", str(definition)], standalone_mode=False)
    assert "CAST(NULL AS DECIMAL(38, 12)) AS `v`" in shown.stdout


def test_a_value_is_never_told_when_a_view_ends_on_it(tmp_path: Path) -> None:
    definition = tmp_path / "view.json"
    column = {"name": "g", "path": "name.given", "type": "string"}
    definition.write_text(json.dumps({"resource": "Patient", "select": [{"column": [column]}]}), "utf-8")
    data = tmp_path / "data.json"
    data.write_text('{"resourceType":"Patient","name":[{"given":["SECRET","x"]}]}', "utf-8")
    done = CliRunner().invoke(views, ["run", str(definition), str(data)], standalone_mode=False)
    assert "column g: a resource has more than one value" in str(done.exception)
    assert "SECRET" not in str(done.exception)
