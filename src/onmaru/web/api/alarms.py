"""`GET /api/alarms?cursor=`: alarms on unusual access, newest first, for who keeps the audit trail."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from onmaru.fhir.verbatim import instant
from onmaru.kernel.alarms import ALARM, ALARMS
from onmaru.kernel.audit import Access
from onmaru.kernel.room import Response
from onmaru.web.answers import json
from onmaru.web.api.reading import number, query
from onmaru.web.doors import AuditFilter, Language
from onmaru.web.entrance import note
from onmaru.web.visit import Visit

PAGE = 50


def page(visit: Visit) -> Response:
    """200 with `items` and the `cursor` of the next page, "" at the end."""
    asked = query(visit, "cursor")
    before = number(asked["cursor"], "cursor", low=1) if asked.get("cursor") else 0
    rows = visit.doors.audit_page(visit.hall(), AuditFilter(patient=ALARMS, before=before, count=PAGE))
    note(visit, "alarms")
    cursor = str(rows[-1][0]) if len(rows) == PAGE else ""
    return json({"items": [shown(one, row, visit.language) for one, row in rows], "cursor": cursor})


def shown(at: int, row: Access, language: Language) -> dict[str, Any]:
    """One alarm as the API hands it out; `access` is the row of the access that raised it."""
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
