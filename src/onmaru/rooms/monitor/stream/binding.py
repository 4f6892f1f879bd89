"""Whose a device's readings are at a time, by the chart alone. Its law: two patients that could be meant are nobody.

Evidence: DeviceUseStatement (device, subject, timing), Device.patient, and Device.location or the bed that the sender
names together with Encounter.location. What the chart says without a time and zone is no evidence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Literal, NamedTuple

import msgspec

from onmaru.kernel.log import Version
from onmaru.rooms.monitor.projection import moment
from onmaru.rooms.monitor.stream.people import NOBODY, People

TYPES = frozenset({"Device", "DeviceUseStatement", "Encounter", "Location", "Patient"})
EVER = 2**62
# http://hl7.org/fhir/encounter-status and encounter-location-status: who lies somewhere, or lay there until an end
HERE = frozenset({"arrived", "triaged", "in-progress", "onleave", "finished"})
LATER = frozenset({"planned", "reserved"})
# http://hl7.org/fhir/device-statement-status: what was or is in use
USED = frozenset({"active", "completed", "on-hold"})
Reason = Literal["", "unbound", "ambiguous"]


class Bound(NamedTuple):
    """One patient, or why it is none; `bed` is the Location where it is known, `meant` everybody who could be meant."""

    patient: str
    reason: Reason
    bed: str = ""
    meant: frozenset[str] = frozenset()


class Span(NamedTuple):
    """`what` (a patient or a bed) from `low` until before `high`, µs since 1970 UTC."""

    what: str
    low: int
    high: int


class Bindings:
    """Fed with versions in the order of the log. Names are ids, identifiers, or `system|value`; `ask` gives the patients who
    bear one, for a hospital has more of them than fit here.
    """

    def __init__(self, ask: Callable[[str], frozenset[str]] = lambda name: NOBODY) -> None:
        self._names: dict[str, dict[str, set[str]]] = {name: defaultdict(set) for name in ("Device", "Location")}
        self._people = People(ask)
        self._named: dict[str, tuple[str, ...]] = {}
        self._used: dict[str, dict[str, Span]] = defaultdict(dict)
        self._worn: dict[str, list[Span]] = {}
        self._placed: dict[str, list[Span]] = {}
        self._stays: dict[str, dict[str, list[Span]]] = defaultdict(dict)
        self._of: dict[str, set[str]] = defaultdict(set)

    def learn(self, version: Version) -> None:
        """Take one version of a type in TYPES; others say nothing."""
        if version.type not in TYPES:
            return
        body: Mapping[str, Any] = {} if version.body is None else msgspec.json.decode(version.body)
        if version.type in self._names:
            self._call(version, body)
        elif version.type == "Patient":
            self._people.changed(version.id, called(version.id, body))
        if version.type == "Device":
            self._device(version, body)
        elif version.type == "DeviceUseStatement":
            self._use(version.id, body)
        elif version.type == "Encounter":
            self._stay(version.id, body)

    def device(self, name: str) -> str:
        """The id of the one Device of this name; "" for none or several."""
        found = self._names["Device"].get(name, ())
        return next(iter(found)) if len(found) == 1 else ""

    def whose(self, device: str, at: int, bed: str = "", patient: str = "") -> Bound:
        """Whose a reading is that `device` took `at` (µs). All that speaks for somebody has to speak for the same one.

        `bed` and `patient`: what the sender names itself; a name that nobody or several bear is evidence of nobody.
        """
        meant: set[str] = set()
        doubtful = False
        places: set[str] = set()
        for kind, name in (("Device", device), ("Location", bed), ("Patient", patient)):
            found = self._named_so(kind, name)
            doubtful = doubtful or len(found) > 1 or (bool(name) and not found and kind != "Device")
            if kind == "Device" and len(found) == 1:
                id = next(iter(found))
                meant |= _at(self._used[id].values(), at) | _at(self._worn.get(id, ()), at)
                places |= _at(self._placed.get(id, ()), at)
            elif kind == "Location":
                places |= found
            else:
                meant |= found
        for place in places:
            meant |= _at((span for spans in self._stays[place].values() for span in spans), at)
        if doubtful or len(meant) > 1 or len(places) > 1:
            return Bound("", "ambiguous", meant=frozenset(meant))
        place = next(iter(places), "")
        return Bound(next(iter(meant)), "", place, frozenset(meant)) if meant else Bound("", "unbound", place)

    def _named_so(self, kind: str, name: str) -> AbstractSet[str]:
        if not name:
            return NOBODY
        return self._people.of(name) if kind == "Patient" else self._names[kind].get(name, NOBODY)

    # -- what each resource says ----------------------------------------------------------------------------------

    def _call(self, version: Version, body: Mapping[str, Any]) -> None:
        names = self._names[version.type]
        for name in self._named.pop(version.name, ()):
            names[name].discard(version.id)
            if not names[name]:
                del names[name]
        if not body:
            return
        self._named[version.name] = tuple(called(version.id, body))
        for name in self._named[version.name]:
            names[name].add(version.id)

    def _device(self, version: Version, body: Mapping[str, Any]) -> None:
        gone = not body or body.get("status") == "entered-in-error"
        for held, field, type in ((self._worn, "patient", "Patient"), (self._placed, "location", "Location")):
            held[version.id] = _moved(
                held.get(version.id, []), "" if gone else _target(body.get(field), type), version.at
            )

    def _use(self, id: str, body: Mapping[str, Any]) -> None:
        for used in self._used.values():
            used.pop(id, None)
        device, subject = _target(body.get("device"), "Device"), _target(body.get("subject"), "Patient")
        span = _span(body.get("timingPeriod") or {})
        # What is over has an end; without one nobody knows until when it was in use
        known = body.get("status") == "active" or (body.get("status") in USED and span is not None and span[1] != EVER)
        if device and subject and span and known:
            self._used[device][id] = Span(subject, *span)

    def _stay(self, id: str, body: Mapping[str, Any]) -> None:
        for place in self._of.pop(id, ()):
            self._stays[place].pop(id, None)
        patient = _target(body.get("subject"), "Patient")
        if not patient or body.get("status") not in HERE:
            return
        whole = body.get("period") or {}
        for one in body.get("location") or []:
            place, own = _target(one.get("location"), "Location"), one.get("period") or {}
            span = _span({**whole, **own})
            over = one.get("status") == "completed" or body["status"] == "finished"
            if place and span and one.get("status") not in LATER and not (over and span[1] == EVER):
                self._stays[place].setdefault(id, []).append(Span(patient, *span))
                self._of[id].add(place)


def called(id: str, body: Mapping[str, Any]) -> frozenset[str]:
    """The names that a resource bears; a deleted one its id alone."""
    said = [one for one in body.get("identifier") or [] if one.get("value")]
    values = (one["value"] for one in said)
    return frozenset({id, *values, *(f"{one.get('system', '')}|{one['value']}" for one in said)})


def _at(spans: Iterable[Span], at: int) -> set[str]:
    return {span.what for span in spans if span.what and span.low <= at < span.high}


def _moved(spans: list[Span], what: str, at: int) -> list[Span]:
    """The spans with `what` from `at` on; what did not change goes on."""
    if spans and spans[-1].what == what:
        return spans
    return [*(Span(span.what, span.low, min(span.high, at)) for span in spans), Span(what, at, EVER)][-100:]


def _span(period: Mapping[str, Any]) -> tuple[int, int] | None:
    low = moment({"effectiveDateTime": period.get("start")})
    high = moment({"effectiveDateTime": period["end"]}) if period.get("end") else EVER
    return (low, high) if low is not None and high is not None else None


def _target(reference: Any, type: str) -> str:
    found, _, id = str((reference or {}).get("reference") or "").partition("/")
    return id if found == type and "/" not in id else ""
