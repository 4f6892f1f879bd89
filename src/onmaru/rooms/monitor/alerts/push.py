"""Web push of tellings: to whoever a rung's telling is for, on each of their browsers. It says that an alert waits, no more.

Its one law: no name, value or place of a patient is in a push; who wants to know signs in.
"""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any

import msgspec

from onmaru.fhir.outcome import Invalid, invalid
from onmaru.kernel.log import Version
from onmaru.kernel.outbound import Push
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall, Request, Response, Route, Setting
from onmaru.rooms.monitor import views
from onmaru.rooms.monitor.alerts.acting import answer, asked, clinician
from onmaru.rooms.monitor.alerts.alert import SYSTEM, Alert, coded, user
from onmaru.rooms.monitor.alerts.devices import PUSH, Device, ended, task, troubled
from onmaru.rooms.monitor.alerts.listing import queried

# A push that came late is worse than none: the ladder tells again anyhow
LASTS = 300
GONE = frozenset({404, 410})
MOST, NAME, LONGEST = 10, 80, 1000
POINT, SECRET = 65, 16


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """What a browser's own subscription says, and what its user calls it."""

    endpoint: str
    p256dh: str
    auth: str
    name: str


def listed(request: Request, hall: Hall) -> Response:
    """GET push: `{key, devices}`: the key to subscribe by ("": there is no web push here) and the asker's browsers."""
    clinician(hall)
    queried(request, set())
    mine = [_shown(one) for one in devices(hall, hall.caller.user)]
    return answer({"key": key(hall), "devices": mine})


def add(request: Request, hall: Hall) -> Response:
    """POST push `{endpoint, p256dh, auth, name}`: the asker's browser takes pushes; the same one again is the same."""
    clinician(hall)
    said = asked(request.body, Asked)
    _check(said)
    if not key(hall):
        raise invalid("not-supported", "web push is not set up here", status=422)
    mine = devices(hall, hall.caller.user)
    if there := next((one for one in mine if _same(one, said)), None):
        return answer({"id": there.id})
    if len(mine) >= MOST:
        raise invalid("too-costly", f"at most {MOST} browsers", status=422)
    keys = {"endpoint": said.endpoint, "p256dh": said.p256dh, "auth": said.auth}
    body = task(hall.caller.user, " ".join(said.name.split()), keys, time.time_ns() // 1000)
    # A browser has one user at a time
    stale = [_ended(hall, one.id) for one in devices(hall) if _same(one, said)]
    written = hall.record.write([*stale, Change("create", "Task", body=msgspec.json.encode(body))])
    return answer({"id": written[-1].version.id})


def remove(request: Request, hall: Hall) -> Response:
    """DELETE push/ID: the asker's browser takes none any more. 404 for another's."""
    clinician(hall)
    version = hall.record.read("Task", request.params["id"])
    body = msgspec.json.decode(version.body or b"{}")
    if coded(body.get("code"), SYSTEM) != PUSH or user(body.get("owner")) != hall.caller.user:
        raise invalid("not-found", "no such browser", status=404)
    hall.record.write([_change(version, ended(body, "cancelled", "taken off by its user"))])
    return answer({"id": version.id})


def key(hall: Hall) -> str:
    """The public key that browsers subscribe by; "" where the site has not set web push up."""
    return str(hall.memory.get("push", "")) if hall.settings["push_contact"] else ""


def devices(hall: Hall, person: str = "") -> Sequence[Device]:
    """The browsers that take pushes, of one user or of all."""
    rows = hall.lake.query(views.DEVICES, {"person": person}).table.to_pylist()
    names = ("person", "since", "name", "endpoint", "p256dh", "auth", "trouble")
    return [Device(row["source"].partition("/")[2], *(row[name] for name in names)) for row in rows]


class Outbox:
    """What the reaction keeps of pushes: those under way, and what came of them."""

    def __init__(self) -> None:
        self._fates: deque[tuple[str, int, str]] = deque()
        self._trouble: dict[str, str] = {}

    def pushes(self, hall: Hall, alert: Alert, users: Sequence[str]) -> Iterator[Push]:
        """One for each browser of those who are told."""
        contact = str(hall.settings["push_contact"])
        if not contact or not users:
            return
        text = msgspec.json.encode({"alert": alert.id, "urgency": alert.urgency})
        topic = blake2b(alert.id.encode(), digest_size=16).hexdigest()
        for one in devices(hall):
            if one.person in users:
                self._trouble.setdefault(one.id, one.trouble)
                yield Push(
                    one.endpoint, one.p256dh, one.auth, text, topic, "normal" if alert.urgency == "routine" else "high",
                    LASTS, contact, partial(self._told, one.id),
                )  # fmt: skip

    def _told(self, id: str, answered: int, why: str) -> None:
        self._fates.append((id, answered, why))

    def settle(self, hall: Hall) -> None:
        """Write what came of pushes: a browser that its service knows no more is dropped, other trouble is noted once."""
        while self._fates:
            id, answered, why = self._fates.popleft()
            gone = answered in GONE
            if not gone and self._trouble.get(id) == why:
                continue
            self._trouble[id] = why
            try:
                version = hall.record.read("Task", id)
                body = msgspec.json.decode(version.body or b"{}")
                changed = (
                    ended(body, "failed", f"its push service answered {answered}") if gone else troubled(body, why)
                )
                if body.get("status") == "in-progress":
                    hall.record.write([_change(version, changed)])
            except Invalid:
                # Its user has changed it meanwhile: the next push tells anew
                self._trouble.pop(id, None)


def _same(one: Device, said: Asked) -> bool:
    return (one.endpoint, one.p256dh, one.auth) == (said.endpoint, said.p256dh, said.auth)


def _ended(hall: Hall, id: str) -> Change:
    version = hall.record.read("Task", id)
    return _change(version, ended(msgspec.json.decode(version.body or b"{}"), "cancelled", "subscribed anew"))


def _change(version: Version, body: Mapping[str, Any]) -> Change:
    return Change("update", "Task", version.id, msgspec.json.encode(body), if_match=version.version)


def _check(said: Asked) -> None:
    if not said.endpoint.startswith("https://") or len(said.endpoint) > LONGEST or not said.endpoint.isprintable():
        raise invalid("value", "an https address of a push service", "endpoint", 422)
    for name, text, length in (("p256dh", said.p256dh, POINT), ("auth", said.auth, SECRET)):
        if len(text) > 2 * length or len(_bytes(text)) != length:
            raise invalid("value", f"{length} bytes in base64url", name, 422)
    if not 0 < len(said.name.strip()) <= NAME or not said.name.isprintable():
        raise invalid("value", f"1 to {NAME} characters", "name", 422)


def _bytes(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
    except ValueError:
        return b""


def _shown(one: Device) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "since": one.since, "trouble": one.trouble}


ROUTES = (
    Route("GET", "/push", "user/Task.rs", listed),
    Route("POST", "/push", "user/Task.cu", add),
    Route("DELETE", "/push/{id}", "user/Task.u", remove),
)
SETTINGS = (
    Setting("push_contact", "", "Whom push services may write to (`mailto:` or https); empty: there is no web push"),
)
