"""What clinicians write: a plan, its end, an attempt to reach the patient, and what came of what asked for somebody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from onmaru.fhir.outcome import Invalid, invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.lake import Script
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.remote import attention, plan
from onmaru.rooms.remote.attention import USER
from onmaru.rooms.remote.listing import answer
from onmaru.rooms.remote.measures import units
from onmaru.rooms.remote.plan import ATTEMPTS, SILENCE, SYSTEM, UCUM

WORDS, NOTE = 200, 500
HOW = ("phone", "message", "visit")
T = TypeVar("T")
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Bound(msgspec.Struct, forbid_unknown_fields=True):
    """Limits of a measure, or of the answer at `link` of a form, where the clinician who writes the plan puts them."""

    unit: str
    low: Decimal | None = None
    high: Decimal | None = None
    link: str = ""


class Doing(msgspec.Struct, forbid_unknown_fields=True):
    """`measure`: system|code, or `form`: a Questionnaire's canonical. `frequency` times in `period` of h, d or wk."""

    text: str
    frequency: int
    period: int
    unit: str
    measure: str = ""
    form: str = ""
    limits: list[Bound] = []


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """`start` and `end` are instants with their zone, `end` "" for none."""

    patient: str
    title: str
    start: str
    silence_hours: int
    attempts: int
    activities: list[Doing]
    end: str = ""


class Called(msgspec.Struct, forbid_unknown_fields=True):
    how: str
    answered: bool
    note: str = ""


class Closing(msgspec.Struct, forbid_unknown_fields=True):
    """`take`: somebody looks after it; else `note` says what came of it."""

    take: bool = False
    note: str = ""


def clinician(hall: Hall) -> None:
    """Refuse, with an audit row, whoever does not treat patients; `Invalid` 403."""
    hall.lake.script(Script("remote-care", (), (), (), secondary=False, care=True))


