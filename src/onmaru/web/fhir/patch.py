"""`PATCH Type/id` and `PATCH Type?criteria` (FHIR R4 http.html, 3.1.0.5): JSON Patch, or FHIRPath Patch in a Parameters.

A patch is an update of the version it was made on: what another wrote in between is never undone by it.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any

import msgspec

from onmaru.fhir import fhirpath_patch, json_patch
from onmaru.fhir.fhirpath import read
from onmaru.fhir.fhirpath.results import encode
from onmaru.fhir.outcome import invalid
from onmaru.fhir.syntax import check_depth
from onmaru.kernel.log import Version
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.fhir.negotiation import JSON_TYPES, XML_TYPES
from onmaru.web.fhir.write import Writes, criteria, if_match

JSON_PATCH = "application/json-patch+json"


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
        wanted = if_match(request)
        if wanted is not None and wanted != current.version:
            raise invalid("conflict", "If-Match names another version than the current one", status=412)
        try:
            made = _made(request, read(current.body or b"{}"))
            body = encode(made)
        except RecursionError:
            # Moved into one another, parts that are each allowed nest as deep as anybody likes
            raise invalid("too-costly", "what the patch makes nests too deep", status=413) from None
        if not isinstance(made, dict) or (made.get("resourceType"), made.get("id")) != (current.type, current.id):
            raise invalid("business-rule", "a patch changes neither the type nor the id of a resource", status=422)
        change = Change("update", current.type, current.id, body, current.version)
        return self._writes.write(request, hall, change)


def _made(request: Request, resource: Any) -> Any:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != JSON_PATCH and kind not in JSON_TYPES and kind not in XML_TYPES:
        text = f"a patch is a JSON Patch ({JSON_PATCH}) or a Parameters of FHIRPath Patch (application/fhir+json)"
        raise invalid("not-supported", text, "Content-Type", 415)
    check_depth(request.body)
    if kind == JSON_PATCH:
        return json_patch.patched(resource, json_patch.operations(request.body))
    try:
        parameters = read(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise invalid("structure", "this is not JSON") from None
    return fhirpath_patch.patched(resource, fhirpath_patch.operations(parameters), datetime.now(UTC))
