"""Windows, counts, groups, comparisons and concept sets of Circe: each lets one made person in and keeps another out.

Everybody enters with concept 1 from 1 to 10 June 2020. A person's events are `table:start[/end]` with `,column=value`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest
from tests.circe_world import EVER, SETS, World, items, run, value

from onmaru.rooms.cohort import grammar

DRUG: dict[str, Any] = {"DrugExposure": {"CodesetId": 1}}
ANY_DRUG: dict[str, Any] = {"DrugExposure": {}}
SOME: dict[str, Any] = {"Type": 2, "Count": 1}
COLUMNS = {
    "drug": ("drug_exposure", "drug_exposure_start_date", "drug_exposure_end_date", "drug_concept_id=100"),
    "lab": ("measurement", "measurement_date", "", "measurement_concept_id=100"),
    "said": ("observation", "observation_date", "", "observation_concept_id=100,value_as_number=0"),
    "ill": ("condition_occurrence", "condition_start_date", "condition_end_date", "condition_concept_id=1"),
    "era": ("condition_era", "condition_era_start_date", "condition_era_end_date", "condition_concept_id=100"),
    "course": ("drug_era", "drug_era_start_date", "drug_era_end_date", "drug_concept_id=100,drug_exposure_count=1"),
    "detail": ("visit_detail", "visit_detail_start_date", "visit_detail_end_date", "visit_detail_concept_id=100"),
}  # fmt: skip


class Case(NamedTuple):
    """A group, and the events (and columns of their row in person) of who meets it and who does not."""

    name: str
    group: Mapping[str, Any]
    into: str
    kept: str


def window(begin: int | None = None, end: int | None = None, **more: bool) -> dict[str, Any]:
    def point(days: int | None, toward: int) -> dict[str, int]:
        return {"Coeff": toward} if days is None else {"Days": abs(days), "Coeff": -1 if days < 0 else 1}

    return {"Start": point(begin, -1), "End": point(end, 1), **more}


def one(criteria: Mapping[str, Any] = DRUG, **more: Any) -> dict[str, Any]:
    return {"Criteria": criteria, "StartWindow": EVER, "Occurrence": SOME, **more}


def all_of(*criteria: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"Type": "ALL", "CriteriaList": list(criteria), **more}


def person(**asked: Any) -> dict[str, Any]:
    return {"Type": "ALL", "DemographicCriteriaList": [asked]}


def compared(op: str, least: Any, most: Any = None) -> dict[str, Any]:
    return {"Value": least, "Op": op, **({} if most is None else {"Extent": most})}


def lab(op: str, *told: Any) -> dict[str, Any]:
    return all_of(one({"Measurement": {"CodesetId": 1, "ValueAsNumber": compared(op, *told)}}))


def began(op: str, *told: str) -> dict[str, Any]:
    return all_of(one({"DrugExposure": {"CodesetId": 1, "OccurrenceStartDate": compared(op, *told)}}))


def word(op: str) -> dict[str, Any]:
    return all_of(one({"Observation": {"CodesetId": 1, "ValueAsString": {"Text": "ab", "Op": op}}}))


def moved(**adjusted: Any) -> dict[str, Any]:
    told = {"StartWith": "START_DATE", "StartOffset": 0, "EndWith": "END_DATE", "EndOffset": 0, **adjusted}
    return {"DrugExposure": {"CodesetId": 1, "DateAdjustment": told}}


def distinct(criteria: str, column: str = "") -> dict[str, Any]:
    counted = {"Type": 2, "Count": 2, "IsDistinct": True, **({"CountColumn": column} if column else {})}
    codeset: dict[str, Any] = {} if column in ("", "DOMAIN_CONCEPT") else {"CodesetId": 1}
    return all_of(one({criteria: codeset}, Occurrence=counted))


def of_set(id: int) -> dict[str, Any]:
    return all_of(one({"DrugExposure": {"CodesetId": id}}))


MORE_SETS = [
    {
        "id": 10,
        "expression": {"items": items(1, includeDescendants=True)["items"] + items(11, isExcluded=True)["items"]},
    },
    {"id": 11, "expression": items(1)},
    {"id": 12, "expression": items(1, includeDescendants=True)},
    {"id": 13, "expression": items(1, includeMapped=True)},
]
GREEN, BLUE = one({"Observation": {"CodesetId": 1, "ValueAsString": {"Text": "green", "Op": "startsWith"}}}), one()
LAB = one({"Measurement": {"CodesetId": 1}})
SAID = "said:2020-06-01,value_as_string="
D1, D2 = "drug:2020-06-05", "drug:2020-06-06"
CASES = [
    Case("Window.Start", all_of(one(StartWindow=window(-10))), "drug:2020-05-25", "drug:2020-05-15"),
    Case("Window.End", all_of(one(StartWindow=window(None, 10))), "drug:2020-06-08", "drug:2020-06-20"),
    Case("Endpoint.Days", all_of(one(StartWindow=window(None, 0))), "drug:2020-01-05", "drug:2020-07-01"),
    Case("Endpoint.Coeff", all_of(one(StartWindow=window(5, 10))), "drug:2020-06-08", "drug:2020-05-25"),
    Case("Window.UseIndexEnd", all_of(one(StartWindow=window(0, 5, UseIndexEnd=True))),
         "drug:2020-06-12", "drug:2020-06-05"),
    Case("Window.UseEventEnd", all_of(one(StartWindow=window(0, 5, UseEventEnd=True))),
         "drug:2020-05-20/2020-06-03", "drug:2020-06-02/2020-06-20"),
    Case("Counted.EndWindow", all_of(one(EndWindow=window(0, 30))),
         "drug:2020-06-02/2020-06-20", "drug:2020-06-02/2020-08-01"),
    Case("Counted.EndWindow of its start", all_of(one(EndWindow=window(0, 5, UseEventEnd=False))),
         "drug:2020-06-02/2020-08-01", "drug:2020-05-20/2020-06-03"),
    Case("Counted.EndWindow from the end", all_of(one(EndWindow=window(0, 5, UseIndexEnd=True))),
         "drug:2020-06-02/2020-06-12", "drug:2020-06-02/2020-06-05"),
    Case("Counted.RestrictVisit", all_of(one(RestrictVisit=True)), D1, f"{D1},visit_occurrence_id=99999"),
    Case("Counted.IgnoreObservationPeriod", all_of(one(IgnoreObservationPeriod=False)), D1, "drug:2019-06-05"),
    Case("Counted.IgnoreObservationPeriod true", all_of(one(IgnoreObservationPeriod=True)), "drug:2019-06-05", ""),
    Case("Occurrence.Type exactly", all_of(one(Occurrence={"Type": 0, "Count": 1})), D1, f"{D1} {D2}"),
    Case("Occurrence.Type at most", all_of(one(Occurrence={"Type": 1, "Count": 1})), "", f"{D1} {D2}"),
    Case("Occurrence.Type at least", all_of(one(Occurrence={"Type": 2, "Count": 2})), f"{D1} {D2}", D1),
    Case("Occurrence.Count", all_of(one(Occurrence={"Type": 0, "Count": 0})), "", D1),
    Case("Occurrence.IsDistinct", distinct("DrugExposure"), f"{D1} {D2},drug_concept_id=9", f"{D1} {D2}"),
    Case("CountColumn.DOMAIN_CONCEPT", distinct("DrugExposure", "DOMAIN_CONCEPT"),
         f"{D1} {D2},drug_concept_id=9", f"{D1} {D2}"),
    *(Case(f"CountColumn.{column}", distinct(criteria, column),
           f"{event},{same} {event},{other}", f"{event},{same} {event},{same}")
      for criteria, column, event, same, other in (
          ("DrugExposure", "DAYS_SUPPLY", D1, "days_supply=5", "days_supply=6"),
          ("DrugExposure", "QUANTITY", D1, "quantity=5", "quantity=6"),
          ("DrugExposure", "REFILLS", D1, "refills=5", "refills=6"),
          ("DrugExposure", "VISIT_ID", D1, "visit_occurrence_id=5", "visit_occurrence_id=6"),
          ("DrugExposure", "START_DATE", D1, "drug_exposure_start_date=2020-06-05", "drug_exposure_start_date=2020-06-06"),
          ("DrugExposure", "END_DATE", D1, "drug_exposure_end_date=2020-06-07", "drug_exposure_end_date=2020-06-08"),
          ("DrugExposure", "DURATION", D1, "drug_exposure_end_date=2020-06-07", "drug_exposure_end_date=2020-06-08"),
          ("Measurement", "VALUE_AS_NUMBER", "lab:2020-06-05", "value_as_number=5", "value_as_number=6"),
          ("Measurement", "RANGE_LOW", "lab:2020-06-05", "range_low=5", "range_low=6"),
          ("Measurement", "RANGE_HIGH", "lab:2020-06-05", "range_high=5", "range_high=6"),
          ("ConditionEra", "ERA_OCCURRENCES", "era:2020-06-05/2020-06-06", "condition_occurrence_count=5",
           "condition_occurrence_count=6"),
          ("DrugEra", "GAP_DAYS", "course:2020-06-05/2020-06-06", "gap_days=5", "gap_days=6"))),
    Case("Group.Type all", all_of(LAB, BLUE), f"{D1} lab:2020-06-05", D1),
    Case("Group.Type any", {"Type": "ANY", "CriteriaList": [LAB, BLUE]}, D1, ""),
    Case("Group.Type at least", {"Type": "AT_LEAST", "Count": 2, "CriteriaList": [LAB, BLUE, GREEN]},
         f"{D1} lab:2020-06-05", D1),
    Case("Group.Type at most", {"Type": "AT_MOST", "Count": 1, "CriteriaList": [LAB, BLUE]}, D1, f"{D1} lab:2020-06-05"),
    Case("Group.Count", {"Type": "AT_MOST", "Count": 0, "CriteriaList": [LAB, BLUE]}, "", D1),
    Case("Group.Groups", all_of(LAB, Groups=[{"Type": "ANY", "CriteriaList": [BLUE, GREEN]}]),
         f"lab:2020-06-05 {SAID}green", "lab:2020-06-05"),
    Case("Demographic.Age", person(Age=compared("gte", 40)), "", "year_of_birth=1990"),
    Case("Demographic.Gender", person(Gender=[{"CONCEPT_ID": 8507}]), "", "gender_concept_id=8532"),
    Case("Demographic.GenderCS", person(GenderCS={"CodesetId": 2}), "", "gender_concept_id=8532"),
    Case("Choice.IsExclusion", person(GenderCS={"CodesetId": 2, "IsExclusion": True}), "gender_concept_id=8532", ""),
    Case("Demographic.Race", person(Race=[{"CONCEPT_ID": 8527}]), "", "race_concept_id=9"),
    Case("Demographic.RaceCS", person(RaceCS={"CodesetId": 1}), "race_concept_id=100", ""),
    Case("Demographic.Ethnicity", person(Ethnicity=[{"CONCEPT_ID": 38003564}]), "", "ethnicity_concept_id=9"),
    Case("Demographic.EthnicityCS", person(EthnicityCS={"CodesetId": 1}), "ethnicity_concept_id=100", ""),
    Case("Demographic.OccurrenceStartDate", person(OccurrenceStartDate=compared("lte", "2020-06-01")),
         "", "ENTRY=2020-06-02/2020-06-10"),
    Case("Demographic.OccurrenceEndDate", person(OccurrenceEndDate=compared("lte", "2020-06-10")),
         "", "ENTRY=2020-06-01/2020-06-11"),
    *(Case(f"Number.Op {op}", lab(op, *told), f"lab:2020-06-05,value_as_number={a}", f"lab:2020-06-05,value_as_number={b}")
      for op, told, a, b in (("lt", (5,), 4, 5), ("lte", (5,), 5, 6), ("eq", (5,), 5, 4), ("!eq", (5,), 4, 5),
                             ("gt", (5,), 6, 5),
                             ("gte", (5,), 5, 4), ("bt", (5, 7), 7, 8), ("!bt", (5, 7), 8, 7))),
    *(Case(f"Dates.Op {op}", began(op, *told), f"drug:2020-06-{a:02}", f"drug:2020-06-{b:02}")
      for op, told, a, b in (("lt", ("2020-06-05",), 4, 5), ("lte", ("2020-06-05",), 5, 6), ("eq", ("2020-06-05",), 5, 4),
                             ("!eq", ("2020-06-05",), 4, 5), ("gt", ("2020-06-05",), 6, 5), ("gte", ("2020-06-05",), 5, 4),
                             ("bt", ("2020-06-05", "2020-06-07"), 7, 8), ("!bt", ("2020-06-05", "2020-06-07"), 8, 7))),
    *(Case(f"Text.Op {op}", word(op), f"{SAID}{a}", f"{SAID}{b}")
      for op, a, b in (("contains", "xaby", "xay"), ("!contains", "xay", "xaby"), ("startsWith", "abx", "xab"),
                       ("!startsWith", "xab", "abx"), ("endsWith", "xab", "abx"), ("!endsWith", "abx", "xab"))),
    Case("DateAdjustment.StartWith", all_of(one(moved(StartWith="END_DATE"), StartWindow=window(0, 5))),
         "drug:2020-05-20/2020-06-03", "drug:2020-06-02/2020-06-20"),
    Case("DateAdjustment.StartOffset", all_of(one(moved(StartOffset=-5), StartWindow=window(0, 5))),
         "drug:2020-06-08/2020-06-09", "drug:2020-06-03/2020-06-09"),
    Case("DateAdjustment.EndWith", all_of(one(moved(EndWith="START_DATE"), EndWindow=window(0, 5))),
         "drug:2020-06-02/2020-08-01", "drug:2020-05-20/2020-06-03"),
    Case("DateAdjustment.EndOffset", all_of(one(moved(EndOffset=10), EndWindow=window(0, 15))),
         "drug:2020-06-02/2020-06-05", "drug:2020-06-02/2020-06-10"),
    Case("ConceptSetItem.isExcluded", of_set(10), f"{D1},drug_concept_id=1", f"{D1},drug_concept_id=11"),
    Case("ConceptSetItem.concept", of_set(11), f"{D1},drug_concept_id=1", f"{D1},drug_concept_id=11"),
    Case("ConceptSetItem.includeDescendants", of_set(12), f"{D1},drug_concept_id=11", f"{D1},drug_concept_id=9"),
    Case("ConceptSetItem.includeMapped", of_set(13), f"{D1},drug_concept_id=9202", f"{D1},drug_concept_id=9"),
]  # fmt: skip


def put(world: World, number: int, told: str) -> None:
    """A person with their entry, events and own columns."""
    own, entry = {}, "2020-06-01/2020-06-10"
    events = []
    for word in told.split():
        if ":" in word:
            events.append(word)
        else:
            name, _, text = word.partition("=")
            entry = text if name == "ENTRY" else entry
            own |= {} if name == "ENTRY" else {name: value(text)}
    world.person(number, {"person": own})
    for word in (f"ill:{entry}", *events):
        head, *more = word.split(",")
        kind, _, days = head.partition(":")
        table, start, end, concept = COLUMNS[kind]
        first, _, last = days.partition("/")
        row = {start: first, **({end: last or first} if end else {})}
        world.event(
            table, number, row | {n: value(v) for n, v in (one.split("=") for one in (*concept.split(","), *more))}
        )


@pytest.fixture(scope="module")
def met() -> dict[str, set[int]]:
    """The persons who meet each case's group, of all cases in one run."""
    world = World()
    mapped = {"concept_id_1": 9202, "concept_id_2": 1, "relationship_id": "Maps to", "invalid_reason": None}
    world.add("concept_relationship", mapped)
    for place, case in enumerate(CASES):
        put(world, 2 * place + 1, case.into)
        put(world, 2 * place + 2, case.kept)
    told = {
        "ConceptSets": [*SETS, *MORE_SETS],
        "PrimaryCriteria": {"CriteriaList": [{"ConditionOccurrence": {"CodesetId": 0}}], "ObservationWindow": {}},
        "InclusionRules": [{"name": case.name, "expression": case.group} for case in CASES],
    }
    found: dict[str, set[int]] = {case.name: set() for case in CASES}
    for row in run(told, world.tables(), ("inclusion_events",))["inclusion_events"].to_pylist():
        found[CASES[row["inclusion_rule_id"]].name].add(row["person_id"])
    return found


