"""`$diff`: what makes one version or resource into another, as a Parameters of FHIRPath Patch that PATCH takes.

R4 has no such operation; the names of its parameters are those that other servers use.
"""

from __future__ import annotations

from functools import partial

from onmaru.fhir.difference import difference
from onmaru.fhir.fhirpath import read
from onmaru.fhir.fhirpath.results import encode
from onmaru.fhir.outcome import invalid
from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.kernel.entry import ID
from onmaru.kernel.log import Version
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.answers import FHIR
from onmaru.web.fhir.operations.given import given


def of_versions(request: Request, hall: Hall) -> Response:
    """`GET Type/id/$diff`: from `fromVersion` (else the one before) to `toVersion` (else the current one)."""
    asked = given(request, ("fromVersion", "toVersion"))
    type, id = request.params["type"], request.params["id"]
    later = hall.record.read(type, id, _number(asked.text("toVersion"), "toVersion"))
    first = _number(asked.text("fromVersion"), "fromVersion") or later.version - 1
    if not first:
        raise invalid("not-found", "there is no version before the first", "fromVersion", 404)
    return _told(hall.record.read(type, id, first), later)


def of_two(request: Request, hall: Hall) -> Response:
    """`GET $diff?from=Type/id&to=Type/id`, either also of a version (`/_history/n`)."""
    asked = given(request, ("from", "to"))
    return _told(*(_named(hall, asked.text(name), name) for name in ("from", "to")))


def _named(hall: Hall, text: str, name: str) -> Version:
    type, _, rest = text.partition("/")
    id, _, history = rest.partition("/")
    if type not in RESOURCE_TYPES or not ID.fullmatch(id) or (history and not history.startswith("_history/")):
        raise invalid("value", "a reference such as Patient/1 or Patient/1/_history/2", name)
    return hall.record.read(type, id, _number(history.removeprefix("_history/"), name))


def _number(text: str, name: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 18 or not int(text):
        raise invalid("value", "not the number of a version", name)
    return int(text)


def _told(old: Version, new: Version) -> Response:
    if old.type != new.type:
        raise invalid("value", "the two are not of one type", "to")
    return Response(200, partial(_patch, old.body or b"", new.body or b""), FHIR)


def _patch(old: bytes, new: bytes) -> bytes:
    """In a worker thread."""
    found = difference(read(old), read(new))
    return encode({"resourceType": "Parameters", **({"parameter": found} if found else {})})
