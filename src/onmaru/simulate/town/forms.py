"""The JSON of a town's resources, compact, each with its id: texts that never change are put together once.

Millions are made, so values are put between texts rather than objects encoded; a test reads each kind back.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from onmaru.simulate.bundles import patient as of_hospital
from onmaru.simulate.codes import VITALS, Analyte, Diagnosis, Drug
from onmaru.simulate.people import Person
from onmaru.simulate.places import DEPARTMENTS
from onmaru.simulate.systems import ATC, DEPARTMENT, LOCAL_URI
from onmaru.simulate.town.lives import AMBULATORY, EMERGENCY, INPATIENT, PRESSURE, Procedure

LOINC, UCUM, ICD10 = "http://loinc.org", "http://unitsofmeasure.org", "http://hl7.org/fhir/sid/icd-10"
_HL7 = "http://terminology.hl7.org/CodeSystem"
_CLASSES = {AMBULATORY: "ambulatory", INPATIENT: "inpatient encounter", EMERGENCY: "emergency"}
INSURED = {"NHI": "국민건강보험", "MA": "의료급여"}
_SIGNS = frozenset(analyte.code for panel in (VITALS, PRESSURE) for analyte in panel.analytes) | {"SV07", "SV08"}


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _coded(text: str, *codings: tuple[str, str, str]) -> dict[str, Any]:
    return {"coding": [{"system": s, "code": code, "display": display} for s, code, display in codings], "text": text}


def patient(person: Person, id: str, died: str) -> bytes:
    """A Patient as the simulated hospital registers them."""
    made = of_hospital(person, person.mrn)
    end = {"deceasedDateTime": died} if died else {}
    return msgspec.json.encode({"resourceType": "Patient", "id": id, **made, **end})


def coverage(id: str, patient: str, kind: str, start: str, end: str) -> str:
    """The insurance: `kind` of INSURED."""
    return _text(
        {
            "resourceType": "Coverage",
            "id": id,
            "status": "active",
            "type": _coded(INSURED[kind], (LOCAL_URI, kind, INSURED[kind])),
            "beneficiary": {"reference": f"Patient/{patient}"},
            "period": {"start": start, "end": end},
            "payor": [{"display": "국민건강보험공단"}],
        }
    )


def organizations() -> list[tuple[str, str, bytes]]:
    """The hospital's departments: (type, id, JSON)."""
    return [
        (
            "Organization",
            f"sim-dept-{code}",
            msgspec.json.encode(
                {
                    "resourceType": "Organization",
                    "id": f"sim-dept-{code}",
                    "active": True,
                    "type": [_coded(ko, (DEPARTMENT, code, ko))],
                    "name": ko,
                    "alias": [en],
                }
            ),
        )
        for code, (ko, en) in DEPARTMENTS.items()
    ]


@cache
def encounter(kind: str, department: str) -> tuple[str, str]:
    """What stands between id and patient, and between patient and period."""
    held = {"system": f"{_HL7}/v3-ActCode", "code": kind, "display": _CLASSES[kind]}
    service = {"reference": f"Organization/sim-dept-{department}", "display": DEPARTMENTS[department][0]}
    return (
        f'","status":"finished","class":{_text(held)},"subject":{{"reference":"Patient/',
        f'"}},"serviceProvider":{_text(service)},"period":{{"start":"',
    )


@cache
def condition(found: Diagnosis) -> str:
    """What stands between id and patient."""
    status = {
        "clinicalStatus": {"coding": [{"system": f"{_HL7}/condition-clinical", "code": "active"}]},
        "verificationStatus": {"coding": [{"system": f"{_HL7}/condition-ver-status", "code": "confirmed"}]},
        "category": [{"coding": [{"system": f"{_HL7}/condition-category", "code": "encounter-diagnosis"}]}],
        "code": _coded(found.ko, (ICD10, found.code, found.en)),
    }
    return f'",{_text(status)[1:-1]},"subject":{{"reference":"Patient/'


@cache
def observation(analyte: Analyte) -> tuple[str, dict[str, str]]:
    """What stands between id and patient, and after the value, by its flag: L, N or H."""
    category = "vital-signs" if analyte.code in _SIGNS else "laboratory"
    head = {
        "status": "final",
        "category": [{"coding": [{"system": f"{_HL7}/observation-category", "code": category}]}],
        "code": _coded(analyte.ko, (LOINC, analyte.loinc, analyte.en), (LOCAL_URI, analyte.code, analyte.ko)),
    }
    unit = f',"unit":"{analyte.unit}","system":"{UCUM}","code":"{analyte.unit}"}}'
    ends = {}
    for flag in "LNH":
        rest: dict[str, Any] = {}
        limits = (("low", analyte.low), ("high", analyte.high))
        if known := {name: {"value": limit, "unit": analyte.unit} for name, limit in limits if limit is not None}:
            said = [{"coding": [{"system": f"{_HL7}/v3-ObservationInterpretation", "code": flag}]}]
            rest = {"interpretation": said, "referenceRange": [known]}
        ends[flag] = f"{unit}{',' if rest else ''}{_text(rest)[1:-1]}}}"
    return f'",{_text(head)[1:-1]},"subject":{{"reference":"Patient/', ends


@cache
def medication(drug: Drug) -> tuple[str, str]:
    """What stands between id and patient, and after the day of the order."""
    head = {
        "status": "completed",
        "intent": "order",
        "medicationCodeableConcept": _coded(drug.ko, (ATC, drug.atc, drug.en), (LOCAL_URI, drug.edi, drug.ko)),
    }
    dose = {"value": float(drug.amount), "unit": drug.unit, "system": UCUM, "code": drug.unit}
    days = 90 if drug.unit == "{tbl}" else 5
    rest = {
        "dosageInstruction": [
            {
                "timing": {"repeat": {"frequency": 1, "period": drug.hours, "periodUnit": "h"}},
                "doseAndRate": [{"doseQuantity": dose}],
            }
        ],
        "dispenseRequest": {
            "expectedSupplyDuration": {"value": days, "unit": "d", "system": UCUM, "code": "d"},
        },
    }
    return f'",{_text(head)[1:-1]},"subject":{{"reference":"Patient/', f",{_text(rest)[1:-1]}}}"


@cache
def procedure(done: Procedure) -> str:
    """What stands between id and patient."""
    head = {"status": "completed", "code": _coded(done.ko, (LOCAL_URI, done.code, done.en))}
    return f'",{_text(head)[1:-1]},"subject":{{"reference":"Patient/'
