"""All checks as few statements: one pass over a table for each set of joins, one for the concepts of each kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from onmaru.rooms.quality import conditions
from onmaru.rooms.quality.checks import Check
from onmaru.rooms.quality.conditions import ROWS, Condition

FOUND = "CREATE TABLE found (number INTEGER, violated BIGINT, total BIGINT)"
# Checks in one pass: a SELECT of many hundred sums is slow to plan
MOST = 60
Columns = Mapping[str, Collection[str]]
Numbered = Sequence[tuple[int, Check]]


class Plan(NamedTuple):
    """Statements that fill `found`, and why the checks that are not in them do not apply, by number."""

    statements: Sequence[str]
    inapplicable: Mapping[int, str]


def plan(asked: Sequence[Check], there: Columns) -> Plan:
    """The statements for checks by their place in `asked`; `there`: the columns of each table that can be read."""
    why: dict[int, str] = {}
    known: list[tuple[int, Check]] = []
    for number, check in enumerate(asked):
        if check.kind in ("cdmTable", "cdmField"):
            continue
        reason = _missing(check, there)
        if reason:
            why[number] = reason
        else:
            known.append((number, check))
    rows = [one for one in known if one[1].kind in ROWS]
    others = [one for one in known if one[1].kind not in ROWS]
    asked_of = [(number, check.table, ROWS[check.kind](check)) for number, check in rows]
    return Plan([FOUND, *passes(asked_of), *_concepts(others), *_special(others)], why)


def _missing(check: Check, there: Columns) -> str:
    """Why a check cannot be asked: its table, field or another table that it reads is not there."""
    if check.table not in there:
        return "table-missing"
    if check.field and check.field not in there[check.table]:
        return "field-missing"
    needs = [*(ROWS[check.kind](check).needs if check.kind in ROWS else NEEDS.get(check.kind, ()))]
    return "other-table-missing" if any(name not in there for name in needs) else ""


NEEDS: Mapping[str, tuple[str, ...]] = {
    "measurePersonCompleteness": ("person",),
    "measureConditionEraCompleteness": ("condition_occurrence",),
    "plausibleGender": ("person",),
    "plausibleGenderUseDescendants": ("person", "concept_ancestor"),
}


def passes(rows: Iterable[tuple[int, str, Condition]]) -> Iterator[str]:
    """Statements that count conditions on the rows of tables: (number, table, condition)."""
    groups: dict[tuple[str, str], list[tuple[int, Condition]]] = defaultdict(list)
    for number, table, condition in rows:
        groups[table, condition.join].append((number, condition))
    for (table, join), found in groups.items():
        for begin in range(0, len(found), MOST):
            yield _pass(table, join, found[begin : begin + MOST])


def _pass(table: str, join: str, found: Sequence[tuple[int, Condition]]) -> str:
    """One SELECT of a sum for each check, and one for each set of rows that checks look at, turned into rows."""
    totals = list(dict.fromkeys(condition.total for _, condition in found))
    sums = [f"count(*){f' FILTER ({total})' if total else ''} AS n{place}" for place, total in enumerate(totals)]
    rows = []
    for place, (number, condition) in enumerate(found):
        wrong = f"({condition.total}) AND ({condition.violated})" if condition.total else condition.violated
        sums.append(f"count(*) FILTER ({wrong}) AS v{place}")
        rows.append(f"{{'number': {number}, 'violated': v{place}, 'total': n{totals.index(condition.total)}}}")
    inner = f"SELECT {', '.join(sums)} FROM {table} t {join}"  # noqa: S608 - names of our own list
    return f"INSERT INTO found SELECT r.* FROM (SELECT unnest([{', '.join(rows)}]) AS r FROM ({inner}))"  # noqa: S608


def _concepts(others: Numbered) -> Iterator[str]:
    groups: dict[tuple[str, str, str], list[tuple[int, Check]]] = defaultdict(list)
    for number, check in others:
        if check.level == "concept":
            groups[check.kind, check.table, check.field].append((number, check))
    for (kind, table, field), mine in groups.items():
        yield (_units if kind == "plausibleUnitConceptIds" else _genders)(table, field, mine)


def _genders(table: str, field: str, mine: Numbered) -> str:
    keys = ", ".join(
        f"({number}, {concept}, {conditions.gender(check)})"
        for number, check in mine
        for concept in conditions.concepts(check)
    )
    below = (
        "SELECT DISTINCT k.number, a.descendant_concept_id AS concept, k.gender "
        "FROM k JOIN concept_ancestor a ON a.ancestor_concept_id = k.concept"
    )
    wanted = below if mine[0][1].kind == "plausibleGenderUseDescendants" else "SELECT * FROM k"
    return (
        f"INSERT INTO found WITH k (number, concept, gender) AS (VALUES {keys}), w AS ({wanted}) "  # noqa: S608 - our own list
        "SELECT w.number, count(*) FILTER (p.gender_concept_id <> w.gender), count(*) "
        f"FROM {table} t JOIN w ON w.concept = t.{field} JOIN person p ON p.person_id = t.person_id GROUP BY w.number"
    )


def _units(table: str, field: str, mine: Numbered) -> str:
    keys = ", ".join(
        f"({number}, {concept}, {conditions.units(check)}::BIGINT[])"
        for number, check in mine
        for concept in conditions.concepts(check)
    )
    other = "NOT list_contains(k.units, t.unit_concept_id)"
    wrong = f"CASE WHEN len(k.units) = 0 THEN t.unit_concept_id IS NOT NULL ELSE {other} END"
    return (
        f"INSERT INTO found WITH k (number, concept, units) AS (VALUES {keys}) "  # noqa: S608 - numbers of our own list
        f"SELECT k.number, count(*) FILTER ({wrong}), count(*) FROM {table} t JOIN k ON k.concept = t.{field} "
        "WHERE t.value_as_number IS NOT NULL AND t.unit_source_value IS NOT NULL GROUP BY k.number"
    )


def _special(others: Numbered) -> Iterator[str]:
    for number, check in others:
        made = SPECIAL.get(check.kind)
        if made:
            yield f"INSERT INTO found SELECT {number}, * FROM ({_filled(made, check)})"  # noqa: S608


def _filled(text: str, check: Check) -> str:
    concept = check.asked.get("standardConceptFieldName", "").lower()
    return text.format(table=check.table, field=check.field, concept=concept)


# What is asked of groups of rows: violated and total
SPECIAL: Mapping[str, str] = {
    "isPrimaryKey": "SELECT coalesce(sum(n) FILTER (n > 1), 0), coalesce(sum(n), 0) "
    "FROM (SELECT count(*) AS n FROM {table} GROUP BY {field})",
    "sourceValueCompleteness": "SELECT count(*) FILTER (unmapped), count(*) "
    "FROM (SELECT {field}, bool_or({concept} = 0) AS unmapped FROM {table} GROUP BY {field})",
    "measurePersonCompleteness": "SELECT count(*) FILTER (h.person_id IS NULL), count(*) FROM person p "
    "LEFT JOIN (SELECT DISTINCT person_id FROM {table}) h ON h.person_id = p.person_id",
    "measureConditionEraCompleteness": "SELECT count(*) FILTER (h.person_id IS NULL), count(*) "
    "FROM (SELECT DISTINCT person_id FROM condition_occurrence) p "
    "LEFT JOIN (SELECT DISTINCT person_id FROM {table}) h ON h.person_id = p.person_id",
    "measureObservationPeriodOverlap": "SELECT count(DISTINCT person_id) FILTER (before >= start), "
    "count(DISTINCT person_id) "
    "FROM (SELECT person_id, observation_period_start_date AS start, max(observation_period_end_date + 1) OVER "
    "(PARTITION BY person_id ORDER BY observation_period_start_date, observation_period_end_date, observation_period_id "
    "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM observation_period)",
}
