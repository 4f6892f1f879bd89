"""`$validate` over HTTP and the command: what is asked, in which form, and what the answer tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web_house import Answer, House

from onmaru.app.cli import run
from onmaru.fhir import structure

PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1974-12-25"}
NAMELESS = {**PATIENT, "contact": [{"gender": "male"}]}
VITAL = "http://hl7.org/fhir/StructureDefinition/heartrate"
PULSE: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "category": [
        {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}
    ],
    "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2026-11-23",
    "valueQuantity": {"value": 72, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def ask(house: House, path: str, body: Any = b"", *, method: str = "POST", language: str = "en") -> Answer:
    headers = {"accept-language": language}
    return house.ask(method, f"/fhir/{path}", body, headers, house.token("doctor", "physician"))


def told(answer: Answer) -> list[tuple[str, str]]:
    """(path, text) of each error."""
    assert answer.status == 200, answer.body
    structure.decode(answer.body)
    return [(one["expression"][0], one["diagnostics"]) for one in answer.issues if one["severity"] == "error"]


def parameters(resource: Any = None, **more: Any) -> dict[str, Any]:
    listed: list[dict[str, Any]] = [{"name": "resource", "resource": resource}] if resource else []
    return {"resourceType": "Parameters", "parameter": [*listed, *({"name": k, **v} for k, v in more.items())]}


def test_a_sound_resource_has_no_errors_in_either_form(house: House) -> None:
    assert told(ask(house, "Patient/$validate", PATIENT)) == []
    assert told(ask(house, "Patient/$validate", parameters(PATIENT, mode={"valueCode": "create"}))) == []


def test_an_invariant_a_required_code_and_a_target_are_told_with_their_places(house: House) -> None:
    [(path, text)] = told(ask(house, "Patient/$validate", NAMELESS))
    assert path == "Patient.contact[0]" and "pat-1" in text
    [(path, text)] = told(ask(house, "Patient/$validate", {**PATIENT, "gender": "F"}))
    assert path == "Patient.gender" and "administrative-gender" in text
    strange = {**PULSE, "subject": {"reference": "Practitioner/x"}}
    [(path, text)] = told(ask(house, "Observation/$validate", strange))
    assert path == "Observation.subject" and "Practitioner" in text


def test_what_is_no_resource_is_told_by_its_shape_alone(house: House) -> None:
    found = told(ask(house, "Patient/$validate", parameters({**NAMELESS, "birthDate": "1974-13", "nmae": []})))
    assert [path for path, _ in found] == ["Patient.birthDate", "Patient.nmae"]
    assert told(ask(house, "Patient/$validate", PULSE))[0][0] == "Patient.resourceType"


def test_a_profile_is_asked_for_by_parameter_query_or_meta(house: House) -> None:
    assert told(ask(house, f"Observation/$validate?profile={VITAL}", PULSE)) == []
    late = {name: value for name, value in PULSE.items() if name != "effectiveDateTime"}
    for path, body in (
        (f"Observation/$validate?profile={VITAL}", late),
        ("Observation/$validate", parameters(late, profile={"valueCanonical": VITAL})),
        ("Observation/$validate", {**late, "meta": {"profile": [VITAL]}}),
    ):
        assert [path for path, _ in told(ask(house, path, body))] == ["Observation.effective[x]"]
    assert told(ask(house, "Observation/$validate?profile=urn:unknown", PULSE))[0][0] == "Observation"


def test_messages_come_in_korean_and_name_no_value(house: House) -> None:
    answer = ask(house, "Patient/$validate", {**PATIENT, "gender": "비밀"}, language="ko")
    assert "값 집합" in told(answer)[0][1] and "비밀" not in answer.body.decode()
    assert "문제가 없습니다" in ask(house, "Basic/$validate", BASIC, language="ko").body.decode()


BASIC = {
    "resourceType": "Basic",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">-</div>'},
    "code": {"text": "-"},
}


def test_an_instance_is_validated_as_stored_or_against_a_next_version(house: House) -> None:
    loader = house.token("loader", "system")
    assert house.ask("PUT", "/fhir/Patient/p1", NAMELESS, token=loader).status == 201
    assert told(ask(house, "Patient/p1/$validate", method="GET"))[0][0] == "Patient.contact[0]"
    assert told(ask(house, "Patient/p1/$validate", parameters(mode={"valueCode": "profile"})))[0][0] == (
        "Patient.contact[0]"
    )
    assert told(ask(house, "Patient/p1/$validate", PATIENT)) == []
    assert told(ask(house, "Patient/p1/$validate", {**PATIENT, "id": "p2"}))[0][0] == "Patient.id"
    assert told(ask(house, "Patient/p1/$validate?mode=delete")) == []
    assert ask(house, "Patient/p9/$validate?mode=delete").status == 404


REFUSED: list[tuple[str, Any, int]] = [
    ("Patient/$validate", b"", 400),
    ("Patient/$validate", b"{", 400),
    ("Patient/$validate?mode=never", PATIENT, 400),
    ("Patient/$validate?mode=delete", PATIENT, 400),
    ("Patient/p1/$validate?mode=create", PATIENT, 400),
    ("Patient/$validate", parameters(PATIENT, mode={"valueInteger": 1}), 400),
    ("Patient/$validate", {"resourceType": "Parameters", "parameter": [{"nome": "resource"}]}, 422),
    ("Nonsense/$validate", PATIENT, 404),
    ("Patient/p1/$unknown", PATIENT, 404),
]


@pytest.mark.parametrize(("path", "body", "status"), REFUSED)
def test_what_cannot_be_asked_is_refused(house: House, path: str, body: Any, status: int) -> None:
    assert ask(house, path, body).status == status


def test_the_operation_is_listed_for_every_type_and_leaves_an_audit_row(house: House) -> None:
    listed = ask(house, "metadata", method="GET").json["rest"][0]["resource"]
    assert all(any(one["name"] == "validate" for one in type_["operation"]) for type_ in listed)
    ask(house, "Patient/$validate", PATIENT)
    rows = house.ask("GET", "/api/audit", b"", {}, house.token("keeper", "admin")).json["items"]
    assert any(row["path"] == "Patient/$validate" and row["user"] == "doctor" for row in rows)


def test_the_command_tells_each_file_and_answers_by_its_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound, broken = tmp_path / "sound.json", tmp_path / "broken.json"
    sound.write_text(json.dumps(PATIENT))
    broken.write_text(json.dumps(NAMELESS))
    assert run(["validate", str(sound), "--errors"]) == 0
    assert capsys.readouterr().out == f"{sound}: valid\n"
    assert run(["validate", str(sound), str(broken), "--json", "--language", "ko"]) == 1
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["errors"], second["errors"]) == (0, 1)
    assert second["issues"][0]["expression"] == "Patient.contact[0]" and "제약" in second["issues"][0]["text"]
    assert run(["validate", str(sound), "--profile", VITAL]) == 1
    broken.write_text("{")
    assert run(["validate", str(broken)]) == 1
