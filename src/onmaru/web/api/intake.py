"""The doors' health and their dead letters: see, mend, replay."""

from __future__ import annotations

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Response
from onmaru.web.answers import json
from onmaru.web.api.reading import body, query
from onmaru.web.doors import Letters
from onmaru.web.entrance import note
from onmaru.web.visit import Visit


class Mended(msgspec.Struct, forbid_unknown_fields=True):
    text: str


def lines(visit: Visit) -> Response:
    """`GET /api/doors`."""
    note(visit, "doors")
    return json({"doors": visit.doors.lines(visit.hall())})


def letters(visit: Visit) -> Response:
    """`GET /api/dead-letters?state=open`."""
    state = query(visit, "state").get("state", "open")
    note(visit, "dead-letters")
    return json(_letters(visit).page(visit.hall(), state))


def letter(visit: Visit) -> Response:
    """`GET /api/dead-letters/{id}`: with its text."""
    id = visit.request.params["id"]
    note(visit, f"dead-letters/{id}")
    return json(_letters(visit).one(visit.hall(), id))


def mend(visit: Visit) -> Response:
    """`PUT /api/dead-letters/{id}`: a mended text beside the one that came."""
    id = visit.request.params["id"]
    text = body(visit, Mended).text
    note(visit, f"dead-letters/{id} mend")
    return json(_letters(visit).mend(visit.hall(), id, text))


def replay(visit: Visit) -> Response:
    """`POST /api/dead-letters/{id}/replay`."""
    id = visit.request.params["id"]
    note(visit, f"dead-letters/{id} replay")
    return json(_letters(visit).replay(visit.hall(), id))


def _letters(visit: Visit) -> Letters:
    if visit.doors.letters is None:
        raise invalid("not-supported", "this house has no doors that letters could die at", status=404)
    return visit.doors.letters
