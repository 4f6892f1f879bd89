"""Progression: of these patients, how many reach the outcome within so many days, and who."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from onmaru.rooms.cohort.hiding import shown
from onmaru.rooms.cohort.statistics import competing, kaplan_meier
from onmaru.rooms.cohort.statistics.distributions import wilson
from onmaru.rooms.cohort.studies import times
from onmaru.rooms.cohort.studies.asked import Study

_ROWS = "CREATE TABLE rows AS SELECT status, time, grp FROM times"
_WHO = """CREATE TABLE who AS
SELECT t.subject_id AS person_id, t.start, t.time AS days, p._patient
FROM times t JOIN person p ON p.person_id = t.subject_id WHERE t.status = 1 ORDER BY t.time, t.subject_id"""


def script(told: Study, there: frozenset[str]) -> tuple[list[str], Sequence[str], Sequence[str]]:
    """Statements, CDM tables and results."""
    who = ([_WHO], ("who",)) if told.who else ([], ())
    return [*times.times(told), _ROWS, *who[0]], times.tables(told), ("rows", "earlier", *who[1])


def found(told: Study, tables: Mapping[str, pa.Table], least: int) -> dict[str, Any]:
    """`reached` of `persons` within the days, as a plain share (Wilson) and as the share by time, which counts those who
    left early for as long as they were seen (Kaplan-Meier, or Aalen-Johansen where other ends compete).
    """
    rows = tables["rows"].to_pylist()
    persons, reached = len(rows), sum(1 for row in rows if row["status"] == 1)
    early = sum(1 for row in rows if row["status"] == 0 and row["time"] < told.days)
    told_of = shown(reached, least)
    hidden = told_of is None or 0 < persons - reached < least or shown(persons, least) is None
    earlier = tables["earlier"].column("persons")[0].as_py() or 0
    line: dict[str, Any] = {"days": told.days, "persons": shown(persons, least), "earlier": shown(earlier, least)}
    if hidden or not persons:
        return {**line, "reached": None if hidden else 0, "left_early": None, "share": None, "by_time": None, "who": []}
    share = [reached / persons, *wilson(reached, persons)]
    by_time = _by_time(rows, several=bool(told.competing))
    line = {**line, "reached": reached, "left_early": shown(early, least), "share": share, "by_time": by_time}
    return {**line, "who": tables["who"].to_pylist() if "who" in tables else []}


def _by_time(rows: list[dict[str, Any]], *, several: bool) -> list[float | None]:
    spans = [row["time"] for row in rows]
    if several:
        last = competing.shares(spans, [row["status"] for row in rows])[-1]
        return [last.share[0], last.low[0], last.high[0]]
    point = kaplan_meier.curve(spans, [int(row["status"] == 1) for row in rows]).points[-1]
    ends = [None if value != value else 1 - value for value in (point.high, point.low)]
    return [1 - point.survival, *ends]
