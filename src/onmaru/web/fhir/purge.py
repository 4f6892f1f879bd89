"""`POST Patient/id/$purge`: erase a person for good, for who may (page `erase`), with a reason; `dryRun` only plans it.

The name is that of R5's operation; parameters and answer are ours.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from onmaru.fhir import structure
from onmaru.fhir.outcome import invalid
from onmaru.kernel.entry import ID
from onmaru.kernel.erasure import Asked, Plan
from onmaru.kernel.room import Response
from onmaru.web.answers import FHIR
from onmaru.web.entrance import open_page
from onmaru.web.fhir.negotiation import check_accept, check_content
from onmaru.web.router import MethodRefused
from onmaru.web.visit import Visit

PATH = re.compile(r"Patient/([^/]+)/\$purge")
_KNOWN = {"reason": "valueString", "dryRun": "valueBoolean", "withShared": "valueBoolean"}


async def purge(visit: Visit, patient: str) -> Response:
    """200 with Parameters that tell what was, or would be, erased; 403, 404, 409 with every hindrance, 410 erased before."""
    request = visit.request
    if request.method != "POST":
        raise MethodRefused(["POST"])
    check_accept(request.headers, request.query)
    open_page(visit, "erase")
    erasing = visit.doors.erasing
    if erasing is None or not ID.fullmatch(patient):
        raise invalid("not-found", "no such resource", status=404)
    check_content(request.headers)
    given = _given(request.body)
    asked = Asked(patient, str(given.get("reason", "")), bool(given.get("withShared", False)))
    _, caller = visit.known()
    if given.get("dryRun", False):
        return _told(await erasing.plan(caller, asked), done=False)
    return _told(await erasing.carry_out(caller, asked), done=True)


def _given(body: bytes) -> dict[str, Any]:
    """The parameters by name; `Invalid` 400 for one that is unknown, repeated or of another type."""
    _, parameters = structure.admit(body, "Parameters")
    found: dict[str, Any] = {}
    for number, one in enumerate(parameters.parameter or ()):
        value = getattr(one, _KNOWN.get(one.name, ""), None)
        if one.name not in _KNOWN or one.name in found or value is None:
            names = ", ".join(f"{name} ({kind})" for name, kind in _KNOWN.items())
            raise invalid("value", f"the parameters, each once, are {names}", f"Parameters.parameter[{number}]")
        found[one.name] = value
    return found


def _told(plan: Plan, *, done: bool) -> Response:
    told = plan.told()
    parts: list[dict[str, Any]] = [{"name": "erased", "valueBoolean": done}]
    parts += [{"name": name, "valueInteger": told[name]} for name in ("versions", "blobs", "dead_letters")]
    for name in ("by_type", "rewritten"):
        counts = [{"name": type, "valueInteger": number} for type, number in told[name].items()]
        parts += [{"name": name, "part": counts}] if counts else []
    for name in ("patients", "shared", "kept_by_law"):
        parts += [{"name": name, "valueString": text} for text in told[name]]
    return Response(200, msgspec.json.encode({"resourceType": "Parameters", "parameter": parts}), FHIR)
