"""The Measures that come with the house: data like any other, written to the chart when a data manager asks for them."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from onmaru.fhir.outcome import Invalid
from onmaru.kernel.record import Change, Record

NAMES = ("orders-reported", "appointments-kept", "inpatient-again")
_LOGIC = {"system": "http://terminology.hl7.org/CodeSystem/library-type", "code": "logic-library"}


@cache
def measure(name: str) -> dict[str, Any]:
    """One as a resource, its views contained as Libraries."""
    folder = files(__package__)
    said: dict[str, Any] = msgspec.json.decode((folder / "data" / "measures" / f"{name}.json").read_bytes())
    contained = []
    for library in said["library"]:
        view = msgspec.json.format((folder / "views" / f"{library[1:]}.json").read_bytes(), indent=0)
        content = {"contentType": "application/json", "data": b64encode(view).decode()}
        contained.append({
            "resourceType": "Library", "id": library[1:], "status": "active", "type": {"coding": [_LOGIC]},
            "content": [content],
        })  # fmt: skip
    return {"resourceType": "Measure", "id": name, "contained": contained, **said}


def add(record: Record) -> list[str]:
    """Write those that are not there; their ids. What a site has changed stays as it is."""
    missing = []
    for name in NAMES:
        try:
            record.read("Measure", name)
        except Invalid as error:
            if error.status not in (404, 410):
                raise
            missing.append(name)
    if missing:
        record.write([Change("update", "Measure", name, msgspec.json.encode(measure(name))) for name in missing])
    return missing
