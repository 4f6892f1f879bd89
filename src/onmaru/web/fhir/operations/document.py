"""`Composition/$document` (R4): a Composition and what it refers to as one document Bundle, which may be kept.

All of one position. What is hidden from the caller drops out; the Composition still names it, as it does where it is read.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.entry import ID
from onmaru.kernel.errand import HEAVY
from onmaru.kernel.labels import borne
from onmaru.kernel.log import Version
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.answers import FHIR
from onmaru.web.fhir.driving import Driver
from onmaru.web.fhir.operations.everything import SUPPORTING
from onmaru.web.fhir.operations.given import given
from onmaru.web.fhir.operations.referred import by_id, looked_up, referred
from onmaru.web.fhir.write import POSITION

# Resources of one document, and steps from the Composition to staff and places that those it names refer to
MOST, STEPS = 1000, 4


class Documents:
    """Handlers; what is kept is written in steps where it is large."""

    def __init__(self, driver: Driver | None) -> None:
        self._driver = driver

    async def document(self, request: Request, hall: Hall) -> Response:
        """`Composition/id/$document`, or `Composition/$document?id=…`."""
        one = "id" in request.params
        asked = given(request, ("persist", "graph") if one else ("id", "persist", "graph"))
        if asked.text("graph"):
            raise invalid("not-supported", "GraphDefinitions are not followed here", "graph")
        keeping = asked.flag("persist")
        if keeping and request.method != "POST":
            raise invalid("value", "a GET keeps nothing: POST to keep the document", "persist")
        base = request.params["base"]
        id = request.params["id"] if one else _id(asked.text("id"), base)
        body = await _gathered(hall, id, base)
        return await self._kept(hall, body, base) if keeping else Response(200, body, FHIR)

    async def _kept(self, hall: Hall, body: bytes, base: str) -> Response:
        change = Change("create", "Bundle", body=body)
        if self._driver is not None and len(body) > HEAVY:
            (written,) = await self._driver.run(hall.record.steps([change]), hall.caller.tenant)
        else:
            (written,) = hall.record.write([change])
        version: Version = written.version
        place = f"{base}/{version.name}/_history/{version.version}"
        return Response(200, version.body or b"", FHIR, (("location", place), (POSITION, str(version.t))))


def _id(text: str, base: str) -> str:
    """The Composition that `id` names: simply, or by a url of this server."""
    id = text.removeprefix(f"{base}/").removeprefix("Composition/")
    if not ID.fullmatch(id):
        raise invalid("value", "the id of a Composition of this server", "id")
    return id


async def _gathered(hall: Hall, id: str, base: str) -> bytes:
    """The document's bytes; refused as a read of the Composition would be."""
    page = hall.record.search(by_id("Composition", (id,), "$document"))
    composition = page.matches[0] if page.matches else hall.record.read("Composition", id)
    shown = {(composition.type, composition.id)}
    held, latest = [composition], [composition]
    for step in range(STEPS):
        names = [name for one in latest for name in referred(one.body or b"", base) if name not in shown]
        # Beyond what the Composition itself names only what is nobody's, so that no other chart comes along
        names = [name for name in names if not step or name[0] in SUPPORTING]
        latest = await looked_up(hall, names, page.t, "$document")
        shown |= {(one.type, one.id) for one in latest}
        held += latest
        if len(held) > MOST:
            raise invalid("too-costly", f"the document would hold over {MOST} resources", status=413)
    return _bundle(base, held)


def _bundle(base: str, held: list[Version]) -> bytes:
    """The document. It bears the security labels of all that is in it, so that they hide the copy too."""
    labels = dict.fromkeys(label for one in held for label in borne(one.body or b""))
    security = [{"system": system, "code": code} for system, code in labels]
    head = {
        "resourceType": "Bundle",
        **({"meta": {"security": security}} if security else {}),
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{uuid.uuid4()}"},
        "type": "document",
        "timestamp": instant(int(datetime.now(UTC).timestamp()) * 1_000_000),
    }
    entries = [b'{"fullUrl":"%b","resource":%b}' % (f"{base}/{one.name}".encode(), one.body or b"") for one in held]
    return msgspec.json.encode(head)[:-1] + b',"entry":[' + b",".join(entries) + b"]}"
