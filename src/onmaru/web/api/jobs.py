"""Exports and imports of the tenant: who runs what and how far it is. What each asked for is told to who asked alone."""

from __future__ import annotations

from typing import Any

from onmaru.fhir.verbatim import instant
from onmaru.kernel.background import Asker, Task
from onmaru.kernel.room import Response
from onmaru.web.answers import json
from onmaru.web.entrance import note
from onmaru.web.visit import Visit


def listing(visit: Visit) -> Response:
    """`GET /api/jobs`: newest first; one's own are looked after at `/fhir/$job/ID`."""
    background, (standing, caller) = visit.doors.background, visit.known()
    asker = Asker(caller.tenant, caller.user, standing.grant.client, standing.grant.key)
    tasks = background.listing(asker) if background is not None else ()
    note(visit, "jobs")
    return json({"items": [_told(one) for one in tasks if one.kind in ("export", "import")]})


def _told(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "kind": task.kind,
        "status": task.status,
        "progress": task.progress,
        "at": instant(task.at),
        "user": task.user,
        "client": task.client,
        "mine": task.mine,
        "request": task.request,
        "reason": task.reason,
        "expires": instant(task.expires) if task.expires else None,
    }
