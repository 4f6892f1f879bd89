"""GET scores: every early warning score of one person at one time, with the parts that made each number."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.monitor import views
from onmaru.rooms.monitor.limits import chosen
from onmaru.rooms.monitor.projection import moment
from onmaru.rooms.monitor.reading import Reading
from onmaru.rooms.monitor.score_table import score_tables
from onmaru.rooms.monitor.scoring import Asked, Scored, score, shock_index

MINUTE = 60_000_000
# Readings of one measure that are looked at, and how far back stale ones are still shown
MOST, SHOWN = 500, 7 * 24 * 60 * MINUTE
GIVEN: Mapping[str, tuple[str, ...]] = {
    "scale": ("1", "2"),
    "support": ("yes", "no"),
    "pressor": ("none", "low", "middle", "high"),
}


def scores(request: Request, hall: Hall) -> Response:
    """`{patient, at, shockIndex, scores: [...]}`, `at` in µs since 1970 UTC; 404 for an unknown patient.

    `at` (an instant; default now) scores what was measured by then. `scale` (1 or 2) is NEWS2's SpO2 scale, by default what
    a clinician's order says, else 1; `support` and `pressor` are what SOFA asks beyond the record.
    """
    found = _asked(request)
    patient = request.params["id"]
    hall.record.read("Patient", patient)
    now = _instant(found.pop("at", ""))
    fresh = int(hall.settings["fresh_minutes"]) * MINUTE
    asked = Asked(now, fresh, {"scale": chosen(hall, now, patient).get(patient, "1"), **found})
    readings = _readings(hall, patient, now)
    wanted = [table for table in score_tables().values() if table.verified or hall.settings["unverified"]]
    return _answer(patient, asked, shock_index(readings, asked), [score(table, readings, asked) for table in wanted])


def _answer(patient: str, asked: Asked, index: str | None, found: list[Scored]) -> Response:
    body = {"patient": patient, "at": asked.now, "shockIndex": index, "scores": found}
    return Response(200, msgspec.json.encode(body), headers=(("Cache-Control", "no-store"),))


def _readings(hall: Hall, patient: str, now: int) -> list[Reading]:
    params: dict[str, Any] = {"patient": patient, "after": now - SHOWN, "upto": now, "most": MOST}
    table = hall.lake.query(views.READINGS, params).table
    return [Reading(row["measure"], row["value"], row["unit"], row["low"], row["source"]) for row in table.to_pylist()]


def _asked(request: Request) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, text in request.query:
        if name != "at" and name not in GIVEN:
            raise invalid("value", "unknown parameter", name)
        if name in found:
            raise invalid("value", "given twice", name)
        if name in GIVEN and text not in GIVEN[name]:
            raise invalid("value", f"one of {', '.join(GIVEN[name])}", name)
        found[name] = text
    return found


def _instant(text: str) -> int:
    if not text:
        return time.time_ns() // 1000
    found = moment({"effectiveDateTime": text})
    if found is None:
        raise invalid("value", "not an instant with its zone", "at")
    return found
