"""Decisions where the mapping tables leave a choice or hold a slip of the pen; each with its reason."""

from __future__ import annotations

import re

TABLES_LEFT = {
    "MSH[Bundle]": "the record keeps resources, not a message Bundle",
    "MSH[Provenance-Source]": "one Provenance a message is made in code",
    "MSH[Provenance-Transformation]": "one Provenance a message is made in code",
    "MSH[Provenance-Operator]": "one Provenance a message is made in code",
    "MSH[Encounter]": "encounter status by event is set in code from the table Event[EncounterStatus]",
    "SFT[MessageHeader]": "software is told by SFT[Device] as an agent",
    "DG1[EpisodeOfCare]": "a DG1 names no episode of care",
    "PV1[Coverage]": "a financial class alone is no coverage",
    "PID[Appointment]": "the patient is a participant of the appointment, set in code",
    "OBX[DocumentReference]": "document content is collected in code over all OBX",
    "OBX[Observation-Component]": "repeated OBX-5 becomes components in code; the message rows use OBX[Observation]",
    "TXA[Provenance]": "the originator is the document's author; distribution stays an extension",
    "NTE[DocumentReference]": "a comment is no document content; made in code",
    "NTE[Appointment-Comment]": "Appointment.comment of R4 holds it; made in code",
    "PV1[Basic-EncounterHistory]": "needs an extension value of type Extension, which R4 has not",
    "SCH[ServiceRequest]": "an appointment's order is not in the message",
    "AIS[ServiceRequest]": "an appointment's order is not in the message",
    "TQ1[ServiceRequest]": "timing is set in code",
    "TQ1[MedicationRequest]": "timing is set in code",
}
# (table prefix, field, path prefix) → reason; `only: X` leaves the row only when the constant is X
ROWS_LEFT = {
    ("PID[Patient]", "PID-19", ""): "what number PID-19 holds depends on the jurisdiction; told apart in code",
    ("NK1[RelatedPerson]", "NK1-37", ""): "what number NK1-37 holds depends on the jurisdiction; told apart in code",
    ("AL1", "AL1-4", "criticality"): "severity is that of the reaction, not the criticality",
    ("IAM", "IAM-4", "criticality"): "severity is that of the reaction, not the criticality",
    ("DG1[Encounter]", "*", "diagnosis.condition"): "the Condition is made by DG1[Condition]",
    ("ORC[DiagnosticReport]", "ORC-2", "basedOn"): "the order is linked in code",
    ("ORC[DiagnosticReport]", "ORC-4", ""): "the group number belongs to the order",
    ("ORC[Immunization]", "ORC-4", ""): "one number cannot be both placer's and filler's; kept as extension",
    ("ORC[Provenance]", "*", "recorded"): "recorded is MSH-7",
    ("ORC[Provenance]", "*", "location"): "the ordering facility is with the order",
    ("EVN[Provenance]", "*", "recorded"): "recorded is MSH-7",
    ("SCH[Provenance]", "*", "recorded"): "recorded is MSH-7",
    ("PID[Provenance-Patient]", "*", "recorded"): "recorded is MSH-7",
    ("EVN[Provenance]", "EVN-4", "reason.extension"): "an unknown reason is no reason",
    ("OBR[ServiceRequest]", "OBR-11", "intent"): "only: #add-on#",
    ("OBR[ServiceRequest]", "OBR-13", ""): "not an element of R4; kept as extension",
    ("OBR[ServiceRequest]", "OBR-17", ""): "a call-back number is kept as extension",
    ("IN1[Coverage]", "IN1-16", "subscriber(Patient"): "the patient of the message is meant; linked in code",
    ("RXO[MedicationRequest]", "RXO-4", ""): "a code needs its system (R4 qty-3); the unit is whole by the supplement",
    ("RXO[MedicationRequest]", "RXO-12", ""): "a code needs its system (R4 qty-3); the unit is whole by the supplement",
    ("RXO[MedicationRequest]", "RXO-19", ""): "a code needs its system (R4 qty-3); the unit is whole by the supplement",
    ("RXO[MedicationRequest]", "RXO-26", ""): "a code needs its system (R4 qty-3); the unit is whole by the supplement",
    ("RXO[MedicationRequest]", "RXE-19", ""): "a slip for RXO-23; the total daily dose is set in code",
    ("AIS[Appointment]", "AIS-5", ""): "an offset is no time; made in code",
    ("AIS[Appointment]", "AIS-7", ""): "a duration is no time; made in code",
    ("AIG[Appointment]", "AIG-9", ""): "an offset is no time; made in code",
    ("AIG[Appointment]", "AIG-11", ""): "a duration is no time; made in code",
    ("AIL[Appointment]", "AIL-7", ""): "an offset is no time; made in code",
    ("AIL[Appointment]", "AIL-9", ""): "a duration is no time; made in code",
    ("AIP[Appointment]", "AIP-12", ""): "a booking state is no answer of the participant",
    ("OBX[Observation]", "OBX-15", "performer[2](PractitionerRole"): "the producer is an organization",
    ("ROL[Encounter-PractitionerRole]", "ROL-4", "participant[1].individual"): "by the supplement",
    ("AIP[Appointment]", "AIP-7", ""): "an offset is no time; made in code",
    ("AIP[Appointment]", "AIP-9", ""): "a duration is no time; made in code",
    ("PR1[Procedure]", "PR1-7", ""): "minutes are added to the start in code",
    ("AL1[AllergyIntolerance]", "AL1-2", "category.extension"): "the original type is kept as extension",
    ("IAM[AllergyIntolerance]", "IAM-2", "category.extension"): "the original type is kept as extension",
    ("MSH[MessageHeader]", "MSH-24", "source.endpoint.extension"): "an endpoint is always made",
    ("MSH[MessageHeader]", "MSH-25", "destination[1].endpoint.extension"): "an endpoint is always made",
    ("SPM[Specimen]", "SPM-31", ""): "kept as extension",
    ("ORC[ServiceRequest]", "ORC-4", ""): "placer group number is set in code, EI and EIP alike",
    ("OBR[ServiceRequest]", "OBR-4", "orderDetail"): "the table's own OBR-4 row gives the code",
    ("OBX[Observation]", "OBX-5", ""): "values by OBX-2 are made in code",
    ("OBX[Observation]", "OBX-6", ""): "units belong to the value, made in code",
    ("OBX[Observation]", "OBX-7", ""): "ranges are made in code (low, high and text)",
    ("OBX[Observation]", "OBX-33", ""): "R4 Observation has one specimen; linked in code",
    ("OBX[Observation]", "OBX-11", "dataAbsentReason"): "set in code",
    ("OBX[Observation]", "OBX-19", ""): "the table names no extension; HL7's own for the time of the analysis, in code",
    ("PV1[Encounter]", "PV1-53", ""): "an episode of care needs a status; kept as extension",
    ("PV1[Encounter]", "PV1-54", ""): "an episode of care needs a status; kept as extension",
    ("PR1[Procedure]", "PR1-25", ""): "the parent procedure is not in the message; kept as extension",
    ("PV1[Encounter]", "PV1-42", "location[4].status"): "the sheet has its constant one row above; by the supplement",
    ("PV1[Patient]", "PV1-16", ""): "kept with the encounter",
    ("SCH[Appointment]", "SCH-9", ""): "minutes need SCH-10, set in code",
    ("SCH[Appointment]", "SCH-7", ""): "reason is set in code whatever its coding system",
    ("SCH[Appointment]", "SCH-8", ""): "type is set in code whatever its coding system",
    ("SCH[Appointment]", "SCH-26", ""): "a reference to an order not in the message; kept as extension",
    ("SCH[Appointment]", "SCH-27", ""): "a reference to an order not in the message; kept as extension",
    ("MRG", "*", ""): "prior numbers are followed up in code",
    ("OBR[Specimen]", "OBR-13", ""): "free text is not known to be a fasting status",
    ("OBR[Specimen]", "OBR-2", ""): "a placer number is not an accession number unless said so",
    ("ROL[CareTeam]", "ROL-4", "participant.member(Patient"): "the person is taken as practitioner",
    ("ROL[CareTeam]", "ROL-4", "participant.member(RelatedPerson"): "the person is taken as practitioner",
    ("TXA[DocumentReference]", "TXA-6", "extension"): "an extension of R6",
    ("RXA[Immunization]", "RXA-3", "occurrenceDateTime."): "no such element",
}
# Fields that are parts of one extension: (table, field) → the field whose extension it is
SHARED_EXTENSIONS = {("PID[Patient]", 36): 35}  # patient-animal: species and breed
CONDITIONS = {
    ("PID[Patient]", "PID-36"): "IF PID-35 VALUED",  # patient-animal is nothing without a species
    ("DG1[Condition]", "DG1-21"): 'IF DG1-21 EQUALS "D"',
    ("IN1[Coverage]", "IN1-16"): 'IF IN1-17 NOT IN ("SEL", "patient", "18")',
    ("OBR[DiagnosticReport]", "OBR-2"): "IF ORC-2 NOT VALUED",
    ("OBR[DiagnosticReport]", "OBR-3"): "IF ORC-3 NOT VALUED",
}
TARGETS_LEFT = {
    ("", "OBR", "SupplyRequest"): "a request without a patient is refused",
    ("VXU_V04", "ORC", "ServiceRequest"): "the immunization itself is the record",
    ("", "SFT", "Provenance"): "software is an agent of the message's Provenance, made in code",
    ("SIU_S12", "SCH", "ServiceRequest"): "an appointment's order is not in the message",
    ("SIU_S12", "AIS", "ServiceRequest"): "an appointment's order is not in the message",
}
_SLIPS = (
    (r"^occur(n)?ence?[Tt][Ii]ming", "occurrenceTiming"),
    (r"^occurnece", "occurrence"),
    (r"^occured", "occurred"),
    (r"\.uri$", ".url"),
    (r"\.sytem$", ".system"),
    (r"\.coding\.value$", ".coding.code"),
    (r"valuedateTime", "valueDateTime"),
    (r"^payer\[", "payor["),
    (r"coding\[3\.", "coding[3]."),
    (r"Practioner\b", "Practitioner"),
    (r"\.practioner\(", ".practitioner("),
    (r"organziation", "organization"),
    (r"organization\.\(", "organization("),
    (r"PractitionerRole\.Practitioner\(", "PractitionerRole.practitioner("),
    (r"^medication\(", "medicationReference("),
    (r"^occurrencePeriod$", "occurrencePeriod"),
    (r"value\.CodeableConcept", "valueCodeableConcept"),
    (r"^name\.suffix\[2\}", "name.suffix[2]"),
    (r"^extension\.", "extension[1]."),
    (r"^extension\[1\]:(\w+)\.", r"extension[\1]."),
    (r"\(Location\[1\]\.", "(Location."),
    (r"\.individual\(PractitionerRole\.practitioner\)$", ".individual(PractitionerRole.practitioner(Practitioner))"),
    (r"\(PractitionerRole\.practitioner\)$", "(PractitionerRole.practitioner(Practitioner))"),
    (r"PractitionerRole\[1\]\.practitioner\)$", "PractitionerRole.practitioner(Practitioner))"),
    (r"^valueSamped", "valueSampled"),
    (r"^requisition\[\d\]", "requisition"),
    (r"^content\[1\]\.attachment", "content[1].attachment"),
    (r"^recorder\.reference\(", "recorder("),
    (r"\(Medication\.doseForm\)", "(Medication.form)"),
    (r"^note\(Annotation\.text\)", "note.text"),
    (r"\.coding\.url$", ".coding.system"),
)
_BY_TABLE = {
    ("PRT[Device]", "udiCarrier[1]"): "identifier",
    ("OBX-15", "performer[2](Organization)"): "performer[3](Organization)",
}


