"""Merges, moves and changes of numbers (ADT A18, A24, A30, A34–A37, A39–A51): what MRG says of what is stored."""

from __future__ import annotations

from typing import Any

from onmaru.adapters.hl7v2 import values
from onmaru.adapters.hl7v2.er7 import Message, Segment
from onmaru.adapters.hl7v2.finding import Number
from onmaru.adapters.hl7v2.values import Sender

PATIENT_MERGES = {"A18", "A34", "A36", "A39", "A40"}
ACCOUNT_MERGES = {"A35", "A36", "A41"}
PATIENT_NUMBERS = {"A30", "A46", "A47"}
ACCOUNT_NUMBERS = {"A48", "A49"}
VISIT_MERGES = {"A42"}
VISIT_NUMBERS = {"A50", "A51"}
VISIT_MOVES = {"A45"}
ACCOUNT_MOVES = {"A44"}
LINKS = {"A24", "A37"}
NUMBER_MOVES = {"A43"}
REGISTERS = {"A01", "A04", "A05", "A28"}


class Prior:
    """One MRG with the patient, visit and account that stand beside it: the numbers that were and the ones that are."""

    def __init__(self, mrg: Segment, pid: Segment, pv1: Segment | None, sender: Sender) -> None:
        self.mrg = mrg
        self.moving = numbers(mrg, 1, sender)
        self.patients = self.moving + numbers(mrg, 4, sender)
        self.accounts = numbers(mrg, 3, sender)
        self.visits = numbers(mrg, 5, sender) + numbers(mrg, 6, sender)
        self.pid = pid
        self.now_patient = numbers(pid, 3, sender) + numbers(pid, 2, sender)
        self.now_account = numbers(pid, 18, sender)
        self.now_visit = numbers(pv1, 19, sender) if pv1 is not None else []


def numbers(segment: Segment, field: int, sender: Sender) -> list[Number]:
    found = []
    for rep in segment.repetitions(field):
        one = values.cx(rep, sender)
        if one:
            kind = next((c.get("code", "") for c in one.get("type", {}).get("coding", ())), "")
            found.append((one["system"], one["value"], kind))
    return found


def priors(message: Message, sender: Sender) -> list[Prior]:
    """Pair each MRG with the PID before it and the PV1 after it."""
    found: list[Prior] = []
    pid: Segment | None = None
    for at, segment in enumerate(message.segments):
        if segment.name == "PID":
            pid = segment
        elif segment.name == "MRG" and pid is not None:
            after = message.segments[at + 1 : at + 3]
            pv1 = next((s for s in after if s.name == "PV1"), None)
            found.append(Prior(segment, pid, pv1, sender))
    return found


Json = dict[str, Any]


def replaced(old: Json, survivor: str) -> Json:
    """The patient that is no longer used: inactive, and a link to the one that replaces it."""
    kept = [one for one in old.get("link", []) if one.get("other", {}).get("reference") != survivor]
    return {**old, "active": False, "link": [*kept, {"other": {"reference": survivor}, "type": "replaced-by"}]}


def replacing(old: Json, prior: str) -> Json:
    """The survivor: a link to what it replaces."""
    kept = [one for one in old.get("link", []) if one.get("other", {}).get("reference") != prior]
    return {**old, "link": [*kept, {"other": {"reference": prior}, "type": "replaces"}]}


def linked(old: Json, other: str, on: bool) -> Json:
    """A24 and A37: two records of one person refer to each other, or no longer do."""
    kept = [one for one in old.get("link", []) if one.get("other", {}).get("reference") != other]
    new = [*kept, {"other": {"reference": other}, "type": "seealso"}] if on else kept
    data = {**old, "link": new}
    if not new:
        del data["link"]
    return data


def renumbered(old: Json, prior: list[Number], now: list[Number]) -> Json:
    """A number is exchanged: the prior one stays, marked as old."""
    was = {one[:2] for one in prior}
    have = {(one.get("system"), one.get("value")) for one in old.get("identifier", [])}
    kept = [
        {**one, "use": "old"} if (one.get("system"), one.get("value")) in was else one
        for one in old.get("identifier", [])
    ]
    return {**old, "identifier": [*kept, *(_typed(one) for one in now if one[:2] not in have)]}


def without(old: Json, moved: list[Number]) -> Json:
    """A43: the numbers that were filed under the wrong patient are his no longer."""
    gone = {one[:2] for one in moved}
    kept = [one for one in old.get("identifier", []) if (one.get("system"), one.get("value")) not in gone]
    data = {**old, "identifier": kept}
    if not kept:
        del data["identifier"]
    return data


def off_the_register(stored: Json) -> bool:
    """Whether an A29 took this patient off, and not a merge."""
    return stored.get("active") is False and not any(one.get("type") == "replaced-by" for one in stored.get("link", []))


def _typed(number: Number) -> Json:
    system, value, kind = number
    one: Json = {"system": system, "value": value}
    if kind:
        coding = {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": kind}
        one = {"type": {"coding": [coding]}, **one}
    return one


def moved(old: Json, element: str, patient: str) -> Json:
    """A visit or account that belongs to another patient now."""
    reference: Any = {"reference": patient}
    return {**old, element: [reference] if element == "subject" and isinstance(old.get(element), list) else reference}


def stub(prior: list[Number]) -> Json:
    """A patient that is known only as a number that was merged away."""
    return {"resourceType": "Patient", "identifier": [_typed(one) for one in prior], "active": False}
