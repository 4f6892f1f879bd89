"""The components of dates and times, and the time between two (STU)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from onmaru.fhir.fhirpath import durations
from onmaru.fhir.fhirpath.errors import execution
from onmaru.fhir.fhirpath.functions.registry import Arguments, function
from onmaru.fhir.fhirpath.run import Collection, Run
from onmaru.fhir.fhirpath.singles import moment, one, string
from onmaru.fhir.fhirpath.temporal import Date, DateTime, Time
from onmaru.fhir.fhirpath.values import CALENDAR_UNITS

_NAMES = ("yearOf", "monthOf", "dayOf", "hourOf", "minuteOf")


def _field(value: Any, place: int) -> Any:
    """A field by its place from the year, None where the value has not got it."""
    if not isinstance(value, (Date, DateTime, Time)):
        return None
    inner = place - value.first
    return value.fields[inner] if 0 <= inner < len(value.fields) else None


def _enter(name: str, place: int) -> None:
    @function(name)
    def component(run: Run, items: Collection, arguments: Arguments) -> Collection:
        found = _field(one(items), place)
        return [] if found is None else [int(found)]


for _place, _name in enumerate(_NAMES):
    _enter(_name, _place)


@function("secondOf")
def second_of(run: Run, items: Collection, arguments: Arguments) -> Collection:
    found = _field(one(items), 5)
    return [] if found is None else [int(found)]


@function("millisecondOf")
def millisecond_of(run: Run, items: Collection, arguments: Arguments) -> Collection:
    found = _field(one(items), 5)
    return [int(found * 1000) % 1000] if isinstance(found, Decimal) else []


@function("timezoneOffsetOf")
def timezone_offset_of(run: Run, items: Collection, arguments: Arguments) -> Collection:
    value = one(items)
    if not isinstance(value, DateTime) or value.zone is None:
        return []
    return [Decimal(value.zone) / 60 + Decimal("0.0")]


@function("dateOf")
def date_of(run: Run, items: Collection, arguments: Arguments) -> Collection:
    value = one(items)
    return [Date(value.fields[:3])] if isinstance(value, (Date, DateTime)) else []


@function("timeOf")
def time_of(run: Run, items: Collection, arguments: Arguments) -> Collection:
    value = one(items)
    return [Time(value.fields[3:])] if isinstance(value, DateTime) and len(value.fields) > 3 else []


def _between(run: Run, items: Collection, arguments: Arguments, boundaries: bool) -> Collection:
    start, end = moment(items), moment(arguments[0](run))
    unit = string(arguments[1](run))
    if start is None or end is None or unit is None:
        return []
    if unit not in CALENDAR_UNITS:
        raise execution("the precision must be a calendar unit")
    if isinstance(start, Time) is not isinstance(end, Time):
        raise execution("a Time has no distance to a date")
    found = durations.between(start, end, CALENDAR_UNITS[unit], boundaries=boundaries)
    return [] if found is None else [found]


@function("duration", 2)
def duration(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return _between(run, items, arguments, False)


@function("difference", 2)
def difference(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return _between(run, items, arguments, True)
