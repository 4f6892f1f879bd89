"""What the pages ask: the last run by the thresholds of now, one check's trend, and the rows behind it."""

from __future__ import annotations

from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Hall, Request, Response, Route
from onmaru.rooms.quality import kept
from onmaru.rooms.quality.checks import by_id
from onmaru.rooms.quality.commands import SCOPE, line
from onmaru.rooms.quality.rows import named, violating
from onmaru.rooms.quality.verdicts import judged, totals

SHOWN = 100


def last(request: Request, hall: Hall) -> Response:
    """`{t, at, totals, checks: [...]}` of the last run; `outcome=failed` shows these alone. `at` is µs since 1970 UTC."""
    asked = dict(request.query)
    if set(asked) - {"outcome"} or asked.get("outcome", "failed") not in ("failed", "passed", "not-applicable"):
        raise invalid("value", "unknown parameter or outcome", next(iter(asked)))
    found, t, at = kept.last(hall)
    verdicts = judged(by_id(), found, kept.thresholds(hall))
    shown = [line(one) for one in verdicts if asked.get("outcome", one.outcome) == one.outcome]
    return _answer({"t": t, "at": at, "totals": totals(verdicts), "checks": shown})


def one(request: Request, hall: Hall) -> Response:
    """`{check, threshold, trend: [{at, t, violated, total}]}`; 404 for an unknown check."""
    check = named(request.params["check"])
    own = kept.thresholds(hall).get(check.id)
    return _answer({"check": check, "threshold": own, "trend": kept.trend(hall, check.id)})


def rows(request: Request, hall: Hall) -> Response:
    """`{rows: [{source, version, t, patient, value}]}`: at most a hundred that violate the check."""
    return _answer({"rows": violating(hall, request.params["check"], SHOWN)})


def _answer(body: Any) -> Response:
    return Response(200, msgspec.json.encode(body), headers=(("Cache-Control", "no-store"),))


ROUTES = (
    Route("GET", "/last", SCOPE, last),
    Route("GET", "/checks/{check}", SCOPE, one),
    Route("GET", "/checks/{check}/rows", SCOPE, rows),
)
