"""A cohort run: one script over the CDM that its caller may see, with the count of who is left after each rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec
import pyarrow as pa

from onmaru.fhir.outcome import invalid
from onmaru.kernel.lake import Results, Run, Script
from onmaru.kernel.room import Hall
from onmaru.rooms.cohort import sql
from onmaru.rooms.cohort.asking import Wanted

# Circe keeps a rule's number as a bit of a double: more would be counted wrongly
RULES = 50
PERSON = "person"
_COUNTED = """CREATE TABLE attrition AS
WITH asked AS (SELECT unnest(range({rules})) AS rule),
failing AS (
    SELECT q.person_id, q.event_id, min(a.rule) AS first
    FROM qualified_events q CROSS JOIN asked a
    WHERE NOT EXISTS (SELECT 1 FROM inclusion_events i
        WHERE i.person_id = q.person_id AND i.event_id = q.event_id AND i.inclusion_rule_id = a.rule)
    GROUP BY q.person_id, q.event_id
),
passed AS (
    SELECT q.person_id, coalesce(f.first, {rules}) AS passed
    FROM qualified_events q LEFT JOIN failing f ON f.person_id = q.person_id AND f.event_id = q.event_id
),
alone AS (SELECT inclusion_rule_id + 1 AS step, count(DISTINCT person_id) AS persons FROM inclusion_events GROUP BY 1)
SELECT s.step, count(p.person_id) AS entries, count(DISTINCT p.person_id) AS persons,
    CASE WHEN s.step > 0 THEN coalesce(max(a.persons), 0) END AS alone
FROM (SELECT unnest(range({rules} + 1)) AS step) s
LEFT JOIN passed p ON p.passed >= s.step
LEFT JOIN alone a ON a.step = s.step
GROUP BY s.step ORDER BY s.step"""
_WHO = """CREATE TABLE who AS
SELECT c.subject_id AS person_id, c.cohort_start_date, c.cohort_end_date, p._patient
FROM cohort c JOIN person p ON p.person_id = c.subject_id ORDER BY c.subject_id, c.cohort_start_date"""


class Step(msgspec.Struct, frozen=True):
    """Who is left once a rule was asked; `alone`: who meets this rule, whatever the others say."""

    name: str
    persons: int
    entries: int
    alone: int | None = None


class Found(msgspec.Struct, frozen=True):
    """What a run gives. `entries`: periods in the cohort. `digest`: of the expression that was run; `sql`: its text.

    `steps`: the first is who enters, the last who is in the cohort.
    """

    name: str
    persons: int
    entries: int
    steps: Sequence[Step]
    t: int
    digest: str
    sql: str


def digest(circe: Mapping[str, Any]) -> str:
    """SHA-256 of an expression, whatever the order of its members."""
    return sha256(msgspec.json.encode(circe, order="sorted")).hexdigest()


def script(hall: Hall, asked: Wanted, more: Sequence[str] = (), results: Sequence[str] = (), **_: Any) -> Script:
    """The statements of a cohort and its attrition, then `more`; `results` beside these two."""
    if len(asked.rules) > RULES:
        raise invalid("too-costly", f"has more than {RULES} rules", "InclusionRules", 422)
    made = sql.cohort(asked.circe)
    counted = _COUNTED.format(rules=len(asked.rules))
    tables = sorted({*made.tables, PERSON})
    _there(hall, tables)
    _known(hall, asked)
    return Script(
        "cohort", (*made.statements, counted, *more), tuple(tables), ("cohort", "attrition", *results),
        seconds=float(hall.settings.get("seconds", 60)),
    )  # fmt: skip


def _there(hall: Hall, tables: Sequence[str]) -> None:
    known = {table.name for table in hall.lake.tables()}
    if missing := [name for name in tables if name not in known]:
        raise invalid("not-found", f"needs tables that this house does not have: {', '.join(missing)}", status=409)


def _known(hall: Hall, asked: Wanted) -> None:
    """Without their tables concepts would be nobody's, and descendants left out without a word."""
    items = [item for one in asked.circe.get("ConceptSets") or () for item in one["expression"]["items"]]
    needed = {"concept": bool(items), "concept_ancestor": any(item.get("includeDescendants") for item in items)}
    needed["concept_relationship"] = any(item.get("includeMapped") for item in items)
    if missing := [name for name, need in needed.items() if need and name not in hall.lake.published()]:
        raise invalid("not-found", f"needs vocabulary that is not loaded: {', '.join(missing)}", "ConceptSets", 409)


def begun(hall: Hall, asked: Wanted, *, who: bool = False) -> Run:
    """Decide now; what is returned computes. `who`: give the persons as well, each with the name of their record."""
    return hall.lake.script(script(hall, asked, (_WHO,) if who else (), ("who",) if who else ()))


def found(asked: Wanted, results: Results) -> Found:
    """What a run of `begun` gave."""
    cohort = results.tables["cohort"]
    rows = results.tables["attrition"].to_pylist()
    names = ["", *asked.rules]
    steps = [Step(names[row["step"]], row["persons"], row["entries"], row["alone"]) for row in rows]
    steps.append(Step("", persons(cohort), cohort.num_rows))
    text = ";\n".join(sql.cohort(asked.circe).statements) + ";\n"
    return Found(asked.name, persons(cohort), cohort.num_rows, steps, results.t, digest(asked.circe), text)


def persons(cohort: pa.Table) -> int:
    """How many different persons a cohort has."""
    return len(cohort.column("subject_id").unique())
