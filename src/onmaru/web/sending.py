"""Gives an answer back to the server. A part of a streamed answer leaves only once what it disclosed is on the disk."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, Protocol

import msgspec

from onmaru.kernel.room import Response
from onmaru.web.answers import SECURE
from onmaru.web.body import Incoming

log = logging.getLogger("onmaru.web")
Headers = list[tuple[str, str]]
NDJSON = "application/fhir+ndjson"
# A line that no parser takes, since the server closes a stream alike whether it was sent to its end or not
CUT = b'{"resourceType":"OperationOutcome","issue":[{"severity":"fatal","code":"incomplete","diagnostics":"cut off here"}]'
Kept = Callable[[], Awaitable[None]]


class Outgoing(Incoming, Protocol):
    """How an answer is given (RSGI 1.5)."""

    def response_empty(self, status: int, headers: Headers) -> None: ...
    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...
    def response_stream(self, status: int, headers: Headers) -> Any: ...


async def drawn(response: Response) -> Response:
    """The response with a body that was called for in a thread or its first part drawn: what fails there is refused."""
    body = response.body
    if isinstance(body, bytes):
        return response
    if callable(body):
        return msgspec.structs.replace(response, body=await asyncio.to_thread(body))
    if isinstance(body, AsyncIterator):
        first = await anext(body, b"")
        return msgspec.structs.replace(response, body=_after(first, body))
    parts = iter(body)
    return msgspec.structs.replace(response, body=itertools.chain([next(parts, b"")], parts))


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in rest:
        yield part


async def _each(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def send(outgoing: Outgoing, response: Response, head: Headers, *, bare: bool, kept: Kept | None) -> None:
    """Answer with `head` before the response's own headers; `bare` (HEAD) leaves the body out."""
    if response.type:
        head.append(("content-type", response.type))
    head += response.headers
    if "content-security-policy" not in dict(response.headers):
        head += SECURE
    body = response.body
    if bare or response.status in (204, 304) or body == b"":
        outgoing.response_empty(response.status, head)
    elif isinstance(body, bytes):
        outgoing.response_bytes(response.status, head, body)
    elif not callable(body) and kept is not None:
        parts = body if isinstance(body, AsyncIterator) else _each(body)
        end = CUT if response.type == NDJSON else b""
        await _pour(outgoing.response_stream(response.status, head), parts, kept, end)


async def _pour(stream: Any, parts: AsyncIterator[bytes], kept: Kept, end: bytes) -> None:
    """Send part by part, letting others be answered in between. What fails here can no longer be refused: it is cut off,
    with `end` where a client could take the rest for the whole.
    """
    try:
        async for part in parts:
            await kept()
            await stream.send_bytes(part)
    except Exception as error:  # noqa: BLE001  a client that left, or a defect; the headers are gone already
        log.warning("a streamed answer was cut off: %s", type(error).__name__)
        with contextlib.suppress(Exception):
            await stream.send_bytes(end)
