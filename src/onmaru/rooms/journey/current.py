"""What stands in the header while it is true: active allergies, problems, medication and warnings; and numeric readings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onmaru.rooms.journey.compartment import at
from onmaru.rooms.journey.concepts import codes, concept
from onmaru.rooms.journey.items import Item, kind
from onmaru.rooms.journey.values import bounds, flag, value

# http://terminology.hl7.org/CodeSystem/condition-clinical and allergyintolerance-clinical; condition- and
# allergyintolerance-verification: a refuted or mistaken entry is never shown as true. An absent status is shown.
_ACTIVE = frozenset({"active", "recurrence", "relapse"})
_UNTRUE = frozenset({"refuted", "entered-in-error"})
_DRUG_STATUS = {
    "MedicationRequest": frozenset({"active", "on-hold"}),
    "MedicationStatement": frozenset({"active", "on-hold"}),
}
_PLANS = frozenset({"proposal", "plan", "option"})
# http://hl7.org/fhir/observation-status: values that stand.
STANDING = frozenset({"final", "amended", "corrected", "preliminary"})


def section(body: dict[str, Any]) -> str:
    """allergy, problem, medication or warning when the resource belongs in the header now; else ""."""
    type_ = body["resourceType"]
    if type_ == "AllergyIntolerance":
        return "allergy" if _stands(body) else ""
    if type_ == "Condition":
        return "problem" if _stands(body) and not _abated(body) else ""
    if type_ in _DRUG_STATUS:
        ordered = body.get("status") in _DRUG_STATUS[type_] and body.get("intent") not in _PLANS
        return "medication" if ordered and body.get("doNotPerform") is not True else ""
    if type_ == "Flag":
        return "warning" if body.get("status") == "active" else ""
    return ""


def _stands(body: dict[str, Any]) -> bool:
    clinical = {code for _, code in codes(body.get("clinicalStatus"))}
    verified = {code for _, code in codes(body.get("verificationStatus"))}
    return (not clinical or bool(clinical & _ACTIVE)) and not verified & _UNTRUE


def _abated(body: dict[str, Any]) -> bool:
    return any(member.startswith("abatement") for member in body)


def severity(body: dict[str, Any]) -> str:
    """An allergy's criticality or worst reaction, a condition's severity: codes and words of the source."""
    if body.get("criticality"):
        return str(body["criticality"])
    reactions = {reaction for reaction in at(body, "reaction.severity") if isinstance(reaction, str)}
    worst = next((grade for grade in ("severe", "moderate", "mild") if grade in reactions), "")
    return worst or concept(body.get("severity")).ko


def current(body: dict[str, Any], item: Item) -> tuple[Any, ...] | None:
    """The columns of `journey_current`, or None."""
    place = section(body)
    if not place:
        return None
    when, what = item.when, item.what
    return (
        place, when.low, when.text, what.code, what.ko, what.en, item.status, severity(body), item.detail, item.about
    )  # fmt: skip


def readings(body: dict[str, Any], item: Item) -> Iterator[tuple[Any, ...]]:
    """The columns of `journey_reading` for the value and each component that is a number, with a code and a time."""
    if body["resourceType"] != "Observation" or body.get("status") not in STANDING or item.when.low is None:
        return
    vital = 1 if kind(body) == "vital" else 0
    for part in (body, *(body.get("component") or [])):
        said, named = value(part), concept(part.get("code"))
        if said.number is None or not named.code:
            continue
        low, high = bounds(part)
        yield (
            vital,
            named.code,
            item.when.low,
            item.when.text,
            named.ko,
            named.en,
            said.number,
            said.text,
            said.unit,
            flag(part),
            body["status"],
            str(low.get("value", "")),
            str(high.get("value", "")),
        )
