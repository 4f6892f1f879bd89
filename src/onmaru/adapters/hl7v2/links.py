"""How the resources of one message refer to each other: what follows from where their segments stand."""

from __future__ import annotations

from typing import Any

from onmaru.adapters.hl7v2 import values
from onmaru.adapters.hl7v2.er7 import Segment
from onmaru.adapters.hl7v2.node import Node
from onmaru.adapters.hl7v2.walk import Walk


def _append(node: Node, name: str, value: Any) -> None:
    kept = node.data.setdefault(name, [])
    if isinstance(kept, list) and not any(value is one for one in kept):
        kept.append(value)


# (type made, type known, element, which of the two holds it): the resource in the same group, or around it, is meant
_TIES = (
    ("Observation", "DiagnosticReport", "result", "known"),
    ("Observation", "Immunization", "partOf", "made"),
    ("DiagnosticReport", "Specimen", "specimen", "made"),
    ("ServiceRequest", "Specimen", "specimen", "made"),
    ("DiagnosticReport", "ServiceRequest", "basedOn", "made"),
    ("ServiceRequest", "DiagnosticReport", "basedOn", "known"),
    ("Specimen", "DiagnosticReport", "specimen", "known"),
    ("Specimen", "ServiceRequest", "specimen", "known"),
    ("MedicationRequest", "MedicationRequest", "basedOn", "made"),
    ("MedicationDispense", "MedicationRequest", "authorizingPrescription", "made"),
    ("ChargeItem", "Account", "account", "made"),
)


_MADE: dict[str, list[tuple[str, str, str]]] = {}
for _made, _other, _element, _holder in _TIES:
    _MADE.setdefault(_made, []).append((_other, _element, _holder))


def on_made(walk: Walk, node: Node) -> None:
    """References that follow from where a resource stands when it is made."""
    for other, element, holder in _MADE.get(node.type, ()):
        known = walk.known(other)
        if known is None or known is node:
            continue
        if holder == "made":
            _append(node, element, known)
        else:
            _append(known, element, node)
    if node.type == "Observation":
        _observed(walk, node)
    order = walk.known("ServiceRequest") if node.type == "DocumentReference" else None
    if order is not None:
        node.data.setdefault("context", {}).setdefault("related", []).append(order)
    account = walk.known("Account") if node.type == "Coverage" else None
    if account is not None:
        _append(account, "coverage", {"coverage": node})


def _observed(walk: Walk, node: Node) -> None:
    order, specimen = walk.known("ServiceRequest"), walk.known("Specimen")
    if specimen is not None:
        node.data["specimen"] = specimen
    if order is not None and walk.known("DiagnosticReport") is None:
        _append(order, "supportingInfo", node)


def on_segment(walk: Walk, segment: Segment, node: Node) -> set[int]:
    """References between a segment's own resources: diagnosis and visit, guarantor and account; gives what they hold."""
    if segment.name == "DG1" and node.type == "Condition":
        order = walk.known("ServiceRequest")
        if order is not None and node.encounter is None:
            _append(order, "reasonReference", node)
        elif node.encounter is not None:
            encounter = node.encounter
            slot = (segment.line, "diagnosis", "", 0)
            diagnosis = encounter.slots.get(slot)
            if diagnosis is None:
                diagnosis = {}
                encounter.data.setdefault("diagnosis", []).append(diagnosis)
                encounter.slots[slot] = diagnosis
            diagnosis["condition"] = node
            use = values.concept(segment.first(6), "DiagnosisType") if segment.field(6) else None
            if use is not None:
                diagnosis.setdefault("use", use)
                return {6}
    if segment.name == "GT1" and node.type == "RelatedPerson":
        account = walk.known("Account")
        if account is not None:
            _append(account, "guarantor", {"party": node})
    return set()


def by_table(walk: Walk, reference: list[Any]) -> None:
    """A reference that the message table states: [type, steps, type], between the latest of each in the group."""
    source, steps, target = reference
    one, other = walk.known(source), walk.known(target)
    if one is not None and other is not None and one is not other:
        one.put(steps, other, (id(other),), 0)


# Which resource the fields of an unmapped segment belong with, nearest first
_NEAR = {
    "ARV": ("Encounter", "Patient"),
    "DB1": ("Patient",),
    "PDA": ("Patient",),
    "ACC": ("Encounter", "Account", "Patient"),
    "DRG": ("Encounter", "Patient"),
    "UB1": ("Encounter", "Patient"),
    "UB2": ("Encounter", "Patient"),
    "IN2": ("Coverage", "Patient"),
    "IN3": ("Coverage", "Patient"),
    "SFT": ("MessageHeader",),
    "UAC": ("MessageHeader",),
    "MRG": ("Patient",),
    "TQ1": ("MedicationDispense", "MedicationAdministration", "MedicationRequest", "ServiceRequest", "Appointment"),
    "CON": ("DocumentReference", "Patient"),
    "INV": ("Specimen", "DiagnosticReport", "ServiceRequest"),
    "SAC": ("Specimen", "DiagnosticReport", "ServiceRequest"),
    "RGS": ("Appointment",),
    "IAR": ("AllergyIntolerance",),
    "AUT": ("Coverage", "ServiceRequest"),
    "PRD": ("ServiceRequest",),
}
_ANY = (
    "MedicationDispense",
    "MedicationAdministration",
    "MedicationRequest",
    "Immunization",
    "DiagnosticReport",
    "ServiceRequest",
    "ChargeItem",
    "Appointment",
    "DocumentReference",
    "Observation",
    "Procedure",
    "Coverage",
)


def nearest(
    walk: Walk, segment: Segment, patient: Node | None, encounter: Node | None, header: Node | None
) -> Node | None:
    """The resource that keeps a segment without a table; Z segments stay in the raw message only."""
    if segment.name.startswith("Z"):
        return None
    for kind in _NEAR.get(segment.name, _ANY):
        node = walk.known(kind)
        if node is not None:
            return node  # type: ignore[no-any-return]  # the walk keeps its nodes untyped
    return encounter or patient or header
