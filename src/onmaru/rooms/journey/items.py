"""One resource as one line of a timeline: its kind, when, what, its value, who did it. Everything becomes a line."""

from __future__ import annotations

from typing import Any, NamedTuple

from onmaru.rooms.journey.compartment import at, reference
from onmaru.rooms.journey.concepts import NOTHING, Named, codes, concept
from onmaru.rooms.journey.detail import detail
from onmaru.rooms.journey.moments import Moment, moment
from onmaru.rooms.journey.values import Value, flag, value

KINDS = {
    "Encounter": "encounter",
    "EpisodeOfCare": "encounter",
    "Condition": "condition",
    "AllergyIntolerance": "allergy",
    "AdverseEvent": "allergy",
    "MedicationRequest": "medication",
    "MedicationStatement": "medication",
    "MedicationAdministration": "medication",
    "MedicationDispense": "medication",
    "Immunization": "immunization",
    "ImmunizationEvaluation": "immunization",
    "ImmunizationRecommendation": "immunization",
    "Observation": "observation",
    "Procedure": "procedure",
    "DeviceUseStatement": "procedure",
    "ImagingStudy": "imaging",
    "Media": "imaging",
    "DiagnosticReport": "report",
    "DocumentReference": "document",
    "DocumentManifest": "document",
    "Composition": "note",
    "ClinicalImpression": "note",
    "ServiceRequest": "order",
    "DeviceRequest": "order",
    "NutritionOrder": "order",
    "SupplyRequest": "order",
    "VisionPrescription": "order",
    "RequestGroup": "order",
    "Task": "order",
    "QuestionnaireResponse": "questionnaire",
    "Appointment": "appointment",
    "AppointmentResponse": "appointment",
    "Communication": "communication",
    "CommunicationRequest": "communication",
    "CarePlan": "plan",
    "CareTeam": "plan",
    "Goal": "plan",
    "RiskAssessment": "plan",
    "Flag": "plan",
    "Account": "billing",
    "ChargeItem": "billing",
    "Claim": "billing",
    "ClaimResponse": "billing",
    "Coverage": "billing",
    "CoverageEligibilityRequest": "billing",
    "CoverageEligibilityResponse": "billing",
    "ExplanationOfBenefit": "billing",
    "Invoice": "billing",
}
ALL_KINDS = (
    *dict.fromkeys(("encounter", "condition", "allergy", "medication", "vital", "lab", *KINDS.values())),
    "other",
)
_BY_CATEGORY = {"vital-signs": "vital", "laboratory": "lab", "imaging": "imaging", "survey": "questionnaire"}
# ValueSet observation-vitalsignresult (hl7.fhir.r4.core 4.0.1): LOINC codes that are vital signs whatever the category.
VITALS = frozenset(
    {
        "85353-1",
        "9279-1",
        "8867-4",
        "2708-6",
        "8310-5",
        "8302-2",
        "9843-4",
        "29463-7",
        "39156-5",
        "85354-9",
        "8480-6",
        "8462-4",
        "8478-0",
    }
)
# A value that was never true, or never taken, warns nobody.
RETRACTED = frozenset({"entered-in-error", "cancelled"})
_WHAT = (
    "code",
    "medicationCodeableConcept",
    "vaccineCode",
    "codeCodeableConcept",
    "itemCodeableConcept",
    "productCodeableConcept",
    "event",
    "title",
    "topic",
    "type",
    "serviceType",
    "appointmentType",
    "description",
    "procedureCode",
    "modality",
    "class",
    "relationship",
    "category",
    "name",
    "scope",
    "questionnaire",
)
_FIRST_WHAT = {
    "Appointment": ("serviceType", "appointmentType", "description"),
    "DocumentReference": ("description", "type"),
    "Goal": ("description",),
    "ImagingStudy": ("description", "procedureCode", "modality"),
    "Media": ("content",),
    "FamilyMemberHistory": ("relationship",),
}
_WHO = (
    "performer.actor",
    "performer",
    "participant.individual",
    "requester",
    "author",
    "asserter",
    "recorder",
    "informationSource",
    "operator",
    "sender",
    "actor",
    "participant.actor",
    "serviceProvider",
)


