"""Alarms on unusual access, newest first, for who keeps the audit trail; one that was looked into is closed with a reason.

An alarm stays in the trail as it was raised; its closing is a row of its own, and nobody closes one about themselves.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from msgspec.structs import replace

from onmaru.fhir.outcome import invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.alarms import ALARM, ALARMS, CLOSING, closing
from onmaru.kernel.audit import Access, access
from onmaru.kernel.room import Response
from onmaru.web.answers import json
from onmaru.web.api.reading import body, number, query
from onmaru.web.api.scanning import scanned
from onmaru.web.doors import AuditFilter, Language
from onmaru.web.entrance import deny, note
from onmaru.web.visit import Visit

SHORTEST, LONGEST = 4, 500


class Closed(msgspec.Struct, forbid_unknown_fields=True):
    reason: str


async def page(visit: Visit) -> Response:
    """`GET /api/alarms?state=open|closed&cursor=`: 200 with `items` and the `cursor` of the next page, "" at the end."""
    asked = query(visit, "cursor", "state")
    before = number(asked["cursor"], "cursor", low=1) if asked.get("cursor") else 0
    state = asked.get("state", "")
    if state not in ("", "open", "closed"):
        raise invalid("value", "open or closed", "state")

    def wanted(at: int, row: Access) -> bool:
        return not state or (_closing(visit, at) is not None) == (state == "closed")

    rows, cursor = await scanned(visit, AuditFilter(patient=ALARMS, before=before), wanted)
    note(visit, "alarms")
    return json({"items": [_told(visit, at, row) for at, row in rows], "cursor": cursor})


def close(visit: Visit) -> Response:
    """`POST /api/alarms/{number}/close`: 200 with the alarm; 404 unknown, 409 closed before, 403 for who it is about."""
    reason = body(visit, Closed).reason.strip()
    if not SHORTEST <= len(reason) <= LONGEST:
        raise invalid("value", f"what came of it, in {SHORTEST} to {LONGEST} characters", "reason", 422)
    text = visit.request.params["number"]
    at = int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0
    rows = visit.doors.audit_page(visit.hall(), AuditFilter(patient=ALARMS, before=at + 1, count=1)) if at else ()
    if not rows or rows[0][0] != at:
        raise invalid("not-found", "no such alarm", status=404)
    _, caller = visit.known()
    row = rows[0][1]
    if row.user == caller.user:
        deny(visit, "own")
        raise invalid("forbidden", "nobody closes an alarm about themselves", status=403)
    if _closing(visit, at) is not None:
        raise invalid("conflict", "this alarm was closed before", status=409)
    done = access(replace(caller, reason=reason), "execute", f"{CLOSING}{at}", visit.doors.logins.now())
    visit.doors.audit(visit.tenant, done)
    return json(_told(visit, at, row))


def _closing(visit: Visit, at: int) -> Access | None:
    rows = visit.doors.audit_page(visit.hall(), AuditFilter(patient=closing(str(at)), count=1))
    return rows[0][1] if rows else None


def _told(visit: Visit, at: int, row: Access) -> dict[str, Any]:
    """One alarm as the API hands it out; `access` is the row of the access that raised it."""
    done = _closing(visit, at)
    closed = None if done is None else {"at": instant(done.at), "user": done.user, "reason": done.reason}
    return {**shown(at, row, visit.language), "closed": closed}


def shown(at: int, row: Access, language: Language) -> dict[str, Any]:
    """What an alarm says of the access that raised it."""
    rule, texts = row.target.removeprefix(ALARM), _strings(language)
    return {
        "number": at,
        "rule": rule,
        "text": texts["rule"].get(rule, texts["other"]),
        "at": instant(row.at),
        "user": row.user,
        "roles": row.roles,
        "purpose": row.purpose,
        "patients": row.patients,
        "detail": row.reason,
        "address": row.address,
        "access": f"AuditEvent/row-{row.request}",
    }


@cache
def _strings(language: Language) -> Mapping[str, Any]:
    return tomllib.loads(files("onmaru.web.api").joinpath(f"alarms.{language}.toml").read_text("utf-8"))
