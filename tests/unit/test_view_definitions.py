"""What is wrong with a ViewDefinition is told whole, each problem with its path; what it compiles to is one safe SELECT."""

from __future__ import annotations

from typing import Any

import pytest

from onmaru.fhir.columnar import Column, filled, table
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.views import DIALECTS, compile, parse

DUCK = DIALECTS["duckdb"]
ID = {"column": [{"name": "id", "path": "id"}]}


def problems(definition: Any, tree: Column | None = None) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        view = parse(definition)
        compile(view, tree or table(view.resource), DUCK, "p")
    assert caught.value.status == 422
    return [(issue.expression, issue.text) for issue in caught.value.issues]


def test_every_problem_is_told_at_once_with_its_path() -> None:
    definition = {
        "resource": "Patientt",
        "name": "1x",
        "constant": [{"name": "a", "valueInteger": "1"}, {"name": "a", "valueString": "x"}, {"name": "b"}],
        "where": [{}, "x"],
        "select": [
            {
                "forEach": "name",
                "repeat": ["x"],
                "column": [{"path": "use"}, {"name": "y", "path": 3, "collection": 1}],
            },
            {"select": {}},
        ],
    }
    assert [path for path, _ in problems(definition)] == [
        "ViewDefinition.name",
        "ViewDefinition.resource",
        "ViewDefinition.where[0].path",
        "ViewDefinition.where[1]",
        "ViewDefinition.select[0]",
        "ViewDefinition.select[0].column[0].name",
        "ViewDefinition.select[0].column[1].path",
        "ViewDefinition.select[0].column[1].collection",
        "ViewDefinition.select[1].select",
        "ViewDefinition.constant[0].valueInteger",
        "ViewDefinition.constant[1].name",
        "ViewDefinition.constant[2]",
    ]


def test_every_wrong_expression_is_told_with_its_place() -> None:
    columns = [{"name": f"c{place}", "path": path} for place, path in enumerate(["name.(", "x()", "%none", "name & 1"])]
    found = problems({"resource": "Patient", "select": [{"column": columns}, {"forEach": "deceased", **ID}]})
    assert [path for path, _ in found] == [
        *(f"ViewDefinition.select[0].column[{place}].path" for place in range(4)),
    ]
    assert "x() is not supported in views (at character 1)" in found[1][1]


def test_selects_and_columns_are_bounded() -> None:
    deep: dict[str, Any] = ID
    for _ in range(30):
        deep = {"select": [deep]}
    assert "nest deeper" in problems({"resource": "Patient", "select": [deep]})[0][1]
    many = [{"name": f"c{place}", "path": "id"} for place in range(1001)]
    assert "more than 1000 columns" in problems({"resource": "Patient", "select": [{"column": many}]})[0][1]


def test_an_expression_whose_sql_would_grow_without_bound_is_refused() -> None:
    resource = {"resourceType": "Patient", "contact": [{"telecom": [{"value": "x"}]}]}
    path = "iif(id = 'x', " * 38 + "'a'" + ", 'b')" * 38
    twice = " | ".join([f"({path})"] * 8)
    view = parse({"resource": "Patient", "select": [{"column": [{"name": "c", "path": twice}]}]})
    assert len(compile(view, filled("Patient", [resource]), DUCK, "p").sql) < 1_000_000


def test_what_is_probably_a_mistake_is_a_warning() -> None:
    view = parse({"resource": "Patient", "select": [{"column": [{"name": "c", "path": "nickname"}]}]})
    assert compile(view, table("Patient"), DUCK, "p").warnings == ("Patient has no element called nickname",)


def test_columns_tell_their_types() -> None:
    columns = [
        {"name": "a", "path": "birthDate"},
        {"name": "b", "path": "name.given", "collection": True},
        {"name": "c", "path": "multipleBirth.ofType(integer)"},
        {"name": "d", "path": "getResourceKey()"},
        {"name": "e", "path": "contact.exists()"},
    ]
    made = compile(parse({"resource": "Patient", "select": [{"column": columns}]}), table("Patient"), DUCK, "p")
    assert [(one.type, one.many, one.sql_type) for one in made.columns] == [
        ("date", False, "VARCHAR"),
        ("string", True, "VARCHAR[]"),
        ("integer", False, "INTEGER"),
        ("string", False, "VARCHAR"),
        ("boolean", False, "BOOLEAN"),
    ]


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_no_text_of_a_definition_leaves_its_quotes(name: str) -> None:
    nasty = "x'); ATTACH 'y' AS z; --\\'"
    definition = {
        "resource": "Patient",
        "constant": [{"name": "n", "valueString": nasty}],
        "select": [{"column": [{"name": "a", "path": "%n = id"}]}],
    }
    sql = compile(parse(definition), filled("Patient", [{"id": "x"}]), DIALECTS[name], "p").sql
    quoted = DIALECTS[name].text(nasty)
    assert sql.count(quoted) == 1
    assert "ATTACH" not in sql.replace(quoted, "")
