"""Takes a request's body in, never more of it than allowed, gzip opened within the same bound."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Protocol

from granian._granian import RSGIProtocolClosed, RSGIProtocolError

from onmaru.fhir.outcome import Invalid, invalid

# Bytes of gzip that are opened in one go
PIECE = 1 << 18
# Bytes, and seconds, of a body that is refused unread up to which it is taken in nevertheless
AWAY = 1 << 20
PATIENCE = 2.0
# What the server raises where a client leaves, or sends no sound chunks, before its body is whole
CUT = (RSGIProtocolClosed, RSGIProtocolError)


class Incoming(Protocol):
    """The part of an RSGI protocol object that hands over the body."""

    def __call__(self) -> Awaitable[bytes]: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


async def take(incoming: Incoming, headers: Mapping[str, str], most: int, seconds: float) -> bytes:
    """The whole body; `Invalid` 413 over `most` bytes (before or after gzip), 415 for another encoding, 400 if broken.

    408 when it is not here within `seconds`; 400 when it ends before it is whole.
    """
    length = headers.get("content-length", "")
    size = int(length) if length.isdecimal() and len(length) < 19 else -1
    if size > most or len(length) > 18:
        await poured_away(incoming, headers)
        raise _too_long(most)
    body = await _within(seconds, incoming() if size >= 0 else _streamed(incoming, most)) if size else b""
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise invalid("not-supported", "the only content encoding taken is gzip", status=415)
    return await _opened(body, most)


async def poured_away(incoming: Incoming, headers: Mapping[str, str]) -> None:
    """Take in a small body that nobody reads: a client still sending when we close would not hear why it is refused."""
    length = headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > 18 or not 0 < int(length) <= AWAY:
        return
    try:
        async with asyncio.timeout(PATIENCE):
            async for _ in incoming:
                pass
    except (TimeoutError, *CUT):
        return


async def _within(seconds: float, coming: Awaitable[bytes]) -> bytes:
    try:
        async with asyncio.timeout(seconds):
            return await coming
    except TimeoutError as error:
        raise invalid("timeout", "the body did not come in time", status=408) from error
    except CUT as error:
        raise invalid("incomplete", "the body is not whole") from error


async def _streamed(incoming: Incoming, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in incoming:
        size += len(part)
        if size > most:
            raise _too_long(most)
        parts.append(part)
    return b"".join(parts)


async def _opened(body: bytes, most: int) -> bytes:
    """The content of one gzip stream, opened piece by piece so that others are answered in between."""
    opener = zlib.decompressobj(wbits=31)
    parts: list[bytes] = []
    size = 0
    try:
        for start in range(0, len(body), PIECE):
            piece = body[start : start + PIECE]
            while piece and not opener.unused_data:
                parts.append(opener.decompress(piece, PIECE * 4))
                piece = opener.unconsumed_tail
                size += len(parts[-1])
                if size > most:
                    raise _too_long(most)
                if size > PIECE:
                    await asyncio.sleep(0)
        parts.append(opener.flush())
    except zlib.error as error:
        raise invalid("structure", "the body is not sound gzip") from error
    if size + len(parts[-1]) > most:
        raise _too_long(most)
    if not opener.eof or opener.unused_data:
        raise invalid("structure", "the body is not one whole gzip stream")
    return b"".join(parts)


def _too_long(most: int) -> Invalid:
    return invalid("too-long", f"the body is over {most} bytes; use $import (onmaru load) for bulk data", status=413)
