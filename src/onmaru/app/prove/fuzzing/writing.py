"""Writes: resources of every type sound and broken, in JSON and XML, patches, Bundles, and what operations are given."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from onmaru.app.prove.fuzzing import hostile
from onmaru.app.prove.fuzzing.asking import FHIR, Ask, Draw
from onmaru.app.prove.fuzzing.searching import pair, query
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.terminology.asked import OPERATIONS
from onmaru.fhir.xml_writing import to_xml

XML = "application/fhir+xml"
# What operations are asked with, beside what the terminology's own table names
ASKED = (
    "_type",
    "_since",
    "_typeFilter",
    "_elements",
    "_outputFormat",
    "includeAssociatedData",
    "patient",
    "organizeOutputBy",
    "start",
    "end",
    "_count",
    "mode",
    "profile",
    "resource",
    "expression",
    "context",
    "variables",
    "from",
    "to",
    "fromVersion",
    "subject",
    "code",
    "system",
    "statistic",
    "period",
    "max",
    "category",
    "id",
    "persist",
    "meta",
    "onlyCertainMatches",
    "count",
    "reason",
    "dryRun",
    "withShared",
    "eventsSinceNumber",
    "eventsUntilNumber",
    "content",
    "status",
    "duration",
    "coding",
    "graph",
    "_until",
)
TERMS = sorted({name for given in OPERATIONS.values() for name in given})
POINTERS = (
    "/status",
    "/name/0/family",
    "/name/-",
    "",
    "/",
    "/a/b",
    "/name/99",
    "/name/01",
    "/~0~1~2",
    "/id",
    "/resourceType",
    "/meta",
    "/extension/0/url",
    "/" + hostile.MARK,
    "status",
    "/name/-1",
    "/contained/0",
    "/subject/reference",
)
PATHS = (
    "Patient",
    "Patient.name",
    "Patient.name[0].family",
    "Observation.status",
    "name.where(use='x')",
    "resolve()",
    "%resource",
    "1",
    "",
    hostile.MARK,
    "Patient.name.first().given",
    "descendants()",
    "Patient.id",
    "today()",
    "Patient.birthDate",
    "repeat(children())",
)


def body(draw: Draw, type: str, id: str = "") -> bytes:
    """A resource: sound, wild within, or broken."""
    dice = draw.chance.random()
    made = draw.making(0.0 if dice < 0.5 else 0.15).resource(type or "Basic", id)
    return (
        hostile.mutated(draw.chance, made)
        if dice > 0.65
        else json.dumps(made, ensure_ascii=False).encode("utf-8", "replace")
    )


def parameters(draw: Draw) -> bytes:
    """A Parameters resource, mostly of names that operations know."""
    chance = draw.chance
    given: list[dict[str, Any]] = []
    for _ in range(chance.choice((0, 1, 2, 2, 3, 6))):
        one: dict[str, Any] = {"name": chance.choice((*ASKED, *TERMS))}
        value, holds = chance.choice(
            (
                ("valueString", hostile.text(chance)),
                ("valueCode", hostile.text(chance)),
                ("valueUri", "http://loinc.org"),
                ("valueBoolean", chance.random() < 0.5),
                ("valueInteger", chance.choice((0, -1, 10**9, 5))),
                ("valueDateTime", "2026"),
                ("valueInstant", "2026-01-01T00:00:00Z"),
                ("valueId", "p0"),
                ("valueReference", {"reference": f"Patient/{hostile.MARK}"}),
                ("valueCoding", {"system": "http://loinc.org", "code": hostile.text(chance)}),
                ("valueMeta", {"tag": [{"code": hostile.MARK}]}),
                ("valueCodeableConcept", {"coding": [{"system": "urn:x", "code": "x"}] * chance.choice((1, 300))}),
                ("valuePeriod", {"start": "2026"}),
                ("resource", draw.making(0.05).resource(draw.type())),
                ("part", [{"name": "x", "valueString": "x"}]),
            )
        )
        given.append({**one, value: holds})
    made = {"resourceType": "Parameters", "parameter": given} if given else {"resourceType": "Parameters"}
    return hostile.mutated(chance, made) if chance.random() < 0.2 else json.dumps(made).encode("utf-8", "replace")


def sound(draw: Draw, method: str, path: str, type: str) -> bytes:
    """A body that belongs to a route."""
    if method == "PATCH":
        return b'[{"op":"test","path":"/resourceType","value":"x"}]'
    if not type and not path:
        return b'{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Patient/p0"}}]}'
    if "$" in path:
        return b'{"resourceType":"Parameters"}'
    return json.dumps(draw.making().resource(type or "Basic", path.partition("/")[2])).encode()


def xml(draw: Draw, raw: bytes) -> bytes:
    """The same in XML, with something in it that is not as it should be; as it came where it has no such form."""
    try:
        made = to_xml(raw)
    except (Invalid, ValueError, TypeError, AttributeError):
        return raw
    chance = draw.chance
    if chance.random() < 0.5:
        return made
    old, new = chance.choice(
        (
            (b'value="', b'value="' + hostile.MARK.encode()),
            (b"/>", b"/></x>"),
            (b'value="', b"value='"),
            (b"<status", b"<status/><status"),
            (b'xmlns="http://hl7.org/fhir"', b'xmlns="urn:x"'),
            (b"><", b">" + hostile.MARK.encode() + b"<"),
            (b"><", b"><!-- x --><?x y?><"),
            (b"><", b"><![CDATA[" + hostile.MARK.encode() + b"]]><"),
            (b'"', b'"&#0;'),
            (b'"', b'"&x;'),
            (b"<?xml", b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'><?xml"),
            (b"utf-8", b"utf-16"),
            (b"UTF-8", b"UTF-7"),
            (b"><", b">" + b"<extension url='x'>" * 200 + b"<"),
        )
    )
    return made.replace(old, new, chance.choice((1, 1, 5)))


def write(draw: Draw) -> Ask:
    """A create, an update, a delete, conditional or not."""
    chance = draw.chance
    method, shape = chance.choice(
        (("POST", "T"), ("POST", "T"), ("PUT", "T/I"), ("PUT", "T/I"), ("PUT", "T"), ("DELETE", "T/I"), ("DELETE", "T"))
    )
    prefix, who = draw.who()
    path, type = draw.path(shape)
    raw = b"" if method == "DELETE" else body(draw, type, path.partition("/")[2] if chance.random() < 0.9 else "other")
    kind = FHIR
    if raw and chance.random() < 0.2:
        raw, kind = xml(draw, raw), XML
    asked = f"?{query(draw, type)}" if shape == "T" and method != "POST" else ""
    headers = (("content-type", kind), *((("if-none-exist", pair(draw, type)),) if chance.random() < 0.1 else ()))
    return Ask("write", method, f"{prefix}/fhir/{path}{asked}", headers, raw, who)


def patch(draw: Draw) -> Ask:
    """A JSON, XML or FHIRPath Patch."""
    chance = draw.chance
    prefix, who = draw.who()
    path, type = draw.path(chance.choice(("T/I", "T/I", "T/I", "T")))
    asked = "" if "/" in path else f"?{query(draw, type)}"
    dice = chance.random()
    if dice < 0.4:
        steps = [
            {
                "op": chance.choice(("add", "replace", "remove", "test", "move", "copy", hostile.MARK)),
                "path": chance.choice(POINTERS),
                **({"value": hostile.text(chance)} if chance.random() < 0.7 else {}),
                **({"from": chance.choice(POINTERS)} if chance.random() < 0.4 else {}),
            }
            for _ in range(chance.choice((0, 1, 1, 2, 5, 200)))
        ]
        kind, raw = "application/json-patch+json", json.dumps(steps).encode("utf-8", "replace")
        raw = hostile.mutated(chance, steps) if chance.random() < 0.2 else raw
    elif dice < 0.8:
        parts = [
            {"name": "type", "valueCode": chance.choice(("add", "insert", "delete", "replace", "move", hostile.MARK))},
            {"name": "path", "valueString": chance.choice((*PATHS, hostile.text(chance)))},
            {"name": "name", "valueString": chance.choice(("birthDate", "name", "status", "value", hostile.MARK))},
            {
                "name": "value",
                **chance.choice(
                    (
                        {"valueString": hostile.text(chance)},
                        {"valueDate": "2026"},
                        {"valueHumanName": {"family": hostile.MARK}},
                    )
                ),
            },
            {"name": "index", "valueInteger": chance.choice((0, -1, 99))},
            {"name": "source", "valueInteger": 1},
            {"name": "destination", "valueInteger": 0},
        ]
        made = {
            "resourceType": "Parameters",
            "parameter": [{"name": "operation", "part": chance.sample(parts, chance.randrange(1, 8))}],
        }
        kind, raw = (
            FHIR,
            hostile.mutated(chance, made) if chance.random() < 0.2 else json.dumps(made).encode("utf-8", "replace"),
        )
    else:
        sel = (
            hostile.text(chance)
            if chance.random() < 0.5
            else chance.choice(("/f:Patient/f:birthDate/@value", "/Patient", "//*", "count(//*)", "f:x["))
        )
        inner = chance.choice(
            (
                f'<replace sel="{sel}">x</replace>',
                f'<remove sel="{sel}"/>',
                f'<add sel="{sel}"><x/></add>',
                f"<{hostile.NAME}/>",
            )
        )
        kind, raw = (
            "application/xml-patch+xml",
            f'<diff xmlns:f="http://hl7.org/fhir">{inner}</diff>'.encode("utf-8", "replace"),
        )
    return Ask("patch", "PATCH", f"{prefix}/fhir/{path}{asked}", (("content-type", kind),), raw, who)


def bundle(draw: Draw) -> Ask:
    """A batch or transaction of anything."""
    chance = draw.chance
    prefix, who = draw.who()
    many = 1001 if chance.random() < 0.005 else chance.choice((0, 1, 1, 2, 3, 5, 12))
    entries = [_entry(draw, number) for number in range(min(many, 12))]
    entries = entries if many < 1001 else [{"request": {"method": "GET", "url": "Patient/p0"}}] * many
    kind = chance.choice(("batch", "transaction", "transaction", "transaction", "collection", "message", hostile.MARK))
    made: Any = {"resourceType": "Bundle", "type": kind, "entry": entries}
    raw = hostile.mutated(chance, made) if chance.random() < 0.25 else json.dumps(made).encode("utf-8", "replace")
    form = FHIR
    if chance.random() < 0.1:
        raw, form = xml(draw, raw), XML
    prefer = chance.choice(
        ("return=minimal", "return=representation", "return=OperationOutcome", "handling=lenient", "respond-async")
    )
    return Ask("bundle", "POST", f"{prefix}/fhir", (("content-type", form), ("prefer", prefer)), raw, who)


def _entry(draw: Draw, number: int) -> dict[str, Any]:
    chance = draw.chance
    method = chance.choice(("POST", "POST", "PUT", "PUT", "DELETE", "GET", "GET", "PATCH", "HEAD", hostile.MARK))
    shape = (
        "T"
        if method == "POST"
        else chance.choice(("T/I", "T/I", "T", "T/I/_history/V", "T/I/$everything", "T/$validate"))
    )
    path, type = draw.path(shape)
    asked = f"?{query(draw, type)}" if (shape == "T" and method != "POST") or chance.random() < 0.1 else ""
    request: dict[str, Any] = {"method": method, "url": f"{path}{asked}"}
    if chance.random() < 0.2:
        request[chance.choice(("ifMatch", "ifNoneMatch", "ifNoneExist", "ifModifiedSince"))] = chance.choice(
            ('W/"1"', "*", f"identifier={hostile.MARK}", hostile.text(chance), "2026-01-01T00:00:00Z")
        )
    made: dict[str, Any] = {"request": request}
    if chance.random() < 0.7:
        made["fullUrl"] = chance.choice(
            (f"urn:uuid:c757873d-ec9a-4326-a141-{number:012d}", hostile.text(chance), f"http://x.example/{path}")
        )
    if method in ("POST", "PUT", "PATCH") or chance.random() < 0.05:
        resource = draw.making(0.03).resource(type, path.partition("/")[2])
        if "subject" in resource and isinstance(resource["subject"], dict):
            resource["subject"] = {"reference": f"urn:uuid:c757873d-ec9a-4326-a141-{chance.randrange(6):012d}"}
        if method == "PATCH":
            resource = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": "W10="}
        made["resource"] = resource
    return made


KINDS: Sequence[tuple[float, Callable[[Draw], Ask]]] = ((14, write), (6, patch), (8, bundle))
