"""How the house stands, for who runs it, and what it is made of."""

from __future__ import annotations

import asyncio

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Response
from onmaru.web.answers import JSON, json
from onmaru.web.entrance import note
from onmaru.web.visit import Visit


async def told(visit: Visit) -> Response:
    """`GET /api/operating`: health, followers, backups, packets, letters, jobs and folders, of this tenant."""
    if visit.doors.operating is None:
        raise invalid("not-supported", "this house does not tell how it stands", status=404)
    note(visit, "operating")
    return json(await visit.doors.operating(visit.tenant))


async def bill(visit: Visit) -> Response:
    """`GET /api/sbom`: the software bill of materials, CycloneDX 1.5."""
    if visit.doors.bill is None:
        raise invalid("not-supported", "this house does not tell what it is made of", status=404)
    note(visit, "sbom")
    body = await asyncio.to_thread(visit.doors.bill)
    return Response(200, body, JSON, (("content-disposition", 'attachment; filename="onmaru-sbom.json"'),))
