"""Incidence: how many have the outcome for the first time, in how many years under observation, with exact intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from onmaru.rooms.cohort.hiding import shown
from onmaru.rooms.cohort.statistics.distributions import poisson_interval, wilson
from onmaru.rooms.cohort.studies import times
from onmaru.rooms.cohort.studies.asked import Study

YEAR = 365.25
PER = 1000
_COUNTED = """CREATE TABLE counted AS
SELECT grp, count(*) AS persons, count(*) FILTER (status = 1) AS events, CAST(sum(time) AS BIGINT) AS days
FROM times GROUP BY ROLLUP (grp) ORDER BY grp NULLS FIRST"""


def script(told: Study, there: frozenset[str]) -> tuple[list[str], Sequence[str], Sequence[str]]:
    """Statements, CDM tables and results."""
    return [*times.times(told), _COUNTED], times.tables(told), ("counted", "earlier")


def found(told: Study, tables: Mapping[str, pa.Table], least: int) -> dict[str, Any]:
    """A line for everybody and one a group: persons, events, years, rate per 1,000 years and its interval, proportion.

    Where events or persons are few, all figures that tell them are None; where one group's are, so are the whole's.
    """
    rows = tables["counted"].to_pylist()
    lines = [_line(row, least) for row in rows]
    if any(line["events"] is None for line in lines[1:]):
        lines[0] = _line({**rows[0], "events": 1, "persons": 1}, 2) if rows else {}
    return {"per": PER, "lines": lines}


def _line(row: Mapping[str, Any], least: int) -> dict[str, Any]:
    events, persons = shown(row["events"], least), shown(row["persons"], least)
    line: dict[str, Any] = {"name": row["grp"] or "", "persons": persons, "events": events}
    if events is None or persons is None:
        return {**line, "events": None, "years": None, "rate": None, "proportion": None}
    years = (row["days"] or 0) / YEAR
    low, high = poisson_interval(events)
    rate = [PER * one / years for one in (events, low, high)] if years else None
    share = [events / persons, *wilson(events, persons)] if persons else None
    return {**line, "years": years, "rate": rate, "proportion": share}
