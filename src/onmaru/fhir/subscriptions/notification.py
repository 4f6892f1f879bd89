"""Notifications as the backport guide shapes them for R4: a history Bundle that begins with the status as Parameters.

Its one law: a notification holds no more than the content that was asked for; resources go in byte for byte.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from onmaru.fhir.subscriptions.extensions import BACKPORT
from onmaru.fhir.subscriptions.wanted import Content
from onmaru.fhir.verbatim import instant

Kind = Literal["handshake", "heartbeat", "event-notification", "query-status", "query-event"]
BUNDLE = BACKPORT + "backport-subscription-notification-r4"
STATUS = BACKPORT + "backport-subscription-status-r4"
_METHODS = {"create": ("POST", "201"), "update": ("PUT", "200"), "delete": ("DELETE", "204")}


class Standing(msgspec.Struct, frozen=True):
    """How a subscription stands. `base`: this server's FHIR address. `total` None: how many events is not told."""

    base: str
    id: str
    topic: str
    state: str
    total: int | None = 0
    error: str = ""


class Told(msgspec.Struct, frozen=True):
    """One event: its number, when it was (µs since 1970 UTC), what it is of (`Type/id`) and its content.

    `body` None: there is none to give, as of what was deleted since.
    """

    number: int
    at: int
    name: str
    interaction: str
    body: bytes | None = None


def status(standing: Standing, kind: Kind, events: Sequence[Told] = (), content: Content = "empty") -> dict[str, Any]:
    """The Parameters that say how the subscription stands and which events are told."""
    found: list[dict[str, Any]] = [
        {"name": "subscription", "valueReference": {"reference": f"{standing.base}/Subscription/{standing.id}"}}
    ]
    if standing.topic and (content != "empty" or kind in ("query-status", "query-event")):
        found.append({"name": "topic", "valueCanonical": standing.topic})
    found += [{"name": "status", "valueCode": standing.state}, {"name": "type", "valueCode": kind}]
    if standing.total is not None:
        found.append({"name": "events-since-subscription-start", "valueString": str(standing.total)})
    found += [_event(one, standing.base, content) for one in events]
    if standing.error:
        found.append({"name": "error", "valueCodeableConcept": {"text": standing.error}})
    return {"resourceType": "Parameters", "meta": {"profile": [STATUS]}, "parameter": found}


def notification(
    standing: Standing, kind: Kind, now: int, events: Sequence[Told] = (), content: Content = "empty"
) -> bytes:
    """One Bundle, as JSON bytes."""
    told = status(standing, kind, events, content)
    first = {
        "fullUrl": f"urn:uuid:{_named(standing, kind, events, now)}",
        "resource": told,
        "request": {"method": "GET", "url": f"{standing.base}/Subscription/{standing.id}/$status"},
        "response": {"status": "200"},
    }
    rest = [] if content == "empty" else [_entry(one, standing.base, content) for one in events]
    bundle = {
        "resourceType": "Bundle",
        "id": str(_named(standing, kind, events, now, "bundle")),
        "meta": {"profile": [BUNDLE]},
        "type": "history",
        "timestamp": instant(now),
        "entry": [first, *rest],
    }
    return msgspec.json.encode(bundle)


def standings(found: Iterable[Standing], now: int) -> bytes:
    """The answer of $status: a searchset of Parameters."""
    entries = [
        {
            "fullUrl": f"urn:uuid:{_named(one, 'query-status', (), 0)}",
            "resource": status(one, "query-status"),
            "search": {"mode": "match"},
        }
        for one in found
    ]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
    if entries:
        bundle["entry"] = entries
    return msgspec.json.encode({**bundle, "timestamp": instant(now)})


def message(standing: Standing, notified: bytes, endpoint: str, now: int) -> bytes:
    """A FHIR message that carries a notification Bundle, for `$process-message` at another server."""
    id = str(_named(standing, "event-notification", (), now, "message"))
    head = {
        "resourceType": "MessageHeader",
        "id": id,
        "eventUri": standing.topic or f"{BACKPORT}backport-subscription",
        "destination": [{"endpoint": endpoint}],
        "source": {"endpoint": standing.base},
        "focus": [{"reference": f"urn:uuid:{msgspec.json.decode(notified, type=_Id).id}"}],
    }
    bundle = {
        "resourceType": "Bundle",
        "type": "message",
        "timestamp": instant(now),
        "entry": [
            {"fullUrl": f"urn:uuid:{id}", "resource": head},
            {"fullUrl": head["focus"][0]["reference"], "resource": msgspec.Raw(notified)},  # type: ignore[index]  # as built
        ],
    }
    return msgspec.json.encode(bundle)


class _Id(msgspec.Struct):
    id: str


def _event(one: Told, base: str, content: Content) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [
        {"name": "event-number", "valueString": str(one.number)},
        {"name": "timestamp", "valueInstant": instant(one.at)},
    ]
    if content != "empty":
        parts.append({"name": "focus", "valueReference": {"reference": f"{base}/{one.name}"}})
    return {"name": "notification-event", "part": parts}


def _entry(one: Told, base: str, content: Content) -> dict[str, Any]:
    method, answer = _METHODS[one.interaction]
    url = one.name.partition("/")[0] if method == "POST" else one.name
    entry: dict[str, Any] = {"fullUrl": f"{base}/{one.name}"}
    if content == "full-resource" and one.body is not None:
        entry["resource"] = msgspec.Raw(one.body)
    return {**entry, "request": {"method": method, "url": url}, "response": {"status": answer}}


def _named(standing: Standing, kind: str, events: Sequence[Told], now: int, what: str = "status") -> uuid.UUID:
    """The same events told again have the same name, so that who hears twice can know it."""
    told = ",".join(str(one.number) for one in events) or str(now)
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{standing.base}/Subscription/{standing.id}/{what}/{kind}/{told}")
