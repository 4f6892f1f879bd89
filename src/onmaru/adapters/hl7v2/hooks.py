"""What the segment tables leave to code: fields whose meaning depends on other fields, and document content."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from decimal import Decimal

from onmaru.adapters.hl7v2 import (
    allergy,
    attachments,
    dosing,
    moments,
    observation,
    occurrence,
    systems,
    timing,
    values,
)
from onmaru.adapters.hl7v2.er7 import Segment
from onmaru.adapters.hl7v2.node import Node
from onmaru.adapters.hl7v2.tables import coded
from onmaru.adapters.hl7v2.values import Sender

Hook = Callable[[Node, Segment, Sender], set[int]]
_V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"
_SSN = re.compile(r"\d{3}-?\d{2}-?\d{4}\Z")


def _pid(node: Node, segment: Segment, sender: Sender) -> set[int]:
    """PID-19: a US social security number by its form, else a national identifier of the sender's country."""
    number = segment.c(19)
    if not number:
        return set()
    american = bool(_SSN.match(number))
    system = "http://hl7.org/fhir/sid/us-ssn" if american else systems.local("id", "national")
    kind = {"coding": [{"system": _V2_0203, "code": "SS" if american else "NI"}]}
    node.data.setdefault("identifier", []).append({"type": kind, "system": system, "value": number})
    return {19}


def _obr(node: Node, segment: Segment, sender: Sender) -> set[int]:
    done: set[int] = set()
    if node.type == "Specimen" and segment.field(15):
        source = segment.first(15)
        inner = source.sub(1) if source.delimiters.subcomponent in source.raw else source
        kind = values.concept(inner, "SpecimenType")
        if kind:
            node.data.setdefault("type", kind)
            done.add(15)
    if node.type == "ServiceRequest":
        done |= _timing(node, segment, 27, sender)
        for number in (
            6,
            7,
        ):  # when it was asked for, and the time of the observation: whichever came second is one more
            moment = moments.dateTime(segment.c(number), sender.zone) if segment.c(number) else None
            if moment:
                occurrence.at(node, moment)
                done.add(number)
    return done


def _timing(node: Node, segment: Segment, field: int, sender: Sender) -> set[int]:
    """TQ of version 2.4 and before: done when each of its components found a place."""
    complete = []
    for rep in segment.repetitions(field):
        if rep:
            said = {at for at in range(1, 13) if rep.c(at)}
            complete.append(said <= occurrence.planned(node, timing.of_tq(rep, sender), timing.TQ))
    return {field} if complete and all(complete) else set()


def _orc(node: Node, segment: Segment, sender: Sender) -> set[int]:
    done: set[int] = set()
    if node.type == "ServiceRequest" and segment.field(4):
        rep = segment.first(4)
        group = values.ei(rep.sub(1) if rep.delimiters.subcomponent in rep.raw else rep, sender)
        if group:
            node.data["requisition"] = {"type": {"coding": [{"system": _V2_0203, "code": "PGN"}]}, **group}
            done.add(4)
    if node.type == "ServiceRequest":
        done |= _timing(node, segment, 7, sender)
    if node.type == "MedicationRequest":
        _drug_status(node, segment)
        done |= {1, 5} | dosing.told(node, segment, 7, sender)
    return done


_DRUG_STATUS = {
    "active": "active",
    "on-hold": "on-hold",
    "completed": "completed",
    "entered-in-error": "entered-in-error",
}


def _drug_status(node: Node, segment: Segment) -> None:
    order = coded("OrderStatus", segment.c(5)) or coded("OrderControlCode[ServiceRequest.status]", segment.c(1))
    if not order:
        return
    stopped = "stopped" if segment.c(1) in ("DC", "OD") or segment.c(5) == "DC" else "cancelled"
    node.data["status"] = _DRUG_STATUS.get(order[0], stopped)


