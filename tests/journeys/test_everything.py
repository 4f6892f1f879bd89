"""`$everything`: the whole compartment and what it needs, in pages of one position, and nothing of anybody hidden."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web_house import House


def observation(id: str, patient: str, when: str = "", **more: Any) -> dict[str, Any]:
    found = {"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "x"}, **more}
    return found | {"subject": {"reference": f"Patient/{patient}"}} | ({"effectiveDateTime": when} if when else {})


KEPT: list[dict[str, Any]] = [
    {"resourceType": "Organization", "id": "org"},
    {"resourceType": "Practitioner", "id": "dr"},
    {"resourceType": "Binary", "id": "scan", "contentType": "text/plain", "data": "AA=="},
    {"resourceType": "Patient", "id": "p1", "managingOrganization": {"reference": "Organization/org"}},
    {"resourceType": "Patient", "id": "p2"},
    {"resourceType": "Encounter", "id": "e1", "status": "finished", "class": {"code": "IMP"},
     "subject": {"reference": "Patient/p1"}, "period": {"start": "2026-01-01", "end": "2026-01-09"}},
    observation("o1", "p1", "2026-01-02", encounter={"reference": "Encounter/e1"},
                performer=[{"reference": "Practitioner/dr"}]),
    observation("o2", "p1", "2026-03-01"),
    observation("o3", "p1"),
    observation("other", "p2", "2026-01-02"),
    {"resourceType": "DocumentReference", "id": "d1", "status": "current", "subject": {"reference": "Patient/p1"},
     "content": [{"attachment": {"url": "Binary/scan"}}], "date": "2026-01-03T00:00:00Z"},
]  # fmt: skip


class Ward:
    def __init__(self, folder: Path) -> None:
        self.house = House(folder)
        self.token = self.house.token("loader", "system")
        for one in KEPT:
            assert (
                self.house.ask("PUT", f"/fhir/{one['resourceType']}/{one['id']}", one, token=self.token).status == 201
            )

    def __call__(self, url: str, token: str = "") -> Any:
        answer = self.house.ask("GET", url, token=token or self.token)
        assert answer.status == 200, answer.body
        return answer.json

    def names(self, url: str, token: str = "") -> set[str]:
        return {name for page in self.pages(url, token) for name in page}

    def pages(self, url: str, token: str = "") -> Iterator[list[str]]:
        while url:
            found = self(url, token)
            resources = [entry["resource"] for entry in found.get("entry", [])]
            yield [f"{one['resourceType']}/{one['id']}" for one in resources]
            links = {one["relation"]: one["url"] for one in found["link"]}
            url = links.get("next", "").removeprefix("http://hospital.example")


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    made = Ward(tmp_path_factory.mktemp("everything"))
    yield made
    made.house.close()


WHOLE = {"Patient/p1", "Encounter/e1", "Observation/o1", "Observation/o2", "Observation/o3", "DocumentReference/d1",
         "Organization/org", "Practitioner/dr", "Binary/scan"}  # fmt: skip


def test_a_chart_comes_whole_with_what_it_refers_to_and_nothing_of_another(ward: Ward) -> None:
    assert ward.names("/fhir/Patient/p1/$everything") == WHOLE
    assert {e["search"]["mode"] for e in ward("/fhir/Patient/p1/$everything")["entry"]} == {"match", "include"}


def test_care_dates_types_and_since_narrow_it(ward: Ward) -> None:
    assert ward.names("/fhir/Patient/p1/$everything?start=2026-02") == {"Patient/p1", "Observation/o2", "Observation/o3",
                                                                       "Organization/org"}  # fmt: skip
    assert "Encounter/e1" in ward.names("/fhir/Patient/p1/$everything?start=2026-01-08&end=2026-01-08")
    assert ward.names("/fhir/Patient/p1/$everything?_type=Observation,Patient&end=2026-01") == {
        "Patient/p1", "Observation/o1", "Observation/o3"}  # fmt: skip
    assert ward.names("/fhir/Patient/p1/$everything?_since=2099-01-01T00:00:00Z") == set()
    assert "Patient/p1" in ward.names("/fhir/Patient/p1/$everything?_since=2020-01-01T00:00:00%2B09:00")


def test_pages_keep_to_the_position_of_the_first(ward: Ward) -> None:
    pages = ward.pages("/fhir/Patient/p1/$everything?_count=2")
    seen = next(pages)
    assert len([name for name in seen if name in ("Organization/org", "Practitioner/dr", "Binary/scan")]) <= 3
    late = observation("late", "p1", "2026-01-05")
    ward.house.ask("PUT", "/fhir/Observation/late", late, token=ward.token)
    rest = [name for page in pages for name in page]
    assert {*seen, *rest} == WHOLE and "Observation/late" not in rest
    matches = [
        name for name in [*seen, *rest] if name in WHOLE - {"Organization/org", "Practitioner/dr", "Binary/scan"}
    ]
    assert len(matches) == len(set(matches)) == 6
    ward.house.ask("DELETE", "/fhir/Observation/late", token=ward.token)


def test_an_encounter_comes_with_its_patient_and_only_what_names_it(ward: Ward) -> None:
    whole = {"Encounter/e1", "Observation/o1", "Patient/p1", "Practitioner/dr"}
    assert ward.names("/fhir/Encounter/e1/$everything") == whole
    assert ward.names("/fhir/Encounter/e1/$everything?_count=1") == whole


def test_all_charts_come_one_after_the_other(ward: Ward) -> None:
    assert ward.names("/fhir/Patient/$everything") == {*WHOLE, "Patient/p2", "Observation/other"}
    assert ward.names("/fhir/Patient/$everything?_count=1") == {*WHOLE, "Patient/p2", "Observation/other"}


def test_a_patient_gets_the_own_chart_alone(ward: Ward) -> None:
    own = ward.house.token("mine", "patient", patient="p2")
    assert ward.names("/fhir/Patient/$everything", own) == {"Patient/p2", "Observation/other"}
    assert ward.house.ask("GET", "/fhir/Patient/p1/$everything", token=own).status == 404


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("Patient/none/$everything", 404),
        ("Patient/p1/$everything?start=soon", 400),
        ("Patient/p1/$everything?_count=0", 400),
        ("Patient/p1/$everything?_type=Fish", 400),
        ("Patient/p1/$everything?_cursor=x", 400),
        ("Patient/p1/$everything?_cursor=lQEBY6BgoKA", 400),
        ("Patient/p1/$everything?name=x", 400),
        ("Encounter/e1/$everything?start=2026", 400),
        ("Observation/o1/$everything", 404),
        ("Observation/$everything", 404),
    ],
)
def test_what_cannot_be_answered_is_refused(ward: Ward, url: str, status: int) -> None:
    assert ward.house.ask("GET", f"/fhir/{url}", token=ward.token).status == status


def test_it_is_declared_and_may_be_posted(ward: Ward) -> None:
    listed = {one["type"]: one["operation"] for one in ward("/fhir/metadata")["rest"][0]["resource"]}
    assert {
        "name": "everything",
        "definition": "http://hl7.org/fhir/OperationDefinition/Encounter-everything",
    } in listed["Encounter"]
    body = {"resourceType": "Parameters", "parameter": [{"name": "_type", "valueCode": "Observation"},
                                                         {"name": "_count", "valueInteger": 2}]}  # fmt: skip
    answer = ward.house.ask("POST", "/fhir/Patient/p1/$everything", body, token=ward.token)
    assert answer.status == 200 and len(answer.json["entry"]) >= 2
    assert "_type=Observation" in answer.json["link"][1]["url"]
