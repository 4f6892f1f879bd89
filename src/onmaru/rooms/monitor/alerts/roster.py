"""The roster: who is told on each rung of each ward's ladder, and when. A shift is a Schedule of a PractitionerRole."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.record import Change, bearing
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.monitor import views
from onmaru.rooms.monitor.alerts.acting import answer, asked
from onmaru.rooms.monitor.alerts.alert import SYSTEM, person
from onmaru.rooms.monitor.alerts.listing import queried
from onmaru.rooms.monitor.alerts.rules import RUNGS, SECOND
from onmaru.rooms.monitor.projection import moment

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
ROSTER = "urn:onmaru:monitor:roster"
# What the shift calls its role within their transaction
ROLE = "urn:uuid:6f6e6d61-7275-4a72-8f73-746572726f6c"
LONGEST = 31 * 24 * 3600 * SECOND


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """`ward` a Location's reference, "" for every ward; `start` and `end` are instants with their zone."""

    user: str
    rung: str
    start: str
    end: str
    ward: str = ""


def listed(request: Request, hall: Hall) -> Response:
    """GET roster: shifts that have not ended, and which rungs of which wards are empty now."""
    queried(request, set())
    now = time.time_ns() // 1000
    rows = hall.lake.query(views.SHIFTS, {"now": now}).table.to_pylist()
    names = {"id": "source", "user": "person", "rung": "rung", "ward": "ward", "start": "low", "end": "high"}
    found = [
        {**{name: row[column] for name, column in names.items()}, "wardName": row["ward_name"] or ""} for row in rows
    ]
    here = hall.lake.query(views.PLACES, {"one": "", "ward": ""}).table.to_pylist()
    wards = {row["ward"]: row["ward_name"] for row in here if row["ward"]}
    going = [one for one in found if one["start"] <= now]
    empty = [
        {"ward": ward, "wardName": name, "rung": rung}
        for ward, name in sorted(wards.items(), key=lambda one: (one[1], one[0]))
        for rung in RUNGS
        if not any(one["rung"] == rung and one["ward"] in (ward, "") for one in going)
    ]
    named = [{"id": ward, "name": name} for ward, name in sorted(wards.items(), key=lambda one: (one[1], one[0]))]
    return answer({"at": now, "shifts": found, "empty": empty, "wards": named, "rungs": RUNGS})


def add(request: Request, hall: Hall) -> Response:
    """POST roster: one shift. The same one again is the same."""
    said = asked(request.body, Asked)
    start, end = (_time(said, name) for name in ("start", "end"))
    if said.rung not in RUNGS:
        raise invalid("value", f"one of {', '.join(RUNGS)}", "rung", 422)
    if not start < end <= start + LONGEST:
        raise invalid("value", "after its start, by 31 days at most", "end", 422)
    if not 0 < len(said.user) <= 64 or not said.user.isprintable():
        raise invalid("required", "who", "user", 422)
    type_, _, id = said.ward.partition("/")
    if said.ward and (type_ != "Location" or not _ID.fullmatch(id)):
        raise invalid("value", "a Location's reference", "ward", 422)
    if said.ward:
        hall.record.read("Location", id)
    role, shift = _role(said), _shift(said, start, end)
    written = hall.record.write([_kept(role, ROLE), _kept(shift)])
    return answer({"id": written[-1].version.name})


def remove(request: Request, hall: Hall) -> Response:
    """DELETE roster/ID: take a shift off; what was told stays told."""
    hall.record.write([Change("delete", "Schedule", request.params["id"])])
    return answer({"id": request.params["id"]})


def _kept(body: dict[str, Any], name: str = "") -> Change:
    """What is said a second time is the same resource."""
    identifier = body["identifier"][0]
    return bearing(body["resourceType"], (ROSTER, identifier["value"]), msgspec.json.encode(body), name)


def _role(said: Asked) -> dict[str, Any]:
    body = {
        "resourceType": "PractitionerRole",
        "identifier": [{"system": ROSTER, "value": f"rung-{_digest(said.user, said.rung, said.ward)}"}],
        "active": True,
        "practitioner": person(said.user),
        "code": [{"coding": [{"system": SYSTEM, "code": said.rung}]}],
    }
    return body | ({"location": [{"reference": said.ward}]} if said.ward else {})


def _shift(said: Asked, start: int, end: int) -> dict[str, Any]:
    digest = _digest(said.user, said.rung, said.ward, str(start), str(end))
    place: list[Mapping[str, Any]] = [{"reference": said.ward}] if said.ward else []
    return {
        "resourceType": "Schedule",
        "identifier": [{"system": ROSTER, "value": f"shift-{digest}"}],
        "active": True,
        "serviceType": [{"coding": [{"system": SYSTEM, "code": said.rung}]}],
        "actor": [{"reference": ROLE}, person(said.user), *place],
        "planningHorizon": {"start": instant(start), "end": instant(end)},
    }


def _digest(*parts: str) -> str:
    return blake2b("|".join(parts).encode(), digest_size=16).hexdigest()


def _time(said: Asked, name: str) -> int:
    found = moment({"effectiveDateTime": getattr(said, name)})
    if found is None:
        raise invalid("value", "not an instant with its zone", name, 422)
    return found
