"""The rows that violate a check, as SQL: of the CDM or of the resources, each with the version it came from."""

from __future__ import annotations

from typing import NamedTuple

from onmaru.fhir.outcome import Invalid, invalid
from onmaru.kernel.lake import Lake
from onmaru.rooms.quality import conditions
from onmaru.rooms.quality.checks import Check
from onmaru.rooms.quality.conditions import ROWS
from onmaru.rooms.quality.resources import listed
from onmaru.rooms.quality.resources.counting import looked
from onmaru.rooms.quality.running import columns
from onmaru.rooms.quality.statements import NEEDS

MOST = 1000


class Subject(NamedTuple):
    """Which rows a check looks at, and which of them violate it: `source` is FROM and WHERE, `wrong` a condition on t.

    `before` are statements that have to run first; `value`: what is shown of a row.
    """

    before: tuple[str, ...]
    tables: tuple[str, ...]
    source: str
    wrong: str
    value: str


def subject(lake: Lake, check: Check) -> Subject | None:
    """What a check is asked of; None where a table or column of it is not there.

    `Invalid` 422 for what is asked of no single row, or by no SQL.
    """
    condition = listed.conditions().get(check.id)
    if condition is not None:
        needed = looked(lake, [(check.table, condition)])
        where = f"FROM flat_{check.table} t {condition.join} WHERE ({condition.total or 'true'})"
        shown = SHOWN.get(check.table, "t.happened")
        return Subject(needed.statements, needed.tables, where, condition.violated, shown)
    if check.kind in ROWS:
        one = ROWS[check.kind](check)
        where = f"FROM {check.table} t {one.join} WHERE ({one.total or 'true'})"
        found = Subject((), (check.table, *one.needs), where, one.violated, f"t.{check.field}")
    elif check.level == "concept":
        found = _of_concepts(check)
    else:
        raise single(check)
    there = columns(lake)
    whole = check.field in there.get(check.table, ()) and set(found.tables) <= set(there) | lake.published()
    return found if whole else None


def single(check: Check) -> Invalid:
    """The refusal where a check has no single rows."""
    return invalid("not-supported", "this check is not of single rows", check.id, 422)


# What is shown of a row of each type
SHOWN = {
    "Observation": "concat_ws(' ', t.code, t.happened, t.amount, t.unit)",
    "Patient": "concat_ws(' ', t.birth, t.gender)",
    "Encounter": "concat_ws(' ', t.class, t.began, t.ended)",
    "DocumentReference": "concat_ws(' ', t.trigger, t.sent, t.birth, t.sex)",
    "Procedure": "concat_ws(' ', t.happened, t.ended)",
    "Condition": "concat_ws(' ', t.happened, t.ended)",
}


def _of_concepts(check: Check) -> Subject:
    concepts = ", ".join(map(str, conditions.concepts(check)))
    if check.kind == "plausibleUnitConceptIds":
        units = ", ".join(map(str, conditions.units(check)))
        wrong = f"t.unit_concept_id NOT IN ({units})" if units else "t.unit_concept_id IS NOT NULL"
        where = f"t.{check.field} IN ({concepts}) AND t.value_as_number IS NOT NULL AND t.unit_source_value IS NOT NULL"
        return Subject((), (check.table,), f"FROM {check.table} t WHERE ({where})", wrong, "t.unit_source_value")
    if check.kind == "plausibleGenderUseDescendants":
        concepts = f"SELECT descendant_concept_id FROM concept_ancestor WHERE ancestor_concept_id IN ({concepts})"  # noqa: S608 - numbers
    where = f"FROM {check.table} t {conditions.PERSON} WHERE (t.{check.field} IN ({concepts}))"
    wrong = f"p.gender_concept_id <> {conditions.gender(check)}"
    return Subject((), (check.table, *NEEDS[check.kind]), where, wrong, f"t.{check.field}")
