"""What R4 requires that a message may leave out, filled by the tables' vocabularies or marked as unknown, never guessed."""

from __future__ import annotations

from typing import Any

from onmaru.adapters.hl7v2 import dosing
from onmaru.adapters.hl7v2.er7 import Message
from onmaru.adapters.hl7v2.node import Node, prune
from onmaru.adapters.hl7v2.observation import DOUBTFUL
from onmaru.adapters.hl7v2.refused import SEQUENCE, Refused
from onmaru.adapters.hl7v2.tables import coded

_ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}
SUBJECT = {
    "Encounter": "subject",
    "Condition": "subject",
    "Observation": "subject",
    "DiagnosticReport": "subject",
    "ServiceRequest": "subject",
    "Procedure": "subject",
    "AllergyIntolerance": "patient",
    "Immunization": "patient",
    "Coverage": "beneficiary",
    "RelatedPerson": "patient",
    "Account": "subject",
    "MedicationRequest": "subject",
    "MedicationDispense": "subject",
    "MedicationAdministration": "subject",
    "ChargeItem": "subject",
    "CareTeam": "subject",
    "DocumentReference": "subject",
    "Specimen": "subject",
}
_LISTED = {"Account"}
_ENCOUNTER = {
    "Condition": "encounter",
    "Observation": "encounter",
    "DiagnosticReport": "encounter",
    "ServiceRequest": "encounter",
    "Procedure": "encounter",
    "AllergyIntolerance": "encounter",
    "Immunization": "encounter",
    "MedicationRequest": "encounter",
    "MedicationDispense": "context",
    "MedicationAdministration": "context",
    "ChargeItem": "context",
    "CareTeam": "encounter",
}
_NEEDS_PATIENT = set(SUBJECT) - {
    "Encounter",
    "Specimen",
    "DocumentReference",
    "CareTeam",
    "Account",
    "DiagnosticReport",
}
KINDS = {*SUBJECT, "Patient", "MessageHeader", "Appointment", "PractitionerRole", "Device"}


def finish(nodes: list[Node], message: Message) -> None:
    """Patient and visit of every resource, required elements, and a last pruning of empty groups.

    Raises Refused (AE, 100) for what needs a patient in a message that names none: taken, it would be seen by nobody.
    """
    for node in nodes:
        if node.type == "DiagnosticReport":
            _results(node)
    for node in nodes:
        _placed(node)
        required = _REQUIRED.get(node.type)
        if required:
            said = set(node.data)
            required(node, message)
            node.filled = set(node.data) - said - {"active"}
        if "note" in node.data:
            node.data["note"] = [one for one in node.data["note"] if one.get("text")]
        node.data = prune(node.data) or {}
        last = _AFTER.get(node.type)
        if last:
            last(node)
    if any(node.patient is None and node.type in _NEEDS_PATIENT for node in nodes):
        raise Refused("AE", SEQUENCE, "no PID stands before what is said of a patient", "PID^1")


def _results(report: Node) -> None:
    """A result without a time of its own (OBX-14) was observed when its report says (OBR-7; HL7 v2 chapter 7.4.2.14)."""
    name = next((one for one in ("effectiveDateTime", "effectivePeriod") if one in report.data), "")
    for result in report.data.get("result", []) if name else []:
        timed = type(result) is not Node or DOUBTFUL in result.slots
        if not timed and not any(one.startswith("effective") for one in result.data):
            result.data[name] = report.data[name]


def _placed(node: Node) -> None:
    name = SUBJECT.get(node.type)
    if name and node.patient is not None:
        node.data.setdefault(name, [node.patient] if node.type in _LISTED else node.patient)
    name = _ENCOUNTER.get(node.type)
    if name and node.encounter is not None:
        node.data.setdefault(name, node.encounter)
    if node.type == "DocumentReference" and node.encounter is not None:
        node.data.setdefault("context", {}).setdefault("encounter", [node.encounter])


