"""Times and statuses as FHIR and HTTP write them."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus


def instant(at: int) -> str:
    """µs since 1970 UTC as a FHIR instant with microseconds."""
    seconds, rest = divmod(at, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06d}Z"


@lru_cache(maxsize=4096)
def http_date(seconds: int) -> str:
    """Seconds since 1970 UTC as an HTTP date (RFC 9110, 5.6.7)."""
    return formatdate(seconds, usegmt=True)


@lru_cache(maxsize=64)
def phrase(status: int) -> str:
    """`201 Created` and the like."""
    return f"{status} {HTTPStatus(status).phrase}"
