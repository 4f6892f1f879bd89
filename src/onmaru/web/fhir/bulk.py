"""`$export` (FHIR Bulk Data Access 2) of the system, of all patients or of a group, and `$import`: always answered later."""

from __future__ import annotations

import re
from collections.abc import Awaitable

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.access import may_open
from onmaru.kernel.export import Level, pairs_within, parse
from onmaru.kernel.importing import read
from onmaru.kernel.room import Response
from onmaru.web.entrance import deny
from onmaru.web.fhir.background import PATH, door, later, looked_after
from onmaru.web.fhir.negotiation import check_accept, check_content, prefer
from onmaru.web.router import MethodRefused
from onmaru.web.visit import Visit

_EXPORT = re.compile(r"(?:(Patient)/|Group/([A-Za-z0-9\-.]{1,64})/)?\$export")


def bulk(visit: Visit, path: str) -> Response | Awaitable[Response] | None:
    """The answer to a path of bulk data; None for any other."""
    if path.startswith(f"{PATH}/"):
        return looked_after(visit, path)
    if path == "$import":
        return _imported(visit)
    export = _EXPORT.fullmatch(path)
    return _exported(visit, path, export) if export is not None else None


def begin(visit: Visit, page: str) -> None:
    """Let in who may have or bring data in bulk; `Invalid` 403 otherwise, 400 where it is not asked to be done later.

    A machine's token is limited to scopes, which speak of bulk data too: it opens the page where its user's role does.
    """
    _, caller = visit.known()
    if not may_open(caller, page, visit.doors.logins.table):
        deny(visit, "role")
        raise invalid("forbidden", "not permitted: role", status=403)
    if not prefer(visit.request.headers).later:
        raise invalid("required", "this is answered later only: send Prefer: respond-async", "Prefer")
    door(visit)


async def _exported(visit: Visit, path: str, found: re.Match[str]) -> Response:
    request = visit.request
    if request.method not in ("GET", "POST"):
        raise MethodRefused(["GET", "POST"])
    begin(visit, "export")
    check_accept(request.headers, request.query)
    pairs = list(request.query)
    if request.method == "POST" and request.body:
        check_content(request.headers)
        pairs += pairs_within(request.body)
    level: Level = "group" if found[2] else "patient" if found[1] else "system"
    asked = parse(level, found[2] or "", pairs, lenient=prefer(request.headers).lenient)
    return await later(visit, "export", msgspec.json.encode(asked), path)


async def _imported(visit: Visit) -> Response:
    """`POST $import`: a manifest as plain JSON or as Parameters."""
    request = visit.request
    if request.method != "POST":
        raise MethodRefused(["POST"])
    begin(visit, "import")
    check_accept(request.headers, request.query)
    check_content(request.headers)
    return await later(visit, "import", msgspec.json.encode(read(request.body)), "$import")
