"""Server-sent events (WHATWG HTML 9.2): news of the record as far as the caller may see it, with a heartbeat."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from onmaru.fhir.outcome import Invalid, invalid
from onmaru.web.doors import News
from onmaru.web.entrance import cookie
from onmaru.web.visit import Visit


class Stream(Protocol):
    """An RSGI stream transport."""

    async def send_bytes(self, data: bytes) -> None: ...


class Events:
    """Streams of all users; a user has at most `Settings.streams` at a time."""

    def __init__(self) -> None:
        self._open: Counter[tuple[str, str]] = Counter()
        self._coming: dict[int, tuple[str, asyncio.Future[News]]] = {}
        self._ended = False

    def end(self, tenant: str = "") -> None:
        """End every stream, or those of one tenant; its client asks again, with the position it has reached."""
        self._ended = self._ended or not tenant
        for whose, coming in list(self._coming.values()):
            if tenant in ("", whose):
                coming.cancel()

    def admit(self, visit: Visit) -> int:
        """The position to go on from (Last-Event-ID; 0: from now); `Invalid` 429 when the user has too many streams."""
        _, caller = visit.known()
        if self._open[caller.tenant, caller.user] >= visit.doors.settings.streams:
            raise invalid("throttled", "this user has too many streams open", status=429)
        last = visit.request.headers.get("last-event-id", "0")
        if not last.isdecimal() or len(last) > 18:
            raise invalid("value", "not a position of this server", "Last-Event-ID")
        return int(last)

    async def run(self, visit: Visit, stream: Stream, after: int) -> None:
        """Send until the client leaves or its grant no longer stands."""
        _, caller = visit.known()
        who = (caller.tenant, caller.user)
        self._open[who] += 1
        news = visit.doors.changes(caller, after)
        try:
            await self._send(visit, stream, news)
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]

    async def _send(self, visit: Visit, stream: Stream, news: AsyncIterator[News]) -> None:
        _, caller = visit.known()
        await stream.send_bytes(b"retry: 2000\n\n")
        coming: asyncio.Future[News] = asyncio.ensure_future(anext(news))
        try:
            while not self._ended and _stands(visit):
                self._coming[id(visit)] = (caller.tenant, coming)
                done, _ = await asyncio.wait([coming], timeout=visit.doors.settings.heartbeat)
                if not done:
                    await stream.send_bytes(b": still here\n\n")
                    continue
                if coming.cancelled() or not _stands(visit):
                    return
                one = coming.result()
                coming = asyncio.ensure_future(anext(news))
                await stream.send_bytes(_event(one))
        except StopAsyncIteration:
            return
        finally:
            self._coming.pop(id(visit), None)
            coming.cancel()


def _event(news: News) -> bytes:
    data = msgspec.json.encode({"t": news.t, "patients": news.patients, "types": news.types})
    return b"id: %d\nevent: change\ndata: %s\n\n" % (news.t, data)


def _stands(visit: Visit) -> bool:
    """Whether the grant that opened the stream still opens the same; if not, the client may open another one.

    An open stream is no use of a session: a page left alone is logged out though it listens.
    """
    headers = visit.request.headers
    logins = visit.doors.logins
    if visit.doors.closed(visit.tenant):
        return False
    bearer = headers.get("authorization", "").partition(" ")[2].strip()
    now = logins.standing(bearer or cookie(headers.get("cookie", "")), used=False)
    if now is None:
        return False
    try:
        asked = logins.caller(now, headers.get("x-onmaru-purpose", ""), visit.id, visit.address)
    except Invalid:
        return False
    return asked == visit.caller
