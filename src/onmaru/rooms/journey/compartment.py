"""Whose chart a resource belongs to: the R4 patient compartment (CompartmentDefinition/patient, hl7.fhir.r4.core 4.0.1).

Task is added by its `for`, which R4 left out. Patient, and records about the record (Provenance, AuditEvent), are no items.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

_SUBJECT = ("subject",)
_PATIENT = ("patient",)
PATHS: dict[str, tuple[str, ...]] = {
    "Account": _SUBJECT,
    "AdverseEvent": _SUBJECT,
    "AllergyIntolerance": ("patient", "recorder", "asserter"),
    "Appointment": ("participant.actor",),
    "AppointmentResponse": ("actor",),
    "Basic": ("subject", "author"),
    "BodyStructure": _PATIENT,
    "CarePlan": ("subject", "activity.detail.performer"),
    "CareTeam": ("subject", "participant.member"),
    "ChargeItem": _SUBJECT,
    "Claim": ("patient", "payee.party"),
    "ClaimResponse": _PATIENT,
    "ClinicalImpression": _SUBJECT,
    "Communication": ("subject", "sender", "recipient"),
    "CommunicationRequest": ("subject", "sender", "recipient", "requester"),
    "Composition": ("subject", "author", "attester.party"),
    "Condition": ("subject", "asserter"),
    "Consent": _PATIENT,
    "Coverage": ("policyHolder", "subscriber", "beneficiary", "payor"),
    "CoverageEligibilityRequest": _PATIENT,
    "CoverageEligibilityResponse": _PATIENT,
    "DetectedIssue": _PATIENT,
    "DeviceRequest": ("subject", "performer"),
    "DeviceUseStatement": _SUBJECT,
    "DiagnosticReport": _SUBJECT,
    "DocumentManifest": ("subject", "author", "recipient"),
    "DocumentReference": ("subject", "author"),
    "Encounter": _SUBJECT,
    "EnrollmentRequest": ("candidate",),
    "EpisodeOfCare": _PATIENT,
    "ExplanationOfBenefit": ("patient", "payee.party"),
    "FamilyMemberHistory": _PATIENT,
    "Flag": _SUBJECT,
    "Goal": _SUBJECT,
    "Group": ("member.entity",),
    "ImagingStudy": _SUBJECT,
    "Immunization": _PATIENT,
    "ImmunizationEvaluation": _PATIENT,
    "ImmunizationRecommendation": _PATIENT,
    "Invoice": ("subject", "recipient"),
    "List": ("subject", "source"),
    "MeasureReport": _SUBJECT,
    "Media": _SUBJECT,
    "MedicationAdministration": ("subject", "performer.actor"),
    "MedicationDispense": ("subject", "receiver"),
    "MedicationRequest": _SUBJECT,
    "MedicationStatement": _SUBJECT,
    "MolecularSequence": _PATIENT,
    "NutritionOrder": _PATIENT,
    "Observation": ("subject", "performer"),
    "Person": ("link.target",),
    "Procedure": ("subject", "performer.actor"),
    "QuestionnaireResponse": ("subject", "author"),
    "RelatedPerson": _PATIENT,
    "RequestGroup": ("subject", "action.participant"),
    "ResearchSubject": ("individual",),
    "RiskAssessment": _SUBJECT,
    "Schedule": ("actor",),
    "ServiceRequest": ("subject", "performer"),
    "Specimen": _SUBJECT,
    "SupplyDelivery": _PATIENT,
    "SupplyRequest": ("deliverTo",),
    "Task": ("for",),
    "VisionPrescription": _PATIENT,
}


def at(body: Any, path: str) -> Sequence[Any]:
    """Every value at a dotted member path, lists opened. Most paths of a resource lead nowhere: that is found out first."""
    member, rest = _parted(path)
    if isinstance(body, dict):
        found = body.get(member)
        if found is None:
            return ()
        if rest:
            return at(found, rest)
        return found if isinstance(found, list) else (found,)
    return [value for one in body for value in at(one, path)] if isinstance(body, list) else ()


@cache
def _parted(path: str) -> tuple[str, str]:
    member, _, rest = path.partition(".")
    return member, rest


def reference(value: Any) -> str:
    """`Type/id` of a literal reference into this record, without version; "" for contained, absolute or logical ones."""
    text = value.get("reference", "") if isinstance(value, dict) else ""
    parts = text.split("/")
    if len(parts) == 4 and parts[2] == "_history":
        parts = parts[:2]
    return "/".join(parts) if len(parts) == 2 and all(parts) else ""


def patients(body: dict[str, Any]) -> list[str]:
    """Logical ids of the patients whose chart this belongs to, the subject first, each once."""
    found: dict[str, None] = {}
    for path in PATHS.get(body["resourceType"], ()):
        for value in at(body, path):
            type_, _, id_ = reference(value).partition("/")
            if type_ == "Patient":
                found[id_] = None
    return list(found)


def is_subject(body: dict[str, Any], patient: str) -> bool:
    """Whether the resource is about this patient, by the first of the type's members."""
    path = PATHS[body["resourceType"]][0]
    return any(reference(value) == f"Patient/{patient}" for value in at(body, path))