def _procedure(node: Node, segment: Segment, sender: Sender) -> set[int]:
    minutes = values.number(segment.c(7))
    start = node.data.get("performedDateTime") or node.data.get("performedPeriod", {}).get("start")
    if minutes is None or not start or "T" not in start:
        return set()
    end = moments.later(start, float(minutes))
    if end is None:
        return set()
    node.data.pop("performedDateTime", None)
    node.data["performedPeriod"] = {"start": start, "end": end}
    return {5, 7}


def _schedule(node: Node, segment: Segment, sender: Sender) -> set[int]:
    done = set()
    for field, name, vocabulary in (
        (7, "reasonCode", "AppointmentReasonCodes"),
        (8, "appointmentType", "AppointmentTypeCodes"),
    ):
        concept = values.concept(segment.first(field), vocabulary) if segment.field(field) else None
        if concept:
            node.data[name] = [concept] if name == "reasonCode" else concept
            done.add(field)
    minutes = _minutes(segment.c(9), segment.c(10) or segment.c(10, 2))
    if minutes:
        node.data["minutesDuration"] = minutes
        done |= {9, 10}
    rep = segment.first(11)
    limits = values.period(rep.c(4), rep.c(5), sender) or {}
    done |= _starts(node, limits.get("start"), limits.get("end"), 11 if limits else 0)
    return done


_UNITS: dict[str, Decimal | int] = {
    **dict.fromkeys(("", "m", "min", "mins", "minute", "minutes"), 1),
    **dict.fromkeys(("h", "hr"), 60),
    "s": Decimal(1) / 60,
}


def _minutes(amount: str, unit: str) -> int | None:
    """A duration in whole minutes, None where it is not that."""
    number, factor = values.number(amount), _UNITS.get(unit.lower())
    if number is None or factor is None or not 0 < number < 1_000_000_000:
        return None
    minutes = round(number * factor, 6)
    return int(minutes) if minutes == int(minutes) else None


def _starts(node: Node, start: str | None, end: str | None, field: int) -> set[int]:
    """Appointment.start and end are instants; R4 asks for both or neither (app-3), so an end is worked out."""
    if not start or "T" not in start:
        return set()
    minutes = node.data.get("minutesDuration")
    end = end if end and "T" in end else moments.later(start, float(minutes)) if minutes else None
    node.data.setdefault("start", start)
    if end:
        node.data.setdefault("end", end)
    return {field} if field else set()


def _resource(node: Node, segment: Segment, sender: Sender) -> set[int]:
    """AIS, AIG, AIL, AIP: start and duration of the resource; the first one that has them times the appointment."""
    at, offset, duration = {"AIS": (4, 5, 7), "AIG": (8, 9, 11), "AIL": (6, 7, 9), "AIP": (6, 7, 9)}[segment.name]
    start = moments.dateTime(segment.c(at), sender.zone) if segment.c(at) else None
    minutes = values.number(segment.c(duration))
    units = (segment.c(duration + 1) or segment.c(duration + 1, 2)).lower()
    done: set[int] = set()
    timed = start and minutes is not None and "T" in start and (not units or units.startswith("m"))
    end = moments.later(start, float(minutes)) if timed and start and minutes is not None else None
    if end is not None:
        _starts(node, start, end, at)
        done |= {at, duration, duration + 1}
    if values.number(segment.c(offset)) == 0:
        done |= {offset, offset + 1}  # no offset from the appointment's start
    return done


def _note(node: Node, segment: Segment, sender: Sender) -> set[int]:
    said = "\n".join(rep.text for rep in segment.repetitions(3) if rep)
    if not said or node.type not in ("Appointment", "DocumentReference"):
        return set()
    name = "comment" if node.type == "Appointment" else "description"
    node.data[name] = "\n".join(part for part in (node.data.get(name, ""), said) if part)
    return {3}


def _software(node: Node, segment: Segment, sender: Sender) -> set[int]:
    source = node.data.setdefault("source", {})
    for field, name in ((3, "software"), (2, "version")):
        if segment.c(field):
            source.setdefault(name, segment.c(field))
    return {2, 3}


