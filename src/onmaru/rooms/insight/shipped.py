"""The Measures that come with the house: data like any other, written to the chart when a data manager asks for them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from onmaru.fhir import search
from onmaru.kernel.measures import SHIPPED
from onmaru.kernel.record import Record, bearing, pages

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
    return {
        "resourceType": "Measure", "identifier": [{"system": SHIPPED, "value": name}], "contained": contained, **said,
    }  # fmt: skip


def names(id: str, body: Mapping[str, Any]) -> set[str]:
    """What a Measure of the record may be shipped as: an identifier, or as earlier versions kept it its id."""
    return {id, *(str(one.get("value")) for one in body.get("identifier") or () if one.get("system") == SHIPPED)}


def add(record: Record) -> list[str]:
    """Write those that are not there; their names. What a site has changed stays as it is."""
    there: set[str] = set()
    for pairs in (("identifier", f"{SHIPPED}|"), ("_id", ",".join(NAMES))):
        for page in pages(record, search.parse(("Measure",), [pairs, ("_count", "100")])):
            for version in page.matches:
                there |= names(version.id, msgspec.json.decode(version.body or b"{}"))
    missing = [name for name in NAMES if name not in there]
    if missing:
        record.write([bearing("Measure", (SHIPPED, name), msgspec.json.encode(measure(name))) for name in missing])
    return missing
