"""Our own maps where the official tables have none: segments of HL7 v2.9 chapters 3, 4, 6, 7, 11 and 12, and the order
of segments for messages without a message table. Rows: (field, v2 type, attribute path, vocabulary, constant).

Fields and types agree with the definitions of HL7 v2.5 to 2.8.2 that hl7apy 1.3.5 (MIT) holds, but for FT1-2, which is ST
there and CX in 2.9 (unverified); `tools/check_v2_supplement.py` tells. Which element of R4 a field becomes is our reading.
"""

from __future__ import annotations

from typing import Any

import v2_pharmacy

MAPS: dict[str, list[tuple[int, str, str, str, str]]] = {
    "GT1[RelatedPerson]": [
        (2, "CX", "identifier[1]", "", ""),
        (3, "XPN", "name", "", ""),
        (5, "XAD", "address", "", ""),
        (6, "XTN", "telecom[1]", "", ""),
        (7, "XTN", "telecom[2]", "", ""),
        (7, "XTN", "telecom[2].use", "", "work"),
        (8, "DTM", "birthDate", "", ""),
        (9, "CWE", "gender", "AdministrativeSex", ""),
        (11, "CWE", "relationship[1]", "Relationship", ""),
        (0, "", "relationship[2].text", "", "guarantor"),
        (13, "DT", "period.start", "", ""),
        (14, "DT", "period.end", "", ""),
    ],
    "IN1[Coverage]": [
        (3, "CX", "payor[1](Organization.identifier)", "", ""),
        (7, "XTN", "payor[1](Organization.telecom)", "", ""),
        (36, "ST", "subscriberId", "", ""),
    ],
    "FT1[ChargeItem]": [
        (2, "CX", "identifier[1]", "", ""),
        (4, "DR", "occurrencePeriod", "", ""),
        (7, "CWE", "code", "", ""),
        (10, "NM", "quantity.value", "", ""),
        (11, "CP", "priceOverride", "", ""),
        (13, "CWE", "performingOrganization(Organization)", "", ""),
        (19, "CWE", "reason", "", ""),
        (20, "XCN", "performer.actor(Practitioner)", "", ""),
        (24, "XCN", "enterer(Practitioner)", "", ""),
    ],
    "ORC[MedicationRequest]": [
        (2, "EI", "identifier[1]", "", ""),
        (2, "EI", "identifier[1].type.coding.code", "", "PLAC"),
        (2, "EI", "identifier[1].type.coding.system", "", "http://terminology.hl7.org/CodeSystem/v2-0203"),
        (3, "EI", "identifier[2]", "", ""),
        (3, "EI", "identifier[2].type.coding.code", "", "FILL"),
        (3, "EI", "identifier[2].type.coding.system", "", "http://terminology.hl7.org/CodeSystem/v2-0203"),
        (9, "DTM", "authoredOn", "", ""),
        (12, "XCN", "requester(Practitioner)", "", ""),
    ],
    "ORC[MedicationDispense]": [
        (3, "EI", "identifier[2]", "", ""),
        (3, "EI", "identifier[2].type.coding.code", "", "FILL"),
        (3, "EI", "identifier[2].type.coding.system", "", "http://terminology.hl7.org/CodeSystem/v2-0203"),
    ],
    "PRB[Condition]": [
        (3, "CWE", "code", "", ""),
        (4, "EI", "identifier[1]", "", ""),
        (7, "DTM", "recordedDate", "", ""),
        (9, "DTM", "abatementDateTime", "", ""),
        (16, "DTM", "onsetDateTime", "", ""),
    ],
    "RF1[ServiceRequest]": [
        (3, "CWE", "category", "", ""),
        (6, "EI", "identifier[1]", "", ""),
        (7, "DTM", "occurrencePeriod.start", "", ""),
        (8, "DTM", "occurrencePeriod.end", "", ""),
        (9, "DTM", "authoredOn", "", ""),
        (10, "CWE", "reasonCode", "", ""),
    ],
    "OBR[ServiceRequest]": [(7, "DTM", "occurrenceDateTime", "", "")],
    "ROL[Encounter-PractitionerRole]": [(4, "XCN", "participant[1].individual(Practitioner)", "", "")],
    "SAC[Specimen]": [(3, "EI", "container.identifier", "", "")],
    "PV1[Encounter]": [(42, "PL", "location[4].status", "", "reserved")],
    "OBX[Observation]": [(7, "ST", "referenceRange.text", "", "")],
    **v2_pharmacy.MAPS,
}
TYPES: dict[str, dict[int, str]] = {
    "GT1": {4: "XPN", 10: "CWE", 12: "ST", 15: "NM", 16: "XPN", 17: "XAD", 18: "XTN", 19: "CX", 20: "CWE", 21: "XON"},
    "FT1": {5: "DTM", 6: "CWE", 12: "CP", 16: "PL", 18: "CWE", 21: "XCN", 22: "CP", 23: "EI", 25: "CNE", 26: "CNE"},
    "RXE": {9: "CWE", 16: "NM", 23: "ST", 24: "CWE", 31: "CWE", 39: "NM", 40: "CWE", 45: "XTN"},
    "RXG": {14: "ST"},
    "RXC": {1: "ID", 3: "NM", 4: "CWE", 5: "NM", 6: "CWE", 7: "CWE", 8: "NM", 9: "CWE"},
    "RXD": {8: "ST", 12: "CQ", 25: "CWE", 33: "CWE"},
    "IN2": {
        1: "CX",
        2: "ST",
        3: "XCN",
        5: "CWE",
        6: "ST",
        7: "XPN",
        8: "ST",
        61: "CX",
        63: "XTN",
        64: "XTN",
        72: "CWE",
    },
    "ACC": {1: "DTM", 2: "CWE", 3: "ST"},
    "DB1": {2: "CWE", 3: "CX", 4: "ID", 5: "DT", 6: "DT"},
    "PRB": {1: "ID", 2: "DTM", 8: "DTM", 10: "CWE", 11: "CWE", 13: "CWE", 14: "CWE", 17: "ST"},
    "PDA": {1: "CWE", 2: "PL", 3: "ID", 4: "DTM", 5: "XCN"},
}


