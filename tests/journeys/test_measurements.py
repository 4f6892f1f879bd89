"""`$lastn` groups as R4's table says; `$stats` calculates exactly and counts what it cannot use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.operation_rows import given
from tests.web_house import Answer, House

UCUM = "http://unitsofmeasure.org"


def measured(id: str, code: Any, when: str, value: Any = None, **more: Any) -> dict[str, Any]:
    codes = {"coding": [{"system": "urn:c", "code": one} for one in code]} if isinstance(code, list) else {"text": code}
    found = {"resourceType": "Observation", "id": id, "status": "final", "code": codes, "effectiveDateTime": when,
             "subject": {"reference": "Patient/p1"}, "category": [{"coding": [{"code": "laboratory"}]}]}  # fmt: skip
    return found | ({"valueQuantity": quantity(value)} if value is not None else {}) | more


def quantity(value: Any, unit: str = "mg/dL") -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


PRESSURE = [{"code": {"coding": [{"system": "urn:c", "code": code}]}, "valueQuantity": quantity(value, "mm[Hg]")}
            for code, value in (("sys", 120), ("dia", 80))]  # fmt: skip
KEPT: list[dict[str, Any]] = [
    {"resourceType": "Patient", "id": "p1"},
    measured("a1", ["a"], "2026-01-01", 1.1), measured("a2", ["a"], "2026-01-02", 2.2),
    measured("a3", ["a"], "2026-01-03", 3.3), measured("a3b", ["a"], "2026-01-03", 4),
    measured("b1", ["b"], "2026-02-01", 5), measured("ab", ["a", "b"], "2025-01-01"),
    measured("c1", ["c"], "2026-02-01", 7, valueQuantity=quantity(7, "mmol/L")),
    measured("c2", ["c"], "2026-02-02", 8),
    measured("c3", ["c"], "2026-02-03", valueQuantity={**quantity(9), "comparator": ">"}),
    measured("c4", ["c"], "2026-02-04", 10, status="entered-in-error"),
    measured("c5", ["c"], "2026-02-05", valueQuantity={"value": 11, "unit": "mg/dL"}),
    measured("t1", "textM", "2026-01-01"), measured("t2", "Text", "2026-01-01"), measured("t3", "t e x t", "2026-01-01"),
    measured("bp", ["panel"], "2026-01-01", component=PRESSURE),
    measured("set", ["battery"], "2026-01-01", hasMember=[{"reference": "Observation/a1"}]),
]  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("measured"))
    token = made.token("loader", "system")
    for one in KEPT:
        assert made.ask("PUT", f"/fhir/{one['resourceType']}/{one['id']}", one, token=token).status == 201
    yield made
    made.close()


def ask(house: House, url: str, body: Any = b"") -> Answer:
    return house.ask("POST" if body else "GET", f"/fhir/Observation/{url}", body, {}, house.token("reader", "system"))


def last(house: House, query: str) -> list[str]:
    answer = ask(house, f"$lastn?patient=p1&{query}")
    assert answer.status == 200 and answer.json["total"] == len(answer.json.get("entry", []))
    return [entry["resource"]["id"] for entry in answer.json.get("entry", [])]


def test_the_last_of_each_code_with_ties_and_codes_joined_by_a_third(house: House) -> None:
    found = last(house, "category=laboratory")
    assert {"t1", "t2", "t3", "c5", "bp", "set"} <= set(found) and found[0] == "c5"
    assert not {"a3", "a3b", "a1", "ab"} & set(found) and "b1" in found, "a and b are one by way of ab"
    assert last(house, "code=urn:c|a") == ["a3b", "a3"]
    assert last(house, "code=urn:c|a&max=3") == ["a3b", "a3", "a2"]
    assert last(house, "code=urn:c|a&max=100") == ["a3b", "a3", "a2", "a1", "ab"]
    assert last(house, "code=urn:c|a&date=lt2026-01-03&status=final") == ["a2"]
    assert last(house, "code=urn:c|none") == []


@pytest.mark.parametrize(
    "query",
    ["category=laboratory", "patient=p1", *(f"patient=p1&code=a&{one}" for one in ("max=0", "_sort=date", "x=1"))],
)
def test_a_lastn_that_does_not_say_whose_or_what_is_refused(house: House, query: str) -> None:
    assert ask(house, f"$lastn?{query}").status == 400


def statistics(answer: Answer) -> list[dict[str, Any]]:
    assert answer.status == 200, answer.body
    found = []
    for one in answer.json["parameter"]:
        if one["name"] == "statistics":
            parts = {part["code"]["coding"][0]["code"]: part for part in one["resource"]["component"]}
            found.append({"code": one["resource"]["code"]["coding"][0]["code"]} | parts)
    return found


def test_statistics_are_exact(house: House) -> None:
    names = "average,maximum,minimum,count,total-count,sum,median,4-lower,80-percent,variance"
    answer = ask(house, f"$stats?subject=Patient/p1&code=a&system=urn:c&statistic={names}")
    (one,) = statistics(answer)
    for text in ("2.65", "10.6", "1.925", "3.58"):
        assert b'"value":%b,' % text.encode() in answer.body, text
    assert one["count"]["valueQuantity"] == {"value": 4, "unit": "1", "system": UCUM, "code": "1"}
    assert one["maximum"]["valueQuantity"]["code"] == "mg/dL" and one["total-count"]["valueQuantity"]["value"] == 4
    assert one["variance"]["valueQuantity"]["code"] == "mg/dL.mg/dL"


def test_what_is_no_measured_number_is_counted_and_no_more_and_no_unit_is_converted(house: House) -> None:
    found = statistics(
        ask(house, "$stats?subject=Patient/p1&coding=urn:c|c&statistic=count&statistic=total-count&statistic=std-dev")
    )
    assert [
        (one["count"]["valueQuantity"]["value"], one["total-count"]["valueQuantity"]["value"]) for one in found
    ] == [(1, 4)] * 2
    assert all("dataAbsentReason" in one["std-dev"] for one in found)
    (none,) = statistics(ask(house, "$stats?subject=Patient/p1&code=none&statistic=average&statistic=count"))
    assert none["count"]["valueQuantity"]["value"] == 0 and "dataAbsentReason" in none["average"]


def test_a_panel_gives_its_parts_and_its_members(house: House) -> None:
    found = statistics(ask(house, "$stats?subject=Patient/p1&code=panel&system=urn:c&statistic=maximum"))
    assert {one["code"]: one["maximum"]["valueQuantity"]["value"] for one in found} == {"sys": 120, "dia": 80}
    assert statistics(ask(house, "$stats?subject=Patient/p1&code=sys&system=urn:c&statistic=count"))[0]["code"] == "sys"


def test_a_period_and_sources_are_asked_for_in_a_body(house: House) -> None:
    body = given(subject=("valueUri", "Patient/p1"), coding=("valueCoding", {"system": "urn:c", "code": "a"}),
                 period=("valuePeriod", {"start": "2026-01-02", "end": "2026-01-03"}), statistic=("valueCode", "regression"),
                 include=("valueBoolean", True), limit=("valuePositiveInt", 2))  # fmt: skip
    answer = ask(house, "$stats", body)
    sources = [one["resource"]["id"] for one in answer.json["parameter"] if one["name"] == "source"]
    assert len(sources) == 2 and set(sources) <= {"a2", "a3", "a3b"}
    gradient, intercept = answer.json["parameter"][0]["resource"]["component"]
    assert (gradient["code"]["text"], gradient["valueQuantity"]["code"]) == ("gradient", "mg/dL/h")
    assert intercept["valueQuantity"]["value"] == 2.2
    assert statistics(ask(house, "$stats?subject=Patient/p1&code=a&duration=0.5&statistic=count"))


@pytest.mark.parametrize(
    "query",
    ["", "subject=Patient/p1", "subject=Patient/p1&code=a", "subject=Patient/p1&code=a&statistic=mode",
     "code=a&statistic=sum", "subject=Patient/p1&statistic=sum",
     *(f"subject=Patient/p1&code=a&statistic=sum&{one}" for one in (
         "duration=x", "duration=-1", "duration=NaN", "period=2026", "include=yes"))],
)  # fmt: skip
def test_what_cannot_be_calculated_is_refused(house: House, query: str) -> None:
    assert ask(house, f"$stats?{query}").status == 400
