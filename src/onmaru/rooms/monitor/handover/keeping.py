"""POST handover and handover/taken: patients given over by whoever asks to somebody named, and taken by them alone."""

from __future__ import annotations

import time

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.monitor import views
from onmaru.rooms.monitor.alerts.acting import answer, asked, clinician
from onmaru.rooms.monitor.handover.handed import Handed, kept, read, taken
from onmaru.rooms.monitor.projection import moment

MOST, WORDS = 200, 500
DAY = 24 * 3_600_000_000
CARING = frozenset({"nurse", "physician"})


class Given(msgspec.Struct, forbid_unknown_fields=True):
    """One patient, with what their nurse adds in words of their own."""

    patient: str
    note: str = ""


class Giving(msgspec.Struct, forbid_unknown_fields=True):
    """`ward` a Location's reference, `to` a user, `since` when the giver's shift began: an instant with its zone."""

    ward: str
    to: str
    since: str
    patients: list[Given]


class Taking(msgspec.Struct, forbid_unknown_fields=True):
    """`ids`: of the hand-overs that were read."""

    ids: list[str]


def give(request: Request, hall: Hall) -> Response:
    """POST handover: a Task a patient in the giver's name. 422 for whoever is not on the ward or cannot take them over, 409
    for a patient who was taken over already.
    """
    clinician(hall)
    said, now = asked(request.body, Giving), time.time_ns() // 1000
    since = moment({"effectiveDateTime": said.since})
    if since is None or not now - 3 * DAY <= since <= now:
        raise invalid("value", "an instant with its zone, at most 72 hours ago", "since", 422)
    if not 0 < len(said.patients) <= MOST or len({one.patient for one in said.patients}) < len(said.patients):
        raise invalid("value", f"1 to {MOST} patients, each once", "patients", 422)
    _permitted(hall, said.to)
    _here(hall, said)
    given = [
        Handed(one.patient, said.ward, hall.caller.user, said.to, now, since, _words(one)) for one in said.patients
    ]
    _untaken(hall, given)
    written = hall.record.write([kept(one) for one in given])
    return answer({"given": len(written), "at": now})


def take(request: Request, hall: Hall) -> Response:
    """POST handover/taken: they were read by whom they were given to; 403 for anybody else. What was taken stays so."""
    clinician(hall)
    said, now = asked(request.body, Taking), time.time_ns() // 1000
    if not 0 < len(said.ids) <= MOST:
        raise invalid("value", f"1 to {MOST}", "ids", 422)
    changes = [change for id in dict.fromkeys(said.ids) if (change := _taken(hall, id, now))]
    if changes:
        hall.record.write(changes)
    return answer({"taken": len(changes)})


def _taken(hall: Hall, id: str, now: int) -> Change | None:
    version = hall.record.read("Task", id)
    body = msgspec.json.decode(version.body or b"{}")
    found = read(body)
    if found is None:
        raise invalid("not-found", "no such hand-over", status=404)
    if found.taker != hall.caller.user:
        raise invalid("forbidden", "it was handed over to somebody else", status=403)
    if found.taken is not None:
        return None
    return Change("update", "Task", id, msgspec.json.encode(taken(body, now)), if_match=version.version)


def _permitted(hall: Hall, to: str) -> None:
    if to == hall.caller.user or hall.roles(to).isdisjoint(CARING):
        raise invalid("value", "another nurse or physician of this hospital, by the name they sign in with", "to", 422)


def _here(hall: Hall, said: Giving) -> None:
    rows = hall.lake.query(views.PLACES, {"one": "", "ward": said.ward}).table.to_pylist() if said.ward else []
    if not {one.patient for one in said.patients} <= {row["patient"] for row in rows}:
        raise invalid("value", "somebody who does not lie on this ward", "patients", 422)


def _untaken(hall: Hall, given: list[Handed]) -> None:
    """Whoever has read a hand-over has read what it said then."""
    rows = hall.lake.query(views.HANDED, {"ward": given[0].ward, "after": given[0].since}).table.to_pylist()
    over = {(row["patient"], row["giver"], row["taker"], row["since"]) for row in rows if row["taken"] is not None}
    if any((one.patient, one.giver, one.taker, one.since) in over for one in given):
        raise invalid("conflict", "somebody has taken one of these patients over already", status=409)


def _words(one: Given) -> str:
    found = " ".join(one.note.split())
    if len(found) > WORDS or not found.isprintable():
        raise invalid("value", f"at most {WORDS} characters", "patients.note", 422)
    return found
