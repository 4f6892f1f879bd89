"""GET ward and alerts: every bed with its score and its age, the worst first, and every alert with how far it has come."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.monitor import views
from onmaru.rooms.monitor.alerts import ladder
from onmaru.rooms.monitor.alerts.acting import answer, staff
from onmaru.rooms.monitor.alerts.alert import ACTS, OUTCOMES, Alert, read
from onmaru.rooms.monitor.alerts.rules import rank
from onmaru.rooms.monitor.limits import chosen
from onmaru.rooms.monitor.reading import Reading
from onmaru.rooms.monitor.score_table import score_tables
from onmaru.rooms.monitor.scoring import Asked, Scored, score

MINUTE = 60_000_000
HOUR = 60 * MINUTE
MOST, NEWEST = 500, 4
SHOWN = ("heart-rate", "respiratory-rate", "oxygen-saturation", "systolic", "diastolic", "temperature", "consciousness")
ORDER = ("high", "medium", "low-medium", "low", "none")
# Of a measure read once nobody knows the interval: the shortest that the RCP asks for after a low score is four hours
UNKNOWN_INTERVAL = 4 * HOUR


def ward(request: Request, hall: Hall) -> Response:
    """`{at, wards, beds, alerts}`: `beds` by risk, each value with when it was measured and the interval it comes at."""
    staff(hall)
    wanted = queried(request, {"ward"}).get("ward", "")
    now = time.time_ns() // 1000
    everybody = hall.lake.query(views.PLACES, {"one": "", "ward": ""}).table.to_pylist()
    here = {row["patient"]: row for row in everybody if not wanted or row["ward"] == wanted}
    fresh = int(hall.settings["fresh_minutes"]) * MINUTE
    readings = newest(hall, now, fresh)
    scales = chosen(hall, now)
    beds = [
        _bed(row, readings.get(patient, []), Asked(now, fresh, {"scale": scales.get(patient, "1")}))
        for patient, row in here.items()
    ]
    alerts = [shown(row, now) for row in listed(hall, wanted, now)]
    open_ = {one["patient"]: one for one in reversed(alerts) if one["open"]}
    for bed in beds:
        bed["alert"] = (open_.get(bed["patient"]) or {}).get("id", "")
    beds.sort(key=lambda bed: (bed["alert"] == "", ORDER.index(bed["level"] or "none"), -bed["least"], bed["bed"]))
    return answer({"at": now, "wards": wards(everybody), "beds": beds, "alerts": alerts})


def alerts(request: Request, hall: Hall) -> Response:
    """`{at, alerts}`: those open of a ward and of no ward, and those raised within `hours` (0 to 744)."""
    staff(hall)
    given = queried(request, {"ward", "hours"})
    hours = given.get("hours", "0")
    if not hours.isascii() or not hours.isdigit() or int(hours) > 744:
        raise invalid("value", "hours, 0 to 744", "hours")
    now = time.time_ns() // 1000
    found = listed(hall, given.get("ward", ""), now - int(hours) * HOUR)
    return answer({"at": now, "alerts": [shown(row, now) for row in found]})


def one(request: Request, hall: Hall) -> Response:
    """`{at, alert, told, acts, outcomes}`: one alert with all its steps and whom the house told of it."""
    staff(hall)
    version = hall.record.read("Task", request.params["id"])
    alert = read(msgspec.json.decode(version.body or b"{}"))
    if alert is None:
        raise invalid("not-found", "no such alert", status=404)
    now = time.time_ns() // 1000
    told = [row for row in hall.lake.query(views.TOLD, {"ward": ""}).table.to_pylist() if row["alert"] == alert.id]
    evidence = msgspec.json.decode(version.body or b"{}").get("input") or []
    return answer(
        {
            "at": now,
            "alert": {**_alert(alert, now), "snooze": ladder.pace(alert).snooze},
            "evidence": [[part["type"]["text"], part["valueString"]] for part in evidence],
            "told": [{name: row[name] for name in ("rung", "sent", "users", "reached", "reader")} for row in told],
            "acts": ACTS,
            "outcomes": OUTCOMES,
        }
    )


def listed(hall: Hall, ward: str, after: int) -> Sequence[Mapping[str, Any]]:
    """Rows of the alerts that are open, and those raised after a time; the most urgent first."""
    rows = hall.lake.query(views.ALERTS, {"ward": ward, "after": after, "most": MOST}).table.to_pylist()
    found = [(read(msgspec.json.decode(row["task"])), row) for row in rows]
    kept = [(alert, row) for alert, row in found if alert is not None]
    kept.sort(key=lambda one: (one[0].closed is not None, one[0].acknowledged is not None, rank(one[0].urgency)))
    return [{**row, "alert": alert} for alert, row in kept]


def shown(row: Mapping[str, Any], now: int) -> dict[str, Any]:
    return {
        **_alert(row["alert"], now),
        "name": row["name"] or "",
        "ended": row["ended"],
        "open": bool(row["standing"]),
    }


def _alert(alert: Alert, now: int) -> dict[str, Any]:
    due = list(ladder.tellings(alert, now))
    return {
        **msgspec.to_builtins(alert),
        "acknowledged": alert.acknowledged,
        "closed": alert.closed,
        "snoozed": alert.snoozed,
        "rung": due[-1].rung if due else "",
    }


def newest(hall: Hall, now: int, fresh: int) -> Mapping[str, list[Reading]]:
    """The newest readings of everybody who is here."""
    params = {"after": now - 2 * fresh, "upto": now, "most": NEWEST}
    found: dict[str, list[Reading]] = {}
    for row in hall.lake.query(views.NEWEST, params).table.to_pylist():
        reading = Reading(row["measure"], row["value"], row["unit"], row["low"], row["source"])
        found.setdefault(row["patient"], []).append(reading)
    return found


def _bed(place: Mapping[str, Any], readings: list[Reading], asked: Asked) -> dict[str, Any]:
    scored: Scored = score(score_tables()["news2"], readings, asked)
    # Nothing known is not a low risk
    known = any(part.state in ("scored", "open") for part in scored.parts)
    return {
        **{
            name: place[name] or ""
            for name in ("patient", "name", "birth", "sex", "number", "bed", "ward", "encounter")
        },
        "wardName": place["ward_name"] or "",
        "total": scored.total,
        "least": scored.least,
        "most": scored.most,
        "level": scored.least_level if known else "",
        "scale": asked.given["scale"],
        "missing": [part.name for part in scored.parts if part.points is None],
        "values": [_value(readings, name) for name in SHOWN if any(one.measure == name for one in readings)],
    }


def _value(readings: Sequence[Reading], name: str) -> dict[str, Any]:
    """The newest value of a measure, when it was taken and how far apart the last ones were (µs)."""
    mine = sorted((one for one in readings if one.measure == name), key=lambda one: one.at, reverse=True)
    times = sorted({one.at for one in mine}, reverse=True)
    gaps = [later - earlier for later, earlier in pairwise(times)]
    every = int(median(gaps)) if gaps else UNKNOWN_INTERVAL
    return {
        "measure": name,
        "value": mine[0].value,
        "unit": mine[0].unit,
        "at": mine[0].at,
        "every": max(every, 1_000_000),
    }


def wards(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each ward that somebody lies in, with how many do."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["ward"]:
            line = found.setdefault(row["ward"], {"id": row["ward"], "name": row["ward_name"], "patients": set()})
            line["patients"].add(row["patient"])
    named = sorted(found.values(), key=lambda line: (line["name"], line["id"]))
    return [{**line, "patients": len(line["patients"])} for line in named]


def queried(request: Request, names: set[str]) -> dict[str, str]:
    """The query's parameters, each known and given once."""
    found: dict[str, str] = {}
    for name, text in request.query:
        if name not in names or name in found:
            raise invalid("value", "given twice" if name in found else "unknown parameter", name)
        found[name] = text
    return found
