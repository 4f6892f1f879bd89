"""`$status`, `$events` and `$get-ws-binding-token` of Subscriptions (Subscriptions R5 Backport IG 1.1), GET and POST."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from onmaru.fhir import structure
from onmaru.fhir.outcome import invalid
from onmaru.fhir.search import parse
from onmaru.fhir.subscriptions.extensions import BACKPORT
from onmaru.fhir.subscriptions.notification import Standing, notification, standings
from onmaru.fhir.subscriptions.wanted import CONTENTS, Content, state_of
from onmaru.fhir.verbatim import instant
from onmaru.kernel.audit import Access, access
from onmaru.kernel.entry import ID
from onmaru.kernel.log import Version
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.answers import FHIR
from onmaru.web.doors import Doors
from onmaru.web.fhir.negotiation import FORM, check_content
from onmaru.web.sockets import PATH, Binding

Handler = Callable[[Request, Hall], Response]
GUIDE = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-"
MOST = 1000
MOST_BOUND = 100
LAST = 10**15 - 1
_VALUES = ("valueId", "valueCode", "valueString", "valueUri")


class Subscribed:
    """Handlers; who may read a Subscription is told how it stands, only its owner what it has told."""

    def __init__(self, doors: Doors | None) -> None:
        self._given = doors

    @property
    def _doors(self) -> Doors:
        if self._given is None:
            raise RuntimeError("an operation of no house")
        return self._given

    def operations(self) -> Mapping[str, tuple[Handler, str]]:
        """By the shape of their path; the definitions are the guide's."""
        token = "$get-ws-binding-token"  # noqa: S105  the operation's name
        return {
            "T/$status": (self.statuses, GUIDE + "status"),
            "T/I/$status": (self.status, GUIDE + "status"),
            "T/I/$events": (self.events, GUIDE + "events"),
            f"T/{token}": (self.token, GUIDE + token[1:]),
            f"T/I/{token}": (self.token, GUIDE + token[1:]),
        }

    def status(self, request: Request, hall: Hall) -> Response:
        """`Subscription/id/$status`."""
        _asked(request, frozenset({"id", "status"}))
        version = hall.record.read("Subscription", request.params["id"])
        return self._standings(request, hall, [version], ())

    def statuses(self, request: Request, hall: Hall) -> Response:
        """`Subscription/$status`: those of the ids and in the states asked for, else all that the caller may see."""
        asked = _asked(request, frozenset({"id", "status"}))
        ids = [value for name, value in asked if name == "id"]
        states = [value for name, value in asked if name == "status"]
        if not all(ID.fullmatch(id) for id in ids):
            raise invalid("value", "an id has 1 to 64 letters, digits, - and .", "id")
        pairs = [("_count", str(MOST)), *([("_id", ",".join(ids))] if ids else [])]
        found = hall.record.search(parse(("Subscription",), pairs)).matches
        return self._standings(request, hall, found, states)

    def events(self, request: Request, hall: Hall) -> Response:
        """`Subscription/id/$events`: what was told, as the caller may see it now."""
        asked = dict(_asked(request, frozenset({"eventsSinceNumber", "eventsUntilNumber", "content"})))
        id = request.params["id"]
        version = hall.record.read("Subscription", id)
        since, until = _number(asked, "eventsSinceNumber", 1), _number(asked, "eventsUntilNumber", LAST)
        content = _content(asked.get("content", "id-only"))
        doors = self._doors.subscriptions
        found = doors.events(hall.caller, id, since, until) if doors is not None else None
        if found is None:
            self._doors.audit(hall.caller.tenant, self._denied(hall, f"Subscription/{id}/$events"))
            raise invalid("forbidden", "only who made this subscription is told its events", status=403)
        now = self._doors.logins.now()
        return Response(
            200, notification(self._standing(request, hall, version), "query-event", now, found, content), FHIR
        )

    def token(self, request: Request, hall: Hall) -> Response:
        """`Subscription/id/$get-ws-binding-token`, or of the ids given at the type; 403 for another's."""
        asked = _asked(request, frozenset({"id"}))
        ids = [request.params["id"]] if "id" in request.params else [value for _, value in asked]
        if not 0 < len(ids) <= MOST_BOUND:
            raise invalid("required", f"1 to {MOST_BOUND} ids", "id")
        for id in ids:
            hall.record.read("Subscription", id)
        doors, grant = self._doors.subscriptions, self._doors.logins.accounts.grant(hall.caller.grant)
        made = doors.token(hall.caller, ids, grant) if doors is not None and grant is not None else None
        if made is None:
            self._doors.audit(hall.caller.tenant, self._denied(hall, "Subscription/$get-ws-binding-token"))
            raise invalid("forbidden", "only who made a websocket subscription may listen to it", status=403)
        secret, binding = made
        return Response(200, msgspec.json.encode(_handed(secret, binding, request.params["base"])), FHIR)

    def _denied(self, hall: Hall, target: str) -> Access:
        return access(hall.caller, "execute", target, self._doors.logins.now(), denied="owner")

    def _standings(self, request: Request, hall: Hall, found: Sequence[Version], states: Sequence[str]) -> Response:
        told = [self._standing(request, hall, version) for version in found]
        kept = [one for one in told if not states or one.state in states]
        return Response(200, standings(kept, self._doors.logins.now()), FHIR)

    def _standing(self, request: Request, hall: Hall, version: Version) -> Standing:
        base, doors = request.params["base"], self._doors.subscriptions
        known = doors.standing(hall.caller, version.id, base) if doors is not None else None
        return known or Standing(base, version.id, "", state_of(version.body or b"{}"), None)


