"""GET handover: each patient of a ward as the next shift has to know them, from the record alone.

Its one law: nothing here is summed up in words of ours; what the record does not say is left empty.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.lake import View
from onmaru.kernel.room import Hall, Request, Response, Route
from onmaru.rooms.monitor import views
from onmaru.rooms.monitor.alerts.acting import answer, clinician
from onmaru.rooms.monitor.alerts.listing import HOUR, MINUTE, listed, newest, queried, shown, wards
from onmaru.rooms.monitor.handover import keeping
from onmaru.rooms.monitor.limits import chosen
from onmaru.rooms.monitor.projection import moment
from onmaru.rooms.monitor.reading import Reading
from onmaru.rooms.monitor.score_table import score_tables
from onmaru.rooms.monitor.scoring import Asked, Scored, score

# Without a shift on the roster: a shift of eight hours
SHIFT, LONGEST = 8 * HOUR, 72 * HOUR
# How long a hand-over is shown
SHOWN = 24 * HOUR
# Of one patient: lines of what changed, and of what is open
LINES = 40
ORDER = ("high", "medium", "low-medium", "low", "none", "")
Row = Mapping[str, Any]


def handover(request: Request, hall: Hall) -> Response:
    """`ward` (a Location's reference; "" for the list of wards alone) and `from` (an instant): `{at, since, by, wards, next,
    patients}`, for whoever treats them. `by` tells where `since` is from: asked, roster, or hours.
    """
    clinician(hall)
    given = queried(request, {"ward", "from"})
    ward, now = given.get("ward", ""), time.time_ns() // 1000
    everybody = hall.lake.query(views.PLACES, {"one": "", "ward": ""}).table.to_pylist()
    shifts: list[dict[str, Any]] = hall.lake.query(views.SHIFTS, {"now": now}).table.to_pylist()
    mine = [row for row in shifts if row["ward"] in (ward, "")]
    since, by = _since(given.get("from", ""), mine, hall.caller.user, now)
    here = {row["patient"]: row for row in everybody if ward and row["ward"] == ward}
    body = {"at": now, "since": since, "by": by, "wards": wards(everybody), "next": _next(mine, hall.caller.user, now)}
    return answer({**body, "patients": _sheets(hall, ward, here, (since, now)) if here else []})


def _since(asked: str, shifts: Iterable[Row], user: str, now: int) -> tuple[int, str]:
    """When the shift began, and how that is known."""
    if asked:
        found = moment({"effectiveDateTime": asked})
        if found is None or not now - LONGEST <= found <= now:
            raise invalid("value", "an instant with its zone, at most 72 hours ago", "from")
        return found, "asked"
    going = [row["low"] for row in shifts if row["person"] == user and now - LONGEST < row["low"] <= now]
    return (max(going), "roster") if going else (now - SHIFT, "hours")


def _next(shifts: Iterable[Row], user: str, now: int) -> Sequence[str]:
    """Who else stands or is about to stand on the roster here."""
    return sorted({row["person"] for row in shifts if row["low"] < now + SHIFT and row["person"] != user})


def _sheets(hall: Hall, ward: str, here: Mapping[str, Row], span: tuple[int, int]) -> Sequence[dict[str, Any]]:
    since, now = span
    scores, before = _scores(hall, here, now), _scores(hall, here, since)
    alerts = _of([shown(row, now) for row in listed(hall, ward, since)])
    changes = _lines(hall, views.CHANGES, {"ward": ward, "since": since, "upto": now})
    undone = _lines(hall, views.UNDONE, {"ward": ward})
    handed = _of(hall.lake.query(views.HANDED, {"ward": ward, "after": now - SHOWN}).table.to_pylist())
    sheets = []
    for patient, row in here.items():
        came = [one for one in changes.get(patient, ()) if one["kind"] != "lab" or one["flag"]]
        open_ = undone.get(patient, ())
        sheets.append(
            {
                **{name: row[name] or "" for name in ("patient", "name", "birth", "sex", "number", "bed", "encounter")},
                "wardName": row["ward_name"] or "",
                "arrived": row["low"],
                "news2": scores[patient],
                "before": _brief(before[patient]),
                "alerts": alerts.get(patient, []),
                "changes": came[:LINES],
                "moreChanges": max(0, len(came) - LINES),
                "labs": sum(one["kind"] == "lab" for one in changes.get(patient, ())),
                "tasks": open_[:LINES],
                "moreTasks": max(0, len(open_) - LINES),
                "handed": next(map(_handed, handed.get(patient, [])), None),
            }
        )
    return sorted(sheets, key=lambda one: (one["bed"] == "", one["bed"], one["patient"]))


def _scores(hall: Hall, here: Iterable[str], at: int) -> Mapping[str, dict[str, Any]]:
    """NEWS2 of everybody as the readings up to `at` give it; `level` "" where nothing is known."""
    fresh = int(hall.settings["fresh_minutes"]) * MINUTE
    readings, scales = newest(hall, at, fresh), chosen(hall, at)
    return {one: _score(readings.get(one, []), Asked(at, fresh, {"scale": scales.get(one, "1")})) for one in here}


def _score(readings: Sequence[Reading], asked: Asked) -> dict[str, Any]:
    found: Scored = score(score_tables()["news2"], readings, asked)
    known = any(part.state in ("scored", "open") for part in found.parts)
    told = {"total": found.total, "least": found.least, "most": found.most, "scale": asked.given["scale"]}
    return {**told, "level": found.least_level if known else "", "parts": msgspec.to_builtins(found.parts)}


def _brief(score: Row) -> dict[str, Any]:
    points = {part["name"]: part["points"] for part in score["parts"] if part["points"] is not None}
    return {**{name: score[name] for name in ("total", "least", "most", "level")}, "points": points}


def _lines(hall: Hall, view: View, params: Mapping[str, Any]) -> Mapping[str, list[dict[str, Any]]]:
    names = ("source", "kind", "value", "unit", "flag", "status", "detail")
    found: dict[str, list[dict[str, Any]]] = {}
    for row in hall.lake.query(view, params).table.to_pylist():
        line = {name: row[name] or "" for name in names}
        thing = row["about_thing"] or ""
        line |= {"at": row["low"], "ko": row["ko"] or thing, "en": row["en"] or thing, "who": row["actor_name"] or ""}
        found.setdefault(row["patient"], []).append(line)
    return found


def _of(rows: Iterable[dict[str, Any]]) -> Mapping[str, list[dict[str, Any]]]:
    """By patient, in their order."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["patient"], []).append(row)
    return found


def _handed(row: Row) -> dict[str, Any]:
    told = {name: row[name] for name in ("giver", "taker", "given", "since", "taken", "note")}
    return {"id": row["source"].removeprefix("Task/"), **told}


ROUTES = (
    Route("GET", "/handover", "user/Observation.rs", handover),
    Route("POST", "/handover", "user/Task.cu", keeping.give),
    Route("POST", "/handover/taken", "user/Task.u", keeping.take),
)
