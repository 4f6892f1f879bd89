"""Identifier and code systems of the simulated hospital. Each number is made so that it can never be a real one.

The OIDs are of the UUID-derived arc 2.25 and belong to this simulator alone. The licence and hospital identifier systems
are KR Core 2.0.0's; the values under them carry letters, which no issued number does.
"""

from __future__ import annotations

MRN = "2.25.177959663937045620837637627067096745758"
RESIDENT = "2.25.274861895239191251787770499818049006920"
VISIT = "2.25.123339014415385595768193090960094199098"
STAFF = "2.25.75298405757617347018320076412860537217"
ORDER = "2.25.293219731865417251766783682583225201547"
DIAGNOSIS = "2.25.19962250227041946100250806908762474620"
PLACE = "2.25.248436456839923016525060723107017371538"

LICENCE = "http://www.hl7korea.or.kr/Identifier/mohw-md-license-id"
HOSPITAL = "http://www.hl7korea.or.kr/Identifier/hira-krnpi"
DEPARTMENT = "http://www.hl7korea.or.kr/CodeSystem/hira-medical-department"
ROAD_ADDRESS = "http://www.hl7korea.or.kr/fhir/krcore/StructureDefinition/krcore-roadNameAddress"

LOCAL = "99SIM"
"""HL7 table 0396's form for a local code system in v2 messages."""
LOCAL_URI = "urn:onmaru:code:99SIM"
"""The same system as the door names it when it comes in a v2 message."""
ATC = "http://www.whocc.no/atc"


def oid(arc: str) -> str:
    """The FHIR system of an OID: `urn:oid:` and the arc, as the v2-to-FHIR table HD[uri] makes it."""
    return f"urn:oid:{arc}"
