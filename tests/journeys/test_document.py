"""`$document`: the Composition first and what it refers to, of one position, kept when asked, the hidden left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.journeys.test_gate_matrix import DENIAL
from tests.web_house import Answer, House


def reference(name: str) -> dict[str, str]:
    return {"reference": name}


def observation(id: str, patient: str) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "x"},
            "subject": reference(f"Patient/{patient}"), "performer": [reference("PractitionerRole/role")]}  # fmt: skip


KEPT: list[dict[str, Any]] = [
    {"resourceType": "Organization", "id": "org"},
    {"resourceType": "Practitioner", "id": "dr"},
    {"resourceType": "PractitionerRole", "id": "role", "organization": reference("Organization/org")},
    {"resourceType": "Patient", "id": "p1"},
    {"resourceType": "Patient", "id": "p2"},
    observation("o1", "p1"), observation("o2", "p2"), observation("never", "p2"),
    {"resourceType": "Composition", "id": "c1", "status": "final", "type": {"text": "요약"}, "date": "2026", "title": "요약",
     "subject": reference("Patient/p2"), "author": [reference("http://hospital.example/fhir/Practitioner/dr")],
     "section": [{"title": "1", "entry": [reference(one) for one in (
         "Observation/o1", "Observation/o2", "Observation/none", "http://elsewhere.example/fhir/Observation/never")]}]},
    DENIAL,
]  # fmt: skip
WHOLE = ["Composition/c1", "Patient/p2", "Practitioner/dr", "Observation/o1", "Observation/o2", "PractitionerRole/role",
         "Organization/org"]  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("document"))
    token = made.token("loader", "system")
    for one in KEPT:
        assert made.ask("PUT", f"/fhir/{one['resourceType']}/{one['id']}", one, token=token).status == 201
    yield made
    made.close()


def ask(house: House, url: str, method: str = "GET", body: Any = b"", token: str = "") -> Answer:
    return house.ask(method, f"/fhir/{url}", body, {}, token or house.token("loader", "system"))


def names(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    assert answer.json["type"] == "document" and answer.json["timestamp"] and answer.json["identifier"]["value"]
    return ["/".join(entry["fullUrl"].split("/")[-2:]) for entry in answer.json["entry"]]


def test_a_document_begins_with_its_composition_and_holds_what_that_names(house: House) -> None:
    assert sorted(names(ask(house, "Composition/c1/$document"))) == sorted(WHOLE)
    assert names(ask(house, "Composition/c1/$document"))[0] == "Composition/c1"
    for id in ("c1", "Composition/c1", "http://hospital.example/fhir/Composition/c1"):
        assert len(names(ask(house, f"Composition/$document?id={id}"))) == len(WHOLE)


def test_it_is_kept_when_asked_and_is_a_valid_bundle(house: House) -> None:
    kept = ask(house, "Composition/c1/$document?persist=true", "POST")
    place = kept.headers["location"].removeprefix("http://hospital.example/fhir/")
    again = ask(house, place)
    assert names(again) == names(kept) and again.json["meta"]["versionId"] == "1"
    assert ask(house, "Bundle/$validate", "POST", kept.json).json["issue"][0]["severity"] != "fatal"
    assert ask(house, "Composition/c1/$document?persist=true").status == 400


def test_what_is_hidden_drops_out_and_a_kept_document_is_hidden_with_it(house: House) -> None:
    barred = house.token("barred", "physician")
    found = ask(house, "Composition/c1/$document", token=barred)
    assert sorted(names(found)) == sorted(one for one in WHOLE if one != "Observation/o1")
    whole = ask(house, "Composition/c1/$document?persist=true", "POST")
    place = whole.headers["location"].removeprefix("http://hospital.example/fhir/").partition("/_history")[0]
    assert ask(house, place, token=barred).status == 404


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("Composition/none/$document", 404),
        ("Composition/$document", 400),
        ("Composition/$document?id=http://elsewhere/fhir/Composition/c1", 400),
        ("Composition/c1/$document?id=c1", 400),
        ("Composition/c1/$document?graph=urn:x", 400),
        ("Composition/c1/$document?persist=maybe", 400),
        ("Observation/o1/$document", 404),
    ],
)
def test_what_is_no_document_is_refused(house: House, url: str, status: int) -> None:
    assert ask(house, url).status == status
