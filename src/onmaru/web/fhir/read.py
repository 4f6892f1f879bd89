"""read, vread and history (FHIR R4 http.html, 3.1.0.1, 3.1.0.2, 3.1.0.13)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.fhir.query import Clause, Date
from onmaru.fhir.search import parse
from onmaru.fhir.verbatim import instant
from onmaru.kernel import cursor as paging
from onmaru.kernel.log import Version
from onmaru.kernel.room import Hall, Request, Response
from onmaru.kernel.stamps import http_date, phrase
from onmaru.web.answers import FHIR
from onmaru.web.fhir.binary import native
from onmaru.web.fhir.bundles import bundle, link, query_of
from onmaru.web.fhir.form import shaped
from onmaru.web.fhir.negotiation import check_accept, form_of, unchanged

METHOD = {"create": "POST", "update": "PUT", "delete": "DELETE", "erase": "DELETE"}
STATUS = {"create": phrase(201), "update": phrase(200), "delete": phrase(204), "erase": phrase(204)}
MOST = 1000
# By prefix of `_at`, from where to where: the beginning of time, of the date, its end, the end of time
_SPANS = {"eq": (1, 2), "ge": (1, 3), "gt": (2, 3), "sa": (2, 3), "le": (0, 2), "lt": (0, 1), "eb": (0, 1)}


def read(request: Request, hall: Hall) -> Response:
    """The current version, or 304 when the client has it already."""
    params = request.params
    return _shown(request, hall.record.read(params["type"], params["id"]))


def vread(request: Request, hall: Hall) -> Response:
    """One numbered version."""
    params = request.params
    number = params["vid"]
    if not number.isdecimal() or len(number) > 18:
        raise invalid("not-found", "no such version", status=404)
    return _shown(request, hall.record.read(params["type"], params["id"], int(number)))


def _shown(request: Request, version: Version) -> Response:
    tags = (("etag", f'W/"{version.version}"'), ("last-modified", http_date(version.at // 1_000_000)))
    if unchanged(request.headers, version.version, version.at):
        return Response(304, b"", "", tags)
    body = version.body or b""
    if version.type == "Binary":
        content = None if request.query else native(request.headers, body, tags)
        if content is not None:
            return content
        check_accept(request.headers, request.query)
    if request.query:
        body = shaped(body, request.query)
    return Response(200, body, FHIR, tags)


def history(request: Request, hall: Hall) -> Response:
    """Versions of a resource, of a type or of all, newest first; `_cursor` goes on where a page ended."""
    type_name, id = request.params.get("type", ""), request.params.get("id", "")
    asked = dict(request.query)
    unknown = asked.keys() - {"_since", "_count", "_at", "_cursor", "_format", "_pretty"}
    if unknown:
        raise invalid("not-supported", "not a parameter of history", sorted(unknown)[0])
    count = _count(asked.get("_count", "20"))
    since = _date("_since", "ge", asked["_since"]).low if "_since" in asked else 0
    before = paging.read(asked["_cursor"], 2**62).after if "_cursor" in asked else 0
    if "_at" in asked:
        return _at(request, hall, _when(asked["_at"]))
    page = hall.record.history(type_name, id, since=since, before=before, count=count)
    base = request.params["base"]
    used = [(name, value) for name, value in request.query if name in ("_since", "_count")]
    used += form_of(request.query)
    path = "/".join(part for part in (base, type_name, id, "_history") if part)
    links = [link("self", path, query_of([*used, *_cursor(asked.get("_cursor", ""))]))]
    if page.cursor:
        links.append(link("next", path, query_of([*used, *_cursor(page.cursor)])))
    entries = [_entry(base, version) for version in page.matches]
    return Response(200, bundle("history", entries, links, page.total), FHIR)


def _at(request: Request, hall: Hall, when: Date) -> Response:
    """The versions of one resource that were current at some time within `when`."""
    type_name, id = request.params.get("type", ""), request.params.get("id", "")
    if not id:
        raise invalid("not-supported", "_at is taken for the history of one resource only", "_at")
    found: list[Version] = []
    for version in hall.record.history(type_name, id, count=MOST).matches:
        if version.at < when.high:
            found.append(version)
        if version.at <= when.low:
            break
    base = request.params["base"]
    links = [link("self", f"{base}/{type_name}/{id}/_history", query_of([("_at", dict(request.query)["_at"])]))]
    return Response(200, bundle("history", [_entry(base, v) for v in found], links, len(found)), FHIR)


def _entry(base: str, version: Version) -> bytes:
    method = METHOD[version.op]
    url = version.type if method == "POST" else version.name
    parts: dict[str, Any] = {"fullUrl": f"{base}/{version.name}"}
    if version.body is not None:
        parts["resource"] = msgspec.Raw(version.body)
    parts["request"] = {"method": method, "url": url}
    parts["response"] = {
        "status": phrase(201) if version.op == "update" and version.version == 1 else STATUS[version.op],
        "etag": f'W/"{version.version}"',
        "lastModified": instant(version.at),
    }
    return msgspec.json.encode(parts)


def _cursor(cursor: str) -> Sequence[tuple[str, str]]:
    return [("_cursor", cursor)] if cursor else []


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise invalid("value", "not a whole number", "_count")
    return max(1, min(int(text), MOST))


def _when(text: str) -> Date:
    """The time that `_at` speaks of, with the prefixes of a search by date (R4 http.html#history)."""
    prefix = text[:2] if text[:2].isalpha() else ""
    found = _date("_at", "eq", text.removeprefix(prefix))
    low, high = _SPANS.get(prefix, (0, 0))
    if prefix and prefix not in _SPANS:
        raise invalid("value", "the time is compared by eq, ge, gt, sa, le, lt and eb", "_at")
    ends = (0, found.low, found.high, 2**62)
    return msgspec.structs.replace(found, low=ends[low], high=ends[high]) if prefix else found


def _date(name: str, prefix: str, text: str) -> Date:
    """A date or time as `_lastUpdated` takes it, without a prefix of its own."""
    clauses = parse(("Patient",), [("_lastUpdated", prefix + text)]).clauses if text[:1].isdecimal() else ()
    if len(clauses) != 1 or not isinstance(clauses[0], Clause) or not isinstance(clauses[0].values[0], Date):
        raise invalid("value", "not a date or time", name)
    return clauses[0].values[0]
