"""A user's browser that takes pushes: a Task of theirs, until it is taken off or its push service knows it no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from onmaru.fhir.verbatim import instant
from onmaru.kernel.log import Version
from onmaru.kernel.projection import Row, Table, labels_of
from onmaru.rooms.monitor.alerts.alert import SYSTEM, coded, person, user
from onmaru.rooms.monitor.projection import moment

PUSH = "push-subscription"
# Whom the log names where the house itself writes
HOUSE = "system"
DEVICE = Table(
    "monitor_device",
    (("person", "text"), ("since", "int"), ("name", "text"), ("endpoint", "text"), ("p256dh", "text"), ("auth", "text"),
     ("trouble", "text")),
    "hot",
    ("person",),
)  # fmt: skip


class Device(msgspec.Struct, frozen=True):
    """`id` of its Task. `trouble`: why the last push was not taken, "" where it was."""

    id: str
    person: str
    since: int
    name: str
    endpoint: str
    p256dh: str
    auth: str
    trouble: str = ""


def task(person_: str, name: str, keys: Mapping[str, str], at: int) -> dict[str, Any]:
    """The Task of a browser; `keys`: endpoint, p256dh and auth."""
    return {
        "resourceType": "Task",
        "status": "in-progress",
        "intent": "order",
        "code": {"coding": [{"system": SYSTEM, "code": PUSH}]},
        "description": name,
        "authoredOn": instant(at),
        "owner": person(person_),
        "input": [{"type": {"text": key}, "valueString": value} for key, value in keys.items()],
    }


def ended(body: Mapping[str, Any], status: str, why: str) -> dict[str, Any]:
    """The Task once the browser takes no more: `cancelled` by its user, `failed` by its push service."""
    return {**body, "status": status, "statusReason": {"text": why}}


def troubled(body: Mapping[str, Any], why: str) -> dict[str, Any]:
    """The Task with why its last push was not taken; "" takes that off."""
    kept = {name: value for name, value in body.items() if name != "businessStatus"}
    return kept | ({"businessStatus": {"text": why}} if why else {})


class Devices:
    """Projection door (kernel/projection.py)."""

    name = "monitor-devices"
    version = 1
    types: frozenset[str] = frozenset({"Task"})
    tables: tuple[Table, ...] = (DEVICE,)

    def apply(self, batch: Sequence[Version]) -> Iterable[tuple[Version, Sequence[Row]]]:
        """One row a browser that takes pushes; none once it does no more, nor for a Task of another kind.

        A browser is its user's only where that user wrote so, or the house after them: nobody has another's pushes.
        """
        for version in batch:
            if version.type in self.types:
                yield version, tuple(_rows(version)) if version.body is not None else ()


def _rows(version: Version) -> Iterator[Row]:
    body = msgspec.json.decode(version.body or b"{}")
    if coded(body.get("code"), SYSTEM) != PUSH or body.get("status") != "in-progress":
        return
    keys = {
        str((one.get("type") or {}).get("text", "")): str(one.get("valueString", "")) for one in body.get("input") or []
    }
    whose, since = user(body.get("owner")), moment({"effectiveDateTime": body.get("authoredOn", "")})
    if (
        version.caller not in (whose, HOUSE)
        or since is None
        or not all(keys.get(name) for name in ("endpoint", "p256dh", "auth"))
    ):
        return
    trouble = str((body.get("businessStatus") or {}).get("text", ""))
    values = (whose, since, str(body.get("description", "")), keys["endpoint"], keys["p256dh"], keys["auth"], trouble)
    yield Row(DEVICE.name, "", labels_of(body), values)
