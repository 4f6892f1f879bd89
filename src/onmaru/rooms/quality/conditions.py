"""A check as SQL: which rows it looks at and which of them violate it. Each says what OHDSI's own template counts.

Source: OHDSI/DataQualityDashboard, inst/sql/sql_server, read at 48c42ba; the SQL here is ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from onmaru.rooms.quality.checks import GENDERS, Check

# Joins by name, to at most one row each: t is the checked table
PERSON = "LEFT JOIN person p ON p.person_id = t.person_id"
DEATH = "LEFT JOIN (SELECT person_id, min(death_date) AS day FROM death GROUP BY 1) d ON d.person_id = t.person_id"
VISIT = "LEFT JOIN visit_occurrence v ON v.visit_occurrence_id = t.visit_occurrence_id"
CONCEPT = "LEFT JOIN concept c ON c.concept_id = t.{field}"
KEY = "LEFT JOIN (SELECT DISTINCT {key} AS key FROM {table}) k ON k.key = t.{field}"
BORN = (
    "coalesce(CAST(p.birth_datetime AS DATE), "
    "make_date(p.year_of_birth, coalesce(p.month_of_birth, 1), coalesce(p.day_of_birth, 1)))"
)
_DATE = re.compile(r"'(\d{4})(\d\d)(\d\d)'")
TOMORROW, NEXT_YEAR = "DATEADD(dd,1,GETDATE())", "YEAR(GETDATE())+1"


class Condition(NamedTuple):
    """`total` and `violated` are conditions on a row of the checked table t ("" is every row); `join` adds what they name.

    `needs`: other tables it reads.
    """

    total: str
    violated: str
    join: str = ""
    needs: tuple[str, ...] = ()


def limit(text: str) -> str:
    """A bound of OHDSI's list as SQL; raises ValueError for one that is not known."""
    date = _DATE.fullmatch(text)
    if date:
        return f"DATE '{'-'.join(date.groups())}'"
    if text == TOMORROW:
        return "(current_date + 1)"
    if text == NEXT_YEAR:
        return "(year(current_date) + 1)"
    return str(float(text)) if "." in text else str(int(text))


def _required(check: Check) -> Condition:
    return Condition("", f"t.{check.field} IS NULL")


def _type(check: Check) -> Condition:
    return Condition(
        "", f"t.{check.field} IS NOT NULL AND TRY_CAST(CAST(t.{check.field} AS VARCHAR) AS BIGINT) IS NULL"
    )


def _foreign(check: Check) -> Condition:
    table, key = check.asked["fkTableName"].lower(), check.asked["fkFieldName"].lower()
    there = f"t.{check.field} IS NOT NULL"
    if table == "concept":
        return Condition("", f"{there} AND c.concept_id IS NULL", CONCEPT.format(field=check.field), ("concept",))
    join = KEY.format(key=key, table=table, field=check.field)
    return Condition("", f"{there} AND k.key IS NULL", join, (table,))


def _concept(check: Check) -> Condition:
    wrong = {
        "fkDomain": f"c.domain_id <> '{check.asked.get('fkDomain', '')}'",
        "fkClass": f"c.concept_class_id <> '{check.asked.get('fkClass', '')}'",
        "isStandardValidConcept": "(coalesce(c.standard_concept, '') <> 'S' OR coalesce(c.invalid_reason, '') <> '')",
    }[check.kind]
    return Condition("", f"c.concept_id <> 0 AND {wrong}", CONCEPT.format(field=check.field), ("concept",))


def _mapped(check: Check) -> Condition:
    """A unit is asked only where there is a number to have it."""
    units = check.field == "unit_concept_id" and check.table in ("measurement", "observation")
    return Condition("t.value_as_number IS NOT NULL" if units else "", f"t.{check.field} = 0")


def _value(check: Check) -> Condition:
    sign, bound = ("<", "plausibleValueLow") if check.kind == "plausibleValueLow" else (">", "plausibleValueHigh")
    value, most = f"t.{check.field}", limit(check.asked[bound])
    if "DATE" in most or "current_date +" in most:
        value = f"CAST({value} AS DATE)"
    return Condition(f"t.{check.field} IS NOT NULL", f"{value} {sign} {most}")


def _after(check: Check) -> Condition:
    other = check.asked["plausibleTemporalAfterFieldName"].lower()
    if check.asked["plausibleTemporalAfterTableName"].lower() == check.table:
        return Condition("", f"t.{other} > t.{check.field}")
    return Condition("", f"p.{other} > t.{check.field}", PERSON, ("person",))


def _start(check: Check) -> Condition:
    end = check.asked["plausibleStartBeforeEndFieldName"].lower()
    return Condition(f"t.{check.field} IS NOT NULL AND t.{end} IS NOT NULL", f"t.{check.field} > t.{end}")


def _life(check: Check) -> Condition:
    """Sixty days of grace, as death and discharge are written late."""
    late = f"CAST(t.{check.field} AS DATE) > d.day + 60"
    if check.kind == "plausibleDuringLife":
        return Condition("", late, DEATH, ("death",))
    return Condition(f"t.{check.field} IS NOT NULL AND d.day IS NOT NULL", late, DEATH, ("death",))


def _birth(check: Check) -> Condition:
    there = f"t.{check.field} IS NOT NULL"
    return Condition(there, f"CAST(t.{check.field} AS DATE) < {BORN}", PERSON, ("person",))


def _visit(check: Check) -> Condition:
    outside = f"t.{check.field} < v.visit_start_date - 7 OR t.{check.field} > v.visit_end_date + 7"
    return Condition("v.visit_occurrence_id IS NOT NULL", outside, VISIT, ("visit_occurrence",))


# Kinds that ask something of each row
ROWS: Mapping[str, Callable[[Check], Condition]] = {
    "isRequired": _required,
    "measureValueCompleteness": _required,
    "cdmDatatype": _type,
    "isForeignKey": _foreign,
    "fkDomain": _concept,
    "fkClass": _concept,
    "isStandardValidConcept": _concept,
    "standardConceptRecordCompleteness": _mapped,
    "sourceConceptRecordCompleteness": _mapped,
    "plausibleValueLow": _value,
    "plausibleValueHigh": _value,
    "plausibleTemporalAfter": _after,
    "plausibleStartBeforeEnd": _start,
    "plausibleDuringLife": _life,
    "plausibleBeforeDeath": _life,
    "plausibleAfterBirth": _birth,
    "withinVisitDates": _visit,
}


def concepts(check: Check) -> list[int]:
    """The concepts that a check is about: one or several."""
    return [int(one) for one in check.asked["conceptId"].split(",")]


def gender(check: Check) -> int:
    """The concept of the gender that a concept's persons should have."""
    return GENDERS[check.asked[check.kind]]


def units(check: Check) -> list[int]:
    """The units that a concept's values may have; none where they should have none."""
    text = check.asked.get("plausibleUnitConceptIds", "")
    return [int(one) for one in text.split(",") if one.strip().lstrip("-").isdigit()]
