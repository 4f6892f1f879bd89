"""Takes a request's body in, never more of it than allowed, gzip opened within the same bound."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Protocol

from onmaru.fhir.outcome import Invalid, invalid


class Incoming(Protocol):
    """The part of an RSGI protocol object that hands over the body."""

    def __call__(self) -> Awaitable[bytes]: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


async def take(incoming: Incoming, headers: Mapping[str, str], most: int) -> bytes:
    """The whole body; `Invalid` 413 over `most` bytes (before or after gzip), 415 for another encoding, 400 if broken."""
    length = headers.get("content-length")
    if length is not None and length.isdecimal():
        if int(length) > most:
            raise _too_long(most)
        body = await incoming()
    else:
        body = await _streamed(incoming, most)
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise invalid("not-supported", "the only content encoding taken is gzip", status=415)
    return _opened(body, most)


async def _streamed(incoming: Incoming, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in incoming:
        size += len(part)
        if size > most:
            raise _too_long(most)
        parts.append(part)
    return b"".join(parts)


def _opened(body: bytes, most: int) -> bytes:
    opener = zlib.decompressobj(wbits=31)
    try:
        opened = opener.decompress(body, most + 1)
    except zlib.error as error:
        raise invalid("structure", "the body is not sound gzip") from error
    if len(opened) > most:
        raise _too_long(most)
    if not opener.eof or opener.unused_data:
        raise invalid("structure", "the body is not one whole gzip stream")
    return opened


def _too_long(most: int) -> Invalid:
    return invalid("too-long", f"the body is over {most} bytes; use $import (onmaru load) for bulk data", status=413)
