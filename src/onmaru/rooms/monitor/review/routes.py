"""GET replay and POST export: one patient's course as it was known then, to look at and to take to a meeting."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import chain
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall, Request, Response, Route
from onmaru.rooms.monitor.alerts import past
from onmaru.rooms.monitor.alerts.acting import asked, clinician, staff
from onmaru.rooms.monitor.alerts.alert import SYSTEM, person
from onmaru.rooms.monitor.alerts.facts import LONGEST_LIMIT
from onmaru.rooms.monitor.alerts.listing import queried
from onmaru.rooms.monitor.alerts.rules import SECOND
from onmaru.rooms.monitor.projection import moment
from onmaru.rooms.monitor.review import paper
from onmaru.rooms.monitor.review.events import TYPES, Replay, Span
from onmaru.rooms.monitor.review.leaving_out import left_out

LONGEST = 31 * 24 * 3600 * SECOND
VERSIONS, EVENTS = 20_000, 60_000
SLICE = 25
# Codes below HOPERAT of http://terminology.hl7.org/CodeSystem/v3-ActReason (kernel/purposes.toml)
REASONS = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
PURPOSES = ("HQUALIMP", "PATSFTY", "TRAIN")
WORDS = (4, 200)
NO_STORE = ("Cache-Control", "no-store")
TOO_COSTLY = b'{"refused":"too-costly"}'


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """`start` and `end` are instants with their zone; `form`: html or json; `names`: whether names stay in it."""

    start: str
    end: str
    purpose: str
    reason: str
    form: str = "html"
    names: bool = False


def replay(request: Request, hall: Hall) -> Response:
    """GET patients/ID/replay?from=&to=: `{patient, from, to, fresh, events}` with times in µs; 404 for an unknown patient.

    422 for more than 31 days. More versions or events than are taken answer `{"refused": "too-costly"}`.
    """
    staff(hall)
    given = queried(request, {"from", "to"})
    span = _span(given.get("from", ""), given.get("to", ""))
    hall.record.read("Patient", request.params["id"])
    return Response(200, _played(hall, request.params["id"], span), headers=(NO_STORE,))


def export(request: Request, hall: Hall) -> Response:
    """POST patients/ID/replay/export: the same as a file that stands alone. That it was taken is a Task in the chart."""
    clinician(hall)
    said = asked(request.body, Asked)
    span, patient = _span(said.start, said.end), request.params["id"]
    _permitted(said)
    body = msgspec.json.decode(hall.record.read("Patient", patient).body or b"{}")
    written = hall.record.write([Change("create", "Task", body=msgspec.json.encode(_taken(hall, said, patient, span)))])
    head = paper.Head(
        paper.who(body) if said.names else None,
        hall.caller.user if said.names else "",
        written[0].version.at,
        said.purpose,
        str(hall.settings.get("zone", "Asia/Seoul")),
        hall.language,
    )
    type_ = "text/html; charset=utf-8" if said.form == "html" else "application/json"
    disposition = ("Content-Disposition", f'attachment; filename="case-review.{said.form}"')
    return Response(200, _filed(hall, (patient, span), said, head), type_, (NO_STORE, disposition))


def _permitted(said: Asked) -> None:
    if said.purpose not in PURPOSES:
        raise invalid("value", f"one of {', '.join(PURPOSES)}", "purpose", 422)
    if said.purpose == "TRAIN" and said.names:
        raise invalid("value", "names are left out of what is taught with", "names", 422)
    if said.form not in ("html", "json"):
        raise invalid("value", "html or json", "form", 422)
    least, most = WORDS
    if not least <= len(said.reason.strip()) <= most or not said.reason.isprintable():
        raise invalid("value", f"{least} to {most} characters", "reason", 422)


def _span(start: str, end: str) -> Span:
    """The window, its end no later than now."""
    found = []
    for name, text in (("from", start), ("to", end)):
        at = moment({"effectiveDateTime": text})
        if at is None:
            raise invalid("value", "not an instant with its zone", name, 422)
        found.append(at)
    span = Span(found[0], min(found[1], time.time_ns() // 1000))
    if not span.since < span.until <= span.since + LONGEST:
        raise invalid("value", "after its start, by 31 days at most, and begun by now", "to", 422)
    return span


def _events(hall: Hall, patient: str, span: Span) -> Iterator[list[dict[str, Any]] | None]:
    """None between slices, so that others are answered; then all events, or [] and no more where they are too many."""
    fresh = int(hall.settings["fresh_minutes"]) * 60 * SECOND
    pages: list[list[Any]] = []
    since = span.since - max(fresh, LONGEST_LIMIT)
    try:
        read = past.read(hall.record, patient, TYPES, since, VERSIONS)
        for page in chain(read, past.alerts(hall.record, patient, since, VERSIONS)):
            pages.append([one for one in page if one.at <= span.until])
            yield None
    except past.TooMany:
        return
    found: list[dict[str, Any]] = []
    for event in Replay(patient, span, fresh).events(past.ordered(iter(pages))):
        found.append(event)
        if len(found) > EVENTS:
            return
        if len(found) % SLICE == 0:
            yield None
    yield found


def _whole(patient: str, span: Span, fresh: int, events: list[dict[str, Any]]) -> dict[str, Any]:
    return {"patient": patient, "from": span.since, "to": span.until, "fresh": fresh, "events": events}


def _played(hall: Hall, patient: str, span: Span) -> Iterator[bytes]:
    """White space while it runs, then the answer."""
    fresh = int(hall.settings["fresh_minutes"]) * 60 * SECOND
    for events in _events(hall, patient, span):
        if events is not None:
            yield msgspec.json.encode(_whole(patient, span, fresh, events))
            return
        yield b" "
    yield TOO_COSTLY


def _filed(hall: Hall, whose: tuple[str, Span], said: Asked, head: paper.Head) -> Iterator[bytes]:
    patient, span = whose
    for events in _events(hall, patient, span):
        if events is None:
            yield b" "
            continue
        whole = _whole(patient, span, int(hall.settings["fresh_minutes"]) * 60 * SECOND, events)
        shown = whole if said.names else left_out(whole)
        if said.form == "json":
            yield msgspec.json.encode({"purpose": said.purpose, **(head.named() if said.names else {}), **shown})
        else:
            yield paper.page(shown, head).encode()
        return
    yield TOO_COSTLY


def _taken(hall: Hall, said: Asked, patient: str, span: Span) -> dict[str, Any]:
    """Who took what, and why: a Task that was done."""
    given = [
        {"type": {"text": "from"}, "valueInstant": instant(span.since)},
        {"type": {"text": "to"}, "valueInstant": instant(span.until)},
        {"type": {"text": "names"}, "valueBoolean": said.names},
        {"type": {"text": "form"}, "valueString": said.form},
    ]
    return {
        "resourceType": "Task",
        "status": "completed",
        "intent": "order",
        "code": {"coding": [{"system": SYSTEM, "code": "review-export"}]},
        "for": {"reference": f"Patient/{patient}"},
        "authoredOn": instant(time.time_ns() // 1000),
        "requester": person(hall.caller.user),
        "reasonCode": {"coding": [{"system": REASONS, "code": said.purpose}], "text": " ".join(said.reason.split())},
        "input": given,
    }


ROUTES = (
    Route("GET", "/patients/{id}/replay", "user/Observation.rs", replay),
    Route("POST", "/patients/{id}/replay/export", "user/Task.c", export),
)
