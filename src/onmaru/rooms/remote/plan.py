"""Pure: a CarePlan for care at home as it is read: what is due how often, between which limits, and how long silence may be.

Its one law: a plan that cannot be read wholly says what of it cannot, and is never taken for one that asks nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, Literal

import msgspec

from onmaru.rooms.remote.moments import DAY, HOUR, moment
from onmaru.rooms.remote.values import number

SYSTEM = "urn:onmaru:remote"
# What every resource of the room holds somewhere
MINE = SYSTEM.encode()
SILENCE, ATTEMPTS = "urn:onmaru:remote:silence", "urn:onmaru:remote:attempts"
UCUM = "http://unitsofmeasure.org"
# http://hl7.org/fhir/units-of-time, those that are always of one length
UNITS: Mapping[str, int] = {"h": HOUR, "d": DAY, "wk": 7 * DAY}
SHORTEST, MOST_ACTIVITIES, MOST_FREQUENCY = HOUR, 20, 24
# http://hl7.org/fhir/request-status
STANDING = frozenset({"active", "on-hold"})


class Limits(msgspec.Struct, frozen=True):
    """Of a value in `unit`: what is below `low` or above `high` is crossed; None is no limit on that side."""

    low: Fraction | None
    high: Fraction | None
    unit: str

    def crossed(self, value: Fraction) -> Literal["", "low", "high"]:
        if self.low is not None and value < self.low:
            return "low"
        return "high" if self.high is not None and value > self.high else ""


class Activity(msgspec.Struct, frozen=True):
    """`key`: system|code of what is measured, or the canonical of a Questionnaire. Due `frequency` times in each `every` µs.

    `limits` by key: a measure's own, or of a form's answers `canonical#linkId`.
    """

    kind: Literal["measure", "form"]
    key: str
    text: str
    frequency: int
    every: int
    limits: Mapping[str, Limits] = {}


class Plan(msgspec.Struct, frozen=True):
    """From `start` up to `end` (µs; None: open). `silence` µs without anything, and `attempts` that failed, are unreachable.

    `faults`: what of it could not be read, as paths.
    """

    id: str
    patient: str
    title: str
    status: str
    start: int
    end: int | None
    silence: int
    attempts: int
    author: str
    activities: tuple[Activity, ...]
    faults: tuple[str, ...] = ()


def read(body: Mapping[str, Any]) -> Plan | None:
    """The plan that a CarePlan is; None for any other CarePlan and one without a patient."""
    codings = [one for concept in body.get("category") or [] for one in concept.get("coding") or []]
    patient = whose(body.get("subject"))
    if not any(one.get("system") == SYSTEM and one.get("code") == "plan" for one in codings):
        return None
    if not patient:
        return None
    faults: list[str] = []
    period = body.get("period") or {}
    start, end = moment(period.get("start")), moment(period.get("end"))
    if start is None:
        faults.append("period.start")
    if "end" in period and end is None:
        faults.append("period.end")
    silence, attempts = _policy(body, faults)
    goals = {f"#{one.get('id')}": one for one in body.get("contained") or [] if one.get("resourceType") == "Goal"}
    activities = tuple(_activities(body, goals, faults))
    return Plan(
        str(body.get("id", "")), patient, str(body.get("title", "")),
        str(body.get("status", "")), start or 0, end, silence, attempts, _who(body.get("author")), activities,
        tuple(faults),
    )  # fmt: skip


def first(items: Any) -> Mapping[str, Any]:
    """The first of a list of elements; {} where there is none."""
    found: Mapping[str, Any] = next(iter(items or ()), {})
    return found


def whose(reference: Any) -> str:
    """The id of the patient that a reference names; "" for anything else, so that nothing is ever nobody's."""
    type, _, id = str((reference or {}).get("reference", "")).partition("/")
    return id if type == "Patient" and "/" not in id else ""


def _who(reference: Any) -> str:
    found = (reference or {}).get("identifier") or {}
    return str(found.get("value") or (reference or {}).get("display") or (reference or {}).get("reference") or "")


