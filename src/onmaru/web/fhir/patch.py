"""`PATCH Type/id` and `PATCH Type?criteria` (FHIR R4 http.html, 3.1.0.5): JSON, XML or FHIRPath Patch.

A patch is an update of the version it was made on: what another wrote in between is never undone by it.
"""

from __future__ import annotations

from collections.abc import Awaitable

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel import patching
from onmaru.kernel.log import Version
from onmaru.kernel.patching import FORMS, JSON_PATCH, XML_PATCH, Form, Patch
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.fhir.negotiation import JSON_TYPES, XML_TYPES
from onmaru.web.fhir.write import Writes, criteria, if_match


class Patches:
    """Handlers; what a patch makes is written as an update is."""

    def __init__(self, writes: Writes) -> None:
        self._writes = writes

    def patch(self, request: Request, hall: Hall) -> Response | Awaitable[Response]:
        """`PATCH Type/id`; If-Match names the version that must be current (412)."""
        params = request.params
        return self._patched(request, hall, hall.record.read(params["type"], params["id"]))

    def patch_matching(self, request: Request, hall: Hall) -> Response | Awaitable[Response]:
        """`PATCH Type?criteria`: the one match; 404 for none, 412 for several."""
        query = msgspec.structs.replace(criteria(request), count=2, total="none")
        found = hall.record.search(query).matches
        if not found:
            raise invalid("not-found", "nothing matches the criteria", status=404)
        if len(found) > 1:
            raise invalid("multiple-matches", "the criteria match several resources", status=412)
        return self._patched(request, hall, found[0])

    def _patched(self, request: Request, hall: Hall, current: Version) -> Response | Awaitable[Response]:
        change = patching.change(Patch(_form(request), request.body, if_match(request)), current)
        return self._writes.write(request, hall, change)


def _form(request: Request) -> Form:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind in FORMS:
        return FORMS[kind]
    if kind not in JSON_TYPES and kind not in XML_TYPES:
        text = f"a patch is {JSON_PATCH}, {XML_PATCH} or a Parameters of FHIRPath Patch (application/fhir+json)"
        raise invalid("not-supported", text, "Content-Type", 415)
    return "fhirpath"
