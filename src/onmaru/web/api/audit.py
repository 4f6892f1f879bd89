"""The audit trail as pages of rows, newest first. Reading it leaves a row too."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from onmaru.fhir.outcome import invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.audit import Access
from onmaru.kernel.room import Response
from onmaru.web.answers import json
from onmaru.web.api.reading import number, query
from onmaru.web.doors import AuditFilter
from onmaru.web.entrance import note
from onmaru.web.visit import Visit

PAGE = 50
DAY = 86_400 * 1_000_000


def page(visit: Visit) -> Response:
    """`GET /api/audit?patient=&user=&from=&to=&cursor=`; from and to are dates or times with zone, to a date inclusive."""
    asked = {name: value for name, value in query(visit, "patient", "user", "from", "to", "cursor").items() if value}
    wanted = AuditFilter(
        patient=asked.get("patient", ""),
        user=asked.get("user", ""),
        since=_moment("from", asked["from"], 0) if "from" in asked else 0,
        until=_moment("to", asked["to"], DAY) if "to" in asked else 2**62,
        before=number(asked["cursor"], "cursor", low=1) if "cursor" in asked else 0,
        count=PAGE,
    )
    rows = visit.doors.audit_page(visit.hall(), wanted)
    note(visit, "audit", (wanted.patient,) if wanted.patient else ())
    cursor = str(rows[-1][0]) if len(rows) == PAGE and rows[-1][0] > 1 else ""
    return json({"items": [_shown(row) for _, row in rows], "cursor": cursor})


def _shown(row: Access) -> dict[str, Any]:
    return {
        "at": instant(row.at),
        "user": row.user,
        "roles": row.roles,
        "purpose": row.purpose,
        "action": row.action,
        "path": row.target,
        "patients": row.patients,
        "outcome": "success" if row.allowed else "denied",
        "reason": row.reason,
        "address": row.address,
    }


def _moment(name: str, text: str, whole_day: int) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise invalid("value", "not a date or time of ISO 8601", name) from error
    if len(text) == 10:
        return int(found.replace(tzinfo=UTC).timestamp()) * 1_000_000 + whole_day
    if found.tzinfo is None:
        raise invalid("value", "a time needs its zone", name)
    return int(found.timestamp() * 1_000_000)
