"""A Measure as data: its steps are read in order, and its SQL is one SELECT in brackets."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from onmaru.fhir.measure import fault, parse
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.structure import decode
from onmaru.rooms.insight import shipped


def population(code: str, sql: str = "SELECT patient FROM stays", language: str = "application/sql") -> dict[str, Any]:
    return {"code": {"coding": [{"code": code}]}, "criteria": {"language": language, "expression": sql}}


def measure(*populations: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Measure", "status": "active", "group": [{"population": list(populations)}], **more}


def test_steps_lead_on_and_the_score_divides_by_the_denominator() -> None:
    codes = ("initial-population", "denominator", "denominator-exclusion", "tested", "numerator")
    read = parse(measure(*map(population, codes)))
    assert [one.code for one in read.steps] == ["initial-population", "denominator", "tested", "numerator"]
    assert (read.base, read.better) == (1, "increase")


@pytest.mark.parametrize(
    ("said", "where"),
    [
        (measure(population("numerator"), population("initial-population")), "population"),
        (measure(population("initial-population")), "population"),
        (measure(*map(population, ("initial-population", "x", "x", "numerator"))), "population"),
        (measure(population("initial-population"), population("numerator", language="text/cql")), "language"),
        (measure(population("initial-population"), population("numerator", sql="DROP TABLE x")), "expression"),
        (measure(population("initial-population"), {"criteria": {"language": "application/sql"}}), "code"),
        ({**measure(), "group": [{}, {}]}, "group"),
        ({}, "population"),
        (measure(*map(population, ("initial-population", "numerator")), subjectReference={}), "subject"),
    ],
)
def test_what_cannot_be_counted_is_refused_with_its_place(said: dict[str, Any], where: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(said)
    assert refused.value.status == 422
    assert any(where in issue.expression for issue in refused.value.issues)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT patient FROM a; DROP TABLE b",
        "SELECT 1) UNION (SELECT 2",
        "SELECT patient FROM a -- and no more",
        "SELECT patient /* FROM a",
        "SELECT E'\\'' || patient FROM a",
        "SELECT $$x$$ FROM a",
        "SELECT 'open FROM a",
        "SELECT (patient FROM a",
        "INSERT INTO a SELECT 1",
        "SELECTED",
        "",
        f"SELECT '{'x' * 20_001}'",
    ],
)
def test_sql_that_is_not_one_select_is_refused(sql: str) -> None:
    assert fault(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT patient FROM a WHERE code IN ('x;--', 'it''s (')",
        "with b as (select 1 as patient) select patient from b",
        '\n SELECT "a;""b" AS patient FROM c',
    ],
)
def test_one_select_is_taken_whatever_its_texts_say(sql: str) -> None:
    assert fault(sql) == ""


@pytest.mark.parametrize("name", shipped.NAMES)
def test_every_shipped_measure_is_sound_fhir_and_can_be_counted(name: str) -> None:
    body = shipped.measure(name)
    decode(msgspec.json.encode(body), "Measure")
    assert parse(body).url == f"urn:onmaru:measure:{name}"
