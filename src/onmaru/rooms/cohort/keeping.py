"""Cohorts kept in the chart: the definition as a Library, those who were in it as a Group that leads to it.

Its one law: what is kept names its digest and the position it was counted at, so that it can be counted again.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

import msgspec

from onmaru.fhir import search
from onmaru.fhir.outcome import invalid
from onmaru.kernel.record import Record, bearing, pages
from onmaru.rooms.cohort.asking import Wanted
from onmaru.rooms.cohort.running import Found

SYSTEM = "urn:onmaru:cohort"
POSITION = "urn:onmaru:cohort:position"
# What the Group calls its definition within their transaction
DEFINITION = "urn:uuid:6f6e6d61-7275-4a63-8f68-6f7274646566"
# A Group is one resource: of more persons it keeps the number alone
MEMBERS = 10_000
_LOGIC = {"system": "http://terminology.hl7.org/CodeSystem/library-type", "code": "logic-library"}


def keep(record: Record, asked: Wanted, found: Found, patients: list[str]) -> dict[str, Any]:
    """Write both in one transaction, anew where the same definition was kept before.

    `{id, group, name, persons, t, position}`: the ids of Library and Group, and the position of both.
    """
    if not asked.name:
        raise invalid("required", "is missing: a cohort is kept under a name", "name", 422)
    identifier = (SYSTEM, found.digest)
    library, group = record.write(
        [
            bearing("Library", identifier, msgspec.json.encode(_library(asked, found)), DEFINITION),
            bearing("Group", identifier, msgspec.json.encode(_group(asked, found, patients))),
        ]
    )
    return {
        "id": library.version.id, "group": group.version.id, "name": asked.name, "persons": found.persons, "t": found.t,
        "position": group.version.t,
    }  # fmt: skip


def _library(asked: Wanted, found: Found) -> dict[str, Any]:
    return {
        "resourceType": "Library",
        "identifier": [{"system": SYSTEM, "value": found.digest}],
        "title": asked.name,
        "status": "active",
        "type": {"coding": [_LOGIC]},
        "content": [
            _attached("definition", "application/json", msgspec.json.encode(asked.said)),
            _attached("circe", "application/json", msgspec.json.encode(asked.circe)),
            _attached("sql", "application/sql", found.sql.encode()),
        ],
    }


def _attached(title: str, kind: str, raw: bytes) -> dict[str, str]:
    return {"contentType": kind, "title": title, "data": b64encode(raw).decode()}


def _group(asked: Wanted, found: Found, patients: list[str]) -> dict[str, Any]:
    members = [{"entity": {"reference": f"Patient/{one}"}} for one in patients] if len(patients) <= MEMBERS else []
    told: dict[str, Any] = {
        "resourceType": "Group",
        "identifier": [{"system": SYSTEM, "value": found.digest}, {"system": POSITION, "value": str(found.t)}],
        "type": "person",
        "actual": True,
        "name": asked.name,
        "quantity": found.persons,
        "characteristic": [
            {"code": {"text": "cohort definition"}, "valueReference": {"reference": DEFINITION}, "exclude": False}
        ],
    }
    return {**told, "member": members} if members else told


def kept(record: Record) -> Iterator[dict[str, Any]]:
    """Every cohort that was kept and the caller may see: id, name, definition, persons and the position of the count."""
    groups = {_digest(group): group for group in _every(record, "Group")}
    for library in _every(record, "Library"):
        group = groups.get(_digest(library), {})
        positions = [one["value"] for one in group.get("identifier", ()) if one.get("system") == POSITION]
        said = next(one["data"] for one in library["content"] if one["title"] == "definition")
        yield {
            "id": library["id"],
            "name": library["title"],
            "definition": msgspec.json.decode(b64decode(said)),
            "persons": group.get("quantity"),
            "t": int(positions[0]) if positions else None,
        }


def _digest(body: dict[str, Any]) -> str:
    return next((str(one["value"]) for one in body["identifier"] if one.get("system") == SYSTEM), "")


def _every(record: Record, type: str) -> Iterator[dict[str, Any]]:
    query = search.parse((type,), [("identifier", f"{SYSTEM}|"), ("_count", "100")])
    for page in pages(record, query):
        for version in page.matches:
            yield msgspec.json.decode(version.body or b"{}")
