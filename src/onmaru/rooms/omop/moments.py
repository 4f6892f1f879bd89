"""FHIR dates and times as OMOP keeps them: the day and clock time that the source wrote, without its zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

_WRITTEN = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?)?)?\Z", re.ASCII
)
_EPOCH = date(1970, 1, 1)


class Moment(NamedTuple):
    """Days since 1970; µs since 1970 by the wall clock; HH:MM:SS. A mere date has only the day."""

    day: int | None
    at: int | None
    clock: str


NEVER = Moment(None, None, "")


def moment(text: Any) -> Moment:
    """A FHIR date, dateTime or instant. A year or month stands for its first day. NEVER for anything else."""
    return _moment(text) if isinstance(text, str) else NEVER


@lru_cache(maxsize=4_096)  # the resources of one visit tell the same few again and again
def _moment(text: str) -> Moment:
    found = _WRITTEN.match(text)
    if found is None:
        return NEVER
    year, month, day, hour, minute, second, _ = found.groups()
    try:
        on = date(int(year), int(month or 1), int(day or 1))
        if hour is None:
            return Moment((on - _EPOCH).days, None, "")
        whole = datetime(on.year, on.month, on.day, int(hour), int(minute), min(int(second or 0), 59), tzinfo=UTC)
    except ValueError:
        return NEVER
    since = whole - datetime(1970, 1, 1, tzinfo=UTC)
    return Moment((on - _EPOCH).days, since // timedelta(microseconds=1), whole.strftime("%H:%M:%S"))


def period(value: Any) -> tuple[Moment, Moment]:
    """Start and end of a Period."""
    inner = value if isinstance(value, dict) else {}
    return moment(inner.get("start")), moment(inner.get("end"))


def span(body: dict[str, Any], stem: str) -> tuple[Moment, Moment]:
    """`stem[x]` as dateTime, instant or Period: start and end, NEVER where there is none."""
    if f"{stem}Period" in body:
        return period(body[f"{stem}Period"])
    return moment(body.get(f"{stem}DateTime") or body.get(f"{stem}Instant")), NEVER
