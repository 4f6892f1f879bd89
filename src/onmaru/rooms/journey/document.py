"""GET document: the chart as a FHIR document (R4 documents.html): a Composition, then all that it refers to, verbatim."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from typing import Any

import msgspec

from onmaru.fhir.outcome import Invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.journey import compartment, listing
from onmaru.rooms.journey.asking import EVER, asked, identifier, kinds, time
from onmaru.rooms.journey.chart import Chart, chart, identity
from onmaru.rooms.journey.items import ALL_KINDS
from onmaru.rooms.journey.words import word

_REFERENCE = re.compile(rb'"reference":"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})')
PAGE = 500


def document(request: Request, hall: Hall) -> Response:
    """A Bundle of type document, streamed; `from`, `to` and `kinds` narrow it. 404 for an unknown patient."""
    found = asked(request, ("from", "to", "kinds"))
    person = chart(hall, identifier(request, "id"))
    window = {
        "start": time(found, "from", -EVER),
        "stop": time(found, "to", EVER),
        "kinds": kinds(found),
        "flagged": 0,
        "encounter": "",
        "text": "",
    }
    lines = everything(hall, person, window, open_ended=not {"from", "to"} & set(found))
    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    name = f'attachment; filename="journey-{person.ids[0]}.json"'
    return Response(
        200,
        _bundle(hall, person, lines, now),
        "application/fhir+json",
        (("Cache-Control", "no-store"), ("Content-Disposition", name)),
    )


def everything(hall: Hall, person: Chart, window: dict[str, Any], *, open_ended: bool) -> list[tuple[str, str]]:
    """(kind, `Type/id`) of every item, newest first, each resource once."""
    found: dict[str, str] = {}
    cursor = listing.Cursor(EVER, "", False)
    while rows := listing.page(hall, person, window, cursor, PAGE, open_ended=open_ended):
        found.update((row["source"], row["kind"]) for row in rows)
        last = rows[-1]
        cursor = listing.Cursor(EVER if last["low"] is None else last["low"], last["source"], last["low"] is None)
    return [(kind, source) for source, kind in found.items()]


def _bundle(hall: Hall, person: Chart, lines: list[tuple[str, str]], now: int) -> Iterator[bytes]:
    base = f"{str(hall.settings.get('address') or 'http://localhost').rstrip('/')}{_tenant(hall)}/fhir"
    head = {
        "resourceType": "Bundle",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{uuid.uuid4()}"},
        "type": "document",
        "timestamp": instant(now),
    }
    opening = msgspec.json.encode(composition(hall, person, lines, now))
    yield msgspec.json.encode(head)[:-1] + b',"entry":[{"fullUrl":"urn:uuid:' + str(uuid.uuid4()).encode()
    yield b'","resource":' + opening + b"}"
    wanted = dict.fromkeys([f"Patient/{one}" for one in person.ids] + [source for _, source in lines])
    for source, body in _bodies(hall, wanted):
        yield b',{"fullUrl":"' + f"{base}/{source}".encode() + b'","resource":' + body + b"}"
    yield b"]}"


def _tenant(hall: Hall) -> str:
    return "" if hall.caller.tenant == "main" else f"/t/{hall.caller.tenant}"


def _bodies(hall: Hall, wanted: dict[str, None]) -> Iterator[tuple[str, bytes]]:
    """Each wanted resource, then what those point at outside every chart: staff, places, drugs. Nothing twice."""
    seen, waiting = set(wanted), list(wanted)
    while waiting:
        following: list[str] = []
        for source in waiting:
            body = _read(hall, source)
            if body is None:
                continue
            yield source, body
            for type_, id_ in _REFERENCE.findall(body):
                target = f"{type_.decode()}/{id_.decode()}"
                if target not in seen and type_.decode() not in compartment.PATHS and type_ != b"Patient":
                    seen.add(target)
                    following.append(target)
        waiting = following


def _read(hall: Hall, source: str) -> bytes | None:
    """The stored body; None for what is gone, hidden, or was never here."""
    type_, _, id_ = source.partition("/")
    try:
        return hall.record.read(type_, id_).body
    except Invalid:
        return None


def composition(hall: Hall, person: Chart, lines: list[tuple[str, str]], now: int) -> dict[str, Any]:
    """One section a kind, in the order of the timeline's lanes; titles in the asker's language and no code of our own."""
    who = identity(hall, person.ids[0])
    title = word(hall.language, "title")
    sections = [_section(hall, kind, [source for other, source in lines if other == kind]) for kind in ALL_KINDS]
    return {
        "resourceType": "Composition",
        "language": hall.language,
        "status": "final",
        "type": {"text": title},
        "subject": {"reference": f"Patient/{person.ids[0]}"},
        "date": instant(now),
        "author": [{"display": hall.caller.user or "-"}],
        "title": f"{title} — {who['name']} {who['identifier']}".strip(),
        "section": [section for section in sections if section is not None]
        or [{"title": word(hall.language, "items"), "text": _narrative(word(hall.language, "none"))}],
    }


def _section(hall: Hall, kind: str, sources: list[str]) -> dict[str, Any] | None:
    if not sources:
        return None
    title = word(hall.language, f"kind.{kind}")
    return {"title": title, "entry": [{"reference": source} for source in sources]}


def _narrative(text: str) -> dict[str, str]:
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{escape(text)}</div>'}