# Events that decide the visit's status whatever PV1-2 says (HL7 table 0003; table Event[EncounterStatus])
_STATUS = {
    "A03": "finished",
    "A11": "cancelled",
    "A13": "in-progress",
    "A23": "entered-in-error",
    "A27": "cancelled",
    "A38": "cancelled",
}
_PLANNED = {"A05", "A14"}


def _encounter(node: Node, message: Message) -> None:
    event = message.event if message.type in ("ADT", "BAR") else ""
    decided = _STATUS.get(event)
    if decided:
        node.data["status"] = decided
    elif event in _PLANNED and node.data.get("status") != "finished":
        node.data["status"] = "planned"
    elif node.data.get("period", {}).get("end"):
        node.data["status"] = "finished"
    mapped = coded("Event[EncounterStatus]", event)
    node.data.setdefault("status", mapped[0] if mapped else "unknown")
    node.data.setdefault("class", dict(_ABSENT))
    for part, name in (("location", "location"), ("diagnosis", "condition")):
        if part in node.data:
            node.data[part] = [one for one in node.data[part] if isinstance(one.get(name), Node)]


def _person(node: Node, message: Message) -> None:
    """A29 takes a person off the register: no longer in use, but what was recorded stays."""
    if message.type == "ADT" and message.event == "A29":
        node.data["active"] = False


def _observation(node: Node, message: Message) -> None:
    node.data.setdefault("status", "unknown")
    node.data.setdefault("code", dict(_ABSENT))


def _allergy(node: Node, message: Message) -> None:
    for reaction in node.data.get("reaction", []):
        if not reaction.get("manifestation"):
            reaction["manifestation"] = [dict(_ABSENT)]


def _condition(node: Node, message: Message) -> None:
    problem = message.type in ("PPR", "PGL", "PPP")
    code = "problem-list-item" if problem else "encounter-diagnosis"
    system = "http://terminology.hl7.org/CodeSystem/condition-category"
    node.data["category"] = [{"coding": [{"system": system, "code": code}]}, *node.data.get("category", [])]
    wrong = any(c.get("code") == "entered-in-error" for c in node.data.get("verificationStatus", {}).get("coding", ()))
    if problem and not wrong:
        clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical"
        node.data.setdefault("clinicalStatus", {"coding": [{"system": clinical, "code": "active"}]})


def _procedure(node: Node, message: Message) -> None:
    done = any(name.startswith("performed") for name in node.data)
    node.data.setdefault("status", "completed" if done else "unknown")


def _coverage(node: Node, message: Message) -> None:
    node.data.setdefault("status", "active")
    if not node.data.get("payor"):
        node.data["payor"] = [dict(_ABSENT)]


def _simple(**defaults: Any) -> Any:
    def fill(node: Node, message: Message) -> None:
        for name, value in defaults.items():
            node.data.setdefault(name, value)

    return fill


def _request(node: Node, message: Message) -> None:
    order = message.type in ("ORM", "OML", "OMG", "OMP", "RDE", "REF", "OMI", "RGV")
    node.data.setdefault("status", "active" if order else "unknown")
    node.data.setdefault("intent", "order")


def _drug(node: Node, message: Message) -> None:
    dosing.settle(node)
    for one in node.data.get("dosageInstruction", []):
        _doses(one)
    if node.type == "MedicationRequest":
        _request(node, message)
    elif node.type == "MedicationDispense":
        node.data.setdefault("status", "completed")
    else:
        node.data.setdefault("status", "completed")
        limits = node.data.get("effectivePeriod")
        if limits and limits.get("end") in (None, limits.get("start")):
            node.data["effectiveDateTime"] = node.data.pop("effectivePeriod")["start"]
        if not any(name.startswith("effective") for name in node.data):
            node.data["effectivePeriod"] = dict(_ABSENT)


