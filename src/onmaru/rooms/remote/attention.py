"""What asks for somebody: a Task and the Flag beside it, written once for each cause and closed by a person.

Its one law: nobody's case is closed by the house; what was crossed or silent stays until somebody says what came of it.
The Task is an alert to whoever reads alerts (docs/rooms/monitor.md), so that a ward's ladder climbs until somebody takes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Literal

import msgspec

from onmaru.fhir.verbatim import instant
from onmaru.rooms.remote.moments import moment
from onmaru.rooms.remote.plan import SYSTEM, Plan, first, whose

REASON = "urn:onmaru:remote:reason"
USER = "urn:onmaru:user"
# What makes a Task an alert with a ladder, and a step of one: the codes that docs/rooms/monitor.md gives
ALERT, RULE, ACT = "urn:onmaru:monitor", "urn:onmaru:monitor:rule", "urn:onmaru:monitor:act"
FLAGS = "http://terminology.hl7.org/CodeSystem/flag-category"
Reason = Literal["threshold", "unreachable"]


class Attention(msgspec.Struct, frozen=True):
    """`key`: the activity or answer that was crossed, "" for silence. `at` and `closed` in µs; None while it is open."""

    id: str
    patient: str
    plan: str
    reason: str
    key: str
    text: str
    at: int
    status: str
    owner: str
    closed: int | None
    note: str = ""


def named(plan: str, reason: Reason, cause: str) -> str:
    """The Task's id: the same from the same cause, so that what is written twice is once."""
    return f"remote-{blake2b(f'{plan}|{reason}|{cause}'.encode(), digest_size=16).hexdigest()}"


def read(body: Mapping[str, Any]) -> Attention | None:
    """What a Task is; None for any other Task."""
    at = moment(body.get("authoredOn"))
    reason = _coded(body.get("reasonCode"), REASON)
    patient = whose(body.get("for"))
    plan = str(first(body.get("basedOn")).get("reference", ""))
    if _coded(body.get("code"), SYSTEM) != "attention" or at is None or not reason or not plan.startswith("CarePlan/"):
        return None
    over = body.get("status") in ("completed", "cancelled", "entered-in-error")
    return Attention(
        str(body.get("id", "")), patient, plan.removeprefix("CarePlan/"), reason,
        str((body.get("groupIdentifier") or {}).get("value", "")), str((body.get("reasonCode") or {}).get("text", "")),
        at, str(body.get("status", "")), _user(body.get("owner")),
        (moment(body.get("lastModified")) or at) if over else None, _note(body) if over else "",
    )  # fmt: skip


def _note(body: Mapping[str, Any]) -> str:
    """What came of it: the note of whoever closed it here, or what was said of the alert."""
    notes = body.get("note") or ()
    if notes:
        return str(notes[-1].get("text", ""))
    said = [
        one.get("valueAnnotation") or {}
        for one in body.get("output") or ()
        if _coded(one.get("type"), ACT) == "outcome"
    ]
    code, _, words = str(said[-1].get("text", "")).partition(" ") if said else ("", "", "")
    return words or code


def written(plan: Plan, found: Attention, ward: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    """The Task and the Flag of something new. `ward`: by whose roster it is told, "" by those who stand for every ward."""
    subject = {"reference": f"Patient/{plan.patient}"}
    rule = {"system": RULE, "code": f"home-{found.reason}"}
    about: dict[str, Any] = {"coding": [{"system": REASON, "code": found.reason}, rule]}
    about |= {"text": found.text} if found.text else {}
    task: dict[str, Any] = {
        "resourceType": "Task",
        "id": found.id,
        "basedOn": [{"reference": f"CarePlan/{plan.id}"}],
        "status": "requested",
        "intent": "order",
        # The ladder of this priority ends at a physician: no rapid-response team goes to a home
        "priority": "asap",
        "code": {"coding": [{"system": SYSTEM, "code": "attention"}, {"system": ALERT, "code": "alert"}]},
        "focus": {"reference": f"Flag/{found.id}"},
        "for": subject,
        "authoredOn": instant(found.at),
        "reasonCode": about,
    }
    if ward:
        task["location"] = {"reference": ward}
    if found.key:
        task["groupIdentifier"] = {"system": SYSTEM, "value": found.key}
    return task, flag(found.id, subject, about, instant(found.at))


def flag(id: str, subject: Mapping[str, Any], about: Mapping[str, Any], start: str, end: str = "") -> dict[str, Any]:
    """The condition itself in the chart: active until somebody closed it."""
    return {
        "resourceType": "Flag",
        "id": id,
        "status": "inactive" if end else "active",
        "category": [{"coding": [{"system": FLAGS, "code": "clinical"}]}],
        "code": about,
        "subject": subject,
        "period": {"start": start} | ({"end": end} if end else {}),
    }


def taken(body: Mapping[str, Any], user: str, now: int) -> dict[str, Any]:
    """The Task once somebody has taken it."""
    owner = {"type": "Practitioner", "identifier": {"system": USER, "value": user}}
    step = _step("acknowledge", user, "acknowledge", now)
    output = [*(body.get("output") or []), step]
    return {**body, "status": "accepted", "owner": owner, "lastModified": instant(now), "output": output}


def closed(body: Mapping[str, Any], user: str, text: str, now: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The Task and its Flag once somebody has said what came of it."""
    note = {"authorString": user, "time": instant(now), "text": text}
    task = {**taken(body, user, now), "status": "completed", "note": [*(body.get("note") or []), note]}
    # The ladder ends with an outcome; of care at home each was somebody's to act on
    task["output"] = [*(body.get("output") or []), _step("outcome", user, f"acted {text}", now)]
    return task, over(body, now)


def over(body: Mapping[str, Any], now: int) -> dict[str, Any]:
    """The Flag of a Task that somebody closed."""
    return flag(str(body["id"]), body["for"], body["reasonCode"], body["authoredOn"], instant(now))


def _step(code: str, user: str, text: str, now: int) -> dict[str, Any]:
    said = {"authorString": user, "time": instant(now), "text": text}
    return {"type": {"coding": [{"system": ACT, "code": code}]}, "valueAnnotation": said}


def _coded(concept: Any, system: str) -> str:
    codings = (concept or {}).get("coding") or []
    return next((str(one.get("code", "")) for one in codings if one.get("system") == system), "")


def _user(reference: Any) -> str:
    found = (reference or {}).get("identifier") or {}
    return str(found.get("value", "")) if found.get("system") == USER else ""
