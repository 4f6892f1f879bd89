"""One patient handed over from one person to the next: a Task in the giver's name, completed in the taker's.

Its one law: a hand-over counts only where the log says that its giver wrote it, or its taker completed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from onmaru.fhir.verbatim import instant
from onmaru.kernel.log import Version
from onmaru.kernel.projection import Row, Table, labels_of
from onmaru.kernel.record import Change, bearing
from onmaru.rooms.monitor.alerts.alert import SYSTEM, coded, person, user
from onmaru.rooms.monitor.projection import moment

IDENTIFIER = "urn:onmaru:monitor:handover"
CODE = "handover"
HANDED = Table(
    "monitor_handed",
    (
        ("ward", "text"), ("giver", "text"), ("taker", "text"), ("given", "int"), ("since", "int"), ("taken", "int"),
        ("note", "text"),
    ),
    "hot",
    ("given",),
)  # fmt: skip


class Handed(msgspec.Struct, frozen=True):
    """`given`, `since` (when the giver's shift began) and `taken` in µs; `taken` None: nobody has taken the patient yet."""

    patient: str
    ward: str
    giver: str
    taker: str
    given: int
    since: int
    note: str = ""
    taken: int | None = None


def read(body: Mapping[str, Any]) -> Handed | None:
    """The hand-over that a Task is; None for any other Task."""
    if coded(body.get("code"), SYSTEM) != CODE:
        return None
    period = body.get("executionPeriod") or {}
    given, since = (moment({"effectiveDateTime": text or ""}) for text in (body.get("authoredOn"), period.get("start")))
    patient = str((body.get("for") or {}).get("reference", "")).removeprefix("Patient/")
    if given is None or since is None or not patient or body.get("status") not in ("requested", "completed"):
        return None
    over = body["status"] == "completed"
    note = str((next(iter(body.get("note") or []), None) or {}).get("text", ""))
    return Handed(
        patient, str((body.get("location") or {}).get("reference", "")), user(body.get("requester")),
        user(body.get("owner")), given, since, note,
        (moment({"effectiveDateTime": body.get("lastModified", "")}) or given) if over else None,
    )  # fmt: skip


def kept(one: Handed) -> Change:
    """The change that keeps it: said twice by the same person of the same shift it is one."""
    value = blake2b(
        "|".join((one.ward, one.patient, one.giver, one.taker, str(one.since))).encode(), digest_size=16
    ).hexdigest()
    body: dict[str, Any] = {
        "resourceType": "Task",
        "identifier": [{"system": IDENTIFIER, "value": value}],
        "status": "requested",
        "intent": "order",
        "code": {
            "coding": [{"system": SYSTEM, "code": CODE, "display": "Handed over on the ward"}],
            "text": "병동 인계",
        },
        "for": {"reference": f"Patient/{one.patient}"},
        "location": {"reference": one.ward},
        "authoredOn": instant(one.given),
        "executionPeriod": {"start": instant(one.since), "end": instant(one.given)},
        "requester": person(one.giver),
        "owner": person(one.taker),
    }
    if one.note:
        body["note"] = [{"authorString": one.giver, "time": instant(one.given), "text": one.note}]
    return bearing("Task", (IDENTIFIER, value), msgspec.json.encode(body))


def taken(body: Mapping[str, Any], now: int) -> dict[str, Any]:
    """The Task once its taker has read it."""
    return {**body, "status": "completed", "lastModified": instant(now)}


class Handovers:
    """Projection door (kernel/projection.py)."""

    name = "monitor-handovers"
    version = 1
    types: frozenset[str] = frozenset({"Task"})
    tables: tuple[Table, ...] = (HANDED,)

    def apply(self, batch: Sequence[Version]) -> Iterable[tuple[Version, Sequence[Row]]]:
        """One row a hand-over that counts; none for a deletion, an erasure, or a Task of another kind."""
        for version in batch:
            if version.type in self.types:
                yield version, tuple(_rows(version)) if version.body is not None else ()


def _rows(version: Version) -> Iterator[Row]:
    body = msgspec.json.decode(version.body or b"{}")
    one = read(body)
    if one is None or version.caller != (one.giver if one.taken is None else one.taker):
        return
    values = (one.ward, one.giver, one.taker, one.given, one.since, one.taken, one.note)
    yield Row(HANDED.name, one.patient, labels_of(body), values)
