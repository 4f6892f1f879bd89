"""Which web pages of other origins a browser lets read our answers (Fetch, CORS): those of registered apps, no others."""

from __future__ import annotations

from onmaru.kernel.room import Response
from onmaru.web.doors import Doors
from onmaru.web.router import MethodRefused
from onmaru.web.visit import Visit

# Surfaces that apps speak to; the JSON API and the rooms are the hospital's own pages' alone
OPENED = frozenset({"fhir", "oauth"})
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
_ASKED = (
    "authorization, content-type, accept, prefer, if-match, if-none-match, if-none-exist, if-modified-since, x-request-id, "
    "x-onmaru-position, x-onmaru-purpose, x-provenance, accept-language, content-encoding"
)
_TOLD = (
    "content-location, etag, last-modified, location, retry-after, www-authenticate, x-onmaru-position, "
    "x-onmaru-warnings, x-request-id"
)
FRESH = 1_000_000


class Shared:
    """Answers by the origins of a tenant's apps, read again each second. No cookie is ever taken along."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._known: dict[str, tuple[int, frozenset[str]]] = {}

    def answer(self, visit: Visit) -> list[tuple[str, str]]:
        """Headers for an answer to a page of another origin; without permission the browser keeps it from that page."""
        came = visit.request.headers.get("origin", "")
        if not self._registered(visit.tenant, came):
            return [("vary", "origin")]
        return [("vary", "origin"), ("access-control-allow-origin", came), ("access-control-expose-headers", _TOLD)]

    def asked(self, visit: Visit) -> Response:
        """The answer to a browser that asks before it sends a request."""
        if not self._registered(visit.tenant, visit.request.headers.get("origin", "")):
            raise MethodRefused(_METHODS.split(", "))
        allowed = (("access-control-allow-methods", _METHODS), ("access-control-allow-headers", _ASKED))
        return Response(204, b"", "", (*allowed, ("access-control-max-age", "600")))

    def _registered(self, tenant: str, origin: str) -> bool:
        if not origin or origin == "null" or not self._doors.tenants(tenant):
            return False
        now = self._doors.logins.now()
        read, origins = self._known.get(tenant, (0, frozenset()))
        if not read or now - read > FRESH:
            found = self._doors.logins.accounts.clients(tenant)
            origins = frozenset(one for client in found for one in client.origins)
            self._known[tenant] = now, origins
        return origin in origins
