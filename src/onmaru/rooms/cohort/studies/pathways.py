"""Treatment pathways: in which order the events came after entry, and how many persons took each way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from onmaru.rooms.cohort.hiding import shown
from onmaru.rooms.cohort.studies import asked
from onmaru.rooms.cohort.studies.asked import Study

STEPS = 5
# Of each event the first counts; what begins within `combine` days of the one before is one step with it
_PATHS = """CREATE TABLE paths AS
WITH entered AS (SELECT subject_id, min(cohort_start_date) AS start FROM target GROUP BY subject_id),
every AS ({every}),
firsts AS (
    SELECT n.subject_id, e.event, min(e.day) AS day FROM entered n
    JOIN every e ON e.subject_id = n.subject_id AND e.day BETWEEN n.start AND CAST(n.start + {days} AS DATE)
    GROUP BY n.subject_id, e.event
),
marked AS (
    SELECT *, CASE WHEN date_diff('day', lag(day) OVER ordered, day) <= {combine} THEN 0 ELSE 1 END AS fresh
    FROM firsts WINDOW ordered AS (PARTITION BY subject_id ORDER BY day, event)
),
lines AS (SELECT *, sum(fresh) OVER (PARTITION BY subject_id ORDER BY day, event) AS line FROM marked),
steps AS (
    SELECT subject_id, line, string_agg(CAST(event AS VARCHAR), '+' ORDER BY event) AS step
    FROM lines WHERE line <= {steps} GROUP BY subject_id, line
),
ways AS (SELECT subject_id, string_agg(step, '>' ORDER BY line) AS way FROM steps GROUP BY subject_id)
SELECT coalesce(w.way, '') AS way, count(*) AS persons FROM entered n
LEFT JOIN ways w ON w.subject_id = n.subject_id GROUP BY 1 ORDER BY 2 DESC, 1"""


def script(told: Study, there: frozenset[str]) -> tuple[list[str], Sequence[str], Sequence[str]]:
    """Statements, CDM tables and results."""
    every = " UNION ALL ".join(
        f"SELECT subject_id, {place} AS event, cohort_start_date AS day FROM event_{place}"  # noqa: S608  a number
        for place in range(len(told.events))
    )
    made = _PATHS.format(every=every, days=told.days, combine=told.combine, steps=STEPS)
    return [made], ("person",), ("paths",)


def found(told: Study, tables: Mapping[str, pa.Table], least: int) -> dict[str, Any]:
    """`paths`: the names of the steps (several at once in one step) and the persons; `none` took none.

    Ways of few persons are told together as `rare`, unless they are few altogether.
    """
    names = {place: one.name or f"{place + 1}" for place, one in enumerate(_events(told))}
    rows = tables["paths"].to_pylist()
    ways = [row for row in rows if row["way"]]
    none = sum(row["persons"] for row in rows if not row["way"])
    rare = sum(row["persons"] for row in ways if row["persons"] < least)
    paths = [{"steps": _steps(row["way"], names), "persons": row["persons"]} for row in ways if row["persons"] >= least]
    hidden = 0 < rare < least or shown(none, least) is None
    persons = None if hidden else sum(row["persons"] for row in rows)
    return {"paths": paths, "none": shown(none, least), "rare": shown(rare, least), "persons": persons}


def _steps(way: str, names: Mapping[int, str]) -> list[list[str]]:
    return [[names[int(one)] for one in step.split("+")] for step in way.split(">")]


def _events(told: Study) -> list[Any]:
    return [one for name, one in asked.cohorts(told).items() if name.startswith("event_")]
