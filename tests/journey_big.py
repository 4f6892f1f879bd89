"""A patient with a thousand encounters and fifty thousand observations, and a ward with namesakes around it; seeded."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

from journey_ward import CATEGORY, LOINC, encounter, everything, patient

KST = timezone(timedelta(hours=9))
VITALS = (
    ("8867-4", "심박수", "/min", 78, 14, 60, 100),
    ("9279-1", "호흡수", "/min", 17, 3, 12, 20),
    ("8310-5", "체온", "Cel", 36.8, 0.5, 36.0, 37.5),
    ("2708-6", "산소포화도", "%", 97, 1.5, 95, 100),
)
LABS = (
    ("718-7", "혈색소", "g/dL", 13.5, 1.2, 12.0, 16.0),
    ("2345-7", "포도당", "mg/dL", 128, 36, 70, 140),
    ("4548-4", "당화혈색소", "%", 7.1, 0.8, 4.0, 6.5),
    ("2160-0", "크레아티닌", "mg/dL", 1.02, 0.2, 0.6, 1.2),
    ("6690-2", "백혈구", "10*3/uL", 7.4, 2.1, 4.0, 10.0),
)
TOLD = ("고혈압", "제2형 당뇨병", "만성 폐쇄성 폐질환", "심방세동", "골다공증", "위식도역류병")
DRUGS = ("메트포르민 500 mg", "암로디핀 5 mg", "아토르바스타틴 20 mg", "와파린 2 mg", "오메프라졸 20 mg")


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def measured(number: int, at: datetime, visit: str, chance: random.Random, *, lab: bool) -> dict[str, Any]:
    """One observation of patient `big`, with a normal range of its own."""
    code, words, unit, middle, spread, low, high = chance.choice(LABS if lab else VITALS)
    category = "laboratory" if lab else "vital-signs"
    return {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": category}]}],
        "code": {"coding": [{"system": LOINC, "code": code, "display": words}]},
        "subject": {"reference": "Patient/big"},
        "encounter": {"reference": f"Encounter/{visit}"},
        "effectiveDateTime": stamp(at),
        "valueQuantity": {
            "value": round(chance.gauss(middle, spread), 1),
            "unit": unit,
            "code": unit,
            "system": "http://unitsofmeasure.org",
        },
        "referenceRange": [{"low": {"value": low, "code": unit}, "high": {"value": high, "code": unit}}],
    }


def big(encounters: int = 1000, observations: int = 50_000, seed: int = 7) -> Iterator[dict[str, Any]]:
    """The resources of patient `big` (박서준, 200001) over twenty-five years; the last encounter is still open."""
    chance = random.Random(seed)
    start = datetime(2001, 11, 20, 9, tzinfo=KST)
    span = timedelta(days=25 * 365)
    yield patient("big", "박서준", "200001", "1951-07-14")
    moments = sorted(start + span * chance.random() for _ in range(encounters - 1))
    made = 0
    for number, begin in enumerate(moments):
        visit = f"v{number}"
        inside = chance.random() < 0.12
        end = begin + timedelta(days=chance.randint(2, 20)) if inside else begin + timedelta(hours=1)
        body = encounter(visit, "big", "", stamp(begin), status="finished")
        body["class"] = {"code": "IMP" if inside else "AMB"}
        body["period"] = {"start": stamp(begin), "end": stamp(end)}
        body["type"] = [{"text": "입원 진료" if inside else "외래 진료"}]
        yield body
        for _ in range(observations // encounters + (1 if number < observations % encounters else 0)):
            at = begin + (end - begin) * chance.random()
            yield measured(made, at, visit, chance, lab=chance.random() < 0.45)
            made += 1
    last = datetime(2026, 11, 19, 8, 30, tzinfo=KST)
    yield encounter("vlast", "big", "b3", stamp(last), type=[{"text": "입원 진료"}], reasonCode=[{"text": "폐렴"}])
    while made < observations:
        yield measured(made, last + timedelta(minutes=55 * (observations - made)), "vlast", chance, lab=False)
        made += 1
    yield from problems(chance, start)


def problems(chance: random.Random, start: datetime) -> Iterator[dict[str, Any]]:
    """What stands in the header: problems, drugs, allergies, and notes on the timeline."""
    for number, words in enumerate(TOLD):
        yield {
            "resourceType": "Condition",
            "id": f"k{number}",
            "clinicalStatus": {"coding": [{"code": "active" if number < 5 else "resolved"}]},
            "code": {"text": words},
            "subject": {"reference": "Patient/big"},
            "onsetDateTime": stamp(start + timedelta(days=900 * number)),
        }
    for number, words in enumerate(DRUGS):
        yield {
            "resourceType": "MedicationRequest",
            "id": f"m{number}",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {"text": words},
            "subject": {"reference": "Patient/big"},
            "authoredOn": stamp(start + timedelta(days=1500 * number)),
            "dosageInstruction": [{"text": chance.choice(("1일 1회 아침", "1일 2회 식후"))}],
        }
    for number, (words, risk) in enumerate((("페니실린", "high"), ("요오드 조영제", "unable-to-assess"))):
        yield {
            "resourceType": "AllergyIntolerance",
            "id": f"l{number}",
            "patient": {"reference": "Patient/big"},
            "code": {"text": words},
            "criticality": risk,
            "reaction": [{"manifestation": [{"text": "두드러기"}]}],
        }


def hospital(encounters: int = 1000, observations: int = 50_000) -> Iterator[dict[str, Any]]:
    """The ward of `journey_ward`, the big patient in its third bed and a namesake of it in the fourth."""
    yield from everything()
    for number in (3, 4):
        yield {
            "resourceType": "Location",
            "id": f"b{number}",
            "name": f"{number}번",
            "physicalType": {"coding": [{"code": "bd"}]},
            "partOf": {"reference": "Location/r1"},
        }
    yield patient("twin", "박서준", "200002", "1988-02-29")
    yield encounter("etwin", "twin", "b4")
    yield from big(encounters, observations)
