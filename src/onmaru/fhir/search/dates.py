"""Dates as ranges: what a written precision covers, in µs since 1970 UTC, high exclusive. A time without zone is UTC."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import cache, lru_cache

from onmaru.fhir.keys import MAX

SECOND = 1_000_000
DAY = 86_400 * SECOND
EPOCH = date(1970, 1, 1).toordinal()
WRITTEN = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)


@lru_cache(maxsize=16_384)  # one visit's resources repeat its times
def span(text: str) -> tuple[int, int]:
    """The range [low, high) that a date, dateTime or instant covers: a year, month, day, minute, second or fraction.

    A search may leave out seconds and zone (R4 search 3.1.1.4.7). A leap second belongs to the second after it.
    Raises ValueError for anything that is no such moment.
    """
    found = WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError("not a date")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    if hour is None:
        return _days(int(year), month, day)
    low = (date(int(year), int(month), int(day)).toordinal() - EPOCH) * DAY + _clock(hour, minute, second)
    low -= _offset(zone)
    if second is None:
        return low, low + 60 * SECOND
    if fraction is None:
        return low, low + SECOND
    low += int(fraction[:6].ljust(6, "0"))
    return low, low + 10 ** (6 - min(6, len(fraction)))


def _days(year: int, month: str | None, day: str | None) -> tuple[int, int]:
    first = date(year, int(month or 1), int(day or 1))
    low = (first.toordinal() - EPOCH) * DAY
    if day is not None:
        return low, low + DAY
    try:
        after = date(year + 1, 1, 1) if month is None else (first + timedelta(days=31)).replace(day=1)
    except (ValueError, OverflowError):  # the calendar ends with 9999
        return low, MAX
    return low, (after.toordinal() - EPOCH) * DAY


def _clock(hour: str, minute: str, second: str | None) -> int:
    h, m, s = int(hour), int(minute), int(second or 0)
    if h > 23 or m > 59 or s > 60:
        raise ValueError("not a time of day")
    return (h * 3600 + m * 60 + s) * SECOND


@cache
def _offset(zone: str | None) -> int:
    if zone is None or zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if hours > 14 or minutes > 59:
        raise ValueError("not a zone")
    return (hours * 3600 + minutes * 60) * (SECOND if zone[0] == "+" else -SECOND)
