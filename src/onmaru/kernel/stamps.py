"""Times and statuses as HTTP writes them."""

from __future__ import annotations

from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus


@lru_cache(maxsize=4096)
def http_date(seconds: int) -> str:
    """Seconds since 1970 UTC as an HTTP date (RFC 9110, 5.6.7)."""
    return formatdate(seconds, usegmt=True)


@lru_cache(maxsize=64)
def phrase(status: int) -> str:
    """`201 Created` and the like."""
    return f"{status} {HTTPStatus(status).phrase}"
