"""Every route, operation, search, include and name of a tenant as requests, made of the live surface, for whoever tries.

The same is made for names that are a tenant's and for names that nobody has, in the same order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any, NamedTuple

from onmaru.app.prove.fuzzing.searching import PLAIN
from onmaru.app.prove.fuzzing.surface import Surface
from onmaru.web.fhir import terms

WORD = "비밀누설"
FHIR = "application/fhir+json"
# Of every type one resource, all under one id
KINDS: Mapping[str, Mapping[str, Any]] = {
    "Patient": {"name": [{"text": WORD, "family": WORD}], "birthDate": "1980-01-01"},
    "Observation": {
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8310-5"}], "text": WORD},
    },
    "Encounter": {"status": "finished", "class": {"code": "IMP", "display": WORD}},
    "Condition": {"code": {"text": WORD}},
    "Task": {"status": "draft", "intent": "order", "description": WORD},
    "Basic": {"code": {"text": WORD}},
    "Composition": {
        "status": "final",
        "type": {"text": WORD},
        "date": "2026",
        "title": WORD,
        "author": [{"display": WORD}],
    },
    "List": {"status": "current", "mode": "working", "title": WORD},
    "Group": {"type": "person", "actual": True, "name": WORD},
    "Binary": {"contentType": "text/plain", "data": "67mE67CA64iE7ISk"},
    "Subscription": {"status": "requested", "reason": WORD, "criteria": "Patient?", "channel": {"type": "websocket"}},
    "CodeSystem": {
        "url": "urn:hers",
        "status": "active",
        "content": "complete",
        "concept": [{"code": "a", "display": WORD}],
    },
    "ValueSet": {"url": "urn:hers", "status": "active", "name": "hers", "title": WORD},
    "ConceptMap": {"url": "urn:hers", "status": "active", "title": WORD},
}
_SUBJECT = frozenset({"Observation", "Encounter", "Condition", "Basic", "Composition", "List"})


class Names(NamedTuple):
    """What requests name: the id of all resources, a user, a dead letter, a job, its file, an app."""

    id: str
    user: str
    letter: str
    job: str
    file: str
    client: str


class Try(NamedTuple):
    """One request below a tenant's address. `tenant`: names another tenant in its path, so that only an operator may."""

    kind: str
    method: str
    path: str
    body: bytes = b""
    type: str = FHIR
    later: bool = False


def resources(names: Names) -> Iterator[dict[str, Any]]:
    """What lies in the tenant."""
    person = {"subject": {"reference": f"Patient/{names.id}"}}
    for type, members in KINDS.items():
        more: Mapping[str, Any] = person if type in _SUBJECT else {}
        if type == "Group":
            more = {"member": [{"entity": {"reference": f"Patient/{names.id}"}}]}
        if type == "List":
            more = {**person, "entry": [{"item": {"reference": f"Observation/{names.id}"}}]}
        yield {"resourceType": type, "id": names.id, **members, **more}


def tries(surface: Surface, names: Names) -> Iterator[Try]:
    """All of them."""
    yield from _interactions(surface, names)
    yield from _searches(surface, names)
    yield from _beside(surface, names)
    yield from _bundles(names)


def _interactions(surface: Surface, names: Names) -> Iterator[Try]:
    for method, shape in surface.fhir:
        for path in _paths(shape, surface.offered.get(shape) or tuple(KINDS), names):
            type = path.partition("/")[0]
            made = {"resourceType": type if type in KINDS else "Parameters", "id": names.id, **KINDS.get(type, {})}
            kind = FHIR
            # Her secret is not sent: an answer that has it has it of her
            body = b"" if method == "GET" else json.dumps(made, ensure_ascii=False).replace(WORD, "x").encode()
            if path.endswith("_search"):
                kind, body = "application/x-www-form-urlencoded", f"_id={names.id}".encode()
            if method == "PATCH":
                kind, body = "application/json-patch+json", b'[{"op":"test","path":"/id","value":"x"}]'
            later = path.endswith(("$export", "$import"))
            yield Try(
                "operation" if "$" in path else "interaction", method, f"/fhir/{path}".rstrip("/"), body, kind, later
            )


def _paths(shape: str, types: Sequence[str], names: Names) -> Iterator[str]:
    parts = shape.split("/")
    known: dict[str, Sequence[str]] = {
        "T": types,
        "I": [names.id],
        "V": ["1"],
        "C": ["*", "Observation"],
        "$terms": sorted(terms.NAMES),
        "J": [names.job],
        "F": [names.file],
    }
    for chosen in product(*(known.get(part, [part]) for part in parts)):
        yield "/".join(chosen)


def _searches(surface: Surface, names: Names) -> Iterator[Try]:
    """Every search parameter of every type, every include; and what is had through another."""
    values = {**PLAIN, "reference": (f"Patient/{names.id}",), "special": (names.id,), "string": (WORD,)}
    for type, code, kind in surface.parameters:
        yield Try("search", "GET", f"/fhir/{type}?{code}={values[kind][0]}")
        if kind == "reference":
            yield Try("search", "GET", f"/fhir/{type}?{code}:Patient.name={WORD}&_total=accurate")
            yield Try("search", "GET", f"/fhir/Patient?_has:{type}:{code}:_id={names.id}&_summary=count")
    for type, links in surface.includes.items():
        for link in islice(links, 0, None, 3 if type in KINDS else 40):
            name = "_include" if link.startswith((f"{type}:", "*")) else "_revinclude"
            yield Try("include", "GET", f"/fhir/{type}?_id={names.id}&{name}={link}")
    for query in (
        f"_list={names.id}",
        "_sort=-_lastUpdated&_total=accurate",
        f"_text={WORD}",
        f"_content={WORD}",
        "_explain=true",
    ):
        for type in KINDS:
            yield Try("search", "GET", f"/fhir/{type}?{query}")


def _beside(surface: Surface, names: Names) -> Iterator[Try]:
    """The API, rooms and what an admin can be asked."""
    parts = {"user": names.user, "client": names.client, "type": "Patient", "id": names.id, "rid": names.id}

    def filled(template: str) -> str:
        letters = template.startswith("dead-letters/")
        return re.sub(r"\{(\w+)\}", lambda one: names.letter if letters else parts.get(one[1], names.id), template)

    body = json.dumps({"user": names.user, "patient": names.id, "client": names.client, "reason": "x"}).encode()
    for method, path in surface.api:
        # A log-in is nobody's yet, and who logs out is another afterwards
        if path not in ("login", "logout"):
            yield Try("api", method, f"/api/{filled(path)}", b"" if method == "GET" else body, "application/json")
    for asked in (f"why?resource=Patient/{names.id}", f"audit?patient={names.id}", f"audit?user={names.user}"):
        yield Try("api", "GET", f"/api/{asked}")
    for method, path in surface.rooms:
        for query in ("", f"?q={WORD}"):
            yield Try(
                "room", method, f"/rooms/{filled(path)}{query}", b"" if method == "GET" else b"{}", "application/json"
            )


def _bundles(names: Names) -> Iterator[Try]:
    """The same within Bundles."""
    for kind in ("batch", "transaction"):
        for method, url in (
            ("GET", f"Patient/{names.id}"),
            ("GET", f"Observation?subject=Patient/{names.id}&_include=*"),
            ("DELETE", f"Basic/{names.id}"),
            ("GET", f"Patient/{names.id}/$everything"),
        ):
            made = {"resourceType": "Bundle", "type": kind, "entry": [{"request": {"method": method, "url": url}}]}
            yield Try("bundle", "POST", "/fhir", json.dumps(made).encode())
