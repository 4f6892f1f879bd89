"""The audit trail as pages of rows, newest first. Reading it leaves a row too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.audit import Access
from onmaru.kernel.room import Response
from onmaru.web.answers import json
from onmaru.web.api.reading import body, number, query
from onmaru.web.api.scanning import PAGE, scanned
from onmaru.web.doors import AuditFilter
from onmaru.web.entrance import note
from onmaru.web.visit import Visit

DAY = 86_400 * 1_000_000


NAMES = ("patient", "user", "from", "to", "outcome", "cursor")


async def page(visit: Visit) -> Response:
    """`GET /api/audit?patient=&user=&from=&to=&outcome=denied&cursor=`; from and to are dates or times with zone, to a date
    inclusive. Of denials a page may be short, or empty, and have a cursor all the same: there is more to look through.
    """
    asked = {name: value for name, value in query(visit, *NAMES).items() if value}
    if asked.get("outcome", "denied") != "denied":
        raise invalid("value", "denied, or nothing", "outcome")
    wanted = AuditFilter(
        patient=asked.get("patient", ""),
        user=asked.get("user", ""),
        since=_moment("from", asked["from"], 0) if "from" in asked else 0,
        until=_moment("to", asked["to"], DAY) if "to" in asked else 2**62,
        before=number(asked["cursor"], "cursor", low=1) if "cursor" in asked else 0,
        count=PAGE,
    )
    rows, cursor = (
        await scanned(visit, wanted, lambda _, row: not row.allowed) if "outcome" in asked else _page(visit, wanted)
    )
    note(visit, "audit", (wanted.patient,) if wanted.patient else ())
    return json({"items": [_shown(row) for _, row in rows], "cursor": cursor})


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    reason: str
    years: int | None = None
    dryRun: bool = False


async def purge(visit: Visit) -> Response:
    """`POST /api/audit/purge`: 200 with what went, or with `dryRun` would go; 422 for what has to be kept."""
    asked = body(visit, Asked)
    if visit.doors.purging is None:
        raise invalid("not-found", "there is no such page", status=404)
    _, caller = visit.known()
    if asked.dryRun:
        note(visit, "audit/purge")
    return json(await visit.doors.purging.purge(caller, asked.years, asked.reason, rehearse=asked.dryRun))


def _page(visit: Visit, wanted: AuditFilter) -> tuple[Sequence[tuple[int, Access]], str]:
    rows = visit.doors.audit_page(visit.hall(), wanted)
    return rows, str(rows[-1][0]) if len(rows) == PAGE and rows[-1][0] > 1 else ""


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