def _generic_order() -> list[Any]:
    note = ["NTE", 1, [[None, "$order", "NTE[ServiceRequest]", []]], "ORDER.NTE"]
    return [
        ["ORC", 0, [[None, "$order", "ORC[$]", []], [None, "Provenance", "ORC[Provenance]", []]], "ORDER.ORC"],
        ["TQ1", 1, [], "ORDER.TQ1"],
        ["OBR", 0, [[None, "$order", "OBR[$]", []], [None, "Specimen[order]", "OBR[Specimen]", []]], "ORDER.OBR"],
        ["RXO", 0, [[None, "MedicationRequest[order]", "RXO[MedicationRequest]", []]], "ORDER.RXO"],
        ["RXR", 1, [[None, "$drug", "RXR[$]", []]], "ORDER.RXO.RXR"],
        ["RXC", 1, [[None, "$drug", "RXC[$]", []]], "ORDER.RXO.RXC"],
        ["RXE", 0, [[None, "MedicationRequest[coded]", "RXE[MedicationRequest]", []]], "ORDER.RXE"],
        ["TQ1", 1, [], "ORDER.RXE.TQ1"],
        ["RXR", 1, [[None, "$drug", "RXR[$]", []]], "ORDER.RXE.RXR"],
        ["RXC", 1, [[None, "$drug", "RXC[$]", []]], "ORDER.RXE.RXC"],
        ["RXG", 0, [[None, "MedicationRequest[give]", "RXG[MedicationRequest]", []]], "ORDER.RXG"],
        ["RXD", 0, [[None, "MedicationDispense", "RXD[MedicationDispense]", []]], "ORDER.RXD"],
        ["RXA", 0, [[None, "MedicationAdministration", "RXA[MedicationAdministration]", []]], "ORDER.RXA"],
        ["RXR", 1, [[None, "$drug", "RXR[$]", []]], "ORDER.RXR"],
        ["RXC", 1, [[None, "$drug", "RXC[$]", []]], "ORDER.RXC"],
        note,
        ["PRT", 1, [[None, "PractitionerRole", "PRT[PractitionerRole]", []]], "ORDER.PRT"],
        ["DG1", 1, [[None, "Condition[order]", "DG1[Condition]", []]], "ORDER.DG1"],
        [
            "OBSERVATION",
            1,
            [
                ["OBX", 1, [[None, "Observation", "OBX[Observation]", []]], "ORDER.OBSERVATION.OBX"],
                ["PRT", 1, [[None, "PractitionerRole", "PRT[PractitionerRole]", []]], "ORDER.OBSERVATION.PRT"],
                ["NTE", 1, [[None, "Observation", "NTE[Observation]", []]], "ORDER.OBSERVATION.NTE"],
            ],
        ],
        ["SPM", 1, [[None, "Specimen", "SPM[Specimen]", []]], "ORDER.SPM"],
        ["SAC", 1, [[None, "Specimen", "SAC[Specimen]", []]], "ORDER.SAC"],
        ["FT1", 1, [[None, "ChargeItem", "FT1[ChargeItem]", []]], "ORDER.FT1"],
    ]


