"""Names of identifier and code systems: from v2 authorities and tables to the URIs that FHIR R4 gives them."""

from __future__ import annotations

import re
from functools import lru_cache

# FHIR R4, "Using codes in resources": external code systems and their URIs; names as in HL7 table 0396.
_CODES = {
    "LN": "http://loinc.org",
    "LOINC": "http://loinc.org",
    "SCT": "http://snomed.info/sct",
    "SNM": "http://snomed.info/sct",
    "SNOMED": "http://snomed.info/sct",
    "SNOMED-CT": "http://snomed.info/sct",
    "RXNORM": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "RXN": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "NDC": "http://hl7.org/fhir/sid/ndc",
    "CVX": "http://hl7.org/fhir/sid/cvx",
    "MVX": "http://terminology.hl7.org/CodeSystem/MVX",
    "C4": "http://www.ama-assn.org/go/cpt",
    "CPT": "http://www.ama-assn.org/go/cpt",
    "CPTM": "http://www.ama-assn.org/go/cpt",
    "UCUM": "http://unitsofmeasure.org",
    "I10": "http://hl7.org/fhir/sid/icd-10",
    "ICD10": "http://hl7.org/fhir/sid/icd-10",
    "ICD-10": "http://hl7.org/fhir/sid/icd-10",
    "I10C": "http://hl7.org/fhir/sid/icd-10-cm",
    "ICD-10-CM": "http://hl7.org/fhir/sid/icd-10-cm",
    "I9": "http://hl7.org/fhir/sid/icd-9-cm",
    "I9C": "http://hl7.org/fhir/sid/icd-9-cm",
    "I9CDX": "http://hl7.org/fhir/sid/icd-9-cm",
    "ICD9": "http://hl7.org/fhir/sid/icd-9-cm",
    "ATC": "http://www.whocc.no/atc",
    "WC": "http://www.whocc.no/atc",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "MDC": "urn:iso:std:iso:11073:10101",
    "ISO3166_1": "urn:iso:std:iso:3166",
    "CDCREC": "urn:oid:2.16.840.1.113883.6.238",
}
_HL7_TABLE = re.compile(r"HL7-?(\d{4})\Z")
_OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_URI = re.compile(r"(https?|urn):\S+\Z")
_UNSAFE = re.compile(r"[^A-Za-z0-9가-힣._-]+")


def local(kind: str, name: str) -> str:
    """`urn:onmaru:KIND:NAME` for an authority or table that is known only by a local name."""
    return f"urn:onmaru:{kind}:{_UNSAFE.sub('-', name.strip()).strip('-') or 'unnamed'}"


@lru_cache(maxsize=4096)
def of_code(name: str, oid: str = "") -> str:
    """URI of a code system named as in CWE.3 (or by its OID); "" when the sender names none."""
    name = name.strip()
    if _OID.match(oid or ""):
        return f"urn:oid:{oid}"
    if not name:
        return ""
    table = _HL7_TABLE.match(name)
    if table:
        return f"http://terminology.hl7.org/CodeSystem/v2-{table.group(1)}"
    if _URI.match(name):
        return name
    if _OID.match(name):
        return f"urn:oid:{name}"
    return _CODES.get(name.upper()) or local("code", name)


@lru_cache(maxsize=4096)
def of_authority(namespace: str, universal: str, kind: str, facility: str) -> str:
    """URI of an assigning authority (HD). Without any, numbers belong to the sending facility, never to everybody."""
    universal = universal.strip()
    if universal:
        kind = kind.upper()
        if kind == "ISO" or (not kind and _OID.match(universal)):
            return f"urn:oid:{universal}" if _OID.match(universal) else local("id", universal)
        if kind in ("UUID", "GUID") and _UUID.match(universal):
            return f"urn:uuid:{universal.lower()}"
        if kind == "URI" or _URI.match(universal):
            return universal if _URI.match(universal) else local("id", universal)
        return local("id", f"{kind}.{universal}" if kind == "DNS" else universal)
    if namespace.strip():
        return local("id", namespace)
    return local("id", facility or "unnamed")