def _problem(node: Node, segment: Segment, sender: Sender) -> set[int]:
    """PRB-13 confirmed or not, PRB-14 where in its course; PRB-1 DE takes it back (HL7 table 0287)."""
    done = {1} if segment.c(1) in ("AD", "UP", "UC", "DE") else set()
    states = {"active", "recurrence", "relapse", "inactive", "remission", "resolved"}
    for field, name, allowed in (
        (14, "clinicalStatus", states),
        (13, "verificationStatus", {"unconfirmed", "provisional", "differential", "confirmed", "refuted"}),
    ):
        said = (segment.c(field) or segment.c(field, 2)).lower()
        if said in allowed:
            system = "condition-clinical" if name == "clinicalStatus" else "condition-ver-status"
            node.data[name] = {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": said}]}
            done.add(field)
    if segment.c(1) == "DE":
        system = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
        node.data["verificationStatus"] = {"coding": [{"system": system, "code": "entered-in-error"}]}
        node.data.pop("clinicalStatus", None)  # R4 con-5
    return done


def _timed(node: Node, segment: Segment, sender: Sender) -> set[int]:
    """TQ1 of an order, a drug or an appointment."""
    plan = timing.of_tq1(segment, sender)
    if node.type == "ServiceRequest":
        return occurrence.planned(node, plan, timing.TQ1)
    if node.type in ("MedicationRequest", "MedicationDispense"):
        return dosing.planned(node, plan, timing.TQ1)
    if node.type != "Appointment" or plan.limits is None:
        return set()
    _starts(node, plan.limits.get("start"), plan.limits.get("end"), 7)
    held = {name: node.data[name] for name in plan.limits if name in node.data}
    if held != plan.limits:  # SCH-11 or a resource gave another time: this one was asked for
        node.data.setdefault("requestedPeriod", []).append(plan.limits)
    return {7, 8}


def _coverage(node: Node, segment: Segment, sender: Sender) -> set[int]:
    """IN1-17: self means that the patient is the subscriber."""
    if segment.c(17) in ("SEL", "patient", "18") and node.patient is not None:
        node.data["subscriber"] = node.patient
        return {16, 17}
    return set()


def _charge(node: Node, segment: Segment, sender: Sender) -> set[int]:
    """FT1-4 is a time or a range."""
    limits = node.data.get("occurrencePeriod")
    if limits and set(limits) == {"start"}:
        node.data["occurrenceDateTime"] = node.data.pop("occurrencePeriod")["start"]
    return set()


_DOC_STATUS = {"AU": "final", "LA": "final", "DI": "preliminary", "DO": "preliminary", "IN": "preliminary"}


def _document(node: Node, segment: Segment, sender: Sender) -> set[int]:
    done = set()
    # HL7 table 0271: AU authenticated, LA legally authenticated; the others are on the way there
    status = _DOC_STATUS.get(segment.c(17)) or ("preliminary" if segment.c(17) in ("IP", "PA") else "")
    node.data.pop("docStatus", None)
    if status:
        node.data["docStatus"] = status
        done.add(17)
    if segment.c(3):
        node.data.pop("content", None)
    active = moments.dateTime(segment.c(4), sender.zone) if segment.c(4) else None
    if active:  # TXA-4, when what the document tells of was done
        node.data.setdefault("context", {}).setdefault("period", {"start": active})
        done.add(4)
    return done


def content(node: Node, segment: Segment, sender: Sender) -> set[int]:
    """OBX of a document message: text lines are one attachment, each ED or RP is one of its own."""
    kind, name = segment.c(2), segment.c(3, 2) or segment.c(3)
    kept = node.data.setdefault("content", [])
    for rep in segment.repetitions(5):
        if not rep:
            continue
        one = attachments.attachment(rep) if kind == "ED" else attachments.pointer(rep) if kind == "RP" else None
        if one:
            kept.append({"attachment": {"title": name, **one} if name else one})
            continue
        line = rep.text
        text = next((c for c in kept if c["attachment"].get("contentType") == "text/plain;charset=utf-8"), None)
        if text is None:
            text = {"attachment": {"contentType": "text/plain;charset=utf-8", "data": ""}}
            kept.append(text)
        titles = text["attachment"].get("title", "").split("; ")
        if name and name not in titles:
            text["attachment"]["title"] = "; ".join([*filter(None, titles), name])
        before = base64.b64decode(text["attachment"]["data"])
        text["attachment"]["data"] = base64.b64encode((before + b"\n" if before else b"") + line.encode()).decode()
    if not kept:
        del node.data["content"]
    return {2, 3, 4, 5, 11}


def _immunization(node: Node, segment: Segment, sender: Sender) -> set[int]:
    """RXA-6 of 999 means that the amount is unknown (Implementation note of table RXA[Immunization])."""
    done = {21} if segment.c(21) in ("A", "U", "X") else set()
    dose = node.data.get("doseQuantity")
    if dose and dose.get("value") == 999:
        del node.data["doseQuantity"]
        done.add(6)
    return done


def _given(node: Node, segment: Segment, sender: Sender) -> set[int]:
    """RXA: a vaccine or another drug."""
    act = {"Immunization": _immunization, "MedicationAdministration": dosing.administered}.get(node.type)
    return act(node, segment, sender) if act else set()


def _header(node: Node, segment: Segment, sender: Sender) -> set[int]:
    """MSH-3/24 source and MSH-5/25 destination: the name of the application beside the endpoint of the network address."""
    done = set()
    source = node.data.setdefault("source", {})
    if segment.c(3):
        source.setdefault("name", segment.c(3))
        done.add(3)
    for field, place in ((24, source), (25, None)):
        address = values.hd(segment.first(field), sender) if segment.field(field) else None
        if address:
            holder = node.data.setdefault("destination", [{}])[0] if place is None else place
            holder["endpoint"] = address
            done.add(field)
    if segment.c(5):
        node.data.setdefault("destination", [{}])[0].setdefault("name", segment.c(5))
        done.add(5)
    return done


def _diagnosis(node: Node, segment: Segment, sender: Sender) -> set[int]:
    """DG1-21: add and update are what taking the message means; a deletion is the table's. DG1-6 belongs to the visit
    (Encounter.diagnosis.use); without one it is a category of the diagnosis."""
    done = {21} if segment.c(21) in ("A", "U", "S", "X") else set()
    kind = values.concept(segment.first(6), "DiagnosisType") if segment.field(6) and node.encounter is None else None
    if kind:
        node.data.setdefault("category", []).append(kind)
        done.add(6)
    return done


# Which hook a segment has, and the resource that it is for ("": the hook looks itself)
_HOOKS: dict[str, tuple[str, Hook]] = {
    "MSH": ("MessageHeader", _header),
    "PID": ("Patient", _pid),
    "OBR": ("", _obr),
    "ORC": ("", _orc),
    "PR1": ("Procedure", _procedure),
    "SCH": ("Appointment", _schedule),
    "AIS": ("Appointment", _resource),
    "AIG": ("Appointment", _resource),
    "AIL": ("Appointment", _resource),
    "AIP": ("Appointment", _resource),
    "NTE": ("", _note),
    "SFT": ("MessageHeader", _software),
    "PRB": ("Condition", _problem),
    "DG1": ("Condition", _diagnosis),
    "IAM": ("AllergyIntolerance", allergy.iam),
    "TQ1": ("", _timed),
    "IN1": ("Coverage", _coverage),
    "FT1": ("ChargeItem", _charge),
    "TXA": ("DocumentReference", _document),
    "RXO": ("MedicationRequest", dosing.drug),
    "RXE": ("MedicationRequest", dosing.drug),
    "RXG": ("MedicationRequest", dosing.drug),
    "RXD": ("MedicationDispense", dosing.drug),
    "RXC": ("", dosing.component),
    "RXA": ("", _given),
    "OBX": ("Observation", observation.fill),
}


def hook(node: Node, segment: Segment, sender: Sender) -> set[int]:
    """Do what code does for this segment on this resource; give the fields that found their place."""
    kind, act = _HOOKS.get(segment.name, ("", None))
    return act(node, segment, sender) if act and kind in ("", node.type) else set()
