"""By which numbers a resource is found again: its own identifiers where they are strong, else a key made of its content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from onmaru.adapters.hl7v2.node import Node

KEY = "urn:onmaru:v2:key"
# Types whose identifiers are numbers that the sender gives to this thing and to nothing else
_NUMBERED = {
    "Patient",
    "Encounter",
    "Practitioner",
    "Organization",
    "Location",
    "Device",
    "Account",
    "Appointment",
    "DocumentReference",
}
_WEAK = {"SS", "SSN", "NI", "DL", "PPN"}


def numbers(node: Node) -> list[tuple[str, str, str]]:
    """(system, value, type code) of identifiers that name the resource, the strongest first."""
    found = []
    given = node.data.get("identifier") or []
    if node.type == "DocumentReference" and node.data.get("masterIdentifier"):
        given = [node.data["masterIdentifier"], *given]
    for one in given:
        kind = next((c.get("code", "") for c in one.get("type", {}).get("coding", ())), "")
        if one.get("value"):
            found.append((one.get("system", ""), one["value"], kind))
    found.sort(key=lambda one: (one[2] in _WEAK, one[2] not in ("MR", "PI", "VN", "")))
    return found


def strong(node: Node) -> list[tuple[str, str, str]]:
    """Identifiers to search by; empty for types that are found by key."""
    return numbers(node) if node.type in _NUMBERED else []


def _code(node: Node, name: str = "code") -> str:
    concept = node.first(name) if name in node.data else None
    if not isinstance(concept, dict):
        return ""
    return next((c.get("code", "") for c in concept.get("coding", ()) if c.get("code")), "") or concept.get("text", "")


def order_number(node: Node) -> str:
    """Placer's number where there is one, else the filler's."""
    by_kind = {kind: f"{system}|{value}" for system, value, kind in numbers(node)}
    return by_kind.get("PLAC") or by_kind.get("FILL") or next(iter(by_kind.values()), "")


def _patient(node: Node) -> str:
    mine = numbers(node.patient) if node.patient is not None else []
    return f"{mine[0][0]}|{mine[0][1]}" if mine else ""


def _visit(node: Node) -> str:
    mine = numbers(node.encounter) if node.encounter is not None else []
    return f"{mine[0][0]}|{mine[0][1]}" if mine else ""


def _encounter(node: Node) -> list[str]:
    start = node.data.get("period", {}).get("start", "")
    return [_patient(node), start] if start else []


def holder(node: Node) -> Node | None:
    """The order or report with a number that a result belongs to."""
    held = (n for n in node.above if n.type in ("DiagnosticReport", "ServiceRequest"))
    return next((n for n in held if order_number(n)), None)


def _observation(node: Node) -> list[str]:
    own = numbers(node)
    if own:
        return [f"{own[0][0]}|{own[0][1]}", _code(node)]
    order, sub = holder(node), _sub_id(node)
    if order is not None:
        return ["order", order_number(order), _code(order), _code(node), sub]
    moment = node.data.get("effectiveDateTime", "")
    return [_patient(node), _code(node), sub, moment] if moment else []


def _sub_id(node: Node) -> str:
    for extension in node.data.get("extension") or ():
        if extension.get("url", "").endswith("observation-v2-subid"):
            return str(extension["extension"][0].get("valueString", ""))
    return ""


def _order(node: Node) -> list[str]:
    number = order_number(node)
    kind = "coded" if node.data.get("intent") == "filler-order" else ""
    if kind and not number:
        behind = (one for one in node.data.get("basedOn", ()) if isinstance(one, Node))
        number = next((found for one in behind if (found := order_number(one))), "")
    return [number, _code(node), kind] if number else []


def _own(node: Node) -> list[str]:
    own = numbers(node)
    return [f"{own[0][0]}|{own[0][1]}"] if own else []


def _of_patient(*names: str) -> Callable[[Node], list[str]]:
    def parts(node: Node) -> list[str]:
        own = _own(node)
        if own:
            return own
        said = [_code(node, name) or _plain(node.data.get(name)) for name in names]
        return [_patient(node), *said] if said[0] else []

    return parts


def _condition(node: Node) -> list[str]:
    return _own(node) or ([_patient(node), _visit(node), _code(node)] if _code(node) else [])


def _coverage(node: Node) -> list[str]:
    own = _own(node)
    return [_patient(node), *own, node.data.get("subscriberId", "")] if own or node.data.get("subscriberId") else []


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "|".join(str(value[0].get(part, "")) for part in ("family", "given", "code", "text"))
    return ""


_PARTS: dict[str, Callable[[Node], list[str]]] = {
    "Encounter": _encounter,
    "Observation": _observation,
    "DiagnosticReport": _order,
    "ServiceRequest": _order,
    "MedicationRequest": _order,
    "Specimen": _own,
    "AllergyIntolerance": _of_patient("code"),
    "Condition": _condition,
    "Procedure": _of_patient("code", "performedDateTime"),
    "Coverage": _coverage,
    "RelatedPerson": _of_patient("name"),
    "Immunization": _of_patient("vaccineCode", "occurrenceDateTime"),
    "ChargeItem": _own,
    "MedicationDispense": _own,
    "MedicationAdministration": _own,
    "CareTeam": _of_patient("participant"),
}


def key(node: Node, message: str, ordinal: int) -> str:
    """A digest that is equal for the same thing in a later message; with too little content, the message's own."""
    maker = _PARTS.get(node.type)
    parts = maker(node) if maker else []
    if not parts or not any(parts):
        parts = ["message", message, str(ordinal)]
    return hashlib.sha256("\x1f".join([node.type, *parts]).encode()).hexdigest()[:40]
