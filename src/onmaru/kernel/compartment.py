"""Whose a resource is that does not say so itself: it inherits the Patient compartments of what it refers to.

Its one law: inheritance hides and never shows. It is asked where a patient is denied, not where one is allowed.
"""

from __future__ import annotations

from functools import cache

from onmaru.fhir import references, search
from onmaru.fhir.keys import Keys
from onmaru.fhir.search.catalogue import compartment
from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.kernel.books import is_mark

# What inherits from this is of many patients, and nobody can tell which: hidden from whoever is denied any of them
MANY = ("", "")
# The hospital and its staff, things that are nobody's, and definitions: they inherit nothing and hand nothing on.
NOBODYS = frozenset(
    {
        "Endpoint", "HealthcareService", "Location", "Organization", "OrganizationAffiliation", "Practitioner",
        "PractitionerRole", "DeviceDefinition", "Medication", "MedicationKnowledge", "ActivityDefinition",
        "CapabilityStatement", "CatalogEntry", "ChargeItemDefinition", "CodeSystem", "CompartmentDefinition",
        "ConceptMap", "EffectEvidenceSynthesis", "EventDefinition", "Evidence", "EvidenceVariable", "ExampleScenario",
        "GraphDefinition", "ImplementationGuide", "InsurancePlan", "Library", "Measure", "MessageDefinition",
        "NamingSystem", "ObservationDefinition", "OperationDefinition", "PlanDefinition", "Questionnaire",
        "ResearchDefinition", "ResearchElementDefinition", "RiskEvidenceSynthesis", "SearchParameter",
        "SpecimenDefinition", "StructureDefinition", "StructureMap", "TerminologyCapabilities", "TestScript", "ValueSet",
    }
    | {type for type in RESOURCE_TYPES if type.startswith(("MedicinalProduct", "Substance"))}
)  # fmt: skip
# These may be a patient's and inherit, but what refers to them is not the patient's for that: a cohort's average, a
# reading of the monitor that is at another bed today.
PASSING = RESOURCE_TYPES - NOBODYS - {"Group", "Device", "DeviceMetric"}


@cache
def _about(type: str) -> frozenset[int]:
    """Numbers of the parameters that name the patient a resource of `type` is about; none where all that can name one do."""
    known, within = search.parameters(type), compartment(type)
    about = {known[code].sp for code in ("patient", "subject") if code in known and known[code].sp in within}
    return frozenset() if about == within else frozenset(about)


def place(keys: Keys, type: str, id: str, body: bytes) -> Keys:
    """Complete the keys of a resource with what it takes to know whose it is; `body` is compact."""
    if type == "Patient":
        keys.patients = [id]
    return inherit(keys, type, body)


def inherit(keys: Keys, type: str, body: bytes) -> Keys:
    """Add to the keys of a resource what it inherits from; a Patient is always its own."""
    if is_mark(type, keys):
        keys.heir_of = [MANY]
    elif type != "Patient" and not settled(type, keys):
        keys.heir_of = [name for name in references.targets(body, type) if name[0] in PASSING]
    return keys


def settled(type: str, keys: Keys) -> bool:
    """Whether a resource says itself whose it is, so that it inherits nothing.

    Who only asserts, performs or writes it does not settle whose it is; where no parameter names a subject (Appointment),
    everybody it names does.
    """
    if not keys.patients:
        return type in NOBODYS
    about = _about(type)
    for sp in about:  # every write comes by here: loops, for any() takes thrice their time
        for id in keys.patients:
            if (sp, "Patient", id) in keys.reference:
                return True
    return not about
