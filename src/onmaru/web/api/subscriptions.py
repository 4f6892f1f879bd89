"""How subscriptions go, for who keeps the doors: what each waits for, how far it has come, and one in error tried again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.fhir.search import parse
from onmaru.kernel.log import Version
from onmaru.kernel.room import Response
from onmaru.kernel.scope import allows
from onmaru.web.answers import json
from onmaru.web.entrance import deny, note
from onmaru.web.visit import Visit

MOST = 1000


def listing(visit: Visit) -> Response:
    """`GET /api/subscriptions`: those that the caller may see, newest first; 403 for who may see none."""
    doors = visit.doors.subscriptions
    found = visit.hall().record.search(parse(("Subscription",), [("_count", str(MOST)), ("_sort", "-_lastUpdated")]))
    going = doors.going(visit.tenant) if doors is not None else {}
    note(visit, "subscriptions")
    return json({"items": [{**_asked(version), **going.get(version.id, {})} for version in found.matches]})


async def resume(visit: Visit) -> Response:
    """`POST /api/subscriptions/{id}/resume`: one in error goes on where it stood, with the rights of who owns it.

    200; 403 for who may not change subscriptions, 404 unknown, 409 not in error or served elsewhere.
    """
    _, caller = visit.known()
    if not allows(caller.scopes, "Subscription", "u"):
        deny(visit, "scope")
        raise invalid("forbidden", "not permitted: scope", status=403)
    id = visit.request.params["id"]
    visit.hall().record.read("Subscription", id)
    doors = visit.doors.subscriptions
    if doors is None or not await doors.revive(visit.tenant, id):
        raise invalid("conflict", "this subscription is not in error, or another server serves it", status=409)
    note(visit, f"Subscription/{id} resume")
    return json({"id": id, **doors.going(visit.tenant).get(id, {})})


def _asked(version: Version) -> Mapping[str, Any]:
    """What a Subscription asks for. Of its address the host is told: the rest may hold a secret."""
    body = msgspec.json.decode(version.body or b"{}")
    channel = body.get("channel", {})
    address = str(channel.get("endpoint", ""))
    return {
        "id": version.id,
        "criteria": body.get("criteria", ""),
        "why": body.get("reason", ""),
        "channel": channel.get("type", ""),
        "host": urlsplit(address).netloc.rpartition("@")[2] or address.partition(":")[0],
        "payload": channel.get("payload", ""),
        "state": body.get("status", ""),
        "error": body.get("error", ""),
    }