class Item(NamedTuple):
    kind: str
    when: Moment
    what: Named
    value: Value
    flag: str
    status: str
    detail: str
    encounter: str
    actor: str
    actor_name: str
    about: str


def item(body: dict[str, Any]) -> Item:
    """Any resource of a patient's compartment as one line. `about` is the `Medication/id` that names the drug."""
    what, about = subject_matter(body)
    actor, actor_name = who(body)
    said = value(body)
    state = status(body)
    return Item(
        kind=kind(body),
        when=moment(body),
        what=what,
        value=said if said.text else _components(body),
        flag="" if state in RETRACTED else worst(body),
        status=state,
        detail=detail(body),
        encounter=encounter(body),
        actor=actor,
        actor_name=actor_name,
        about=about,
    )


def kind(body: dict[str, Any]) -> str:
    """The lane. An Observation goes by its category, then by LOINC's vital signs; a type not listed is `other`."""
    found = KINDS.get(body["resourceType"], "other")
    if found != "observation":
        return found
    for category in body.get("category") or []:
        for _, code in codes(category):
            if code in _BY_CATEGORY:
                return _BY_CATEGORY[code]
    loinc = {code for system, code in codes(body.get("code")) if system == "http://loinc.org"}
    return "vital" if loinc & VITALS else found


def subject_matter(body: dict[str, Any]) -> tuple[Named, str]:
    """What it is about, in words, and the Medication resource that carries the words when the resource itself does not."""
    held = body.get("medicationReference") or body.get("itemReference")
    if isinstance(held, dict):
        local = held.get("reference", "")
        for inside in body.get("contained") or []:
            if local == f"#{inside.get('id')}":
                return concept(inside.get("code")), ""
        shown = held.get("display") or ""
        return Named("", shown, shown), reference(held)
    for member in (*_FIRST_WHAT.get(body["resourceType"], ()), *_WHAT):
        named = concept(body.get(member))
        if named != NOTHING:
            return named, ""
    return NOTHING, ""


def who(body: dict[str, Any]) -> tuple[str, str]:
    """The first reference and display of whoever did or signed it, the patient left out."""
    for path in _WHO:
        for one in at(body, path):
            if not isinstance(one, dict):
                continue
            target, shown = reference(one), one.get("display") or ""
            if (target or shown) and not target.startswith("Patient/"):
                return target, shown
    return "", ""


def status(body: dict[str, Any]) -> str:
    """`status`, else the clinical or life-cycle status. `entered-in-error` wins wherever it stands."""
    verified = {code for _, code in codes(body.get("verificationStatus"))}
    if "entered-in-error" in verified:
        return "entered-in-error"
    for member in ("status", "clinicalStatus", "lifecycleStatus"):
        found = body.get(member)
        if isinstance(found, str):
            return found
        clinical = sorted(code for _, code in codes(found))
        if clinical:
            return clinical[0]
    return ""


def encounter(body: dict[str, Any]) -> str:
    """`Encounter/id` of the contact that it belongs to."""
    for path in ("encounter", "context", "context.encounter"):
        for one in at(body, path):
            if reference(one).startswith("Encounter/"):
                return reference(one)
    return ""


def worst(body: dict[str, Any]) -> str:
    """The observation's flag; for a panel the worst of its components."""
    flags = {flag(part) for part in (body, *(body.get("component") or []))}
    return next((one for one in ("HH", "LL", "AA", "H", "L", "A") if one in flags), "")


def _components(body: dict[str, Any]) -> Value:
    """A panel on one line: values only where all share a unit, as in 120/80 mmHg, else each with its name."""
    parts = [(concept(part.get("code")), value(part)) for part in body.get("component") or []]
    parts = [(named, said) for named, said in parts if said.text]
    units = {said.unit for _, said in parts}
    if 1 < len(parts) <= 3 and len(units) == 1 and all(said.number is not None for _, said in parts):
        return Value("/".join(said.text for _, said in parts), units.pop(), None)
    return Value(", ".join(f"{named.ko} {said.text} {said.unit}".strip() for named, said in parts), "", None)
