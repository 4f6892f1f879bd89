"""Each of OHDSI's kinds of check on a made CDM: it finds the rows that violate it, no other, and counts the right total."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from onmaru.engines.duck.script import Handed, ScriptRun
from onmaru.kernel.lake import Script
from onmaru.rooms.quality.checks import by_id, checks, kinds
from onmaru.rooms.quality.conditions import ROWS, limit
from onmaru.rooms.quality.statements import SPECIAL, plan

TODAY = date.today()  # noqa: DTZ011 - the checks ask the day of the database's clock, in UTC or not
DAY = date(2020, 6, 1)
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def counted(rows: Rows, *ids: str) -> dict[str, tuple[int, int]]:
    """Violated and total of these checks over made tables."""
    tables = {name: pa.table(_columns(one)) for name, one in rows.items()}
    asked = [by_id()[id] for id in ids]
    made = plan(asked, {name: table.column_names for name, table in tables.items()})

    @contextmanager
    def handed() -> Iterator[Handed]:
        parts = {f"__{name}": table for name, table in tables.items()}
        yield Handed(parts, {name: f'SELECT * FROM "__{name}" r' for name in tables}, {})

    script = Script("test", tuple(made.statements), tuple(tables), ("found",))
    found = ScriptRun(script, handed).compute()["found"].to_pylist()
    return {asked[row["number"]].id: (row["violated"], row["total"]) for row in found}


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def person(id: int, **more: Any) -> dict[str, Any]:
    born = {"year_of_birth": 1960, "month_of_birth": None, "day_of_birth": 5, "birth_datetime": None}
    return {"person_id": id, "gender_concept_id": 8507, **born, **more}


def condition(person: int, **more: Any) -> dict[str, Any]:
    days = {"condition_start_date": DAY, "condition_end_date": DAY}
    return {"condition_occurrence_id": person, "person_id": person, "condition_concept_id": 1, **days, **more}


def concept(id: int, **more: Any) -> dict[str, Any]:
    standard = {"standard_concept": "S", "invalid_reason": None, "domain_id": "Condition", "concept_class_id": "x"}
    return {"concept_id": id, **standard, **more}


OUT = {"person": [person(1), person(2)]}
CASES: list[tuple[str, Rows, int, int]] = [
    (
        "measurePersonCompleteness.condition_occurrence",
        {**OUT, "condition_occurrence": [condition(1), condition(1)]},
        1,
        2,
    ),
    (
        "measureConditionEraCompleteness.condition_era",
        {"condition_occurrence": [condition(1), condition(2), condition(2)], "condition_era": [{"person_id": 1}]},
        1,
        2,
    ),
    (
        "measureObservationPeriodOverlap.observation_period",
        {
            "observation_period": [
                {
                    "observation_period_id": 1,
                    "person_id": 1,
                    "observation_period_start_date": DAY,
                    "observation_period_end_date": DAY + timedelta(9),
                },
                {
                    "observation_period_id": 2,
                    "person_id": 1,
                    "observation_period_start_date": DAY + timedelta(10),
                    "observation_period_end_date": DAY + timedelta(20),
                },
                {
                    "observation_period_id": 3,
                    "person_id": 2,
                    "observation_period_start_date": DAY,
                    "observation_period_end_date": DAY,
                },
                {
                    "observation_period_id": 4,
                    "person_id": 2,
                    "observation_period_start_date": DAY + timedelta(2),
                    "observation_period_end_date": DAY + timedelta(2),
                },
            ]
        },
        1,
        2,
    ),
    ("isRequired.person.gender_concept_id", {"person": [person(1), person(2, gender_concept_id=None)]}, 1, 2),
    ("measureValueCompleteness.person.day_of_birth", {"person": [person(1), person(2, day_of_birth=None)]}, 1, 2),
    (
        "cdmDatatype.person.month_of_birth",
        {"person": [person(1, month_of_birth="1"), person(2, month_of_birth="x")]},
        1,
        2,
    ),
    ("isPrimaryKey.person.person_id", {"person": [person(1), person(1), person(2)]}, 2, 3),
    (
        "isForeignKey.condition_occurrence.person_id",
        {**OUT, "condition_occurrence": [condition(1), condition(3), condition(None)]},
        1,
        3,  # type: ignore[arg-type]  # a key that is not there is no wrong key
    ),
    (
        "isForeignKey.condition_occurrence.condition_concept_id",
        {"concept": [concept(1)], "condition_occurrence": [condition(1), condition(2, condition_concept_id=9)]},
        1,
        2,
    ),
    (
        "fkDomain.condition_occurrence.condition_concept_id",
        {
            "concept": [concept(0, domain_id="Metadata"), concept(1), concept(2, domain_id="Drug")],
            "condition_occurrence": [
                condition(1),
                condition(2, condition_concept_id=2),
                condition(3, condition_concept_id=0),
            ],
        },
        1,
        3,
    ),
    (
        "fkClass.drug_era.drug_concept_id",
        {
            "concept": [concept(1, concept_class_id="Ingredient"), concept(2)],
            "drug_era": [{"drug_concept_id": 1}, {"drug_concept_id": 2}],
        },
        1,
        2,
    ),
    (
        "isStandardValidConcept.condition_occurrence.condition_concept_id",
        {
            "concept": [concept(1), concept(2, standard_concept=None), concept(3, invalid_reason="D")],
            "condition_occurrence": [condition(n, condition_concept_id=n) for n in (1, 2, 3)],
        },
        2,
        3,
    ),
    (
        "standardConceptRecordCompleteness.condition_occurrence.condition_concept_id",
        {"condition_occurrence": [condition(1), condition(2, condition_concept_id=0)]},
        1,
        2,
    ),
    (
        "standardConceptRecordCompleteness.measurement.unit_concept_id",
        {
            "measurement": [
                {"unit_concept_id": 0, "value_as_number": 1.0},
                {"unit_concept_id": 5, "value_as_number": 1.0},
                {"unit_concept_id": 0, "value_as_number": None},
            ]
        },
        1,
        2,
    ),
    (
        "sourceConceptRecordCompleteness.condition_occurrence.condition_source_concept_id",
        {
            "condition_occurrence": [
                condition(1, condition_source_concept_id=0),
                condition(2, condition_source_concept_id=7),
            ]
        },
        1,
        2,
    ),
    (
        "sourceValueCompleteness.condition_occurrence.condition_source_value",
        {
            "condition_occurrence": [
                condition(1, condition_source_value="a", condition_concept_id=0),
                condition(2, condition_source_value="a", condition_concept_id=0),
                condition(3, condition_source_value="b"),
                condition(4, condition_source_value=None),
            ]
        },
        1,
        3,
    ),
    ("plausibleValueLow.person.year_of_birth", {"person": [person(1), person(2, year_of_birth=1849)]}, 1, 2),
    (
        "plausibleValueLow.condition_occurrence.condition_start_date",
        {"condition_occurrence": [condition(1), condition(2, condition_start_date=date(1949, 12, 31))]},
        1,
        2,
    ),
    (
        "plausibleValueHigh.condition_occurrence.condition_start_date",
        {
            "condition_occurrence": [
                condition(1),
                condition(2, condition_start_date=TODAY + timedelta(3)),
                condition(3, condition_start_date=None),
            ]
        },
        1,
        2,
    ),
    (
        "plausibleTemporalAfter.condition_occurrence.condition_end_date",
        {"condition_occurrence": [condition(1), condition(2, condition_end_date=DAY - timedelta(1))]},
        1,
        2,
    ),
    (
        "plausibleTemporalAfter.condition_occurrence.condition_start_date",
        {
            "person": [person(1, birth_datetime=datetime(2021, 1, 1)), person(2)],  # noqa: DTZ001
            "condition_occurrence": [condition(1), condition(2)],
        },
        1,
        2,
    ),
    (
        "plausibleStartBeforeEnd.condition_occurrence.condition_start_date",
        {
            "condition_occurrence": [
                condition(1),
                condition(2, condition_end_date=DAY - timedelta(1)),
                condition(3, condition_end_date=None),
            ]
        },
        1,
        2,
    ),
    (
        "plausibleDuringLife.condition_occurrence.condition_start_date",
        {
            "death": [
                {"person_id": 1, "death_date": DAY - timedelta(61)},
                {"person_id": 2, "death_date": DAY - timedelta(60)},
            ],
            "condition_occurrence": [condition(1), condition(2), condition(3)],
        },
        1,
        3,
    ),
    (
        "plausibleBeforeDeath.condition_occurrence.condition_start_date",
        {
            "death": [
                {"person_id": 1, "death_date": DAY - timedelta(61)},
                {"person_id": 2, "death_date": DAY - timedelta(60)},
            ],
            "condition_occurrence": [condition(1), condition(2), condition(3)],
        },
        1,
        2,
    ),
    (
        "plausibleAfterBirth.condition_occurrence.condition_start_date",
        {
            "person": [person(1), person(2, year_of_birth=2020, month_of_birth=6, day_of_birth=2)],
            "condition_occurrence": [condition(1), condition(2), condition(2, condition_start_date=None)],
        },
        1,
        2,
    ),
    (
        "withinVisitDates.condition_occurrence.condition_start_date",
        {
            "visit_occurrence": [
                {
                    "visit_occurrence_id": 1,
                    "visit_start_date": DAY + timedelta(8),
                    "visit_end_date": DAY + timedelta(8),
                },
                {
                    "visit_occurrence_id": 2,
                    "visit_start_date": DAY + timedelta(7),
                    "visit_end_date": DAY + timedelta(9),
                },
            ],
            "condition_occurrence": [
                condition(1, visit_occurrence_id=1),
                condition(2, visit_occurrence_id=2),
                condition(3, visit_occurrence_id=None),
            ],
        },
        1,
        2,
    ),
    (
        "plausibleGender.condition_occurrence.condition_concept_id.26662",
        {
            "person": [person(1), person(2, gender_concept_id=8532)],
            "condition_occurrence": [condition(n, condition_concept_id=26662) for n in (1, 2)] + [condition(1)],
        },
        1,
        2,
    ),
    (
        "plausibleGenderUseDescendants.condition_occurrence.condition_concept_id.4090861+4025213",
        {
            "person": [person(1), person(2, gender_concept_id=8532)],
            "concept_ancestor": [
                {"ancestor_concept_id": one, "descendant_concept_id": 5} for one in (4090861, 4025213)
            ],
            "condition_occurrence": [condition(n, condition_concept_id=5) for n in (1, 2)],
        },
        1,
        2,
    ),
    (
        "plausibleUnitConceptIds.measurement.measurement_concept_id.3006315",
        {
            "measurement": [
                {
                    "measurement_concept_id": 3006315,
                    "unit_concept_id": unit,
                    "value_as_number": 1.0,
                    "unit_source_value": text,
                }
                for unit, text in ((8848, "a"), (1, "a"), (1, None))
            ]
        },
        1,
        2,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_a_check_finds_what_violates_it_among_all_it_looks_at(case: tuple[str, Rows, int, int]) -> None:
    id, rows, violated, total = case
    assert counted(rows, id) == {id: (violated, total)}


def test_every_kind_but_those_of_presence_has_a_case() -> None:
    assert {by_id()[id].kind for id, *_ in CASES} == {*kinds()} - {"cdmTable", "cdmField"}


def test_the_list_is_ohdsis_whole_one() -> None:
    assert (len(kinds()), len(checks()), len(by_id())) == (27, 2535, 2535)


def test_every_check_has_sql_and_every_bound_is_understood() -> None:
    for check in checks():
        if check.level != "concept" and check.kind not in ("cdmTable", "cdmField"):
            assert (check.kind in ROWS) != (check.kind in SPECIAL), check.id
        for bound in ("plausibleValueLow", "plausibleValueHigh"):
            assert bound not in check.asked or limit(check.asked[bound])


FOREIGN = "isForeignKey.condition_occurrence.condition_concept_id"


def test_what_cannot_be_asked_says_why() -> None:
    asked = [by_id()[id] for id in ("isRequired.note.note_id", "isRequired.person.gender_concept_id", FOREIGN)]
    made = plan(asked, {"person": ["person_id"], "condition_occurrence": ["condition_concept_id"]})
    assert dict(made.inapplicable) == {0: "table-missing", 1: "field-missing", 2: "other-table-missing"}
