"""Pure: FHIR's times as µs since 1970 UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

SECOND = 1_000_000
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
DAY = 24 * HOUR
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(text: Any) -> int | None:
    """An instant or a dateTime with its zone; None for a date, a time without zone and anything else."""
    if not isinstance(text, str) or "T" not in text or len(text) > 40:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is None:
        return None
    passed = found - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * SECOND + passed.microseconds
