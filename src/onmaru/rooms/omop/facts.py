"""From one clinical resource to its fact rows, or to the reason why it has none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from onmaru.rooms.omop.moments import NEVER, Moment, moment, period, span
from onmaru.rooms.omop.pieces import codings, decimal, source_value, target, whole, words


class Happening(msgspec.Struct, frozen=True):
    """When it was, the CodeableConcept that says what, and columns of `omop_fact` beyond those that all facts have."""

    start: Moment
    end: Moment
    concept: Any
    usual: str
    more: dict[str, Any] = {}
    coded: dict[str, list[dict[str, Any]]] = {}
    thing: str = ""


MEASURED = frozenset({"laboratory", "vital-signs"})  # codes of observation-category


def _observation(body: dict[str, Any]) -> Happening:
    start, end = span(body, "effective")
    if start.day is None:
        start = moment(body.get("issued"))
    groups = {one["code"] for category in body.get("category") or [] for one in codings(category)}
    number = any("value" in (part.get("valueQuantity") or {}) for part in (body, *(body.get("component") or [])))
    usual = "measurement" if number or not MEASURED.isdisjoint(groups) else "observation"
    return Happening(start, end, body.get("code"), usual)


def _condition(body: dict[str, Any]) -> Happening:
    start, end = span(body, "onset")
    if start.day is None:
        start = moment(body.get("recordedDate"))
    ended, until = span(body, "abatement")
    end = until if until.day is not None else (ended if ended.day is not None else end)
    clinical = body.get("clinicalStatus")
    more = {"status": words(clinical)}
    return Happening(start, end, body.get("code"), "condition_occurrence", more)


def _procedure(body: dict[str, Any]) -> Happening:
    start, end = span(body, "performed")
    return Happening(start, end, body.get("code"), "procedure_occurrence")


def _allergy(body: dict[str, Any]) -> Happening:
    start, end = span(body, "onset")
    if start.day is None:
        start = moment(body.get("recordedDate"))
    return Happening(start, end, body.get("code"), "observation")


def _immunization(body: dict[str, Any]) -> Happening:
    more = {"lot": str(body.get("lotNumber") or ""), "quantity": decimal((body.get("doseQuantity") or {}).get("value"))}
    start = moment(body.get("occurrenceDateTime"))
    return _drug(body, Happening(start, start, body.get("vaccineCode"), "drug_exposure", more), body.get("route"))


def _request(body: dict[str, Any]) -> Happening:
    supply = body.get("dispenseRequest") or {}
    dosage = _dosage(body.get("dosageInstruction"))
    _, end = period((dosage.get("timing") or {}).get("repeat", {}).get("boundsPeriod"))
    more = {
        "quantity": decimal((supply.get("quantity") or {}).get("value")),
        "refills": whole(supply.get("numberOfRepeatsAllowed")),
        "days": _days(supply.get("expectedSupplyDuration")),
        "sig": str(dosage.get("text") or ""),
        "stop_reason": words(body.get("statusReason")),
    }
    return _drug(body, Happening(moment(body.get("authoredOn")), end, None, "drug_exposure", more), dosage.get("route"))


def _statement(body: dict[str, Any]) -> Happening:
    start, end = span(body, "effective")
    if start.day is None:
        start = moment(body.get("dateAsserted"))
    dosage = _dosage(body.get("dosage"))
    more = {"sig": str(dosage.get("text") or "")}
    return _drug(body, Happening(start, end, None, "drug_exposure", more), dosage.get("route"))


def _administration(body: dict[str, Any]) -> Happening:
    start, end = span(body, "effective")
    dosage = body.get("dosage") or {}
    more = {"quantity": decimal((dosage.get("dose") or {}).get("value")), "sig": str(dosage.get("text") or "")}
    ended = end if end.day is not None else start
    return _drug(body, Happening(start, ended, None, "drug_exposure", more), dosage.get("route"))


def _dispense(body: dict[str, Any]) -> Happening:
    start = moment(body.get("whenHandedOver") or body.get("whenPrepared"))
    dosage = _dosage(body.get("dosageInstruction"))
    more = {
        "quantity": decimal((body.get("quantity") or {}).get("value")),
        "days": _days(body.get("daysSupply")),
        "sig": str(dosage.get("text") or ""),
    }
    return _drug(body, Happening(start, NEVER, None, "drug_exposure", more), dosage.get("route"))


def _drug(body: dict[str, Any], happening: Happening, route: Any) -> Happening:
    concept = happening.concept or body.get("medicationCodeableConcept") or _contained(body)
    more = {**happening.more, "route": source_value(route)}
    thing = target(body.get("medicationReference"), "Medication")
    return msgspec.structs.replace(happening, concept=concept, more=more, coded={"route": codings(route)}, thing=thing)


def _contained(body: dict[str, Any]) -> Any:
    """The code of the contained Medication that the reference names."""
    name = str((body.get("medicationReference") or {}).get("reference") or "")
    inner = (one for one in body.get("contained") or [] if name == f"#{one.get('id')}")
    return next((one.get("code") for one in inner), None)


def _dosage(value: Any) -> dict[str, Any]:
    return value[0] if isinstance(value, list) and value else {}


def _days(value: Any) -> int | None:
    """A Duration in days (UCUM d); other units are not converted."""
    duration = value or {}
    return whole(duration.get("value")) if duration.get("code", duration.get("unit")) in ("d", "day", "days") else None


def _device(body: dict[str, Any]) -> Happening:
    start, end = span(body, "timing")
    if start.day is None:
        start = moment(body.get("recordedOn"))
    thing = target(body.get("device"), "Device")
    return Happening(start, end, None, "device_exposure", thing=thing)


READ: dict[str, Callable[[dict[str, Any]], Happening]] = {
    "Observation": _observation,
    "Condition": _condition,
    "Procedure": _procedure,
    "AllergyIntolerance": _allergy,
    "Immunization": _immunization,
    "MedicationRequest": _request,
    "MedicationStatement": _statement,
    "MedicationAdministration": _administration,
    "MedicationDispense": _dispense,
    "DeviceUseStatement": _device,
}


def parts(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The resource itself as "", then each component of an Observation that has a code or a value."""
    yield "", body
    for place, one in enumerate(body.get("component") or [] if body["resourceType"] == "Observation" else []):
        yield f"component[{place}]", one
