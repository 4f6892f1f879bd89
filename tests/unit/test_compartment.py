"""Which types inherit a patient's compartment, what settles whose a resource is, and what counts as a reference."""

from __future__ import annotations

import json
from typing import Any

import pytest

from onmaru.fhir import references, search, structure
from onmaru.fhir.keys import Keys
from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.kernel.compartment import NOBODYS, PASSING, place

CODE = {"text": "c"}
OBSERVATION = {"resourceType": "Observation", "status": "final", "code": CODE}


def keys(body: dict[str, Any]) -> Keys:
    raw = json.dumps(body, separators=(",", ":")).encode()
    return place(search.extract(structure.decode(raw)), body["resourceType"], "id", raw)


def to(name: str) -> dict[str, str]:
    return {"reference": name}


def test_no_type_that_inherits_nothing_can_be_searched_by_a_patient() -> None:
    assert NOBODYS < RESOURCE_TYPES
    for type in NOBODYS:
        for parameter in search.parameters(type).values():
            anything = len(parameter.targets) > 100
            assert anything or "Patient" not in parameter.targets, (type, parameter.code)


def test_staff_places_definitions_cohorts_and_machines_hand_nothing_on() -> None:
    assert {"Practitioner", "Location", "Questionnaire", "Medication", "Group", "Device"}.isdisjoint(PASSING)
    assert {"Patient", "Encounter", "Observation", "Provenance", "Task", "RelatedPerson"} <= PASSING


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"subject": to("Patient/a"), "encounter": to("Encounter/e")}, []),
        ({"encounter": to("Encounter/e")}, [("Encounter", "e")]),
        ({"performer": [to("Patient/a")], "encounter": to("Encounter/e")}, [("Encounter", "e"), ("Patient", "a")]),
        ({"subject": to("Group/g"), "performer": [to("Practitioner/p")]}, []),
        ({"subject": to("https://h.example/fhir/Patient/a")}, [("Patient", "a")]),
        ({"derivedFrom": [to("Observation/o/_history/3"), to("Observation/o")]}, [("Observation", "o")]),
        ({"derivedFrom": [to("urn:uuid:0a"), to("#x")], "subject": {"identifier": {"value": "1"}}}, []),
        ({"derivedFrom": [to("Nothing/o")]}, []),
    ],
)
def test_who_names_its_subject_inherits_nothing_and_who_does_not_from_all_it_names(
    more: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert sorted(keys({**OBSERVATION, **more}).heir_of) == expected


def test_an_appointment_is_its_participants() -> None:
    body = {
        "resourceType": "Appointment",
        "status": "booked",
        "participant": [{"actor": to("Patient/a"), "status": "accepted"}],
        "basedOn": [to("ServiceRequest/s")],
    }
    assert keys(body).patients == ["a"] and keys(body).heir_of == []


@pytest.mark.parametrize(
    ("body", "type", "expected"),
    [
        (b'{"a":{"reference":"Task/1"},"b":[{"reference":"Task/2"},{"reference":"Task/1"}]}', "Task", "Task/1 Task/2"),
        (rb'{"a":{"reference":"Task\/1"}}', "Task", "Task/1"),
        (rb'{"a":{"\u0072eference":"\u0054ask/1"}}', "Task", "Task/1"),
        (rb'{"a":"say \"reference\":\"Task/1\"","b":{"reference":"Task/2"}}', "Task", "Task/2"),
        (b'{"content":[{"attachment":{"url":"Binary/b"}}]}', "DocumentReference", "Binary/b"),
        (b'{"contained":[{"resourceType":"List","id":"l","source":{"reference":"Task/1"}}]}', "Basic", "Task/1"),
        (b'{"entry":[{"fullUrl":"http://h/Task/1"}]}', "Bundle", "Task/1"),
        (b'{"entry":[{"resource":{"resourceType":"Task","id":"2","a":{"reference":"Task/1"}}}]}', "Bundle", "Task/2 Task/1"),
        (b'{"a":{"reference":"http://h/fhir/Task/1?x=Task/2"}}', "Task", ""),
        (b'{"a":{"reference":"Task?identifier=1"}}', "Task", ""),
    ],
)  # fmt: skip
def test_a_reference_counts_however_it_is_written(body: bytes, type: str, expected: str) -> None:
    assert " ".join("/".join(name) for name in references.targets(body, type)) == expected
