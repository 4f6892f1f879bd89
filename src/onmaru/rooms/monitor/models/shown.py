"""GET models/ID/risks: what one version said of everybody in the last day, in shadow or not, for data managers alone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from onmaru.fhir.outcome import Invalid
from onmaru.kernel.lake import Script
from onmaru.kernel.room import Hall, Request, Response, Route
from onmaru.rooms.monitor.alerts.acting import answer
from onmaru.rooms.monitor.alerts.listing import queried
from onmaru.rooms.monitor.models import bedside
from onmaru.rooms.monitor.models.bedside import rows, told
from onmaru.rooms.monitor.models.registry import registry
from onmaru.rooms.monitor.models.risk import Judgement
from onmaru.rooms.monitor.models.routes import READ

DAY = 24 * 3_600_000_000
MOST = 200


def risks(request: Request, hall: Hall) -> Response:
    """GET models/ID/risks: every judgement of the last day of one version, in shadow or not, for data managers."""
    hall.lake.script(Script("monitor-models", (), (), (), rowwise=True))
    queried(request, set())
    found, now = registry(hall), time.time_ns() // 1000
    entry = found.one(request.params["id"])
    judged = [row for row in rows(hall, now - DAY, entry.id) if row["digest"] == entry.digest]
    newest: dict[str, Mapping[str, Any]] = {}
    for row in judged:
        newest.setdefault(row["patient"], row)
    lines = [
        {"patient": row["patient"], "state": row["state"], **_result(hall, told(row))}
        for row in [*newest.values()][:MOST]
    ]
    lines.sort(key=lambda line: -(line["probability"] or 0))
    return answer({"at": now, "judgements": len(judged), "patients": lines})


def _result(hall: Hall, line: dict[str, Any]) -> dict[str, Any]:
    """The result of a model in shadow from its blob; without one where that is gone."""
    blob = line.pop("blob", "")
    if not blob:
        return line
    try:
        with hall.blobs.open(blob) as file:
            found = msgspec.json.decode(file.read(), type=Judgement)
    except Invalid:
        return line | {"probability": None, "interval": None, "reasons": []}
    reasons = msgspec.to_builtins(found.reasons)
    return line | {"probability": found.probability, "interval": [found.low, found.high], "reasons": reasons}


ROUTES = (Route("GET", "/models/{id}/risks", READ, risks), *bedside.ROUTES)
