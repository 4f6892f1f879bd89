"""A scope with a search part, `user/Observation.rs?category=laboratory`, on every path by which a resource is reached."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web_house import House

from onmaru.kernel.room import Hall, Request, Response, Room, Route
from onmaru.web import answers
from onmaru.web.doors import Settings

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
LABORATORY = "user/Observation.rs?category=laboratory user/Patient.rs user/DiagnosticReport.rs user/Provenance.rs"


def observation(id: str, category: str, status: str = "final") -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": status,
        "category": [{"coding": [{"system": CATEGORY, "code": category}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "8310-5"}]},
        "subject": {"reference": "Patient/p1"},
    }


REPORT = {
    "resourceType": "DiagnosticReport",
    "id": "d1",
    "status": "final",
    "code": {"text": "결과"},
    "subject": {"reference": "Patient/p1"},
    "result": [{"reference": "Observation/lab"}, {"reference": "Observation/social"}],
}
ROOM = Room(
    "census",
    routes=(Route("GET", "/all", "user/Observation.rs", lambda request, hall: _told(request, hall)),),
    scopes=("user/Observation.rs",),
)


def _told(request: Request, hall: Hall) -> Response:
    return answers.json({})


@pytest.fixture(params=["memory", "sqlite"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, Settings(static=tmp_path), [ROOM], request.param)
    loader = made.token("loader", "system")
    patient = {"resourceType": "Patient", "id": "p1"}
    for body in (patient, observation("lab", "laboratory"), observation("social", "social-history"), REPORT):
        answer = made.ask("PUT", f"/fhir/{body['resourceType']}/{body['id']}", body, token=loader)
        assert answer.status == 201, answer.body
    yield made
    made.close()


def found(house: House, query: str, token: str) -> list[str]:
    answer = house.ask("GET", f"/fhir/{query}", token=token)
    assert answer.status == 200, answer.body
    return sorted(entry["resource"]["id"] for entry in answer.json.get("entry", []))


def test_only_what_the_search_finds_is_read(house: House) -> None:
    token = house.token("lab", "data-manager", scopes=LABORATORY)
    assert house.ask("GET", "/fhir/Observation/lab", token=token).status == 200
    for path in ("Observation/social", "Observation/social/_history", "Observation/social/_history/1"):
        assert house.ask("GET", f"/fhir/{path}", token=token).status == 404
        assert house.rows()[-1].reason == "hidden"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Observation", ["lab"]),
        ("Observation?code=8310-5", ["lab"]),
        ("Observation?subject=Patient/p1&code=8310-5", ["lab"]),
        ("Observation?category=social-history", []),
        ("Observation?_id=social", []),
        ("Patient/p1/Observation", ["lab"]),
        ("?_type=Observation,DiagnosticReport", ["d1", "lab"]),
        ("DiagnosticReport?_include=DiagnosticReport:result", ["d1", "lab"]),
        ("Patient?_revinclude=Observation:subject", ["lab", "p1"]),
        ("Patient?_has:Observation:subject:category=social-history", []),
        ("Patient?_has:Observation:subject:category=laboratory", ["p1"]),
        ("DiagnosticReport?result.category=social-history", []),
        ("DiagnosticReport?result.category=laboratory", ["d1"]),
    ],
)
def test_no_search_finds_counts_or_leads_to_anything_else(house: House, query: str, expected: list[str]) -> None:
    token = house.token("lab", "data-manager", scopes=LABORATORY)
    assert found(house, query, token) == expected
    if "include" not in query:
        mark = "&" if "?" in query else "?"
        assert house.ask("GET", f"/fhir/{query}{mark}_summary=count", token=token).json["total"] == len(expected)


def test_histories_hold_only_versions_that_the_search_finds(house: House) -> None:
    token = house.token("lab", "data-manager", scopes=LABORATORY)
    loader = house.token("again", "system")
    turned = observation("lab", "social-history", "amended")
    assert house.ask("PUT", "/fhir/Observation/lab", turned, token=loader).status == 200
    answer = house.ask("GET", "/fhir/Observation/_history", token=token)
    assert [entry["resource"]["meta"]["versionId"] for entry in answer.json["entry"]] == ["1"]
    assert house.ask("GET", "/fhir/Observation/lab", token=token).status == 404


def test_two_narrow_scopes_show_what_either_finds_and_a_wide_one_shows_all(house: House) -> None:
    both = "user/Observation.rs?category=laboratory user/Observation.rs?category=social-history"
    assert found(house, "Observation", house.token("both", "data-manager", scopes=both)) == ["lab", "social"]
    wide = f"{LABORATORY} user/Observation.s"
    token = house.token("wide", "data-manager", scopes=wide)
    assert found(house, "Observation", token) == ["lab", "social"]
    assert house.ask("GET", "/fhir/Observation/social", token=token).status == 404


def test_nothing_is_written_and_no_room_is_entered_by_a_narrow_scope(house: House) -> None:
    scopes = "user/Observation.cruds?category=laboratory user/Patient.rs"
    token = house.token("lab", "data-manager", scopes=scopes)
    assert house.ask("POST", "/fhir/Observation", observation("", "laboratory"), token=token).status == 403
    assert house.ask("PUT", "/fhir/Observation/lab", observation("lab", "laboratory"), token=token).status == 403
    assert house.ask("DELETE", "/fhir/Observation/lab", token=token).status == 403
    assert house.ask("GET", "/rooms/census/all", token=token).status == 403
