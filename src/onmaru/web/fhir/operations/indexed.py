"""`SearchParameter/$index-status`: how far the rows of the tenant's own search parameters have come.

R4 has no such operation. What has no rows, or not all, is searched by all the same, of bodies.
"""

from __future__ import annotations

from typing import Any

import msgspec

from onmaru.fhir.search import parse
from onmaru.kernel.room import Hall, Request, Response
from onmaru.kernel.rules import Indexed
from onmaru.web.answers import FHIR
from onmaru.web.fhir.operations.given import given

MOST = 1_000


def index_status(request: Request, hall: Hall) -> Response:
    """`GET SearchParameter/$index-status`: a `parameter` for each active one that the caller may read."""
    given(request, ())
    query = msgspec.structs.replace(parse(("SearchParameter",), [("status", "active")]), count=MOST)
    bodies = (version.body for version in hall.record.search(query).matches)
    seen = {msgspec.json.decode(body).get("url") for body in bodies if body is not None}
    told = [_told(one) for one in hall.rules.indexed() if one.url in seen]
    return Response(200, msgspec.json.encode({"resourceType": "Parameters", "parameter": told}), FHIR)


def _told(one: Indexed) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"name": "code", "valueCode": one.code}, {"name": "url", "valueUri": one.url}]
    parts += [{"name": "base", "valueCode": type} for type in one.types]
    parts.append({"name": "status", "valueCode": _status(one)})
    if one.reached is not None:
        parts.append({"name": "position", "valueInteger": one.reached})
        parts.append({"name": "of", "valueInteger": one.head})
    return {"name": "parameter", "part": parts}


def _status(one: Indexed) -> str:
    """`evaluated`: of bodies, for its expression asks the clock; `waiting`: nothing was made yet."""
    if one.reached is None:
        return "evaluated" if one.clock else "waiting"
    return "indexed" if one.reached >= one.head else "indexing"
