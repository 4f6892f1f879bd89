"""Operations with what they are given, jobs in bulk, subscriptions and their topics."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from onmaru.app.prove.fuzzing import hostile
from onmaru.app.prove.fuzzing.asking import FHIR, TYPES, Ask, Draw
from onmaru.app.prove.fuzzing.searching import pair
from onmaru.app.prove.fuzzing.writing import ASKED, PATHS, TERMS, XML, body, parameters, xml


def operation(draw: Draw) -> Ask:
    """Any operation, by the query or by Parameters."""
    chance = draw.chance
    method, shape = chance.choice([one for one in draw.surface.fhir if "$" in one[1]])
    prefix, who = draw.who()
    path, _ = draw.path(shape)
    pairs = "&".join(f"{chance.choice((*ASKED, *TERMS))}={_plain(draw)}" for _ in range(chance.choice((0, 0, 1, 2, 3))))
    raw = b"" if method in ("GET", "DELETE") else parameters(draw) if chance.random() < 0.7 else body(draw, draw.type())
    kind = FHIR
    if raw and chance.random() < 0.15:
        raw, kind = xml(draw, raw), XML
    headers = (
        ("content-type", kind),
        *((("prefer", "respond-async"),) if "port" in shape or chance.random() < 0.1 else ()),
    )
    return Ask("operation", method, f"{prefix}/fhir/{path}?{pairs}".rstrip("?"), headers, raw, who)


def _plain(draw: Draw) -> str:
    known = (
        "8867-4",
        "http://loinc.org",
        "p0",
        "Patient",
        "2026-01-01",
        "Patient/p0",
        "Observation?code=8867-4",
        "true",
        "1",
        "urn:fuzz:codes",
        "urn:fuzz:set",
        "average",
        "Observation/o0-p1",
        "application/fhir+ndjson",
        "LatestProvenanceResources",
        "urn:fuzz:map",
    )
    return draw.chance.choice(known) if draw.chance.random() < 0.6 else draw.value()


def bulk(draw: Draw) -> Ask:
    """An import's manifest, an export, or something about a job."""
    chance = draw.chance
    prefix, who = draw.who()
    prefer = (("prefer", "respond-async"), ("content-type", "application/json"))
    dice = chance.random()
    if dice < 0.4:
        urls = (
            "http://127.0.0.1:1/x",
            "http://169.254.169.254/latest",
            "file:///etc/passwd",
            "Binary/b0",
            hostile.text(chance),
            "https://127.1/x",
            "http://[::1]/x",
        )
        given = {
            "inputFormat": chance.choice(("application/fhir+ndjson", hostile.MARK)),
            "inputSource": hostile.text(chance),
            "input": [{"type": draw.type(), "url": chance.choice(urls)} for _ in range(chance.choice((0, 1, 2, 40)))],
            "storageDetail": {"type": "https"},
        }
        raw = hostile.mutated(chance, given) if chance.random() < 0.5 else json.dumps(given).encode("utf-8", "replace")
        return Ask("bulk", "POST", f"{prefix}/fhir/$import", prefer, raw, who)
    if dice < 0.6:
        path = chance.choice(("$export", "Patient/$export", "Group/g0/$export", f"Group/{hostile.MARK}/$export"))
        asked = "&".join(f"{chance.choice(ASKED[:7])}={_plain(draw)}" for _ in range(chance.choice((0, 1, 2))))
        return Ask("bulk", "GET", f"{prefix}/fhir/{path}?{asked}".rstrip("?"), prefer, b"", who)
    path = chance.choice(
        (
            "$job/@job@",
            "$job/@job@",
            "$job/@job@/@file@",
            "@file@",
            f"$job/{draw.value()}",
            f"$job/@job@/{draw.value()}",
        )
    )
    return Ask(
        "bulk", chance.choice(("GET", "GET", "GET", "DELETE", "HEAD", "PUT")), f"{prefix}/fhir/{path}", (), b"", who
    )


def subscription(draw: Draw) -> Ask:
    """A Subscription, a topic, or what is asked of one."""
    chance = draw.chance
    prefix, who = draw.who()
    extension = [
        {
            "url": chance.choice(
                (
                    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-max-count",
                    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-heartbeat-period",
                    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-timeout",
                    hostile.MARK,
                )
            ),
            chance.choice(("valuePositiveInt", "valueUnsignedInt", "valueString")): chance.choice(
                (1, 0, 10**9, hostile.MARK)
            ),
        }
    ]
    channel: dict[str, Any] = {
        "type": chance.choice(("rest-hook", "websocket", "email", "message", "sms", hostile.MARK)),
        "endpoint": chance.choice(
            ("http://127.0.0.1:1/x", "mailto:x@example.org", hostile.text(chance), "https://example.org")
        ),
        "payload": chance.choice((FHIR, "text/plain", hostile.MARK)),
        "header": [hostile.text(chance)],
        "extension": extension,
    }
    criteria = chance.choice(
        (
            f"Patient?{pair(draw, 'Patient')}",
            f"Observation?{pair(draw, 'Observation')}",
            "urn:fuzz:topic",
            hostile.text(chance),
            "Patient",
        )
    )
    made: dict[str, Any] = {
        "resourceType": "Subscription",
        "id": f"f{chance.randrange(10)}",
        "status": chance.choice(("requested", "active", "off", hostile.MARK)),
        "reason": "x",
        "criteria": criteria,
        "channel": channel,
    }
    if chance.random() < 0.3:
        top = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic."
        parts: list[dict[str, Any]] = [
            {"url": "resource", "valueUri": chance.choice(("Patient", *TYPES[:3], hostile.MARK))},
            {"url": "supportedInteraction", "valueCode": "create"},
            {"url": "fhirPathCriteria", "valueString": chance.choice(PATHS)},
            {"url": "queryCriteria", "extension": [{"url": "current", "valueString": pair(draw, "Patient")}]},
        ]
        made = {
            "resourceType": "Basic",
            "id": f"f{chance.randrange(10)}",
            "code": {"coding": [{"system": "http://hl7.org/fhir/fhir-types", "code": "SubscriptionTopic"}]},
            "extension": [
                {"url": f"{top}url", "valueUri": "urn:fuzz:topic"},
                {"url": f"{top}resourceTrigger", "extension": chance.sample(parts, 3)},
            ],
        }
    name = f"{made['resourceType']}/{made['id']}"
    raw = hostile.mutated(chance, made) if chance.random() < 0.3 else json.dumps(made).encode("utf-8", "replace")
    return Ask("subscription", "PUT", f"{prefix}/fhir/{name}", (("content-type", FHIR),), raw, who)


KINDS: Sequence[tuple[float, Callable[[Draw], Ask]]] = ((10, operation), (4, bulk), (2, subscription))