def _doses(dosage: dict[str, Any]) -> None:
    """A range whose ends are equal, or that has one end only, is a dose; the unit is that of either end."""
    for rate in dosage.get("doseAndRate", []):
        limits = rate.get("doseRange", {})
        low, high = limits.get("low", {}), limits.get("high", {})
        units = {k: v for k, v in {**high, **low}.items() if k != "value"}
        for end in (low, high):
            if "value" in end:
                end.update(units)
        if "value" in low and ("value" not in high or high["value"] == low["value"]):
            rate["doseQuantity"] = low
            del rate["doseRange"]
        elif limits and "value" not in low and "value" not in high:
            del rate["doseRange"]


def _medication(node: Node) -> None:
    """A Medication that is only a code is a code; without any, R4's required medication is marked as unknown."""
    held = node.data.get("medicationReference")
    if isinstance(held, Node) and set(held.data) <= {"code"}:
        del node.data["medicationReference"]
        if held.data:
            node.data["medicationCodeableConcept"] = held.data["code"]
    if "medicationReference" not in node.data:
        node.data.setdefault("medicationCodeableConcept", dict(_ABSENT))
    elif isinstance(held, Node):
        held.data = prune(held.data) or {}
        for one in held.data.get("ingredient", []):
            if "itemReference" not in one:
                one.setdefault("itemCodeableConcept", held.data.get("code") or dict(_ABSENT))
            strength = one.get("strength", {})
            if strength and "denominator" not in strength:
                strength["denominator"] = {"value": 1}


def _immunization(node: Node, message: Message) -> None:
    node.data.setdefault("status", "completed")
    node.data.setdefault("vaccineCode", dict(_ABSENT))
    if not any(name.startswith("occurrence") for name in node.data):
        node.data["occurrenceString"] = "unknown"


def _appointment(node: Node, message: Message) -> None:
    event = {"S15": "cancelled", "S17": "entered-in-error", "S26": "noshow"}.get(message.event, "booked")
    node.data["status"] = event if event != "booked" else node.data.get("status", "booked")
    members = node.data.setdefault("participant", [])
    if node.patient is not None:
        members.append({"actor": node.patient, "status": "accepted"})
    for one in members:
        one.setdefault("status", "accepted")
    known = [one for one in members if one.get("actor") or one.get("type")]
    node.data["participant"] = known or [{"type": [{"text": "unknown"}], "status": "needs-action"}]


def _document(node: Node, message: Message) -> None:
    node.data.setdefault("status", "current")
    cancelled = message.event == "T11"
    if cancelled:
        node.data["status"] = "entered-in-error"
    if not node.data.get("content"):
        node.data["content"] = [{"attachment": {"title": "no content in the message"}}]


def _header(node: Node, message: Message) -> None:
    system = "http://terminology.hl7.org/CodeSystem/v2-0003"
    node.data.setdefault("eventCoding", {"system": system, "code": message.event or message.type})
    node.data.setdefault("source", {}).setdefault("endpoint", "urn:onmaru:v2:unnamed")
    for one in node.data.get("destination", []):
        one.setdefault("endpoint", "urn:onmaru:v2:unnamed")


_REQUIRED: dict[str, Any] = {
    "Encounter": _encounter,
    "Observation": _observation,
    "AllergyIntolerance": _allergy,
    "Condition": _condition,
    "Procedure": _procedure,
    "Coverage": _coverage,
    "Account": _simple(status="active"),
    "ServiceRequest": _request,
    "DiagnosticReport": _simple(status="unknown", code=_ABSENT),
    "MedicationRequest": _drug,
    "MedicationDispense": _drug,
    "MedicationAdministration": _drug,
    "Immunization": _immunization,
    "Appointment": _appointment,
    "DocumentReference": _document,
    "ChargeItem": _simple(status="billable", code=_ABSENT),
    "MessageHeader": _header,
    "Patient": _person,
}
_AFTER: dict[str, Any] = {
    "MedicationRequest": _medication,
    "MedicationDispense": _medication,
    "MedicationAdministration": _medication,
}
