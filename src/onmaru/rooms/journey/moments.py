"""When a resource happened: date, dateTime, instant, Period and Timing to a half-open range; the text stays as written."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

MICRO = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHAPE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?\Z", re.ASCII
)

# http://terminology.hl7.org/CodeSystem/condition-clinical
_ONGOING = frozenset({"active", "recurrence", "relapse"})
# Order of preference: when it happened, before when it was written down, before when the entry was made.
MEMBERS = (
    "effectiveDateTime",
    "effectivePeriod",
    "effectiveInstant",
    "effectiveTiming",
    "performedDateTime",
    "performedPeriod",
    "occurrenceDateTime",
    "occurrencePeriod",
    "occurrenceTiming",
    "onsetDateTime",
    "onsetPeriod",
    "identifiedDateTime",
    "identifiedPeriod",
    "timingDateTime",
    "timingPeriod",
    "timingTiming",
    "servicedDate",
    "servicedPeriod",
    "createdDateTime",
    "createdPeriod",
    "period",
    "billablePeriod",
    "servicePeriod",
    "executionPeriod",
    "planningHorizon",
    "started",
    "startDate",
    "sent",
    "received",
    "whenHandedOver",
    "whenPrepared",
    "authoredOn",
    "authored",
    "dateWritten",
    "date",
    "dateTime",
    "receivedTime",
    "recordedDate",
    "recorded",
    "issued",
    "created",
    "enteredDate",
    "dateAsserted",
    "recordedOn",
    "statusDate",
    "lastModified",
)


class Moment(NamedTuple):
    """`low` inclusive and `high` exclusive in µs since 1970 UTC; `high` None: it goes on. `low` None: no time is known."""

    low: int | None
    high: int | None
    text: str


UNKNOWN = Moment(None, None, "")


def point(text: str) -> Moment:
    """The range that a date, dateTime or instant covers by its precision; a time without zone is UTC.

    A text of another form gives UNKNOWN times but keeps the text.
    """
    found = _SHAPE.match(text)
    if not found:
        return Moment(None, None, text)
    try:
        return Moment(*_range(found.groups()), text)
    except (ValueError, OverflowError):
        return Moment(None, None, text)


def _range(parts: tuple[str | Any, ...]) -> tuple[int, int]:
    year, month, day, hour, minute, second, fraction, zone = parts
    leap = second == "60"  # a leap second is the last one of its minute
    start = datetime(
        int(year),
        int(month or 1),
        int(day or 1),
        int(hour or 0),
        int(minute or 0),
        59 if leap else int(second or 0),
        int((fraction or "0")[:6].ljust(6, "0")),
        tzinfo=UTC,
    )
    low = (start - EPOCH) // timedelta(microseconds=1) - _offset(zone)
    return low, low + _length(start, parts)


def _length(start: datetime, parts: tuple[str | Any, ...]) -> int:
    _, month, day, hour, _, second, fraction, _ = parts
    if not month:
        return (366 if calendar.isleap(start.year) else 365) * 86_400 * MICRO
    if not day:
        return calendar.monthrange(start.year, start.month)[1] * 86_400 * MICRO
    if not hour:
        return 86_400 * MICRO
    if not second:
        return 60 * MICRO
    return 10 ** (6 - min(6, len(fraction))) if fraction else MICRO


def _offset(zone: str | None) -> int:
    if not zone or zone == "Z":
        return 0
    sign = -1 if zone[0] == "-" else 1
    return sign * (int(zone[1:3]) * 3600 + int(zone[4:6]) * 60) * MICRO


def period(value: dict[str, Any]) -> Moment:
    """A Period: without an end it goes on; without a start it is known by its end alone."""
    start, end = value.get("start"), value.get("end")
    if start is None:
        return point(end) if end is not None else UNKNOWN
    low = point(start)
    if end is None:
        return Moment(low.low, None, f"{start}/")
    high = point(end)
    return Moment(low.low, high.high if high.high is not None else low.high, f"{start}/{end}")


def timing(value: dict[str, Any]) -> Moment:
    """A Timing: from its first to its last event, or its bounds."""
    events = value.get("event") or []
    if events:
        first, last = point(min(events)), point(max(events))
        return Moment(first.low, last.high, events[0] if len(events) == 1 else f"{min(events)}/{max(events)}")
    bounds = (value.get("repeat") or {}).get("boundsPeriod")
    return period(bounds) if bounds else UNKNOWN


def moment(body: dict[str, Any], members: tuple[str, ...] = MEMBERS) -> Moment:
    """When the resource happened, by the first of `members` that gives a time; else UNKNOWN."""
    if body.get("resourceType") == "Condition" and "onsetDateTime" in body:
        return _illness(body)
    if "start" in body:  # Appointment and AppointmentResponse carry their period unfolded
        return period(body)
    for member in members:
        value = body.get(member)
        found = UNKNOWN if value is None else _read(value)
        if found.low is not None:
            return found
    collected = body.get("collection")
    return moment(_collected(collected)) if isinstance(collected, dict) else UNKNOWN


def _illness(body: dict[str, Any]) -> Moment:
    """A Condition from onset to abatement; one that has not abated and is said to be active goes on."""
    abated = body.get("abatementDateTime")
    if abated is not None:
        return period({"start": body["onsetDateTime"], "end": abated})
    clinical = {coding.get("code") for coding in (body.get("clinicalStatus") or {}).get("coding") or []}
    return period({"start": body["onsetDateTime"]}) if clinical & _ONGOING else point(body["onsetDateTime"])


def _collected(collection: dict[str, Any]) -> dict[str, Any]:
    """Specimen.collection.collected[x] under the names that `moment` looks for."""
    renamed = {"collectedDateTime": "effectiveDateTime", "collectedPeriod": "effectivePeriod"}
    return {new: collection[old] for old, new in renamed.items() if old in collection}


def _read(value: Any) -> Moment:
    if isinstance(value, str):
        return point(value)
    if isinstance(value, dict):
        return timing(value) if "event" in value or "repeat" in value or "code" in value else period(value)
    return UNKNOWN
