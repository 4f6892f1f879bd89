"""A made CDM for the cases of tests/spec/circe.toml: two persons a case, who differ in one thing."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from onmaru.engines.duck.script import Handed, ScriptRun
from onmaru.kernel.lake import Script
from onmaru.rooms.cohort import grammar, sql

FILE = Path(__file__).parent / "spec" / "circe.toml"
# Criteria → table, and the columns for its start, its end and its concept
TABLES = {
    "ConditionEra": ("condition_era", "condition_era_start_date", "condition_era_end_date", "condition_concept_id"),
    "ConditionOccurrence": (
        "condition_occurrence",
        "condition_start_date",
        "condition_end_date",
        "condition_concept_id",
    ),
    "CustomEra": ("condition_occurrence", "condition_start_date", "condition_end_date", "condition_concept_id"),
    "Death": ("death", "death_date", "", "cause_concept_id"),
    "DeviceExposure": (
        "device_exposure",
        "device_exposure_start_date",
        "device_exposure_end_date",
        "device_concept_id",
    ),
    "DoseEra": ("dose_era", "dose_era_start_date", "dose_era_end_date", "drug_concept_id"),
    "DrugEra": ("drug_era", "drug_era_start_date", "drug_era_end_date", "drug_concept_id"),
    "DrugExposure": ("drug_exposure", "drug_exposure_start_date", "drug_exposure_end_date", "drug_concept_id"),
    "Episode": ("episode", "episode_start_date", "episode_end_date", "episode_concept_id"),
    "Measurement": ("measurement", "measurement_date", "", "measurement_concept_id"),
    "Observation": ("observation", "observation_date", "", "observation_concept_id"),
    "ObservationPeriod": ("observation_period", "observation_period_start_date", "observation_period_end_date", ""),
    "PayerPlanPeriod": ("payer_plan_period", "payer_plan_period_start_date", "payer_plan_period_end_date", ""),
    "ProcedureOccurrence": ("procedure_occurrence", "procedure_date", "", "procedure_concept_id"),
    "Specimen": ("specimen", "specimen_date", "", "specimen_concept_id"),
    "VisitDetail": ("visit_detail", "visit_detail_start_date", "visit_detail_end_date", "visit_detail_concept_id"),
    "VisitOccurrence": ("visit_occurrence", "visit_start_date", "visit_end_date", "visit_concept_id"),
}
SINCE = (
    "OccurrenceStartDate",
    "EraStartDate",
    "EpisodeStartDate",
    "StartDate",
    "PeriodStartDate",
    "VisitDetailStartDate",
)
PERSON = {"year_of_birth": 1960, "gender_concept_id": 8507, "race_concept_id": 8527, "ethnicity_concept_id": 38003564}
ALL_YEAR = {"observation_period_start_date": "2020-01-01", "observation_period_end_date": "2020-12-31"}
EVER = {"Start": {"Coeff": -1}, "End": {"Coeff": 1}}
CONCEPTS = (1, 9, 11, 100, 8507, 8532, 9201, 9202)
MADE = {"domain_id": "Made", "vocabulary_id": "Made", "standard_concept": "S"}
Rows = dict[str, list[dict[str, Any]]]


def items(*ids: int, **more: bool) -> dict[str, Any]:
    return {"items": [{"concept": {"CONCEPT_ID": id}, **more} for id in ids]}


SETS = [
    {"id": 0, "name": "wanted", "expression": items(1, includeDescendants=True)},
    {"id": 1, "name": "hundred", "expression": items(100)},
    {"id": 2, "name": "men", "expression": items(8507)},
    {"id": 3, "name": "inpatients", "expression": items(9201)},
]


class Case(NamedTuple):
    """A criteria with one member that lets `into` in and keeps `kept` out; without it (`plain`) both are in."""

    criteria: str
    member: str
    asked: Mapping[str, Any]
    plain: Mapping[str, Any]
    into: int
    kept: int

    @property
    def name(self) -> str:
        return f"{self.criteria}.{self.member}"


class World:
    """Rows by CDM table. Every person has an observation period, a visit, a provider and a care site of their own."""

    def __init__(self) -> None:
        self.rows: Rows = {name: [] for name in ("person", "provider", "care_site", "visit_occurrence")}
        self.rows |= {"observation_period": [], "concept_relationship": []}
        self.rows["concept"] = [
            {
                "concept_id": id,
                "concept_name": f"concept {id}",
                "concept_code": f"c{id}",
                "invalid_reason": None,
                **MADE,
            }
            for id in CONCEPTS
        ]
        kin = [(id, id) for id in CONCEPTS] + [(1, 11)]
        self.rows["concept_ancestor"] = [{"ancestor_concept_id": a, "descendant_concept_id": d} for a, d in kin]
        self._event = 0

    def person(self, person: int, told: Mapping[str, Mapping[str, Any]], without: str = "") -> None:
        """`told`: columns of `person`, `visit`, `provider` and `care_site`; no row in the table `without`."""
        self.add("person", {**PERSON, "person_id": person, "_patient": f"p{person}", **told.get("person", {})})
        self.add("provider", {"provider_id": person, "specialty_concept_id": 9, **told.get("provider", {})})
        place = {"care_site_id": person, "place_of_service_concept_id": 100, **told.get("care_site", {})}
        self.add("care_site", place)
        if without != "observation_period":
            self.event("observation_period", person, ALL_YEAR)
        if without != "visit_occurrence":
            days = {"visit_start_date": "2020-06-01", "visit_end_date": "2020-06-02", "visit_concept_id": 9201}
            self.add(
                "visit_occurrence",
                {"visit_occurrence_id": person, "person_id": person, **days, **told.get("visit", {})},
            )

    def event(self, table: str, person: int, told: Mapping[str, Any]) -> None:
        """A row with an id of its own, in the person's own visit, by their own provider."""
        self._event += 1
        id = 10**6 + self._event
        row = {f"{table}_id": id, "person_id": person, "provider_id": person, "care_site_id": person, **told}
        self.add(table, row if table == "visit_occurrence" else {"visit_occurrence_id": person, **row})

    def add(self, table: str, row: Mapping[str, Any]) -> None:
        self.rows.setdefault(table, []).append(dict(row))

    def tables(self) -> dict[str, pa.Table]:
        """As Arrow tables; what ends in _date is a date."""
        return {name: _table(rows) for name, rows in self.rows.items() if rows} | {
            "concept_relationship": _table(
                self.rows["concept_relationship"]
                or [{"concept_id_1": -1, "concept_id_2": -1, "relationship_id": "", "invalid_reason": "D"}]
            )
        }


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    names = sorted({name for row in rows for name in row})
    return pa.table({name: _column(name, [row.get(name) for row in rows]) for name in names})