def _policy(body: Mapping[str, Any], faults: list[str]) -> tuple[int, int]:
    given = {str(one.get("url")): one for one in body.get("extension") or []}
    duration = given.get(SILENCE, {}).get("valueDuration") or {}
    hours, attempts = number(str(duration.get("value", ""))), given.get(ATTEMPTS, {}).get("valueInteger")
    if hours is None or duration.get("code") != "h" or not 1 <= hours <= 24 * 366:
        faults.append(f"extension({SILENCE})")
        hours = Fraction(1)
    if not isinstance(attempts, int) or not 1 <= attempts <= 20:
        faults.append(f"extension({ATTEMPTS})")
        attempts = 1
    return int(hours * HOUR), attempts


def _activities(body: Mapping[str, Any], goals: Mapping[str, Any], faults: list[str]) -> Iterator[Activity]:
    given = body.get("activity") or []
    if not given or len(given) > MOST_ACTIVITIES:
        faults.append("activity")
    seen: set[str] = set()
    for n, one in enumerate(given[:MOST_ACTIVITIES]):
        where, detail = f"activity[{n}].detail", one.get("detail") or {}
        if detail.get("status") in ("cancelled", "stopped", "completed", "entered-in-error"):
            continue
        found = _activity(detail, goals, where, faults)
        if found is not None and found.key in seen:
            faults.append(where)
        elif found is not None:
            seen.add(found.key)
            yield found


def _activity(detail: Mapping[str, Any], goals: Mapping[str, Any], where: str, faults: list[str]) -> Activity | None:
    form = str(next(iter(detail.get("instantiatesCanonical") or ()), "")).partition("|")[0]
    codings = (detail.get("code") or {}).get("coding") or []
    coded = next((f"{one.get('system', '')}|{one['code']}" for one in codings if one.get("code")), "")
    repeat = (detail.get("scheduledTiming") or {}).get("repeat") or {}
    rhythm = _rhythm(repeat)
    if not (form or coded):
        faults.append(f"{where}.code")
    if rhythm is None:
        faults.append(f"{where}.scheduledTiming")
    if rhythm is None or not (form or coded):
        return None
    text = str((detail.get("code") or {}).get("text") or detail.get("description") or "")
    limits = dict(_limits(detail, goals, where, faults))
    own = {f"{form}#{key.partition('|')[2]}" if form else key: one for key, one in limits.items()}
    if not form and set(own) - {coded}:
        faults.append(f"{where}.goal")
    return Activity("form" if form else "measure", form or coded, text, *rhythm, own)


def _rhythm(repeat: Mapping[str, Any]) -> tuple[int, int] | None:
    """How often in which time; None for any timing that says more, or less, than that."""
    if set(repeat) - {"frequency", "period", "periodUnit"}:
        return None
    frequency, unit = repeat.get("frequency", 1), UNITS.get(str(repeat.get("periodUnit")))
    period = number(str(repeat.get("period", "")))
    if unit is None or period is None or not isinstance(frequency, int) or not 1 <= frequency <= MOST_FREQUENCY:
        return None
    every = int(period * unit)
    return (frequency, every) if SHORTEST <= every <= 366 * DAY else None


def _limits(
    detail: Mapping[str, Any], goals: Mapping[str, Any], where: str, faults: list[str]
) -> Iterator[tuple[str, Limits]]:
    """From the targets of the contained Goals that the activity names. For a form the code is the item's linkId."""
    for n, reference in enumerate(detail.get("goal") or []):
        goal = goals.get(str(reference.get("reference")))
        targets = (goal or {}).get("target") or []
        if not targets:
            faults.append(f"{where}.goal[{n}]")
        for target in targets:
            coding = first((target.get("measure") or {}).get("coding"))
            limits = _range(target.get("detailRange") or {})
            if limits is None or not coding.get("code"):
                faults.append(f"{where}.goal[{n}]")
            else:
                yield f"{coding.get('system', '')}|{coding['code']}", limits


def _range(given: Mapping[str, Any]) -> Limits | None:
    ends = [given.get(name) for name in ("low", "high")]
    units = {str(one.get("code") or one.get("unit") or "") for one in ends if one}
    values = [number(str(one.get("value", ""))) if one else None for one in ends]
    if len(units) != 1 or any(one and value is None for one, value in zip(ends, values, strict=True)):
        return None
    low, high = values
    if low is not None and high is not None and low > high:
        return None
    return Limits(low, high, units.pop())
