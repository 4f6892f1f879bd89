"""Histories of made readings as versions of a log, for tests of alerts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from onmaru.fhir.verbatim import instant
from onmaru.kernel.log import Op, Version

MINUTE = 60_000_000
HOUR = 60 * MINUTE
START = 1_760_000_000_000_000
UCUM = "http://unitsofmeasure.org"
CODES = {
    "respiratory-rate": ("9279-1", "/min"),
    "heart-rate": ("8867-4", "/min"),
    "oxygen-saturation": ("59408-5", "%"),
    "systolic": ("8480-6", "mm[Hg]"),
    "temperature": ("8310-5", "Cel"),
}


def observation(id: str, measure: str, value: float, at: int, patient: str = "p1") -> dict[str, Any]:
    code, unit = CODES[measure]
    return {
        "resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "effectiveDateTime": instant(at),
        "valueQuantity": {"value": value, "code": unit, "system": UCUM},
    }  # fmt: skip


def procedure(status: str, patient: str = "p1") -> dict[str, Any]:
    return {
        "resourceType": "Procedure",
        "id": f"op-{patient}",
        "status": status,
        "subject": {"reference": f"Patient/{patient}"},
    }


def limit(rule: str, value: int, start: int, end: int, patient: str = "p1") -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest", "id": f"limit-{patient}", "status": "active", "intent": "order",
        "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": "urn:onmaru:monitor:limit", "code": rule}]},
        "occurrencePeriod": {"start": instant(start), "end": instant(end)}, "quantityQuantity": {"value": value},
    }  # fmt: skip


def version(t: int, body: Mapping[str, Any], at: int, op: Op = "update") -> Version:
    raw = None if op == "delete" else msgspec.json.encode(body)
    return Version(t, body["resourceType"], body["id"], t, op, at, raw)