def advertised(statement: bytes, topics: Sequence[str], base: str) -> bytes:
    """A CapabilityStatement that names the topics at Subscription and where websockets are, as the guide asks for."""
    told = [
        {"url": f"{BACKPORT}capabilitystatement-subscriptiontopic-canonical", "valueCanonical": url} for url in topics
    ]
    where = [
        {"url": "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket", "valueUri": _sockets(base)}
    ]
    for found, mark in ((where, b'"mode":"server",'), (told, b'"type":"Subscription",')):
        if found:
            statement = statement.replace(mark, b'"extension":' + msgspec.json.encode(found) + b"," + mark, 1)
    return statement


def _sockets(base: str) -> str:
    """Where websockets are, of the house that answers at `base`."""
    return f"ws{re.sub(r'(/t/[^/]*)?(/fhir)?$', '', base).removeprefix('http')}/{PATH}"


def _handed(secret: str, binding: Binding, base: str) -> dict[str, Any]:
    """The answer, as Parameters. `base` is the FHIR address; sockets are at the house's own."""
    parts: list[dict[str, Any]] = [
        {"name": "token", "valueString": secret},
        {"name": "expiration", "valueDateTime": instant(binding.expires)},
    ]
    parts += [{"name": "subscription", "valueString": id} for id in binding.ids]
    parts.append({"name": "websocket-url", "valueUrl": _sockets(base)})
    return {"resourceType": "Parameters", "parameter": parts}


def _asked(request: Request, known: frozenset[str]) -> list[tuple[str, str]]:
    """The parameters of the query and of a body of Parameters; `Invalid` 400 for one that the operation has not."""
    found = [pair for pair in request.query if pair[0] not in FORM]
    if request.body:
        check_content(request.headers)
        _, parameters = structure.admit(request.body, "Parameters")
        for number, one in enumerate(parameters.parameter or ()):
            value = next((v for name in _VALUES if (v := getattr(one, name, None)) is not None), None)
            if value is None:
                raise invalid("value", "an id, a code or a string", f"Parameters.parameter[{number}]")
            found.append((one.name, str(value)))
    for name, _ in found:
        if name not in known:
            raise invalid("not-supported", f"the parameters are {', '.join(sorted(known))}", "Parameters")
    return found


def _number(asked: dict[str, str], name: str, usual: int) -> int:
    text = asked.get(name, str(usual))
    if not text.isdecimal() or not text.isascii() or len(text) > 15:
        raise invalid("value", "a whole number", name)
    return int(text)


def _content(text: str) -> Content:
    for content in CONTENTS:
        if content == text:
            return content
    raise invalid("value", f"one of {', '.join(CONTENTS)}", "content")
