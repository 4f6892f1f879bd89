"""Pure: versions in log order to the events of a replay, each at the time at which it became known.

Its one law: what happened later changes no event before it; the replay up to a moment is the start of every longer one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from onmaru.kernel.log import Version
from onmaru.rooms.monitor.alerts import alert as alerts
from onmaru.rooms.monitor.alerts.alert import Alert, Step
from onmaru.rooms.monitor.alerts.tables import told
from onmaru.rooms.monitor.review.care import TYPES as CARE
from onmaru.rooms.monitor.review.care import Care, care
from onmaru.rooms.monitor.review.known import Known

TYPES = ("Observation", "Communication", *CARE)
Event = dict[str, Any]


class Span(NamedTuple):
    """From when up to and at when, µs. What was known at `since` is told with the time at which it became known."""

    since: int
    until: int


class Replay:
    """Of one patient. `fresh` in µs: how long a reading counts in a score."""

    def __init__(self, patient: str, span: Span, fresh: int) -> None:
        self._patient = patient
        self._span = span
        self._known = Known(patient, fresh)
        self._alerts: dict[str, Alert] = {}
        self._told: dict[str, Any] = {}
        self._care: dict[str, Care] = {}
        self._last: Event = {}
        # Up to when the score was followed
        self._now = span.since

    def events(self, versions: Sequence[Version]) -> Iterator[Event]:
        """Every event of these versions, which are all of the patient from before the span on, in log order."""
        begun = False
        for version in versions:
            if version.at > self._span.until:
                break
            if not begun and version.at > self._span.since:
                begun = True
                yield from self._score(self._span.since)
            yield from self._passing(version.at)
            yield from self._take(version)
        if not begun:
            yield from self._score(self._span.since)
        yield from self._passing(self._span.until)

    def _take(self, version: Version) -> Iterator[Event]:
        if version.type in ("Observation", "ServiceRequest"):
            yield from self._facts(version)
        if version.type == "Task":
            yield from self._alert(version)
        elif version.type == "Communication":
            yield from self._telling(version)
        elif version.type in CARE:
            yield from self._cared(version)

    def _facts(self, version: Version) -> Iterator[Event]:
        before, said = self._known.take(version)
        if before == said:
            return
        if before.readings or said.readings:
            what = "gone" if not said.readings else "changed" if before.readings else "new"
            readings = [msgspec.to_builtins(one._asdict()) for one in said.readings]
            yield {"at": version.at, "kind": "reading", "what": what, "source": version.name, "readings": readings}
        limit = said.limit or before.limit
        if limit is not None:
            what = "gone" if said.limit is None else "changed" if before.limit else "new"
            yield {"at": version.at, "kind": "limit", "what": what, **msgspec.to_builtins(limit)}
        if version.at > self._span.since:
            yield from self._score(version.at)

    def _score(self, at: int) -> Iterator[Event]:
        """The score where it is another than before."""
        scored = self._known.scored(at)
        found = {name: value for name, value in msgspec.to_builtins(scored).items() if name not in ("source", "name")}
        if found != self._last:
            self._last = found
            yield {"at": at, "kind": "score", **found}

    def _passing(self, to: int) -> Iterator[Event]:
        """What the passing of time does to the score, up to and at `to`."""
        while (due := self._known.due(self._now)) <= to:
            self._now = due
            yield from self._score(due)
        self._now = max(self._now, to)

    def _alert(self, version: Version) -> Iterator[Event]:
        """An alert as it is raised, then each step by people or the house as it is written."""
        found = alerts.read(msgspec.json.decode(version.body)) if version.body else None
        before = self._alerts.get(version.id)
        if found is None or found.patient != self._patient:
            if self._alerts.pop(version.id, None) is not None:
                yield {"at": version.at, "kind": "alert", "what": "gone", "id": version.id}
            return
        self._alerts[version.id] = found
        if before is None or (before.rule, before.urgency) != (found.rule, found.urgency):
            names = ("id", "rule", "urgency", "ward", "raised", "text", "about")
            what = "raised" if version.version == 1 else "changed"
            yield {"at": version.at, "kind": "alert", "what": what, **{name: getattr(found, name) for name in names}}
        known = frozenset(before.steps) if before else frozenset[Step]()
        for step in found.steps:
            if step not in known:
                yield {"at": version.at, "kind": "step", "id": version.id, **_stepped(step)}

    def _telling(self, version: Version) -> Iterator[Event]:
        found = told(msgspec.json.decode(version.body)) if version.body else None
        if found is None or found[0] not in self._alerts or found == self._told.get(version.id):
            return
        self._told[version.id] = found
        alert, rung, sent, users, reached, reader = found
        yield {
            "at": version.at, "kind": "told", "id": alert, "rung": rung, "sent": sent, "users": users,
            "reached": reached, "reader": reader,
        }  # fmt: skip

    def _cared(self, version: Version) -> Iterator[Event]:
        """An act, an order or a stay: when it is written, and when it is written otherwise."""
        found, before = care(version, self._patient), self._care.get(version.name)
        if found == before:
            return
        if found is None:
            if self._care.pop(version.name, None) is not None:
                yield {"at": version.at, "kind": "care", "what": "gone", **_told_care(before)}
            return
        self._care[version.name] = found
        what = "new" if version.version == 1 else "changed"
        yield {"at": version.at, "kind": "care", "what": what, **_told_care(found)}


def _stepped(step: Step) -> Event:
    """A step with the time that it says itself, which is when it was done."""
    return {"code": step.code, "by": step.by, "text": step.text, "done": step.at}


def _told_care(one: Care | None) -> Event:
    return msgspec.to_builtins(one) if one is not None else {}
