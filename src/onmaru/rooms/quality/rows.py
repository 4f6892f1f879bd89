"""The rows that violate a check, each with the version of the resource that it came from."""

from __future__ import annotations

from typing import Any

from onmaru.fhir.outcome import invalid
from onmaru.kernel.lake import View
from onmaru.kernel.room import Hall
from onmaru.rooms.quality import conditions
from onmaru.rooms.quality.checks import Check, by_id
from onmaru.rooms.quality.conditions import ROWS

MOST = 1000


def named(id: str) -> Check:
    """The check of that id; `Invalid` 404."""
    found = by_id().get(id)
    if found is None:
        raise invalid("not-found", "there is no such check", status=404)
    return found


def violating(hall: Hall, id: str, most: int) -> list[dict[str, Any]]:
    """`{source, version, t, patient, value}` of at most `most` rows; `Invalid` 422 for what is asked of no single row."""
    check = named(id)
    found = _select(check)
    if found is None:
        raise invalid("not-supported", "this check is not of single rows", id, 422)
    text, tables = found
    sql = (
        f"SELECT t._source AS source, t._version AS version, t._t AS t, t._patient AS patient, "
        f"CAST(t.{check.field} AS VARCHAR) AS value {text} ORDER BY t._t, t._source LIMIT {min(max(most, 1), MOST)}"
    )
    known = {table.name for table in hall.lake.tables()}
    if not set(tables) <= known:
        return []
    rows: list[dict[str, Any]] = hall.lake.query(
        View("quality_rows", sql, tables, secondary=True), {}
    ).table.to_pylist()
    return rows


def _select(check: Check) -> tuple[str, tuple[str, ...]] | None:
    """FROM and WHERE of the violating rows, and the tables they name."""
    if check.kind in ROWS:
        condition = ROWS[check.kind](check)
        where = f"({condition.total or 'true'}) AND ({condition.violated})"
        return f"FROM {check.table} t {condition.join} WHERE {where}", (check.table, *condition.needs)
    return _of_concepts(check) if check.level == "concept" else None


def _of_concepts(check: Check) -> tuple[str, tuple[str, ...]]:
    concepts = ", ".join(map(str, conditions.concepts(check)))
    if check.kind == "plausibleUnitConceptIds":
        units = ", ".join(map(str, conditions.units(check)))
        wrong = f"t.unit_concept_id NOT IN ({units})" if units else "t.unit_concept_id IS NOT NULL"
        where = f"t.{check.field} IN ({concepts}) AND t.value_as_number IS NOT NULL AND t.unit_source_value IS NOT NULL"
        return f"FROM {check.table} t WHERE {where} AND {wrong}", (check.table,)
    below = check.kind == "plausibleGenderUseDescendants"
    if below:
        concepts = f"SELECT descendant_concept_id FROM concept_ancestor WHERE ancestor_concept_id IN ({concepts})"  # noqa: S608 - numbers
    where = f"t.{check.field} IN ({concepts}) AND p.gender_concept_id <> {conditions.gender(check)}"
    return (
        f"FROM {check.table} t {conditions.PERSON} WHERE {where}",
        (check.table, "person", *(("concept_ancestor",) if below else ())),
    )
