"""An alert as it stands in the record: a Task, with every step that people or the house took as an Annotation of its output.

Its one law: the Task alone says how far an alert has come, so whoever reads the record after a crash goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from onmaru.fhir.verbatim import instant
from onmaru.rooms.monitor.projection import moment

SYSTEM = "urn:onmaru:monitor"
RULE = "urn:onmaru:monitor:rule"
ACT = "urn:onmaru:monitor:act"
# The rule of an alert about an alert: it reached nobody
UNREACHED = "unreached"
HOUSE = "onmaru"
USER = "urn:onmaru:user"
OUTCOMES = ("acted", "not-needed", "missed")
# What can be done at the bedside with one touch; other things are said in words
ACTS = ("measured-again", "treated", "called-physician", "called-rapid-response", "moved")
LONGEST_SNOOZE = 7200
# After each of these the ladder begins anew
RESTARTS = frozenset({"hand-over", "worse", "again", "resume"})


class Step(msgspec.Struct, frozen=True):
    """One thing that was done: acknowledge, act, snooze, hand-over, outcome by a user; worse, again, ended by the house."""

    code: str
    at: int
    by: str
    text: str = ""


class Alert(msgspec.Struct, frozen=True):
    """`ward`: a Location's reference or "". `raised` µs; `owner`: a user or "". `about`: the alert it is about, if any.

    `parts`: of the score, those whose points made it.
    """

    id: str
    patient: str
    rule: str
    family: str
    urgency: str
    ward: str
    raised: int
    status: str
    owner: str
    text: str
    steps: tuple[Step, ...]
    about: str = ""
    parts: tuple[str, ...] = ()

    def first(self, code: str) -> int | None:
        """When it was first done."""
        return next((step.at for step in self.steps if step.code == code), None)

    def last(self, *codes: str) -> Step | None:
        return next((step for step in reversed(self.steps) if step.code in codes), None)

    @property
    def outcome(self) -> Step | None:
        return self.last("outcome")

    @property
    def closed(self) -> int | None:
        """When its outcome was said, µs."""
        found = self.outcome
        return found.at if found else None

    @property
    def acknowledged(self) -> int | None:
        """When it was acknowledged, µs; None while nobody has since the ladder last began anew."""
        found = self.last("acknowledge", "act", "outcome", *RESTARTS)
        return found.at if found and found.code not in RESTARTS else None

    @property
    def snoozed(self) -> int:
        """Until when it is put off, µs; 0 when it is not."""
        found = self.last("snooze", "acknowledge", "act", "outcome", *RESTARTS)
        if found is None or found.code != "snooze":
            return 0
        # The Task may have been written by anybody who may write one: what is no number of seconds puts nothing off
        seconds = found.text.partition(" ")[0]
        known = seconds.isascii() and seconds.isdigit() and len(seconds) < 7
        return found.at + min(int(seconds), LONGEST_SNOOZE) * 1_000_000 if known else 0


def person(name: str) -> dict[str, Any]:
    """A reference to a user of this house, whether or not a Practitioner stands for them in the record."""
    return {"type": "Practitioner", "identifier": {"system": USER, "value": name}}


def user(reference: Any) -> str:
    """The user that a reference names; "" for anything else."""
    found = (reference or {}).get("identifier") or {}
    return str(found.get("value", "")) if found.get("system") == USER else ""


def named(patient: str, family: str, raised: int) -> str:
    """The alert's id: the same from the same history, so that what is written twice is once."""
    return f"alert-{blake2b(f'{patient}|{family}|{raised}'.encode(), digest_size=16).hexdigest()}"


def read(body: Mapping[str, Any]) -> Alert | None:
    """The alert that a Task is; None for any other Task."""
    raised = moment({"effectiveDateTime": body.get("authoredOn", "")})
    rule = coded(body.get("reasonCode"), RULE)
    patient = _id(body.get("for"), "Patient/")
    if coded(body.get("code"), SYSTEM) != "alert" or raised is None or not rule or not patient:
        return None
    return Alert(
        str(body.get("id", "")),
        patient,
        rule,
        str((body.get("groupIdentifier") or {}).get("value", rule)),
        str(body.get("priority", "routine")),
        str((body.get("location") or {}).get("reference", "")),
        raised,
        str(body.get("status", "")),
        user(body.get("owner")),
        str((body.get("reasonCode") or {}).get("text", "")),
        tuple(step for one in body.get("output") or [] if (step := _step(one))),
        _id(next(iter(body.get("partOf") or []), None), "Task/"),
        tuple(part for one in body.get("input") or [] if (part := str(one["type"].get("text", "")).partition(" ")[2])),
    )


def _step(output: Mapping[str, Any]) -> Step | None:
    code, said = coded(output.get("type"), ACT), output.get("valueAnnotation") or {}
    at = moment({"effectiveDateTime": said.get("time", "")})
    return Step(code, at, str(said.get("authorString", "")), str(said.get("text", ""))) if code and at else None


def written(alert: Alert, evidence: Sequence[tuple[str, str]] = (), encounter: str = "") -> dict[str, Any]:
    """The Task of a new alert. `evidence`: what made it, as shown."""
    body: dict[str, Any] = {
        "resourceType": "Task",
        "id": alert.id,
        "groupIdentifier": {"system": RULE, "value": alert.family},
        "status": alert.status,
        "intent": "order",
        "priority": alert.urgency,
        "code": {"coding": [{"system": SYSTEM, "code": "alert"}]},
        "reasonCode": {"coding": [{"system": RULE, "code": alert.rule}], "text": alert.text},
        "for": {"reference": f"Patient/{alert.patient}"},
        "authoredOn": instant(alert.raised),
    }
    if alert.about:
        body["partOf"] = [{"reference": f"Task/{alert.about}"}]
    else:
        body["focus"] = {"reference": f"Flag/{flag_id(alert.id)}"}
    if encounter:
        body["encounter"] = {"reference": encounter}
    if alert.ward:
        body["location"] = {"reference": alert.ward}
    if evidence:
        body["input"] = [{"type": {"text": name}, "valueString": value} for name, value in evidence if value]
    return body


def stepped(body: dict[str, Any], step: Step, status: str = "") -> dict[str, Any]:
    """The Task after a step."""
    said: dict[str, str] = {"authorString": step.by, "time": instant(step.at)}
    if step.text:
        said["text"] = step.text
    else:
        said["text"] = step.code
    done = {"type": {"coding": [{"system": ACT, "code": step.code}]}, "valueAnnotation": said}
    return {**body, "status": status or body["status"], "output": [*(body.get("output") or []), done]}


def flag_id(alert: str) -> str:
    return alert.replace("alert-", "flag-", 1)


def flag(alert: Alert, ended: int | None = None) -> dict[str, Any]:
    """The condition itself as a Flag in the chart: active while it holds."""
    period = {"start": instant(alert.raised)} | ({"end": instant(ended)} if ended else {})
    return {
        "resourceType": "Flag",
        "id": flag_id(alert.id),
        "status": "inactive" if ended else "active",
        "category": [
            {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/flag-category", "code": "clinical"}]}
        ],
        "code": {"coding": [{"system": RULE, "code": alert.rule}], "text": alert.text},
        "subject": {"reference": f"Patient/{alert.patient}"},
        "period": period,
    }


def coded(concept: Any, system: str) -> str:
    codings = (concept or {}).get("coding") or []
    return next((str(one.get("code", "")) for one in codings if one.get("system") == system), "")


def _id(reference: Any, prefix: str) -> str:
    text = str((reference or {}).get("reference", ""))
    return text.removeprefix(prefix) if text.startswith(prefix) else ""
