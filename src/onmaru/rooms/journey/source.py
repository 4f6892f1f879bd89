"""GET source: the resource behind an item, token for token, its versions, and which message brought it, when, from whom."""

from __future__ import annotations

from typing import Any

import msgspec

from onmaru.fhir.outcome import Invalid, invalid
from onmaru.fhir.search import parse
from onmaru.fhir.verbatim import instant
from onmaru.kernel.log import Version
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.journey.asking import answer, asked, identifier, whole
from onmaru.rooms.journey.compartment import reference
from onmaru.rooms.journey.concepts import concept

MOST_VERSIONS = 50
MOST_PROVENANCES = 50


def source(request: Request, hall: Hall) -> Response:
    """`{resource, version, at, by, versions, provenance}`; 404 unknown or hidden, 410 deleted; `version`: an old one."""
    found = asked(request, ("version",))
    kind, rid = request.params["type"], identifier(request, "rid")
    if not kind.isalpha() or not kind.isascii():
        raise invalid("not-found", "no such type", "type", 404)
    number = whole(found, "version", 0, (1, 10**9)) or None
    version = hall.record.read(kind, rid, number)
    history = hall.record.history(kind, rid, count=MOST_VERSIONS).matches
    return answer(
        {
            "resource": msgspec.Raw(version.body or b"null"),
            **_stamp(version),
            "versions": [_stamp(one) for one in history],
            "provenance": provenance(hall, kind, rid),
        }
    )


def _stamp(version: Version) -> dict[str, Any]:
    return {
        "version": version.version,
        "op": version.op,
        "at": instant(version.at),
        "by": version.caller,
        "t": version.t,
    }


def provenance(hall: Hall, kind: str, rid: str) -> list[dict[str, Any]] | None:
    """Each Provenance of the resource, newest first, in words; None when the caller may not read Provenance."""
    pairs = [("target", f"{kind}/{rid}"), ("_count", str(MOST_PROVENANCES))]
    try:
        found = hall.record.search(parse(("Provenance",), pairs))
    except Invalid as refused:
        if refused.status == 403:
            return None
        raise
    return [_told(version) for version in found.matches if version.body is not None]


def _told(version: Version) -> dict[str, Any]:
    body = msgspec.json.decode(version.body or b"{}")
    return {
        "id": version.id,
        "recorded": body.get("recorded", ""),
        "occurred": body.get("occurredDateTime") or (body.get("occurredPeriod") or {}).get("start", ""),
        "activity": concept(body.get("activity")).ko,
        "reason": concept(body.get("reason")).ko,
        "agents": [_agent(agent) for agent in body.get("agent") or []],
        "messages": [_entity(entity) for entity in body.get("entity") or []],
        "resource": msgspec.Raw(version.body or b"null"),
    }


def _agent(agent: dict[str, Any]) -> dict[str, str]:
    roles = [concept(role).ko for role in agent.get("role") or []] or [concept(agent.get("type")).ko]
    return {
        "who": words(agent.get("who")),
        "reference": reference(agent.get("who")),
        "role": ", ".join(filter(None, roles)),
    }


def _entity(entity: dict[str, Any]) -> dict[str, str]:
    what = entity.get("what")
    return {"what": words(what), "reference": reference(what), "role": entity.get("role", "")}


def words(value: Any) -> str:
    """A Reference as people read it: its display, else its identifier, else where it points."""
    if not isinstance(value, dict):
        return ""
    named = value.get("identifier") or {}
    return str(value.get("display") or named.get("value") or value.get("reference") or "")