def asked(raw: bytes, form: type[T]) -> T:
    """A body of the given form; `Invalid` 400 otherwise."""
    try:
        return msgspec.json.decode(raw, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise invalid("structure", "is not of the form that the documentation gives", "body") from None


def add(request: Request, hall: Hall) -> Response:
    """POST plans: a CarePlan in the asker's name. 422 naming what of it could not be read back."""
    clinician(hall)
    said = asked(request.body, Asked)
    hall.record.read("Patient", said.patient)
    body = careplan(said, hall.caller.user)
    found = plan.read(msgspec.json.decode(_ENCODER.encode({**body, "id": "new"})))
    if found is None or found.faults or not found.activities:
        faults = found.faults if found and found.faults else ("activity",)
        raise Invalid([*invalid("value", "cannot be read as a plan", faults[0]).issues], 422)
    if (wordless := _wordless(said)) is not None:
        raise invalid("value", f"1 to {WORDS} characters", wordless, 422)
    unknown = [one.measure for one in said.activities if one.measure and not one.limits and one.measure not in units()]
    if unknown:
        raise invalid("required", "a measure that the house does not know needs limits with a unit", "activities", 422)
    written = hall.record.write([Change("create", "CarePlan", body=_ENCODER.encode(body))])
    return answer({"id": written[0].version.id})


def _wordless(said: Asked) -> str | None:
    """What has no name, or too long a one."""
    if not 0 < len(said.title.strip()) <= WORDS:
        return "title"
    return "activities.text" if any(not 0 < len(one.text.strip()) <= WORDS for one in said.activities) else None


def careplan(said: Asked, user: str) -> dict[str, Any]:
    """The resource. Its Goals lie in it, so that nobody ever reads the plan without its limits."""
    goals = [_goal(said.patient, n, one) for n, one in enumerate(said.activities) if one.limits]
    body: dict[str, Any] = {
        "resourceType": "CarePlan",
        "contained": goals,
        "extension": [
            {"url": SILENCE, "valueDuration": {"value": said.silence_hours, "unit": "h", "system": UCUM, "code": "h"}},
            {"url": ATTEMPTS, "valueInteger": said.attempts},
        ],
        "status": "active",
        "intent": "plan",
        "category": [{"coding": [{"system": SYSTEM, "code": "plan"}]}],
        "title": said.title.strip(),
        "subject": {"reference": f"Patient/{said.patient}"},
        "period": {"start": said.start} | ({"end": said.end} if said.end else {}),
        "author": {"type": "Practitioner", "identifier": {"system": USER, "value": user}},
        "activity": [{"detail": _detail(n, one)} for n, one in enumerate(said.activities)],
    }
    return body if goals else {name: value for name, value in body.items() if name != "contained"}


def _detail(n: int, one: Doing) -> dict[str, Any]:
    rhythm = {"frequency": one.frequency, "period": one.period, "periodUnit": one.unit}
    detail: dict[str, Any] = {"kind": "Task" if one.form else "ServiceRequest"}
    if one.form:
        detail |= {"instantiatesCanonical": [one.form], "code": {"text": one.text.strip()}}
    else:
        system, _, code = one.measure.rpartition("|")
        detail["code"] = {"coding": [{"system": system, "code": code}] if code else [], "text": one.text.strip()}
    if one.limits:
        detail["goal"] = [{"reference": f"#g{n}"}]
    return {**detail, "status": "in-progress", "scheduledTiming": {"repeat": rhythm}}


def _goal(patient: str, n: int, one: Doing) -> dict[str, Any]:
    system, _, code = one.measure.rpartition("|")
    targets = [
        {
            "measure": {"coding": [{"system": one.form or system, "code": bound.link or code}]},
            "detailRange": dict(_ends(bound)),
        }
        for bound in one.limits
    ]
    return {
        "resourceType": "Goal",
        "id": f"g{n}",
        "lifecycleStatus": "active",
        "description": {"text": one.text.strip()},
        "subject": {"reference": f"Patient/{patient}"},
        "target": targets,
    }


def _ends(bound: Bound) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, value in (("low", bound.low), ("high", bound.high)):
        if value is not None:
            yield name, {"value": value, "unit": bound.unit, "system": UCUM, "code": bound.unit}


def end(request: Request, hall: Hall) -> Response:
    """POST plans/ID/end: nothing is due any more; what asks for somebody goes on asking."""
    clinician(hall)
    version, body = _read(hall, request.params["id"])
    if body.get("status") not in plan.STANDING:
        raise invalid("conflict", "the plan has ended", status=409)
    ended = {**body, "status": "completed"}
    change = Change("update", "CarePlan", request.params["id"], msgspec.json.encode(ended), if_match=version)
    hall.record.write([change])
    return answer({"id": request.params["id"]})


def contact(request: Request, hall: Hall) -> Response:
    """POST plans/ID/contacts `{how, answered, note}`: one attempt to reach the patient, made now."""
    clinician(hall)
    said = asked(request.body, Called)
    if said.how not in HOW:
        raise invalid("value", f"one of {', '.join(HOW)}", "how", 422)
    _, body = _read(hall, request.params["id"])
    user = {"type": "Practitioner", "identifier": {"system": USER, "value": hall.caller.user}}
    made: dict[str, Any] = {
        "resourceType": "Communication",
        "basedOn": [{"reference": f"CarePlan/{request.params['id']}"}],
        "status": "completed" if said.answered else "not-done",
        "category": [{"coding": [{"system": SYSTEM, "code": "contact"}]}],
        "medium": [{"text": said.how}],
        "subject": body["subject"],
        "sent": instant(time.time_ns() // 1000),
        "sender": user,
    }
    if not said.answered:
        made["statusReason"] = {"text": "no answer"}
    if said.note.strip():
        made["note"] = [{"authorString": hall.caller.user, "text": _words(said.note, 1)}]
    written = hall.record.write([Change("create", "Communication", body=msgspec.json.encode(made))])
    return answer({"id": written[0].version.id})


def close(request: Request, hall: Hall) -> Response:
    """POST attention/ID `{take}` or `{note}`: somebody looks after it, or says what came of it. 409 once that was said."""
    clinician(hall)
    said, id = asked(request.body, Closing), request.params["id"]
    version = hall.record.read("Task", id)
    body: dict[str, Any] = msgspec.json.decode(version.body or b"{}")
    found = attention.read(body)
    if found is None:
        raise invalid("not-found", "no such thing asks for somebody", status=404)
    if found.closed is not None:
        raise invalid("conflict", "somebody has said what came of it", status=409)
    now, user = time.time_ns() // 1000, hall.caller.user
    if said.take:
        changed = [attention.taken(body, user, now)]
    else:
        changed = list(attention.closed(body, user, _words(said.note, 4), now))
    hall.record.write(
        [
            Change(
                "update", str(one["resourceType"]), str(one["id"]), msgspec.json.encode(one),
                if_match=version.version if one["resourceType"] == "Task" else None,
            )
            for one in changed
        ]
    )  # fmt: skip
    return answer({"id": id})


def _words(text: str, least: int) -> str:
    found = " ".join(text.split())
    if not least <= len(found) <= NOTE or not found.isprintable():
        raise invalid("value", f"{least} to {NOTE} characters", "note", 422)
    return found


def _read(hall: Hall, id: str) -> tuple[int, dict[str, Any]]:
    version = hall.record.read("CarePlan", id)
    body: dict[str, Any] = msgspec.json.decode(version.body or b"{}")
    if plan.read(body) is None:
        raise invalid("not-found", "no such plan", status=404)
    return version.version, body