def generic() -> list[Any]:
    """Segment order and targets for messages without a message table: the union of chapters 3, 4, 6, 7, 9, 11 and 12."""
    pp, hl7 = ["in", "ROL-3.1", ["PP"]], ["in", "ROL-3.3", ["HL70443"]]
    visit_role = ["ROL", 1, [[None, "Encounter", "ROL[Encounter-PractitionerRole]", []]], "PATIENT.VISIT.ROL"]
    return [
        ["MSH", 0, [[None, "MessageHeader", "MSH[MessageHeader]", []]], "MSH"],
        ["SFT", 1, [], "SFT"],
        ["EVN", 0, [[None, "Provenance", "EVN[Provenance]", []]], "EVN"],
        ["RF1", 0, [[None, "ServiceRequest[referral]", "RF1[ServiceRequest]", []]], "RF1"],
        ["AUT", 0, [], "AUT"],
        ["PRD", 1, [], "PRD"],
        [
            "PATIENT",
            1,
            [
                [
                    "PID",
                    0,
                    [[None, "Patient", "PID[Patient]", []], [None, "Account", "PID[Account]", []]],
                    "PATIENT.PID",
                ],
                ["PD1", 0, [[None, "Patient", "PD1[Patient]", []]], "PATIENT.PD1"],
                ["ARV", 1, [], "PATIENT.ARV"],
                [
                    "ROL",
                    1,
                    [
                        [["and", pp, hl7], "Patient", "ROL[Patient-GeneralPractitioner]", []],
                        [["not", ["and", pp, hl7]], "CareTeam", "ROL[CareTeam]", []],
                    ],
                    "PATIENT.ROL",
                ],
                ["PRT", 1, [[None, "PractitionerRole", "PRT[PractitionerRole]", []]], "PATIENT.PRT"],
                ["NK1", 1, [[None, "RelatedPerson", "NK1[RelatedPerson]", []]], "PATIENT.NK1"],
                ["MRG", 1, [], "PATIENT.MRG"],
                [
                    "VISIT",
                    1,
                    [
                        ["PV1", 0, [[None, "Encounter", "PV1[Encounter]", []]], "PATIENT.VISIT.PV1"],
                        ["PV2", 0, [[None, "Encounter", "PV2[Encounter]", []]], "PATIENT.VISIT.PV2"],
                        visit_role,
                        ["ARV", 1, [], "PATIENT.VISIT.ARV"],
                    ],
                ],
                ["DB1", 1, [], "PATIENT.DB1"],
                [
                    "OBSERVATION",
                    1,
                    [
                        ["OBX", 1, [[None, "Observation", "OBX[Observation]", []]], "PATIENT.OBX"],
                        ["PRT", 1, [[None, "PractitionerRole", "PRT[PractitionerRole]", []]], "PATIENT.OBX.PRT"],
                        ["NTE", 1, [[None, "Observation", "NTE[Observation]", []]], "PATIENT.OBX.NTE"],
                    ],
                ],
                ["AL1", 1, [[None, "AllergyIntolerance", "AL1[AllergyIntolerance]", []]], "PATIENT.AL1"],
                [
                    "ALLERGY",
                    1,
                    [
                        ["IAM", 0, [[None, "AllergyIntolerance", "IAM[AllergyIntolerance]", []]], "PATIENT.IAM"],
                        ["NTE", 1, [[None, "AllergyIntolerance", "NTE[$]", []]], "PATIENT.IAM.NTE"],
                        ["IAR", 1, [], "PATIENT.IAR"],
                    ],
                ],
                [
                    "DG1",
                    1,
                    [[None, "Condition", "DG1[Condition]", []], [None, "Encounter", "DG1[Encounter]", []]],
                    "PATIENT.DG1",
                ],
                ["PRB", 1, [[None, "Condition[problem]", "PRB[Condition]", []]], "PATIENT.PRB"],
                [
                    "PROCEDURE",
                    1,
                    [
                        ["PR1", 0, [[None, "Procedure", "PR1[Procedure]", []]], "PATIENT.PR1"],
                        ["PRT", 1, [[None, "PractitionerRole", "PRT[PractitionerRole]", []]], "PATIENT.PR1.PRT"],
                    ],
                ],
                ["GT1", 1, [[None, "RelatedPerson[guarantor]", "GT1[RelatedPerson]", []]], "PATIENT.GT1"],
                [
                    "INSURANCE",
                    1,
                    [
                        ["IN1", 0, [[None, "Coverage", "IN1[Coverage]", []]], "PATIENT.IN1"],
                        ["IN2", 0, [], "PATIENT.IN2"],
                        ["IN3", 1, [], "PATIENT.IN3"],
                    ],
                ],
                ["ACC", 0, [], "PATIENT.ACC"],
            ],
        ],
        [
            "SPECIMEN",
            1,
            [
                ["SPM", 0, [[None, "Specimen", "SPM[Specimen]", []]], "SPECIMEN.SPM"],
                [
                    "OBSERVATION",
                    1,
                    [
                        ["OBX", 1, [[None, "Observation", "OBX[Observation]", []]], "SPECIMEN.OBX"],
                        ["PRT", 1, [], "SPECIMEN.OBX.PRT"],
                    ],
                ],
                ["SAC", 1, [[None, "Specimen", "SAC[Specimen]", []]], "SPECIMEN.SAC"],
                ["INV", 1, [], "SPECIMEN.INV"],
                ["ORDER", 1, _generic_order()],
            ],
        ],
        ["ORDER", 1, _generic_order()],
        ["TXA", 0, [[None, "DocumentReference", "TXA[DocumentReference]", []]], "TXA"],
        ["CON", 1, [], "CON"],
        ["OBX", 1, [[None, "Observation", "OBX[Observation]", []]], "OBX"],
        [
            "FINANCIAL",
            1,
            [
                ["FT1", 0, [[None, "ChargeItem", "FT1[ChargeItem]", []]], "FINANCIAL.FT1"],
                ["PRT", 1, [], "FINANCIAL.PRT"],
                ["NTE", 1, [[None, "ChargeItem", "NTE[$]", []]], "FINANCIAL.NTE"],
            ],
        ],
    ]