@pytest.mark.parametrize("place", range(len(CASES)), ids=[case.name for case in CASES])
def test_a_construct_lets_one_person_in_and_keeps_one_out(place: int, met: dict[str, set[int]]) -> None:
    both = {2 * place + 1, 2 * place + 2}
    assert met[CASES[place].name] & both == {2 * place + 1}


def test_every_member_of_groups_windows_and_sets_has_a_case() -> None:
    objects = (
        "Counted",
        "Window",
        "Endpoint",
        "Occurrence",
        "Demographic",
        "Choice",
        "DateAdjustment",
        "ConceptSetItem",
        "Group",
    )
    # These stand in every case
    shared = {"Counted.Criteria", "Counted.StartWindow", "Counted.Occurrence", "Choice.CodesetId", "Group.CriteriaList"}
    shared |= {"Group.DemographicCriteriaList", "Occurrence.CountColumn", "ConceptSetItem.*"}
    wanted = {f"{name}.{member}" for name in objects for member in grammar.objects()[name]} - shared
    assert wanted - {case.name.split(" ")[0] for case in CASES} == set()
    words = grammar.objects()["Occurrence"]["CountColumn"].split("|")
    # circe-be has the other columns for no criteria, or takes them as they come
    assert set(words) - {case.name.split(".")[1] for case in CASES if case.name.startswith("CountColumn")} == {
        "DOMAIN_SOURCE_CONCEPT",
        "UNIT",
        "VISIT_DETAIL_ID",
    }
