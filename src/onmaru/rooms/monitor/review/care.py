"""Pure: what a version tells of the care that was given, in the words and codes that it came with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from onmaru.kernel.log import Version
from onmaru.rooms.monitor.alerts.facts import LIMIT

# What a course is told by, besides readings and alerts
TYPES = (
    "Encounter", "Condition", "Procedure", "MedicationRequest", "MedicationAdministration", "ServiceRequest",
    "DiagnosticReport", "Patient",
)  # fmt: skip
NAMED = ("code", "medicationCodeableConcept", "class", "vaccineCode")


class Care(msgspec.Struct, frozen=True):
    """One act, order, finding or stay as a version says it. `code` is system|code; `when`: the time it names, as written."""

    type: str
    id: str
    status: str
    code: str
    text: str
    when: str = ""


def care(version: Version, patient: str) -> Care | None:
    """What a version says of a patient; None for a deletion, for what is another's, for an alert's limit, and of a
    Patient until the chart says that the patient died.
    """
    if version.body is None or version.type not in TYPES:
        return None
    body: dict[str, Any] = msgspec.json.decode(version.body)
    if version.type == "Patient":
        died = body.get("deceasedDateTime") or ("" if body.get("deceasedBoolean") else None)
        return None if died is None else Care("Patient", version.id, "deceased", "", "", died)
    if f"Patient/{patient}" not in {str((body.get(name) or {}).get("reference")) for name in ("subject", "patient")}:
        return None
    return _said(version, body)


def _said(version: Version, body: Mapping[str, Any]) -> Care | None:
    coded, text = _named(body)
    if coded.startswith(f"{LIMIT}|"):
        return None
    leaving = (body.get("hospitalization") or {}).get("dischargeDisposition")
    if leaving:
        coded, text = _concept(leaving)
    text = " · ".join(filter(None, (text, _place(body))))
    return Care(version.type, version.id, _status(body), coded, text, _when(body))


def _place(body: Mapping[str, Any]) -> str:
    """Where somebody lies by then: a move is an Encounter that is written otherwise."""
    places = body.get("location") if body.get("resourceType") == "Encounter" else None
    here: Mapping[str, Any] = (places[-1].get("location") or {}) if places else {}
    return str(here.get("display") or here.get("reference") or "")


def _status(body: Mapping[str, Any]) -> str:
    clinical = ((body.get("clinicalStatus") or {}).get("coding") or [{}])[0].get("code", "")
    return str(body.get("status") or clinical)


def _named(body: Mapping[str, Any]) -> tuple[str, str]:
    """Code and words of what it is."""
    found: Mapping[str, Any] = next((body[name] for name in NAMED if isinstance(body.get(name), dict)), {})
    return _concept(found)


def _concept(concept: Mapping[str, Any]) -> tuple[str, str]:
    coding = next(iter(concept.get("coding") or ()), concept if "code" in concept else {})
    coded = f"{coding.get('system', '')}|{coding['code']}" if "code" in coding else ""
    return coded, str(concept.get("text") or coding.get("display") or "")


def _when(body: Mapping[str, Any]) -> str:
    names = ("effectiveDateTime", "performedDateTime", "occurrenceDateTime", "authoredOn", "onsetDateTime")
    found = next((body[name] for name in names if body.get(name)), None)
    periods = ("effectivePeriod", "performedPeriod", "period", "occurrencePeriod")
    period: Mapping[str, Any] = next((body[name] for name in periods if body.get(name)), {})
    return str(found or period.get("end") or period.get("start") or "")
