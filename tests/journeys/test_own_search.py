"""A tenant's own SearchParameter over HTTP: searched by as soon as it is there, refused where it cannot be evaluated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.journeys.test_fhir_rest import KIM, Client

from onmaru.engines.index import work
from onmaru.fhir import structure
from onmaru.kernel.rules import Indexed

OWN: dict[str, Any] = {"resourceType": "SearchParameter", "status": "active", "name": "Own", "description": "x"}
CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("mother", {"type": "string", "expression": "Patient.extension('http://x/mother').value"}, ["lee", "LEE"], ["kim"]),
    ("mark", {"type": "token", "expression": "Patient.identifier.where(system = 'urn:mrn')"}, ["1", "urn:mrn|1"], ["2"]),
    ("adult", {"type": "token", "expression": "Patient.birthDate < @2000-01-01"}, ["true"], ["false"]),
    ("born", {"type": "date", "expression": "Patient.birthDate"}, ["1970", "lt1980"], ["gt1980"]),
    ("names", {"type": "number", "expression": "Patient.name.given.count()"}, ["1", "ge1"], ["gt1"]),
    (
        "doctor",
        {"type": "reference", "expression": "Patient.generalPractitioner.where(resolve() is Practitioner)",
         "target": ["Practitioner"]},
        ["Practitioner/d", "d"],
        ["Practitioner/e"],
    ),
]  # fmt: skip


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    made = Client(tmp_path_factory.mktemp("own"), engine=request.param)
    person = {
        **KIM, "extension": [{"url": "http://x/mother", "valueString": "Lee"}],
        "generalPractitioner": [{"reference": "Practitioner/d"}, {"reference": "Organization/d"}],
    }  # fmt: skip
    assert made("POST", "/fhir/Patient", person).status == 201
    for code, rest, _, _ in CASES:
        body = {**OWN, "code": code, "url": f"http://x/{code}", "base": ["Patient"], **rest}
        assert made("POST", "/fhir/SearchParameter", body).status == 201
    yield made
    made.house.close()


def total(client: Client, query: str) -> int:
    answer = client("GET", f"/fhir/Patient?{query}")
    assert answer.status == 200, answer.body
    return int(answer.json["total"])


@pytest.mark.parametrize(("code", "finds", "misses"), [(code, finds, misses) for code, _, finds, misses in CASES])
def test_what_an_expression_gives_is_searched_by(
    client: Client, code: str, finds: list[str], misses: list[str]
) -> None:
    assert [total(client, f"{code}={value}") for value in finds] == [1] * len(finds)
    assert [total(client, f"{code}={value}") for value in misses] == [0] * len(misses)
    assert total(client, f"{code}:missing=false") == 1 and total(client, f"{code}:missing=true&gender=male") == 0


def test_an_own_parameter_is_sorted_by_and_reached_through_a_chain(client: Client) -> None:
    assert total(client, "_sort=born,-names") == 1
    assert client("GET", "/fhir/Observation?subject:Patient.mother=lee").json["total"] == 0
    assert client("GET", "/fhir/Patient?doctor.name=x").status == 400


@pytest.mark.parametrize("expression", ["Patient.name.", "Patient.nothing", "Patient.name.where(", "$this.unknown()"])
def test_an_expression_that_cannot_be_evaluated_is_unprocessable(client: Client, expression: str) -> None:
    body = {**OWN, "code": "bad", "url": "http://x/bad", "base": ["Patient"], "type": "token", "expression": expression}
    refused = client("POST", "/fhir/SearchParameter", body)
    assert refused.status == 422 and refused.issues[0]["expression"] == ["SearchParameter.expression"]
    assert client("POST", "/fhir/SearchParameter", {**body, "status": "draft"}).status == 201
    assert client("GET", "/fhir/Patient?bad=1").status == 400


def test_the_statement_names_own_parameters_at_their_types_alone(client: Client) -> None:
    told = client("GET", "/fhir/metadata").json
    named = {one["type"]: {part["name"] for part in one["searchParam"]} for one in told["rest"][0]["resource"]}
    assert {code for code, _, _, _ in CASES} <= named["Patient"] and "mother" not in named["Person"]
    assert not structure.decode(json.dumps(told).encode(), "CapabilityStatement").text


def test_the_standards_own_parameter_keeps_its_code(client: Client) -> None:
    body = {**OWN, "code": "gender", "url": "http://x/g", "base": ["Patient"], "type": "token", "expression": "'male'"}
    assert client("POST", "/fhir/SearchParameter", body).status == 201
    assert total(client, "gender=male") == 0


def test_a_costly_expression_gives_nothing_and_a_retired_one_is_forgotten(client: Client) -> None:
    costly = "(1 | 2).repeat($this + 1)"
    body = {
        **OWN,
        "id": "slow",
        "code": "slow",
        "url": "http://x/s",
        "base": ["Patient"],
        "type": "number",
        "expression": costly,
    }
    assert client("PUT", "/fhir/SearchParameter/slow", body).status == 201
    assert total(client, "slow=1") == 0
    assert client("PUT", "/fhir/SearchParameter/slow", {**body, "status": "retired"}).status == 200
    assert client("GET", "/fhir/Patient?slow=1").status == 400


@pytest.mark.parametrize("client", ["sqlite"], indirect=True)
def test_too_many_bodies_for_an_expression_are_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "MOST_OPENED", 5)
    for query in ("mother=lee", "_sort=born"):
        refused = client("GET", f"/fhir/Patient?{query}")
        assert refused.status == 400 and refused.issues[0]["code"] == "too-costly"
    assert total(client, "mother=lee&gender=male") == 0


def test_how_far_the_rows_are_is_told_to_who_may_read_the_definition(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = client.house.tenants["main"].rules
    far = [
        ("mother", "http://x/mother", 3, False),
        ("born", "http://x/born", 9, False),
        ("adult", "http://x/adult", None, True),
    ]
    told = [
        Indexed(code, url, ["Patient"], at, 9, clock)
        for code, url, at, clock in [*far, ("none", "http://x/none", 9, False)]
    ]
    monkeypatch.setattr(rules, "indexed", lambda: told)
    found = client("GET", "/fhir/SearchParameter/$index-status").json["parameter"]
    parts = [{part["name"]: part.get("valueCode", part.get("valueInteger")) for part in one["part"]} for one in found]
    assert [(one["code"], one["status"], one.get("position"), one.get("of")) for one in parts] == [
        ("mother", "indexing", 3, 9), ("born", "indexed", 9, 9), ("adult", "evaluated", None, None),
    ]  # fmt: skip