def path(table: str, identifier: str, attribute: str) -> str:
    """Give the attribute path with slips of the pen mended."""
    attribute = _BY_TABLE.get((table, attribute), _BY_TABLE.get((identifier, attribute), attribute))
    for pattern, replacement in _SLIPS:
        attribute = re.sub(pattern, replacement, attribute)
    return attribute


def target(label: str, mapped: str) -> tuple[str, str]:
    """Give label and map of a message row; `Observation[2].note` + NTE[…] writes into Observation[2]."""
    if label.startswith("ServiceRequest[1].reasonReference"):
        return "Condition[order]", mapped
    if mapped == "OBX[Observation-Component]":
        return label, "OBX[Observation]"
    if label.startswith("CareTeam[1].participant"):
        return "CareTeam[1]", mapped
    if ".note" in label:
        base = label.split(".")[0]
        return base, "NTE[Observation]" if base.startswith("Observation") else "NTE[ServiceRequest]"
    if label.startswith("Coverage") and mapped == "IN3[CareTeam]":
        return "CareTeam[1]", mapped
    if label.startswith("Provenance"):
        return "Provenance", mapped
    return label, mapped


VOCABULARY = {
    "Additive/Preservative": "AdditivePreservative",
    "Yes/NoIndicator": "YesNoIndicator",
    "Yes/NoIndicator[AvailabilityStatus]": "YesNoIndicator[AvailabilityStatus]",
    "Test/ServiceDefaultDurationUnits": "TestServiceDefaultDurationUnits",
}
VOCABULARY_FILES = {
    "PatientClass_EncounterClass": "PatientClass[EncounterClass]",
    "PatientClass_EncounterStatus": "PatientClass[EncounterStatus]",
    "Event_EncounterStatus": "Event[EncounterStatus]",
    "OrderControlCode_ServiceRequest.status": "OrderControlCode[ServiceRequest.status]",
    "ResultStatus_Non-Queries": "ResultStatus[Non-Queries]",
    "FillerStatusCodes_Appointment": "FillerStatusCodes[Appointment]",
    "AddressType_Type": "AddressType[Type]",
    "AddressType_Use": "AddressType[Use]",
    "AllergenType_AllergyIntoleranceCategory": "AllergenType[AllergyIntoleranceCategory]",
    "AllergenType_AllergyIntoleranceOriginalCategory": "AllergenType[AllergyIntoleranceOriginalCategory]",
    "AllergySeverity_AllergyIntolerance.criticality": "AllergySeverity[AllergyIntolerance.criticality]",
    "AllergySeverity_AllergyIntolerance.criticality-original": "AllergySeverity[AllergyIntolerance.criticality-original]",
    "AllergySeverity_AllergyIntolerance.reaction.severity": "AllergySeverity[AllergyIntolerance.reaction.severity]",
    "YesNoIndicator_AvailabilityStatus": "YesNoIndicator[AvailabilityStatus]",
}
CONSTANTS = {
    "http://hl7.org/fhir/R4/extension-data-absent-reason.html": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
    "http://hl7.org/fhir/R4/extension-humanname-assembly-order.html": (
        "http://hl7.org/fhir/StructureDefinition/humanname-assembly-order"
    ),
    "https://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.valueAttachment": (
        "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.value"
    ),
    "https://hl7.org/fhir/R4/v3/ParticipationType/cs.html": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
    "https://www.hl7.org/fhir/valueset-encounter-participant-type.html": (
        "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
    ),
    "http://www.hl7.org/fhir/extension-condition-asserteddate": (
        "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"
    ),
    "http://terminology.hl7.org/ValueSet/v2-0119": "http://terminology.hl7.org/CodeSystem/v2-0119",
    "http://unitsofmeasure.org/": "http://unitsofmeasure.org",
    "https://hl7.org/fhir/StructureDefinition/alternate-codes": "http://hl7.org/fhir/StructureDefinition/alternate-codes",
    "admitter": "admitter",
    "complete": "completed",
}

# references that follow from the place in the message, made in code for every message alike
LINKED_IN_CODE = {
    "subject",
    "patient",
    "beneficiary",
    "encounter",
    "basedOn",
    "result",
    "specimen",
    "context.related",
    "diagnosis",
    "reasonReference",
    "supportingInfo",
    "focus",
    "partOf",
    "subscriber",
    "participant.actor",
}
