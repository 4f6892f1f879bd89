"""Survival: curves with intervals and numbers at risk, the log-rank test, Cox with its check, and competing ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from onmaru.fhir.outcome import Invalid
from onmaru.rooms.cohort.statistics import competing, cox, kaplan_meier
from onmaru.rooms.cohort.studies import times
from onmaru.rooms.cohort.studies.asked import Study

TICKS = 6
MOST = 2000  # points of one curve; beyond, the curve is thinned for the page
Rows = list[dict[str, Any]]


def script(told: Study, there: frozenset[str]) -> tuple[list[str], Sequence[str], Sequence[str]]:
    """Statements, CDM tables and results."""
    ours = "CREATE TABLE rows AS SELECT grp, age, female, status, time FROM times"
    return [*times.times(told), ours], times.tables(told), ("rows", "earlier", "both_groups")


def found(told: Study, tables: Mapping[str, pa.Table], least: int) -> dict[str, Any]:
    """Groups with curve and median, their test, the Cox model and the shares of competing ends.

    A group of few persons is left out; where a number at risk is small, it is None and its curve ends there.
    """
    rows: Rows = tables["rows"].to_pylist()
    groups = {name: [row for row in rows if row["grp"] == name] for name in sorted({row["grp"] for row in rows})}
    shown = {name: mine for name, mine in groups.items() if len(mine) >= least}
    ticks = [round(told.days * place / TICKS) for place in range(TICKS + 1)]
    kept = [row for mine in shown.values() for row in mine]
    return {
        "ticks": ticks,
        "groups": [_group(name, mine, ticks, least) for name, mine in shown.items()],
        "left_out": sorted(groups.keys() - shown.keys()),
        "test": _test(shown),
        "cox": _cox(kept, least, compared=bool(told.comparator)),
        "shares": _shares(shown, least) if told.competing else [],
        "earlier": _few(tables["earlier"], least),
        "both": _few(tables["both_groups"], least),
    }


def _few(table: pa.Table, least: int) -> int | None:
    count = table.column("persons")[0].as_py() or 0
    return count if count == 0 or count >= least else None


def _status(rows: Rows) -> list[int]:
    return [int(row["status"] == 1) for row in rows]


def _group(name: str, rows: Rows, ticks: Sequence[int], least: int) -> dict[str, Any]:
    spans = [row["time"] for row in rows]
    curve = kaplan_meier.curve(spans, _status(rows))
    points = [point for point in curve.points if point.risk >= least and (point.events or point is curve.points[-1])]
    thin = max(1, len(points) // MOST)
    events = sum(_status(rows))
    risk = kaplan_meier.at_risk(spans, ticks)
    return {
        "name": name,
        "persons": len(rows),
        "events": events if events == 0 or events >= least else None,
        "median": [curve.median, curve.low, curve.high],
        "risk": [count if count == 0 or count >= least else None for count in risk],
        "points": [[p.time, p.survival, _number(p.low), _number(p.high)] for p in points[::thin]],
    }


def _number(value: float) -> float | None:
    return None if value != value else value


def _test(groups: Mapping[str, Rows]) -> dict[str, Any] | None:
    if len(groups) < 2:
        return None
    told = {name: ([row["time"] for row in rows], _status(rows)) for name, rows in groups.items()}
    found = kaplan_meier.log_rank(told)
    return {"chi_square": found.chi_square, "degrees": found.degrees, "p": found.p}


def _cox(rows: Rows, least: int, *, compared: bool) -> dict[str, Any]:
    """The model of age by ten years, sex and, of two cohorts, which; or the reason why there is none."""
    columns = {"age10": [row["age"] / 10 for row in rows], "female": [float(row["female"]) for row in rows]}
    if compared and len({row["grp"] for row in rows} & {"target", "comparator"}) == 2:
        columns["target"] = [float(row["grp"] == "target") for row in rows]
    names = [name for name, values in columns.items() if len(set(values)) > 1]
    events = sum(_status(rows))
    if not names or events < max(least, 2 * len(names)):
        return {"terms": [], "refused": "too few events for a model"}
    try:
        matrix = list(zip(*(columns[name] for name in names), strict=True))
        model = cox.fit(names, matrix, [row["time"] for row in rows], _status(rows))
    except Invalid as error:
        return {"terms": [], "refused": "; ".join(f"{one.expression}: {one.text}" for one in error.issues)}
    return {**model._asdict(), "terms": [term._asdict() for term in model.terms], "refused": ""}


def _shares(groups: Mapping[str, Rows], least: int) -> list[dict[str, Any]]:
    told = []
    for name, rows in groups.items():
        counts = [sum(1 for row in rows if row["status"] == kind) for kind in (1, 2)]
        if any(0 < count < least for count in counts):
            continue
        every = competing.shares([row["time"] for row in rows], [row["status"] for row in rows])
        points = [one for one in every if sum(one.events) and one.risk >= least]
        thin = max(1, len(points) // MOST)
        shares = [[p.time, *(_padded(p.share)), *(_padded(p.low)), *(_padded(p.high))] for p in points[::thin]]
        told.append({"name": name, "points": shares})
    return told


def _padded(values: Sequence[float]) -> tuple[float, float]:
    return values[0], values[1] if len(values) > 1 else 0.0
