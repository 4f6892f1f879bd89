"""Plans for care at home and what comes of them, made for tests."""

from __future__ import annotations

from typing import Any

from onmaru.fhir.verbatim import instant

WEIGHT, SATURATION = "http://loinc.org|29463-7", "http://loinc.org|2708-6"
FORM = "http://hospital.example/Questionnaire/breath"
UCUM = "http://unitsofmeasure.org"


def wanted(patient: str, began: int, **more: Any) -> dict[str, Any]:
    """What POST plans takes: weight daily up to 80 kg, and a form each week whose answer is up to 2."""
    weight = {"text": "체중", "measure": WEIGHT, "frequency": 1, "period": 1, "unit": "d",
              "limits": [{"unit": "kg", "high": 80}]}  # fmt: skip
    form = {"text": "호흡곤란 설문", "form": FORM, "frequency": 1, "period": 1, "unit": "wk",
            "limits": [{"link": "breath", "unit": "1", "high": 2}]}  # fmt: skip
    body = {
        "patient": patient,
        "title": "심부전 재택 관리",
        "start": instant(began),
        "silence_hours": 48,
        "attempts": 2,
    }
    return {**body, "activities": [weight, form], **more}


def measured(id: str, patient: str, value: float, at: int, unit: str = "kg", **more: Any) -> dict[str, Any]:
    """A weight that a device at home sent."""
    return {
        "resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": f"Patient/{patient}"},
        "category": [{"coding": [{"system": "urn:onmaru:remote", "code": "home"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}, "effectiveDateTime": instant(at),
        "valueQuantity": {"value": value, "code": unit, "system": UCUM}, "device": {"display": "scale-1"}, **more,
    }  # fmt: skip


def questionnaire() -> dict[str, Any]:
    """Asks whether somebody is short of breath, how much, and what else."""
    return {
        "resourceType": "Questionnaire", "id": "breath", "url": FORM, "status": "active", "title": "호흡곤란",
        "item": [
            {"linkId": "any", "text": "숨이 찹니까?", "type": "boolean", "required": True},
            {"linkId": "breath", "text": "얼마나 (0–3)", "type": "integer", "required": True},
            {"linkId": "when", "text": "언제", "type": "choice",
             "answerOption": [{"valueCoding": {"code": "rest", "display": "쉴 때"}}, {"valueString": "움직일 때"}]},
            {"linkId": "more", "text": "다른 증상", "type": "text"},
        ],
    }  # fmt: skip