# Segments that a message table leaves out behind one it has: (table, segment before them) → their places
ADDED = {
    ("ORM_O01", "RXO"): [
        ["RXR", 1, [[None, "MedicationRequest", "RXR[MedicationRequest]", []]], "ORM_O01.ORDER_DETAIL.RXR"],
        ["RXC", 1, [[None, "MedicationRequest", "RXC[MedicationRequest]", []]], "ORM_O01.ORDER_DETAIL.RXC"],
    ],
}

# What a segment makes where its message table says nothing: [label, table]
DEFAULTS = {
    "PRT": ["PractitionerRole[other]", "PRT[PractitionerRole]"],
    "GT1": ["RelatedPerson[guarantor]", "GT1[RelatedPerson]"],
    "NK1": ["RelatedPerson[kin]", "NK1[RelatedPerson]"],
    "ROL": ["CareTeam[other]", "ROL[CareTeam]"],
    "AL1": ["AllergyIntolerance[other]", "AL1[AllergyIntolerance]"],
    "IAM": ["AllergyIntolerance[other]", "IAM[AllergyIntolerance]"],
    "DG1": ["Condition[other]", "DG1[Condition]"],
    "PRB": ["Condition[problem]", "PRB[Condition]"],
    "PR1": ["Procedure[other]", "PR1[Procedure]"],
    "IN1": ["Coverage[other]", "IN1[Coverage]"],
    "FT1": ["ChargeItem[other]", "FT1[ChargeItem]"],
    "SPM": ["Specimen[other]", "SPM[Specimen]"],
    "OBX": ["Observation[other]", "OBX[Observation]"],
    "RXE": ["MedicationRequest[coded]", "RXE[MedicationRequest]"],
    "RXG": ["MedicationRequest[give]", "RXG[MedicationRequest]"],
    "RXD": ["MedicationDispense[other]", "RXD[MedicationDispense]"],
    "TXA": ["DocumentReference[other]", "TXA[DocumentReference]"],
    "PV1": ["Encounter[other]", "PV1[Encounter]"],
    "PV2": ["Encounter[other]", "PV2[Encounter]"],
    "PID": ["Patient[other]", "PID[Patient]"],
    "PD1": ["Patient[other]", "PD1[Patient]"],
}