def _column(name: str, values: list[Any]) -> pa.Array:
    if name.endswith("_date"):
        return pa.array([value and date.fromisoformat(value) for value in values], pa.date32())
    return pa.array(values, pa.string() if all(value is None for value in values) else None)


def run(expression: Mapping[str, Any], tables: Mapping[str, pa.Table], results: tuple[str, ...] = ("cohort",)) -> Any:
    """Run a Circe expression over tables, as the lake does; the results by name."""
    made = sql.cohort(grammar.checked(dict(expression)))

    @contextmanager
    def handed() -> Iterator[Handed]:
        parts = {f"__{name}": tables[name] for name in made.tables}
        yield Handed(parts, {name: f'SELECT * FROM "__{name}" r' for name in made.tables}, {})

    return ScriptRun(Script("test", made.statements, made.tables, results), handed).compute()


def value(text: str) -> Any:
    """A value as the cases write it."""
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


def _pairs(text: str) -> dict[str, Any]:
    return {name: value(told) for name, told in (one.split("=", 1) for one in text.split())}


@cache
def cases() -> tuple[tuple[Case, ...], Mapping[str, pa.Table]]:
    """Every case of the file, and the CDM that holds their persons."""
    told = tomllib.loads(FILE.read_text("utf-8"))
    common = told.pop("common")
    world, found = World(), []
    for criteria, own in told.items():
        row = _pairs(own.pop("row"))
        members = grammar.criteria()[criteria]
        fitting = [name for name in common if name in members and not grammar.absent(criteria, name)]
        shared = {name: common[name] for name in fitting if name not in own}
        for member, case in {**shared, **own}.items():
            into, kept = 2 * len(found) + 1, 2 * len(found) + 2
            _put(world, criteria, into, row, case.get("in", ""))
            _put(world, criteria, kept, row, case["out"])
            found.append(_case(criteria, member, case, into, kept))
    return tuple(found), world.tables()


def _case(criteria: str, member: str, told: Mapping[str, Any], into: int, kept: int) -> Case:
    members = grammar.criteria()[criteria]
    plain: dict[str, Any] = {"CodesetId": 0} if "CodesetId" in members and member != "CodesetId" else {}
    if criteria == "CustomEra":
        plain["CriteriaList"] = [{"ConditionOccurrence": {} if member == "CriteriaList" else {"CodesetId": 0}}]
    besides = dict(told.get("with", {}))
    if since := besides.pop("SINCE", ""):
        name = next(name for name in SINCE if name in members)
        plain[name] = {"Value": since, "Op": "gte"}
    return Case(criteria, member, {**plain, **besides, member: told["ask"]}, plain, into, kept)


def _put(world: World, criteria: str, person: int, row: Mapping[str, Any], differs: str) -> None:
    table, start, end, concept = TABLES[criteria]
    elsewhere: dict[str, dict[str, Any]] = {}
    mine, more = dict(row), []
    for name, told in _pairs(differs).items():
        place, _, column = name.rpartition(".")
        if place:
            elsewhere.setdefault(place, {})[column] = told
        elif name == "BEFORE":
            more.append({**row, start: told, **({end: told} if end else {})})
        else:
            mine[{"START": start, "CONCEPT": concept}.get(name, name)] = told
    world.person(person, elsewhere, table)
    for one in (*more, mine):
        world.event(table, person, one)


def asking(criteria: Mapping[str, Any]) -> dict[str, Any]:
    """A group that asks for a criteria at any time in the observation period."""
    counted = {"Criteria": criteria, "StartWindow": EVER, "Occurrence": {"Type": 2, "Count": 1}}
    return {"Type": "ALL", "CriteriaList": [counted]}


def entering(rules: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Everybody who is observed enters; the rules are counted."""
    primary = {
        "CriteriaList": [{"ObservationPeriod": {}}],
        "ObservationWindow": {"PriorDays": 0, "PostDays": 0},
        "PrimaryCriteriaLimit": {"Type": "All"},
    }
    rules = [{"name": str(place), "expression": rule} for place, rule in enumerate(rules)]
    limit = {"Type": "All"}
    told = {"ConceptSets": SETS, "PrimaryCriteria": primary, "QualifiedLimit": limit, "ExpressionLimit": limit}
    return {**told, "InclusionRules": rules, **more}
