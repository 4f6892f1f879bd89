"""A made-up ward as resources: two namesakes, a merged record, a bed in a room, and one patient with everything."""

from __future__ import annotations

from typing import Any

LOINC = "http://loinc.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
FORM = "http://terminology.hl7.org/CodeSystem/location-physical-type"


def patient(
    id: str, called: str, number: str, birth: str = "1958-03-02", sex: str = "male", **more: Any
) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": id,
        "identifier": [{"type": {"coding": [{"code": "MR"}]}, "system": "urn:test:mrn", "value": number}],
        "name": [{"family": called[0], "given": [called[1:]], "text": called}],
        "gender": sex,
        "birthDate": birth,
    } | more


def place(id: str, form: str, name: str, within: str = "") -> dict[str, Any]:
    body: dict[str, Any] = {"resourceType": "Location", "id": id, "name": name}
    if form:
        body["physicalType"] = {"coding": [{"system": FORM, "code": form}]}
    if within:
        body["partOf"] = {"reference": f"Location/{within}"}
    return body


def encounter(
    id: str, who: str, where: str = "", start: str = "2026-11-20T09:00:00+09:00", **more: Any
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "resourceType": "Encounter",
        "id": id,
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": f"Patient/{who}"},
        "period": {"start": start},
    }
    if where:
        body["location"] = [{"location": {"reference": f"Location/{where}"}, "status": "active"}]
    return body | more


def vital(id: str, who: str, code: str, words: str, value: Any, unit: str, at: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": "vital-signs"}]}],
        "code": {"coding": [{"system": LOINC, "code": code, "display": words}]},
        "subject": {"reference": f"Patient/{who}"},
        "effectiveDateTime": at,
        "valueQuantity": {"value": value, "unit": unit, "code": unit, "system": "http://unitsofmeasure.org"},
    } | more


def everything() -> list[dict[str, Any]]:
    """The ward: Kim Minsu twice on 71 ward, p3 merged into p1, p4 at home."""
    return [
        patient("p1", "김민수", "100001"),
        patient(
            "p2", "김민수", "100002", "1990-12-24", name=[{"text": "김 민수"}, {"family": "Kim", "given": ["Minsu"]}]
        ),
        patient(
            "p3", "김민수", "90001", active=False, link=[{"other": {"reference": "Patient/p1"}, "type": "replaced-by"}]
        ),
        patient("p4", "이서연", "100004", "2001-05-05", "female"),
        place("w71", "wa", "71병동"),
        place("r1", "ro", "7103호", "w71"),
        place("b1", "bd", "1번", "r1"),
        place("b2", "bd", "2번", "r1"),
        encounter("e1", "p1", "b1"),
        encounter("e2", "p2", "b2"),
        encounter("e4", "p4", "b2", status="finished", period={"start": "2025-01-02", "end": "2025-01-05"}),
        vital("v1", "p1", "8310-5", "Body temperature", 36.5, "Cel", "2026-11-20T10:00:00+09:00"),
        vital(
            "v2",
            "p1",
            "8310-5",
            "Body temperature",
            38.9,
            "Cel",
            "2026-11-21T10:00:00+09:00",
            referenceRange=[{"high": {"value": 37.5, "code": "Cel"}}],
            encounter={"reference": "Encounter/e1"},
        ),
        {
            "resourceType": "AllergyIntolerance",
            "id": "a1",
            "patient": {"reference": "Patient/p1"},
            "code": {"text": "페니실린"},
            "criticality": "high",
            "reaction": [{"manifestation": [{"text": "두드러기"}]}],
        },
        {
            "resourceType": "Condition",
            "id": "c1",
            "subject": {"reference": "Patient/p3"},
            "clinicalStatus": {"coding": [{"code": "active"}]},
            "code": {"coding": [{"system": "urn:kcd", "code": "E11.9", "display": "제2형 당뇨병"}]},
            "onsetDateTime": "2019-04",
        },
        {"resourceType": "Medication", "id": "m1", "code": {"text": "메트포르민 500 mg"}},
        {
            "resourceType": "MedicationRequest",
            "id": "d1",
            "status": "active",
            "intent": "order",
            "medicationReference": {"reference": "Medication/m1"},
            "subject": {"reference": "Patient/p1"},
            "authoredOn": "2026-11-20",
            "dosageInstruction": [{"text": "1일 2회 식후"}],
        },
        {
            "resourceType": "Specimen",
            "id": "s1",
            "subject": {"reference": "Patient/p1"},
            "type": {"text": "혈액"},
        },
    ]
