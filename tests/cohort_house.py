"""A house with a made CDM for the cohort room: twenty people with lung cancer, of whom twelve had a drug.

Ten of them reach stage IV, the nth 20 n days after their entry on 1 March 2020; two others die after 61 days.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from tests.circe_world import World

from onmaru.app.house import House
from onmaru.kernel.caller import Caller, Purpose, Role, Scope

LUNG, DRUG, STAGE = 1, 100, 9
OURS: dict[str, Any] = {
    "format": "onmaru cohort 1",
    "name": "Lung cancer on the drug",
    "concepts": {"lung": [{"concept": LUNG}], "drug": [{"concept": DRUG}]},
    "entry": {"events": [{"domain": "condition", "concepts": "lung", "first": True}], "before": 30},
    "rules": [
        {
            "name": "on the drug",
            "events": [{"event": {"domain": "drug", "concepts": "drug"}, "begin": 0, "end": 90}],
        },
        {"name": "under 70", "people": [{"age": {"most": 69}}]},
    ],
}
CIRCE: dict[str, Any] = {
    "ConceptSets": [
        {"id": 7, "expression": {"items": [{"concept": {"CONCEPT_ID": LUNG}, "includeDescendants": True}]}}
    ],
    "PrimaryCriteria": {
        "CriteriaList": [{"ConditionOccurrence": {"CodesetId": 7}}],
        "ObservationWindow": {"PriorDays": 0, "PostDays": 0},
    },
}


def simple(name: str, domain: str, concept: int) -> dict[str, Any]:
    """Who had something for the first time."""
    event = {"domain": domain, "concepts": "it", "first": True}
    return {
        "format": "onmaru cohort 1",
        "name": name,
        "concepts": {"it": [{"concept": concept}]},
        "entry": {"events": [event]},
    }


ALL_LUNG = simple("Lung cancer", "condition", LUNG)
ON_DRUG = simple("The drug", "drug", DRUG)
STAGE_4 = simple("Stage IV", "condition", STAGE)


def asker(role: Role = "data-manager", purpose: Purpose = "HRESCH") -> Caller:
    """Who asks, with a scope on the whole record."""
    return Caller("main", "kim", frozenset({role}), purpose, (Scope("user", "*", frozenset("cruds")),))


def fill(house: House, without: str = "") -> None:
    """Publish the CDM, but for one table."""
    world = World()
    for person in range(1, 31):
        born, sex = 1940 if person == 12 else 1960, 8507 if person % 2 else 8532
        world.person(person, {"person": {"year_of_birth": born, "gender_concept_id": sex}})
        if person <= 20:
            concept = 11 if person % 2 else LUNG
            days = {"condition_start_date": "2020-03-01", "condition_end_date": "2020-03-02"}
            world.event("condition_occurrence", person, {"condition_concept_id": concept, **days})
        if person <= 12 or person > 25:
            days = {"drug_exposure_start_date": "2020-03-10", "drug_exposure_end_date": "2020-04-10", "days_supply": 30}
            world.event("drug_exposure", person, {"drug_concept_id": DRUG, "quantity": 1, "refills": 0, **days})
    for person in range(1, 11):
        day = str(date(2020, 3, 1) + timedelta(20 * person))
        told = {"condition_concept_id": STAGE, "condition_start_date": day, "condition_end_date": day}
        world.event("condition_occurrence", person, told)
    for person in (19, 20):
        world.event("death", person, {"death_date": "2020-05-01"})
    hall = house.hall(asker())
    for name, table in world.tables().items():
        if name != without:
            hall.lake.publish(name, table)
