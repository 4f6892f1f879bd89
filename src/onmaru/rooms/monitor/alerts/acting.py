"""POST steps: what people do about an alert. Each is a version of the Task in their own name."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.lake import Script
from onmaru.kernel.log import Version
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.monitor import views
from onmaru.rooms.monitor.alerts import ladder
from onmaru.rooms.monitor.alerts.alert import ACTS, OUTCOMES, Alert, Step, person, read, stepped

WORDS, REASON, NAME = 500, 4, 64
MOST = 200
T = TypeVar("T")
# What the Task's status says after each step (http://hl7.org/fhir/task-status)
STATUS: Mapping[str, str] = {
    "acknowledge": "accepted",
    "act": "in-progress",
    "snooze": "on-hold",
    "hand-over": "requested",
    "outcome": "completed",
}


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """`text`: an act's code or words, an outcome, or a reason. `seconds` of a snooze; `to`: the user who takes it over."""

    step: str
    text: str = ""
    to: str = ""
    seconds: int = 0


class Shown(msgspec.Struct, forbid_unknown_fields=True):
    alerts: list[str]


def step(request: Request, hall: Hall) -> Response:
    """POST alerts/ID/steps `{step, text, to, seconds}`: the alert as it stands then. 409 once it is closed."""
    clinician(hall)
    said = asked(request.body, Asked)
    if said.step not in STATUS:
        raise invalid("value", f"one of {', '.join(STATUS)}", "step", 422)
    version, body, alert = _found(hall, request.params["id"])
    now = time.time_ns() // 1000
    if alert.closed is not None:
        raise invalid("conflict", "somebody has said what came of this alert", status=409)
    changed = _changed(hall, alert, said, (body, now))
    change = Change("update", "Task", version.id, msgspec.json.encode(changed), if_match=version.version)
    written = hall.record.write([change])[0].version
    found = read(msgspec.json.decode(written.body or b"{}"))
    return answer({"alert": msgspec.to_builtins(found), "position": written.t})


def seen(request: Request, hall: Hall) -> Response:
    """POST alerts/seen `{alerts: [id]}`: a page has shown them to a clinician, so each has reached somebody."""
    clinician(hall)
    said = asked(request.body, Shown)
    if len(said.alerts) > MOST:
        raise invalid("too-long", f"at most {MOST} at a time", "alerts", 422)
    now, wanted = time.time_ns() // 1000, frozenset(said.alerts)
    rows = hall.lake.query(views.TOLD, {"ward": ""}).table.to_pylist()
    names = [row["source"].partition("/")[2] for row in rows if row["alert"] in wanted and row["reached"] is None]
    changes = [_received(hall, name, now) for name in names[:MOST]]
    if changes:
        hall.record.write(changes)
    return answer({"reached": len(changes)})


def _changed(hall: Hall, alert: Alert, said: Asked, task: tuple[dict[str, Any], int]) -> dict[str, Any]:
    body, now = task
    text = CHECKS[said.step](alert, said)
    changed = stepped(body, Step(said.step, now, hall.caller.user, text), STATUS[said.step])
    changed["lastModified"] = instant(now)
    if said.step == "hand-over":
        return changed | {"owner": person(said.to)}
    if said.step in ("acknowledge", "act"):
        return changed | {"owner": person(hall.caller.user)}
    return changed


def _plain(alert: Alert, said: Asked) -> str:
    return _words(said.text, 0)


def _act(alert: Alert, said: Asked) -> str:
    return said.text if said.text in ACTS else _words(said.text, REASON)


def _snooze(alert: Alert, said: Asked) -> str:
    longest = ladder.pace(alert).snooze
    if not 60 <= said.seconds <= longest:
        raise invalid("value", f"between 60 and {longest}", "seconds", 422)
    return f"{said.seconds} {_words(said.text, REASON)}"


def _hand_over(alert: Alert, said: Asked) -> str:
    if not 0 < len(said.to) <= NAME or not said.to.isprintable():
        raise invalid("required", "who takes it over", "to", 422)
    return f"{said.to} {_words(said.text, 0)}".strip()


def _outcome(alert: Alert, said: Asked) -> str:
    chosen, _, note = said.text.partition(" ")
    if chosen not in OUTCOMES:
        raise invalid("value", f"one of {', '.join(OUTCOMES)}", "text", 422)
    return f"{chosen} {_words(note, 0)}".strip()


CHECKS: Mapping[str, Callable[[Alert, Asked], str]] = {
    "acknowledge": _plain,
    "act": _act,
    "snooze": _snooze,
    "hand-over": _hand_over,
    "outcome": _outcome,
}


def _words(text: str, least: int) -> str:
    found = " ".join(text.split())
    if not least <= len(found) <= WORDS or not found.isprintable():
        raise invalid("value", f"{least} to {WORDS} characters", "text", 422)
    return found


def _received(hall: Hall, name: str, now: int) -> Change:
    version = hall.record.read("Communication", name)
    body = msgspec.json.decode(version.body or b"{}")
    body |= {"status": "completed", "received": instant(max(now, version.at))}
    body["note"] = [{"authorString": hall.caller.user, "time": instant(now), "text": "shown"}]
    return Change("update", "Communication", name, msgspec.json.encode(body), if_match=version.version)


def _found(hall: Hall, id: str) -> tuple[Version, dict[str, Any], Alert]:
    version = hall.record.read("Task", id)
    body: dict[str, Any] = msgspec.json.decode(version.body or b"{}")
    alert = read(body)
    if alert is None:
        raise invalid("not-found", "no such alert", status=404)
    return version, body, alert


def clinician(hall: Hall) -> None:
    """Refuse, with an audit row, whoever does not treat patients; `Invalid` 403."""
    hall.lake.script(Script("monitor-alerts", (), (), (), secondary=False, care=True))


def staff(hall: Hall) -> None:
    """Refuse, with an audit row, whoever is bound to one patient and does not treat them: what a hospital does about its
    alerts is no part of a patient's chart. `Invalid` 403.
    """
    if hall.caller.patient or "patient" in hall.caller.roles:
        clinician(hall)


def asked(raw: bytes, form: type[T]) -> T:
    """A body of the given form; `Invalid` 400 naming the place otherwise."""
    try:
        return msgspec.json.decode(raw, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise invalid("structure", "is not of the form that the documentation gives", "body") from None


def answer(body: Any) -> Response:
    return Response(200, msgspec.json.encode(body), headers=(("Cache-Control", "no-store"),))
