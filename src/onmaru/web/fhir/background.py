"""Requests that are answered later (FHIR R4 http.html, asynchronous request pattern): begun with 202, polled, cancelled."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

from onmaru.fhir.outcome import Invalid, invalid, outcome
from onmaru.kernel.background import Asker, Background, State, Ticket
from onmaru.kernel.room import Response
from onmaru.kernel.stamps import http_date
from onmaru.web.answers import FHIR, JSON
from onmaru.web.api.reading import number
from onmaru.web.entrance import deny, note
from onmaru.web.router import MethodRefused
from onmaru.web.sending import NDJSON
from onmaru.web.visit import Visit

PATH = "$job"
# Seconds after which it is worth asking again
AGAIN = "1"


def door(visit: Visit) -> Background:
    """What does it; `Invalid` 404 in a house that does nothing in the background."""
    if visit.doors.background is None:
        deny(visit, "not-supported")
        raise invalid("not-supported", "this operation is not supported", status=404)
    return visit.doors.background


def asker(visit: Visit) -> Asker:
    """Who asks, so that they can be asked for again."""
    standing, caller = visit.known()
    purpose = visit.request.headers.get("x-onmaru-purpose", "")
    grant = standing.grant
    return Asker(caller.tenant, caller.user, grant.client, grant.key, purpose, visit.id, visit.address)


async def later(visit: Visit, kind: str, asked: bytes, path: str) -> Response:
    """Begin a job: 202 and where to look for it. For whoever answers `Prefer: respond-async`."""
    base = f"{visit.base}/fhir"
    query = urlencode(visit.request.query)
    ticket = Ticket(kind, asker(visit), f"{base}/{path}{'?' if query else ''}{query}", base, asked)
    try:
        with told_of(visit):
            id = await door(visit).begin(ticket)
    except Invalid as error:
        if error.status != 429:
            raise
        return Response(429, outcome(error.issues), FHIR, (("retry-after", "60"),))
    note(visit, f"{path} {PATH}/{id}")
    return Response(202, b"", "", (("content-location", f"{base}/{PATH}/{id}"),))


@contextmanager
def told_of(visit: Visit) -> Iterator[None]:
    """A refusal within leaves an audit row."""
    try:
        yield
    except Invalid as error:
        deny(visit, error.issues[0].code)
        raise


async def looked_after(visit: Visit, path: str) -> Response:
    """`GET` and `DELETE $job/ID`, `GET $job/ID/NAME`."""
    id, _, name = path.removeprefix(f"{PATH}/").partition("/")
    method = visit.request.method
    if name:
        if method not in ("GET", "HEAD"):
            raise MethodRefused(["GET", "HEAD"])
        return await _file(visit, id, name)
    if method == "DELETE":
        with told_of(visit):
            await door(visit).cancel(asker(visit), id)
        note(visit, f"{path} cancel")
        return Response(202, b"", "")
    if method not in ("GET", "HEAD"):
        raise MethodRefused(["GET", "HEAD", "DELETE"])
    with told_of(visit):
        state = await door(visit).look(asker(visit), id, _page(visit))
    note(visit, path)
    return _told(state)


def _page(visit: Visit) -> int:
    text = next((value for name, value in visit.request.query if name == "page"), "1")
    return number(text, "page", low=1, high=10_000_000)


def _told(state: State) -> Response:
    if not state.done:
        return Response(202, b"", "", (("x-progress", state.progress), ("retry-after", AGAIN)))
    if state.issues:
        return Response(state.status, outcome(state.issues), FHIR)
    return Response(
        200, state.body, FHIR if state.resource else JSON, (("expires", http_date(state.expires // 1_000_000)),)
    )


async def _file(visit: Visit, id: str, name: str) -> Response:
    with told_of(visit):
        parts = await door(visit).file(asker(visit), id, name, urlencode(visit.request.query))
    note(visit, f"{PATH}/{id}/{name}")
    if "gzip" in visit.request.headers.get("accept-encoding", ""):
        return Response(200, _packed(parts), NDJSON, (("content-encoding", "gzip"), ("vary", "accept-encoding")))
    return Response(200, parts, NDJSON)


async def _packed(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same in gzip, made in a thread; fast rather than small. What is cut off does not end as gzip does."""
    packer = zlib.compressobj(1, wbits=31)
    async for part in parts:
        yield await asyncio.to_thread(packer.compress, part) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()
