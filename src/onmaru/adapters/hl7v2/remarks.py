"""Comments (NTE) that no message table places: notes of what they stand behind, not only extensions of ours."""

from __future__ import annotations

from onmaru.adapters.hl7v2.er7 import Segment
from onmaru.adapters.hl7v2.node import Node

# Types of R4 that have notes, among those made here
NOTED = frozenset(
    {
        "ServiceRequest",
        "Observation",
        "AllergyIntolerance",
        "Condition",
        "Procedure",
        "Specimen",
        "MedicationRequest",
        "MedicationDispense",
        "MedicationAdministration",
        "Immunization",
        "ChargeItem",
        "CareTeam",
    }
)
# A report has notes since R5 only; FHIR's own way to say it in R4
REPORT_NOTE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-DiagnosticReport.note"


def remark(node: Node, segment: Segment) -> set[int]:
    """Put NTE-3 to the resource; give the fields that found their place."""
    said = "\n".join(rep.text for rep in segment.repetitions(3) if rep)
    if not said:
        return set()
    if node.type in NOTED:
        node.data.setdefault("note", []).append({"text": said})
    elif node.type == "DiagnosticReport":
        node.data.setdefault("extension", []).append({"url": REPORT_NOTE, "valueAnnotation": {"text": said}})
    else:
        return set()
    return {3}
