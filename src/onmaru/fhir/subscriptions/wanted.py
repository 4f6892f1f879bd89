"""What a Subscription resource asks for, classic or topic-based; what could never be served is refused with its place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.fhir.subscriptions.criteria import Criteria, criteria
from onmaru.fhir.subscriptions.extensions import Extended, Extension, first, named
from onmaru.fhir.subscriptions.topic import Topic

Content = Literal["empty", "id-only", "full-resource"]
CONTENTS: tuple[Content, ...] = ("empty", "id-only", "full-resource")
Channel = Literal["rest-hook", "websocket", "email", "message"]
CHANNELS: tuple[Channel, ...] = ("rest-hook", "websocket", "email", "message")
KINDS = {"": "json", "application/fhir+json": "json", "application/json": "json", "application/fhir+xml": "xml"}
# What a mail can be: a body people read, and perhaps a Bundle attached
MAILS = {"": "", "text/plain": "", "text/plain;attach=application/fhir+json": "json"}
MOST_FILTERS = 20
MOST_HEADERS = 20
MOST_AT_ONCE = 100
LONGEST_TIMEOUT = 15
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([\t\x20-\x7e]{0,4000})")
# What tells how the message itself is carried is not for a client to say
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-type", "te", "trailer", "upgrade",
                   "expect", "proxy-authorization", "proxy-connection", "keep-alive"})  # fmt: skip


class Wanted(msgspec.Struct, frozen=True, eq=False):
    """`topic` "": classic, and `watched` is its search; else the filters on what the topic tells, all that are of its type.

    `form`: json or xml. `bare`: classic without a payload. `heartbeat` and `timeout` in seconds, 0: none asked for.
    `most`: events in one notification. `end`: µs since 1970 UTC, 0: none.
    """

    topic: str
    watched: tuple[Criteria, ...]
    channel: Channel
    endpoint: str
    headers: tuple[tuple[str, str], ...]
    content: Content
    form: str
    bare: bool = False
    heartbeat: int = 0
    timeout: int = 0
    most: int = 1
    end: int = 0
    state: str = "requested"


class _Channel(msgspec.Struct):
    type: str = ""
    endpoint: str = ""
    payload: str = ""
    header: list[str | None] = []
    extension: list[Extension] = []
    payload__: Extended = msgspec.field(default=Extended(), name="_payload")


class _Subscription(msgspec.Struct):
    channel: _Channel
    criteria: str = ""
    status: str = ""
    end: str = ""
    criteria__: Extended = msgspec.field(default=Extended(), name="_criteria")


def state_of(body: bytes) -> str:
    """The status that an admitted Subscription says it has."""
    return msgspec.json.decode(body, type=_Subscription).status


def wanted(body: bytes) -> Wanted:
    """Read an admitted Subscription; `Invalid` 422 with the first thing that can never be."""
    try:
        found = msgspec.json.decode(body, type=_Subscription)
    except msgspec.ValidationError as error:
        raise invalid(
            "structure", "an element that a subscription needs is not of its form", "Subscription", 422
        ) from error
    channel = found.channel
    if channel.type not in CHANNELS:
        raise invalid("not-supported", f"one of {', '.join(CHANNELS)}", "Subscription.channel.type", 422)
    topical = ":" in found.criteria.partition("?")[0]
    where = "Subscription.criteria"
    watched = _filters(found.criteria__.extension) if topical else (criteria(found.criteria, where),)
    timeout = first(channel.extension, "backport-timeout").number
    return Wanted(
        found.criteria if topical else "",
        watched,
        channel.type,
        channel.endpoint,
        _headers(channel),
        _content(channel, topical),
        _form(channel),
        not topical and not channel.payload,
        first(channel.extension, "backport-heartbeat-period").number,
        min(timeout, LONGEST_TIMEOUT),
        min(first(channel.extension, "backport-max-count").number or 1, MOST_AT_ONCE) if topical else 1,
        _instant(found.end),
        found.status,
    )


def fits(asked: Wanted, topic: Topic | None) -> None:
    """Refuse (`Invalid` 422) a topic that is not there or no more, and a filter that it does not offer."""
    if topic is None or not topic.alive:
        raise invalid("not-found", "no such topic, or one that is retired", "Subscription.criteria", 422)
    types = {one.type for one in topic.triggers}
    for number, one in enumerate(asked.watched):
        where = f"Subscription.criteria.extension[{number}]"
        if one.type not in types:
            raise invalid("value", "the topic tells of no such resource type", where, 422)
        if topic.filters and any((one.type, clause.parameter.code) not in topic.filters for clause in one.clauses):
            raise invalid("value", "the topic cannot be filtered by this parameter", where, 422)


def _filters(extensions: Sequence[Extension]) -> tuple[Criteria, ...]:
    given = [*named(extensions, "backport-filter-criteria")]
    if len(given) > MOST_FILTERS:
        raise invalid("too-costly", f"at most {MOST_FILTERS} filters", "Subscription.criteria", 422)
    return tuple(criteria(one.word, f"Subscription.criteria.extension[{n}]") for n, one in enumerate(given))


def _headers(channel: _Channel) -> tuple[tuple[str, str], ...]:
    if len(channel.header) > MOST_HEADERS:
        raise invalid("too-costly", f"at most {MOST_HEADERS} headers", "Subscription.channel.header", 422)
    found = []
    for number, text in enumerate(channel.header):
        form = _HEADER.fullmatch(text or "")
        if form is None or form[1].lower() in _OURS:
            where = f"Subscription.channel.header[{number}]"
            raise invalid(
                "value", "not a header that may be sent: `Name: value`, none of the connection's own", where, 422
            )
        found.append((form[1], form[2].strip()))
    return tuple(found)


def _content(channel: _Channel, topical: bool) -> Content:
    """A classic one sends the resource where it names a payload; a topic's says how much, nothing at all by default."""
    if not topical:
        return "full-resource" if channel.payload and (channel.type != "email" or _form(channel)) else "empty"
    asked = first(channel.payload__.extension, "backport-payload-content").word or "empty"
    for content in CONTENTS:
        if content == asked:
            return content
    raise invalid("value", f"one of {', '.join(CONTENTS)}", "Subscription.channel.payload.extension", 422)


def _form(channel: _Channel) -> str:
    known = MAILS if channel.type == "email" else KINDS
    form = known.get(channel.payload.replace(" ", ""))
    if form is None:
        taken = ", ".join(filter(None, known))
        raise invalid("not-supported", f"this payload is not made; one of {taken}", "Subscription.channel.payload", 422)
    return form


def _instant(text: str) -> int:
    """µs since 1970 UTC; FHIR's instants have a zone, and a second may be 60."""
    if not text:
        return 0
    try:
        return int(datetime.fromisoformat(text.replace(":60", ":59", 1) if ":60" in text else text).timestamp() * 1e6)
    except ValueError as error:
        raise invalid("value", "not an instant", "Subscription.end", 422) from error
