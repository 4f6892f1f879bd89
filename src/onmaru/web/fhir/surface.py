"""Everything below `/fhir`: open documents without a grant, all else through the routes with the Caller's own doors."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from functools import cache, partial

import msgspec

from onmaru.fhir.search.extraction import extract
from onmaru.fhir.structure import admit
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.answers import FHIR, JSON
from onmaru.web.doors import Doors
from onmaru.web.entrance import note
from onmaru.web.fhir.background import later
from onmaru.web.fhir.binary import READ
from onmaru.web.fhir.bulk import bulk
from onmaru.web.fhir.capability import capability, searched
from onmaru.web.fhir.negotiation import check_accept, prefer
from onmaru.web.fhir.operations import views
from onmaru.web.fhir.purge import PATH, purge
from onmaru.web.fhir.routes import OF_TYPE, OPERATIONS, find, table
from onmaru.web.fhir.search import LATER, TooMuch
from onmaru.web.fhir.subscription import advertised
from onmaru.web.fhir.terms import permit, terminology
from onmaru.web.oauth.metadata import smart_configuration
from onmaru.web.router import MethodRefused
from onmaru.web.visit import Visit

OPEN = frozenset({"metadata", ".well-known/smart-configuration"})

# Of the commonest type, with a moment and a number: what it needs compiled is what most need
FIRST = (
    b'{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"urn:x","code":"x"}]},'
    b'"subject":{"reference":"Patient/x"},"effectiveDateTime":"2026-01-01T00:00:00Z","valueQuantity":{"value":1.0,"unit":"x"}}'
)


class Fhir:
    """The FHIR surface of every tenant."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self.routes = table(doors, self._stated)
        self._capability = cache(partial(capability, self.routes, doors.settings))

    def warm(self) -> None:
        """Compile the search parameters, write the CapabilityStatement and admit one resource: a fifth of a second, once."""
        self._capability()
        extract(admit(FIRST)[1])

    def open(self, visit: Visit, path: str) -> Response | None:
        """The documents that anybody may read; None for any other path."""
        if path not in OPEN:
            return None
        if visit.request.method not in ("GET", "HEAD"):
            raise MethodRefused(["GET", "HEAD"])
        if path == "metadata":
            check_accept(visit.request.headers, visit.request.query)
            return self._metadata(visit.request, visit.tenant, f"{visit.base}/fhir")
        return Response(200, msgspec.json.encode(smart_configuration(visit)), JSON)

    def _stated(self, request: Request, hall: Hall) -> Response:
        return self._metadata(request, hall.caller.tenant, request.params["base"])

    def _metadata(self, request: Request, tenant: str, base: str) -> Response:
        if ("mode", "terminology") in request.query:
            return Response(200, terminology(base), FHIR)
        before, after = self._capability()
        doors = self._doors.subscriptions
        if doors is not None:
            after = advertised(after, doors.topics(tenant), base.removesuffix("/fhir"))
        after = searched(after, self._doors.searched(tenant))
        return Response(200, before + msgspec.json.encode(base) + after, FHIR)

    def answer(self, visit: Visit, path: str) -> Response | Awaitable[Response]:
        """Run the interaction that `path`, below the base, stands for."""
        request, operation = visit.request, "$" in path
        wholesale = _wholesale(visit, path) if operation else None
        if wholesale is not None:
            return wholesale
        handler, params = find(self.routes, request.method, path)
        if operation:
            _begun(visit, path, params)
        elif request.method not in ("GET", "HEAD") or READ.fullmatch(path) is None:
            check_accept(request.headers, request.query)
        params["base"] = f"{visit.base}/fhir"
        if visit.doors.background is not None and "prefer" in request.headers and prefer(request.headers).later:
            params[LATER] = "yes"
        try:
            return handler(msgspec.structs.replace(request, params=params), visit.hall())
        except TooMuch as costly:
            return later(visit, "search", msgspec.json.encode(costly.asked), path)


def _wholesale(visit: Visit, path: str) -> Response | Awaitable[Response] | None:
    """The answer of an operation that is no interaction with the record as one caller sees it; None for any other path."""
    erased = PATH.fullmatch(path)
    return bulk(visit, path) if erased is None else purge(visit, erased[1])


def _begun(visit: Visit, path: str, params: Mapping[str, str]) -> None:
    """What an operation answers with is asked for; those that read nothing of the record are permitted and noted here."""
    name = path.rpartition("/")[2]
    if name not in views.NAMES:
        check_accept(visit.request.headers, visit.request.query)
    if path in OPERATIONS or ("id" not in params and name in OF_TYPE):
        permit(visit, path)
        note(visit, path)
