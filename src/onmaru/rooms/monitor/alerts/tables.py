"""The followers of alerts: one row an alert, a telling, a shift and a patient's own limit, so that a list is one query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from onmaru.kernel.log import Version
from onmaru.kernel.projection import Row, Table, labels_of
from onmaru.rooms.monitor.alerts.alert import SYSTEM, coded, read, user
from onmaru.rooms.monitor.alerts.facts import facts
from onmaru.rooms.monitor.alerts.rules import RUNGS
from onmaru.rooms.monitor.projection import moment

ALERT = Table(
    "monitor_alert",
    (("ward", "text"), ("raised", "int"), ("standing", "int"), ("ended", "int"), ("closed", "int"), ("task", "text")),
    "hot",
    ("standing", "raised"),
)
TOLD = Table(
    "monitor_told",
    (("alert", "text"), ("rung", "text"), ("sent", "int"), ("users", "text"), ("reached", "int"), ("reader", "text")),
    "hot",
    ("alert",),
)
SHIFT = Table(
    "monitor_shift",
    (("person", "text"), ("rung", "text"), ("ward", "text"), ("low", "int"), ("high", "int")),
    "hot",
    ("high",),
)
# A patient's own limits; what is no longer in force is told by the time asked of
LIMIT = Table(
    "monitor_limit",
    (("rule", "text"), ("value", "int"), ("low", "int"), ("high", "int")),
    "hot",
    ("rule", "high"),
)


class Alerts:
    """Projection door (kernel/projection.py)."""

    name = "monitor-alerts"
    version = 2
    types: frozenset[str] = frozenset({"Task", "Communication", "Schedule", "ServiceRequest"})
    tables: tuple[Table, ...] = (ALERT, TOLD, SHIFT, LIMIT)

    def apply(self, batch: Sequence[Version]) -> Iterable[tuple[Version, Sequence[Row]]]:
        """Rows of each version; none for a deletion or an erasure."""
        for version in batch:
            if version.type in self.types:
                yield version, tuple(_rows(version)) if version.body is not None else ()


def _rows(version: Version) -> Iterator[Row]:
    body = msgspec.json.decode(version.body or b"{}")
    if version.type == "Task":
        yield from _alert(body)
    elif version.type == "Communication":
        yield from _told(body)
    elif version.type == "ServiceRequest":
        said = facts(version)
        if said.limit is not None and said.patient:
            one = said.limit
            yield Row(LIMIT.name, said.patient, labels_of(body), (one.rule, one.value, one.start, one.end))
    else:
        yield from _shift(body)


def _alert(body: dict[str, Any]) -> Iterator[Row]:
    alert = read(body)
    if alert is None or not alert.patient:
        return
    ended, closed = alert.last("ended"), alert.closed
    over = ended.at if ended and not _returned(alert.steps, ended.at) else None
    state = 1 if closed is None and alert.status not in ("cancelled", "entered-in-error") else 0
    task = msgspec.json.encode(body).decode()
    yield Row(ALERT.name, alert.patient, labels_of(body), (alert.ward, alert.raised, state, over, closed, task))


def _returned(steps: Sequence[Any], ended: int) -> bool:
    return any(step.code in ("again", "worse") and step.at > ended for step in steps)


def _told(body: dict[str, Any]) -> Iterator[Row]:
    found = told(body)
    patient = str((body.get("subject") or {}).get("reference", "")).removeprefix("Patient/")
    if found is not None and patient:
        yield Row(TOLD.name, patient, labels_of(body), found)


def told(body: dict[str, Any]) -> tuple[str, str, int, str, int | None, str] | None:
    """The columns of `monitor_told` that a Communication is; None for any other."""
    rung = coded(_first(body, "category"), SYSTEM)
    about = str(_first(body, "basedOn").get("reference", "")).removeprefix("Task/")
    sent = moment({"effectiveDateTime": body.get("sent", "")})
    if rung not in RUNGS or not about or sent is None:
        return None
    users = " ".join(filter(None, map(user, body.get("recipient") or [])))
    reached = moment({"effectiveDateTime": body.get("received", "")})
    reader = str(_first(body, "note").get("authorString", ""))
    return about, rung, sent, users, reached, reader


def _shift(body: dict[str, Any]) -> Iterator[Row]:
    rung = coded(_first(body, "serviceType"), SYSTEM)
    actors = body.get("actor") or []
    who = next(filter(None, map(user, actors)), "")
    places = (str(one.get("reference", "")) for one in actors)
    ward = next((one for one in places if one.startswith("Location/")), "")
    period = body.get("planningHorizon") or {}
    start, end = (moment({"effectiveDateTime": period.get(name, "")}) for name in ("start", "end"))
    if body.get("active") is not False and rung in RUNGS and who and start is not None and end is not None:
        yield Row(SHIFT.name, "", labels_of(body), (who, rung, ward, start, end))


def _first(body: dict[str, Any], member: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = body.get(member) or [{}]
    return found[0]
