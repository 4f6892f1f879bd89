"""Answers in gzip for who takes it (RFC 9110, 12.5.3), large ones only, and never where packing could tell a secret.

Its one law: what came with a cookie is not packed, so no other page can make a browser ask and measure (BREACH).
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping

import msgspec

from onmaru.kernel.room import Response

# Bytes from which packing is worth its time, and from which it is done in a thread
LEAST = 8_192
LONG = 65_536
# What is packed already gains nothing
TEXTS = ("application/fhir+", "application/json", "application/xml", "application/x-ndjson", "text/")
HEADERS = (("content-encoding", "gzip"), ("vary", "accept-encoding"))


def taken(headers: Mapping[str, str]) -> bool:
    """Whether gzip is among the encodings that a client takes."""
    for part in headers.get("accept-encoding", "").lower().split(","):
        coding, _, weight = part.replace(" ", "").partition(";q=")
        if coding in ("gzip", "x-gzip"):
            return weight.strip("0.") != "" or not weight
    return False


def squeezed(body: bytes, level: int = 1) -> bytes:
    """One gzip stream, the same for the same bytes."""
    packer = zlib.compressobj(level, wbits=31)
    return packer.compress(body) + packer.flush()


def heavy(response: Response) -> bool:
    """Whether an answer is large enough to be worth packing."""
    return len(response.body) >= LEAST if isinstance(response.body, bytes) else False


async def packed(response: Response, headers: Mapping[str, str]) -> Response:
    """The answer to a request with a bearer token in gzip, where that is taken and worth it; any other as it is."""
    body = response.body
    if not isinstance(body, bytes) or not heavy(response) or "authorization" not in headers or not taken(headers):
        return response
    named = any(name in ("content-encoding", "content-range") for name, _ in response.headers)
    if named or not response.type.startswith(TEXTS):
        return response
    small = squeezed(body) if len(body) < LONG else await asyncio.to_thread(squeezed, body)
    return msgspec.structs.replace(response, body=small, headers=(*response.headers, *HEADERS))
