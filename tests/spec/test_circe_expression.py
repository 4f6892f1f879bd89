"""What stands around the groups of a Circe expression: limits, windows, ends and eras, each with who is in and who is not.

Person 1 is let in and person 2 kept out by that construct alone; without it both are in. Where a construct moves only
the end of an entry or joins entries, both are in, with other entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import pytest
from tests.circe_world import EVER, SETS, World, run

from onmaru.rooms.cohort import grammar

ILL = {"ConditionOccurrence": {"CodesetId": 0}}
DRUG = {"Criteria": {"DrugExposure": {"CodesetId": 1}}, "Occurrence": {"Type": 2, "Count": 1}}
NEAR = {"Start": {"Days": 0, "Coeff": -1}, "End": {"Days": 5, "Coeff": 1}}
ON_DRUG = {"Type": "ALL", "CriteriaList": [{**DRUG, "StartWindow": NEAR}]}
ALL: dict[str, Any] = {name: {"Type": "All"} for name in ("QualifiedLimit", "ExpressionLimit")}
SUPPLY = {"days_supply": 1, "quantity": 1, "refills": 0, "drug_source_concept_id": 0}
TABLES = {
    "ill": ("condition_occurrence", "condition_start_date", "condition_end_date", {"condition_concept_id": 1}),
    "drug": ("drug_exposure", "drug_exposure_start_date", "drug_exposure_end_date", {"drug_concept_id": 100, **SUPPLY}),
    "death": ("death", "death_date", "", {"cause_concept_id": 0}),
}


def entered(limit: str = "All", **window: int) -> dict[str, Any]:
    return {"CriteriaList": [ILL], "ObservationWindow": window, "PrimaryCriteriaLimit": {"Type": limit}}


def rule(group: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": "rule", "expression": group}]


class Case(NamedTuple):
    """`asked` beside `plain`; events of both persons; whether the second is kept out, or else its entries (start/end)."""

    name: str
    asked: Mapping[str, Any]
    into: str
    kept: str
    entries: str = ""
    plain: Mapping[str, Any] = {}


ONCE = "ill:2020-06-01/2020-06-03"
TWICE = f"{ONCE} ill:2020-08-01/2020-08-03"
CASES = [
    Case("PriorDays", {"PrimaryCriteria": entered(PriorDays=100)}, ONCE, "ill:2020-03-01/2020-03-03"),
    Case("PostDays", {"PrimaryCriteria": entered(PostDays=100)}, ONCE, "ill:2020-11-01/2020-11-03"),
    # Only the second entry has the drug: who is asked for the first one alone does not meet the rule
    Case("PrimaryCriteriaLimit", {"PrimaryCriteria": entered("First"), "InclusionRules": rule(ON_DRUG)},
         f"{ONCE} drug:2020-06-02", f"{TWICE} drug:2020-08-02", plain={"InclusionRules": rule(ON_DRUG)}),
    Case("PrimaryCriteriaLimit last", {"PrimaryCriteria": entered("Last"), "InclusionRules": rule(ON_DRUG)},
         f"{TWICE} drug:2020-08-02", f"{TWICE} drug:2020-06-02", plain={"InclusionRules": rule(ON_DRUG)}),
    Case("AdditionalCriteria", {"AdditionalCriteria": ON_DRUG}, f"{ONCE} drug:2020-06-02", ONCE),
    Case("InclusionRules", {"InclusionRules": rule(ON_DRUG)}, f"{ONCE} drug:2020-06-02", ONCE),
    # The first of those that have the additional criteria is the first entry, which has no late drug
    Case("QualifiedLimit", {"AdditionalCriteria": {"Type": "ANY", "CriteriaList": [{**DRUG, "StartWindow": EVER}]},
                            "QualifiedLimit": {"Type": "First"}, "InclusionRules": rule(ON_DRUG)},
         f"{ONCE} drug:2020-06-02", f"{TWICE} drug:2020-08-02", plain={"InclusionRules": rule(ON_DRUG)}),
    Case("ExpressionLimit", {"ExpressionLimit": {"Type": "First"}, "EndStrategy": {"DateOffset": {"Offset": 1}}},
         ONCE, TWICE, "2020-06-01/2020-06-02"),
    Case("DateOffset.Offset", {"EndStrategy": {"DateOffset": {"DateField": "StartDate", "Offset": 10}}}, ONCE, ONCE,
         "2020-06-01/2020-06-11"),
    Case("DateOffset.DateField", {"EndStrategy": {"DateOffset": {"DateField": "EndDate", "Offset": 10}}}, ONCE, ONCE,
         "2020-06-01/2020-06-13"),
    Case("DrugEraEnd.DrugCodesetId", {"EndStrategy": {"CustomEra": {"DrugCodesetId": 1}}},
         ONCE, f"{ONCE} drug:2020-06-01/2020-06-20", "2020-06-01/2020-06-20"),
    Case("DrugEraEnd.GapDays", {"EndStrategy": {"CustomEra": {"DrugCodesetId": 1, "GapDays": 5}}},
         ONCE, f"{ONCE} drug:2020-06-01/2020-06-20 drug:2020-06-25/2020-06-30", "2020-06-01/2020-06-30"),
    Case("DrugEraEnd.Offset", {"EndStrategy": {"CustomEra": {"DrugCodesetId": 1, "Offset": 7}}},
         ONCE, f"{ONCE} drug:2020-06-01/2020-06-20", "2020-06-01/2020-06-27"),
    Case("DrugEraEnd.DaysSupplyOverride", {"EndStrategy": {"CustomEra": {"DrugCodesetId": 1, "DaysSupplyOverride": 3}}},
         ONCE, f"{ONCE} drug:2020-06-01/2020-06-20", "2020-06-01/2020-06-04"),
    Case("CensoringCriteria", {"CensoringCriteria": [{"Death": {}}]},
         ONCE, f"{ONCE} death:2020-07-01", "2020-06-01/2020-07-01"),
    Case("CollapseSettings.EraPad", {"CollapseSettings": {"CollapseType": "ERA", "EraPad": 60},
                                     "EndStrategy": {"DateOffset": {"DateField": "EndDate", "Offset": 0}}},
         ONCE, TWICE, "2020-06-01/2020-08-03"),
    Case("Period.StartDate", {"CensorWindow": {"StartDate": "2020-05-01"}, "EndStrategy": {"DateOffset": {"Offset": 1}}},
         ONCE, "ill:2020-03-01/2020-03-03", plain={"EndStrategy": {"DateOffset": {"Offset": 1}}}),
    Case("Period.EndDate", {"CensorWindow": {"EndDate": "2020-07-01"}}, ONCE, "ill:2020-08-01/2020-08-03"),
]  # fmt: skip


def world(case: Case) -> World:
    made = World()
    for person, told in ((1, case.into), (2, case.kept)):
        made.person(person, {})
        for word in told.split():
            kind, _, days = word.partition(":")
            table, start, end, row = TABLES[kind]
            first, _, last = days.partition("/")
            made.event(table, person, {**row, start: first, **({end: last or first} if end else {})})
    for person, (table, start, end, row) in enumerate(TABLES.values(), 90):
        # Somebody else, so that every table is there
        made.event(table, person, {**row, start: "2020-01-01", **({end: "2020-01-01"} if end else {})})
    return made


def entries(said: Mapping[str, Any], made: World) -> dict[int, list[tuple[date, date]]]:
    told = {"ConceptSets": SETS, "PrimaryCriteria": entered(), **ALL, **said}
    found: dict[int, list[tuple[date, date]]] = {}
    for row in run(told, made.tables())["cohort"].to_pylist():
        found.setdefault(row["subject_id"], []).append((row["cohort_start_date"], row["cohort_end_date"]))
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_keeps_out_or_moves_the_second_person_alone(case: Case) -> None:
    made = world(case)
    asked, plain = entries(case.asked, made), entries(case.plain, made)
    assert {1, 2} <= plain.keys() and 1 in asked
    if not case.entries:
        assert 2 not in asked
        return
    start, _, end = case.entries.partition("/")
    assert asked[2] == [(date.fromisoformat(start), date.fromisoformat(end))] != plain[2]


def test_every_member_around_the_groups_has_a_case() -> None:
    named = {case.name.split(" ")[0].rpartition(".")[2] for case in CASES}
    descriptive = {
        "cdmVersionRange",
        "Title",
        "ConceptSets",
        "PrimaryCriteria",
        "CollapseType",
        "CriteriaList",
        "ObservationWindow",
    }
    held = {"EndStrategy", "CollapseSettings", "CensorWindow"}  # by those of their own members
    wanted = {
        member
        for name in (
            "CohortExpression",
            "PrimaryCriteria",
            "ObservationWindow",
            "DateOffset",
            "DrugEraEnd",
            "CollapseSettings",
            "Period",
        )
        for member in grammar.objects()[name]
    }
    assert wanted - descriptive - held == named
