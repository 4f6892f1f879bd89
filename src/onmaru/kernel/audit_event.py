"""Rows of the audit trail as FHIR R4 AuditEvents: rendered when asked for, stored once."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from onmaru.fhir.verbatim import instant
from onmaru.kernel.alarms import ALARM
from onmaru.kernel.audit import Access

ROW = "row-"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
REST = ("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest", "RESTful Operation")
REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
PURPOSES = frozenset({"TREAT", "ETREAT", "BTG", "HPAYMT", "HOPERAT", "HRESCH", "PATRQT"})
# action of a row → (AuditEvent.action, code of restful-interaction)
ACTIONS: Mapping[str, tuple[str, str]] = {
    "read": ("R", "read"),
    "vread": ("R", "vread"),
    "history": ("R", "history"),
    "search": ("E", "search-type"),
    "query": ("E", ""),
    "create": ("C", "create"),
    "update": ("U", "update"),
    "delete": ("D", "delete"),
    "erase": ("D", ""),
    "execute": ("E", "operation"),
    "login": ("E", ""),
}


def event(number: int, row: Access) -> dict[str, Any]:
    """The AuditEvent of one row; its id is `row-NUMBER`."""
    action, interaction = ACTIONS.get(row.action, ("E", ""))
    system, code, display = _type(row)
    made: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": f"{ROW}{number}",
        "type": {"system": system, "code": code, "display": display},
        "action": action,
        "recorded": instant(row.at),
        "outcome": "0" if row.allowed else "4",
        "agent": [_agent(row)],
        "source": {"observer": {"display": "Onmaru"}},
    }
    if interaction:
        made["subtype"] = [{"system": "http://hl7.org/fhir/restful-interaction", "code": interaction}]
    if row.target.startswith(ALARM):
        made["subtype"] = [{"system": "urn:onmaru:alarm", "code": row.target.removeprefix(ALARM)}]
    if row.reason:
        made["outcomeDesc"] = row.reason
    if row.purpose in PURPOSES:
        made["purposeOfEvent"] = [{"coding": [{"system": REASON, "code": row.purpose}]}]
    entities = [*map(_patient, row.patients), *_target(row)]
    return {**made, "entity": entities} if entities else made


def _type(row: Access) -> tuple[str, str, str]:
    if row.target.startswith(ALARM):
        return DCM, "110113", "Security Alert"
    if row.action == "login":
        return DCM, "110114", "User Authentication"
    return (DCM, "110112", "Query") if row.action == "query" else REST


def _agent(row: Access) -> dict[str, Any]:
    agent: dict[str, Any] = {"requestor": True}
    if row.roles:
        agent["role"] = [{"coding": [{"system": "urn:onmaru:role", "code": role}]} for role in row.roles]
    if row.user:
        agent |= {"who": {"identifier": {"system": "urn:onmaru:user", "value": row.user}}, "altId": row.user}
        agent["name"] = row.user
    if row.address:
        agent["network"] = {"address": row.address, "type": "2"}
    return agent


def _patient(id: str) -> dict[str, Any]:
    return {
        "what": {"reference": f"Patient/{id}"},
        "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-entity-type", "code": "1", "display": "Person"},
        "role": {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "1", "display": "Patient"},
    }


def _target(row: Access) -> list[dict[str, Any]]:
    """What was asked for: a resource by name, a search by its text (R4: base64)."""
    path, mark, asked = row.target.partition("?")
    if mark:
        return [{"name": path, "query": b64encode(asked.encode()).decode()}] if asked else [{"name": path}]
    if row.target.startswith(ALARM):
        return [{"name": f"{ROW}{row.request}"}]
    return [{"name": row.target}] if row.target else []
