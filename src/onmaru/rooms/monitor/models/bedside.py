"""What of models' judgements is shown at the bedside: those of an active version, marked a draft.

Its one law: whether a version is active is asked of the log at the moment of showing, so a withdrawal is seen at once.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from onmaru.kernel.room import Hall, Request, Response, Route
from onmaru.rooms.monitor import views
from onmaru.rooms.monitor.alerts.acting import answer, clinician
from onmaru.rooms.monitor.alerts.listing import queried
from onmaru.rooms.monitor.models.registry import registry

# A judgement is shown for two hours; the next one comes after one
FRESH = 2 * 3_600_000_000


def risks(request: Request, hall: Hall) -> Response:
    """GET risks: `{at, patients: {ID: [...]}}` for whoever treats them."""
    clinician(hall)
    queried(request, set())
    now = time.time_ns() // 1000
    return answer({"at": now, "patients": active(hall, now)})


def active(hall: Hall, now: int) -> Mapping[str, list[dict[str, Any]]]:
    """By patient, the newest judgement of each model that is active now."""
    judged = [row for row in rows(hall, now - FRESH) if row["state"] == "active"]
    if not judged:
        return {}
    found = registry(hall)
    mine = {entry.digest: entry for entry in found.entries if found.standing[entry.id].state == "active"}
    lines: dict[str, dict[str, dict[str, Any]]] = {}
    for row in judged:
        entry = mine.get(row["digest"])
        if entry is not None and entry.id == row["entry"]:
            line = {"model": entry.name, "version": entry.version, "entry": entry.id, **told(row)}
            lines.setdefault(row["patient"], {}).setdefault(entry.name, line)
    return {patient: [*models.values()] for patient, models in lines.items()}


def rows(hall: Hall, after: int, entry: str = "") -> Sequence[Mapping[str, Any]]:
    """What was judged after a time, of one version or of all, as far as the caller may see it; the newest first."""
    found: list[dict[str, Any]] = hall.lake.query(views.RISKS, {"after": after, "entry": entry}).table.to_pylist()
    return found


def told(row: Mapping[str, Any]) -> dict[str, Any]:
    """One judgement with its probability, interval and reasons."""
    said: dict[str, Any] = msgspec.json.decode(row["told"])
    return {"at": row["low"], "draft": True, **said}


ROUTES = (Route("GET", "/risks", "user/RiskAssessment.rs", risks),)
