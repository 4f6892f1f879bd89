"""The largest things that a server takes: transactions at the limit of entries, bodies at the limit of bytes."""

from __future__ import annotations

import base64
import gzip
import json
import random
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

ENTRIES = 1000
BYTES = 15 << 20
JSON = {"content-type": "application/fhir+json"}
PATIENT = json.dumps({"resourceType": "Patient", "name": [{"family": "읽기"}]}).encode()


class Post(NamedTuple):
    """What is posted where, and the status it must be answered with."""

    body: bytes
    status: int = 200
    path: str = "/fhir"
    headers: Mapping[str, str] = {}


def observation(number: int, text: str = "", **more: Any) -> dict[str, Any]:
    """An Observation with codes, quantity, date and subject, as a laboratory sends them."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "identifier": [{"system": "urn:stall", "value": str(number)}],
        "category": [
            {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}
        ],
        "code": {
            "coding": [{"system": "http://loinc.org", "code": f"{number % 97}-1", "display": "검사"}],
            "text": text or "x",
        },
        "subject": {"reference": "urn:uuid:6f1d3d6e-0000-4000-8000-000000000001"},
        "effectiveDateTime": "2026-03-01T09:30:00+09:00",
        "valueQuantity": {"value": number / 7, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"},
        **more,
    }


def _bundle(kind: str, entries: list[dict[str, Any]]) -> bytes:
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}).encode()


def transaction(size: int = 0, first: int = 0, kind: str = "transaction", **request: str) -> bytes:
    """A patient and observations, ENTRIES in all; each with about `size` more bytes of text."""
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:stall", "value": f"p{first}"}]}
    urn = "urn:uuid:6f1d3d6e-0000-4000-8000-000000000001"
    entries = [{"fullUrl": urn, "resource": patient, "request": {"method": "POST", "url": "Patient"}}]
    for number in range(first, first + ENTRIES - 1):
        asked = {name: text.format(number) for name, text in request.items()}
        text = _words(number, size)
        entries.append(
            {"resource": observation(number, text), "request": {"method": "POST", "url": "Observation", **asked}}
        )
    return _bundle(kind, entries)


def updates() -> bytes:
    """ENTRIES updates, of resources that are made or changed."""
    entries = [
        {
            "resource": observation(number, id=f"stall-{number}"),
            "request": {"method": "PUT", "url": f"Observation/stall-{number}"},
        }
        for number in range(ENTRIES)
    ]
    return _bundle("transaction", entries)


def refused() -> bytes:
    """ENTRIES resources of which each is wrong in its own way."""
    entries = [
        {
            "resource": observation(number, status=f"no-{number}", wrong=number),
            "request": {"method": "POST", "url": "Observation"},
        }
        for number in range(ENTRIES)
    ]
    return _bundle("transaction", entries)


def _words(number: int, size: int) -> str:
    return base64.b64encode(random.Random(number).randbytes(size * 3 // 4)).decode() if size else ""  # noqa: S311


def attachment() -> bytes:
    """One resource of the largest size: a scanned document, which no compression makes smaller."""
    return json.dumps({"resourceType": "Binary", "contentType": "application/pdf", "data": _words(1, BYTES)}).encode()


def panel(size: int, count: int, **more: Any) -> bytes:
    """One Observation of `count` components with about `size` bytes of text each."""
    code = {"system": "http://loinc.org"}
    parts = [
        {"code": {"coding": [{**code, "code": f"{number}-2"}]}, "valueString": _words(number, size)}
        for number in range(count)
    ]
    return json.dumps(observation(7, component=parts, **more)).encode()


def register(count: int) -> bytes:
    """One List of `count` references, each a row of the index."""
    entries = [{"item": {"reference": f"Observation/o-{number}"}} for number in range(count)]
    return json.dumps({"resourceType": "List", "status": "current", "mode": "working", "entry": entries}).encode()


def _one(body: bytes, status: int = 201, kind: str = "Observation", **headers: str) -> Post:
    return Post(body, status, f"/fhir/{kind}", headers)


POSTS: Mapping[str, Callable[[], Post]] = {
    "1,000 creates": lambda: Post(transaction()),
    "1,000 conditional creates": lambda: Post(transaction(first=5000, ifNoneExist="identifier=urn:stall|{}")),
    "the same again": lambda: Post(transaction(first=5000, ifNoneExist="identifier=urn:stall|{}")),
    "1,000 updates that make": lambda: Post(updates()),
    "1,000 updates that change": lambda: Post(updates()),
    "a batch of 1,000": lambda: Post(transaction(first=9000, kind="batch")),
    "1,000 wrong entries": lambda: Post(refused(), 422),
    "1,000 entries of 15 KB": lambda: Post(transaction(size=15_000, first=20_000)),
    "the same in gzip": lambda: Post(
        gzip.compress(transaction(size=15_000, first=30_000), 1), headers={"content-encoding": "gzip"}
    ),
    "an attachment of 15 MB": lambda: _one(attachment(), kind="Binary"),
    "15 MB in 7,000 components": lambda: _one(panel(2_000, 7_000)),
    "a resource of 24,000 references": lambda: _one(register(24_000), kind="List"),
    "a resource of too many references": lambda: _one(register(250_000), 422, kind="List"),
    "4 MB that are wrong": lambda: _one(panel(2_000, 2_000, wrong=True), 422),
}
