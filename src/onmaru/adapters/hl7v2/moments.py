"""v2 times (DTM, DT, TM) to FHIR: the written precision is kept, a time without zone gets the sender's zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_DTM = re.compile(r"(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(\.\d{1,6})?)?)?)?)?)?([+-]\d{4})?\Z")
# Some senders put colons into a TM: not legal, but with one meaning only
_TM = re.compile(r"(\d{2})(?::?(\d{2})(?::?(\d{2})(\.\d{1,6})?)?)?(?:[+-]\d{4})?\Z")


def _zone(text: str | None, default: str) -> str:
    return f"{text[:3]}:{text[3:]}" if text else default


@lru_cache(maxsize=2048)
def dateTime(text: str, zone: str) -> str | None:
    """Give a FHIR dateTime, None when the text is no time. `zone` is like +09:00 and fills in for a missing offset."""
    match = _DTM.match(text.strip())
    if not match:
        return None
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    if not _real(year, month, day, hour, minute, second) or not _offset(offset):
        return None
    if hour is None or hour == "":
        return "-".join(part for part in (year, month, day) if part)
    return f"{year}-{month}-{day}T{hour}:{minute or '00'}:{second or '00'}{fraction or ''}{_zone(offset, zone)}"


def _real(*parts: str | None) -> bool:
    year, month, day, hour, minute, second = (
        int(p) if p else d for p, d in zip(parts, (1, 1, 1, 0, 0, 0), strict=True)
    )
    try:
        datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return False
    return second <= 60


def _offset(text: str | None) -> bool:
    """Offsets of FHIR reach to 14:00."""
    return not text or (int(text[1:3]) < 14 and int(text[3:]) < 60) or text[1:] == "1400"


def date(text: str) -> str | None:
    found = dateTime(text, "Z")
    return found.split("T")[0] if found else None


def instant(text: str, zone: str) -> str | None:
    """A dateTime with at least hours; None for less."""
    found = dateTime(text, zone)
    return found if found and "T" in found else None


def time(text: str) -> str | None:
    match = _TM.match(text.strip())
    if not match:
        return None
    hour, minute, second, fraction = match.groups()
    if int(hour) > 23 or int(minute or 0) > 59 or int(second or 0) > 59:
        return None
    return f"{hour}:{minute or '00'}:{second or '00'}{fraction or ''}"


@lru_cache(maxsize=8192)
def micros(moment: str | None) -> int:
    """µs since 1970 UTC of a FHIR dateTime or instant; 0 for None. A date counts as its first moment in UTC."""
    if not moment:
        return 0
    if "T" not in moment:
        moment = (moment + "-01-01")[:10] + "T00:00:00Z"
    parsed = datetime.fromisoformat(moment.replace(":60", ":59"))
    return int(parsed.timestamp()) * 1_000_000 + parsed.microsecond


def later(moment: str, minutes: float) -> str | None:
    """The moment `minutes` after a dateTime that has a time; None beyond the calendar."""
    try:
        return (datetime.fromisoformat(moment.replace(":60", ":59")) + timedelta(minutes=minutes)).isoformat()
    except OverflowError:
        return None
