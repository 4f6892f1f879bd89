"""The RSGI application: one loop, handlers inline, and no answer to a write or an audited read before it is durable."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from onmaru.fhir.outcome import Invalid, invalid
from onmaru.fhir.syntax import DEPTH, check_depth
from onmaru.kernel.entry import pairs_of
from onmaru.kernel.room import Request, Response
from onmaru.web import probes
from onmaru.web.answers import SECURE, refusal
from onmaru.web.api import session
from onmaru.web.api.surface import Api
from onmaru.web.body import poured_away, take
from onmaru.web.denials import Denials
from onmaru.web.doors import Doors
from onmaru.web.entrance import deny, enter, note, trail_of
from onmaru.web.events import Events
from onmaru.web.fhir.formats import heard, shown, special
from onmaru.web.fhir.surface import Fhir
from onmaru.web.meter import Meter, span
from onmaru.web.oauth.shared import OPENED, Shared
from onmaru.web.oauth.surface import OAuth
from onmaru.web.origin import Asked, Origin
from onmaru.web.packing import heavy, packed, taken
from onmaru.web.pages import Pages
from onmaru.web.rooms import Rooms
from onmaru.web.router import MethodRefused
from onmaru.web.sending import Kept, Outgoing, drawn, send
from onmaru.web.shares import Late, Shares
from onmaru.web.visit import Visit

log = logging.getLogger("onmaru.web")
BODIED = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# What only reads waits for its audit row alone, not for what others write
SAFE = frozenset({"GET", "HEAD"})
SURFACES = frozenset({"fhir", "api", "rooms", "oauth"})
# Who is not known yet has a name and a password to say, no more
UNKNOWN_BODY = 16_384
_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")


class Scope(Asked, Protocol):
    """What the server tells of a request (RSGI 1.5)."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def query_string(self) -> str: ...


def build(doors: Doors) -> Application:
    """The application over the doors that the app wired."""
    return Application(doors)


class Application:
    """`__rsgi__` answers one request; nothing it meets becomes an exception of the server's."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._origin = Origin(doors.settings.base, doors.settings.proxies)
        self._fhir = Fhir(doors)
        self._api = Api()
        self._rooms = Rooms(doors.rooms)
        self._oauth = OAuth(doors)
        self._shared = Shared(doors)
        self._events = Events()
        self._shares = Shares(doors.limits, time.monotonic)
        self._denials = Denials()
        self._pages = Pages(doors.settings.static or Path(__file__).parent / "static")
        self._ids = map(f"{secrets.token_hex(6)}-{{:x}}".format, itertools.count(1))
        self.meter = Meter()
        self._begun = 0
        self._stopping = False

    def warm(self) -> None:
        """Make what the first request would otherwise have to wait for."""
        self._fhir.warm()

    async def finished(self, seconds: float) -> bool:
        """Take no more requests and wait for those that were begun; whether all of them ended in time.

        What they read and write must stand until then: a request that meets a closed store fails for no fault of its own.
        """
        self._stopping = True
        self._events.end()
        deadline = time.monotonic() + seconds
        while self._begun and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        return not self._begun

    @property
    def begun(self) -> int:
        """How many requests are being answered."""
        return self._begun

    async def __rsgi__(self, scope: Scope, protocol: Outgoing) -> None:
        if scope.path in probes.PATHS:
            probed = probes.answer(scope.path, self._doors.health, stopping=self._stopping)
            await send(protocol, probed, [], bare=scope.method == "HEAD", kept=None)
            return
        if self._stopping:
            stopping = invalid("transient", "this server is stopping; ask again", status=503)
            await send(
                protocol,
                refusal(stopping, fhir=True),
                [("connection", "close")],
                bare=scope.method == "HEAD",
                kept=None,
            )
            return
        self._begun += 1
        try:
            await self._one(scope, protocol)
        finally:
            self._begun -= 1

    async def _one(self, scope: Scope, protocol: Outgoing) -> None:
        headers, started = scope.headers, time.perf_counter()
        given = headers.get("x-request-id")
        request_id = given if given is not None and _REQUEST_ID.fullmatch(given) else next(self._ids)
        tenant, surface, path = self._place(scope.path)
        kept: Kept | None = None
        visit: Visit | None = None
        try:
            if not surface:
                response = self._page(scope, tenant, path)
            else:
                visit = self._visit(scope, request_id, tenant)
                await self._open_now(visit)
                if surface == "api" and path == "events":
                    await self._stream(visit, protocol)
                    return
                kept = partial(self._pouring, visit)
                response = await self._in_turn(visit, surface, path, protocol)
        except Invalid as error:
            response = refusal(error, fhir=surface == "fhir", headers=_later(error))
        except MethodRefused as error:
            refused = invalid("not-supported", "this address does not take this method", status=405)
            response = refusal(refused, fhir=surface == "fhir", headers=[("allow", ", ".join(error.allowed))])
        except Exception as error:  # noqa: BLE001  the last net: a defect of ours, told by its type alone
            log.error("request %s failed: %s", request_id, type(error).__name__)
            failed = invalid("exception", f"the server failed; tell its keeper the request {request_id}", status=500)
            response = refusal(failed, fhir=surface == "fhir")
        if surface == "fhir":
            self._count(visit, path, response)
            if heavy(response) or special(scope.headers, scope.query_string):
                response = await self._formed(scope, response)
        self.meter.answered(surface, response.status, started)
        self._traced(scope, request_id, (surface, response.status, started))
        head = self._head(scope, request_id, visit if surface in OPENED else None)
        await send(protocol, response, head, bare=scope.method == "HEAD", kept=kept)

    def _traced(self, scope: Scope, request_id: str, done: tuple[str, int, float]) -> None:
        if self.meter.traced is not None:
            self.meter.traced(span((scope.method, request_id, scope.headers.get("traceparent") or ""), *done))

    def _page(self, scope: Scope, tenant: str, path: str) -> Response:
        """A file of the interface; a page only where the tenant is open, since the files it loads are every tenant's."""
        closed = "" if "." in path.rpartition("/")[2] else self._doors.closed(tenant)
        if closed:
            raise invalid("forbidden", closed, status=403)
        return self._pages.answer(scope.method, path, packed=taken(scope.headers))

    async def _open_now(self, visit: Visit) -> None:
        """`Invalid` 403 where the tenant is suspended, whoever asks; the refusal is on the disk first, like a stranger's."""
        if visit.closed:
            await self._denials.gather((trail_of(visit), visit.address, "suspended"), partial(deny, visit))
            await self._kept(visit)
            raise invalid("forbidden", visit.closed, status=403)

    async def _pouring(self, visit: Visit) -> None:
        """Before each part of a streamed answer: what it discloses is on the disk, and the tenant is still open."""
        if self._doors.closed(visit.tenant):
            raise invalid("forbidden", "suspended", status=403)
        await self._kept(visit)

    def reconsider(self, tenant: str) -> None:
        """A tenant is seen to be otherwise: its open streams end, and their clients ask again."""
        if self._doors.closed(tenant):
            self._events.end(tenant)

    def _head(self, scope: Scope, request_id: str, shared: Visit | None) -> list[tuple[str, str]]:
        """What every answer says; to pages of other origins also whether they may read it."""
        head = [("x-request-id", request_id)]
        if shared is not None and "origin" in scope.headers:
            head += self._shared.answer(shared)
        if self._origin.secure(scope):
            head.append(("strict-transport-security", "max-age=31536000"))
        return head

    async def _formed(self, scope: Scope, response: Response) -> Response:
        """The answer in the form that was asked for, a refusal too, and packed where that is worth it."""
        if special(scope.headers, scope.query_string):
            try:
                response = await shown(response, scope.headers, scope.query_string)
            except Invalid as error:
                response = refusal(error, fhir=True)
        return await packed(response, scope.headers)

    def _place(self, path: str) -> tuple[str, str, str]:
        """Tenant, surface ("" for pages) and the path below the surface."""
        tenant = self._doors.settings.tenant
        rest = path.lstrip("/")
        if rest.startswith("t/"):
            tenant, _, rest = rest[2:].partition("/")
        surface, _, below = rest.partition("/")
        return (tenant, surface, below.rstrip("/")) if surface in SURFACES else (tenant, "", rest)

    def _visit(self, scope: Scope, request_id: str, tenant: str) -> Visit:
        settings = self._doors.settings
        query = scope.query_string
        if len(scope.path) + len(query) > settings.url:
            raise invalid("too-long", f"the address is longer than {settings.url} characters", status=414)
        pairs = pairs_of(query) if query else ()
        request = Request(scope.method, scope.path, {}, pairs, scope.headers, b"")
        base = self._origin.base(scope)
        if tenant != settings.tenant:
            base = f"{base}/t/{tenant}"
        address = self._origin.address(scope)
        (there, closed), secure = self._doors.door(tenant), base.startswith("https:")
        return Visit(self._doors, request, request_id, tenant, address, secure, base, self._denials, there, closed)

    async def _in_turn(self, visit: Visit, surface: str, path: str, protocol: Outgoing) -> Response:
        """The answer, when it is this tenant's turn. Tenants that are none are one: they take no share of the others'."""
        whose = visit.tenant if visit.there else ""
        if not self._shares.begun(whose):
            await self._shares.begin(whose)
        try:
            return await self._answer(visit, surface, path, protocol)
        finally:
            self._shares.end(whose)
            if visit.counted:
                self._shares.leave(whose)

    async def _answer(self, visit: Visit, surface: str, path: str, protocol: Outgoing) -> Response:
        settings = self._doors.settings
        document = self._open(visit, surface, path)
        if document is not None:
            return document
        stranger = surface == "oauth" or (surface == "api" and path == "login")
        try:
            # Nobody's body is taken in before it is known whose it is
            if not stranger:
                await self._enter(visit, protocol)
                visit.counted = self._shares.enter(visit.tenant)
            if visit.request.method in BODIED:
                await self._take(visit, surface, protocol, UNKNOWN_BODY if stranger else settings.body)
            response = self._handle(visit, surface, path, stranger=stranger)
            if not isinstance(response, Response):
                response = await response
            if not isinstance(response.body, bytes):
                response = await drawn(response)
        finally:
            # A refusal has left an audit row too
            await self._kept(visit)
        return response

    async def _take(self, visit: Visit, surface: str, protocol: Outgoing, most: int) -> None:
        settings, request = self._doors.settings, visit.request
        body = await take(protocol, request.headers, most, settings.seconds)
        if surface == "fhir":
            body = await heard(body, request.headers)
        kind = request.headers.get("content-type", "json").lower()
        if settings.depth < DEPTH and ("json" in kind or "xml" in kind):
            check_depth(body, settings.depth)
        visit.request = Request(request.method, request.path, {}, request.query, request.headers, body)

    def _open(self, visit: Visit, surface: str, path: str) -> Response | None:
        """What anybody is told without a grant; None for anything else."""
        if surface in OPENED and visit.request.method == "OPTIONS":
            return self._shared.asked(visit)
        return self._fhir.open(visit, path) if surface == "fhir" else None

    def _count(self, visit: Visit | None, path: str, response: Response) -> None:
        """Tell the doors of a write that somebody known has asked for; a search by POST is none."""
        if visit is None or visit.caller is None or visit.request.method not in BODIED or path.endswith("_search"):
            return
        self._doors.came(visit.tenant, response.status < 300)

    async def _kept(self, visit: Visit) -> None:
        """Return once all that this visit wrote is on the disk; `Invalid` 503 when the disk does not take it."""
        try:
            await self._doors.durable(trail_of(visit), -1 if visit.request.method in SAFE else 0)
        except Exception as error:
            log.error("request %s is not on the disk: %s", visit.id, type(error).__name__)
            text = "this is not known to be on the disk; ask whether it is there before trying again"
            raise invalid("transient", text, status=503) from error

    async def _enter(self, visit: Visit, protocol: Outgoing) -> None:
        try:
            enter(visit)
        except Invalid:
            if visit.request.method in BODIED:
                await poured_away(protocol, visit.request.headers)
            if visit.standing is None:
                name = (trail_of(visit), visit.address, "unauthenticated")
                await self._denials.gather(name, partial(deny, visit))
            raise

    def _handle(self, visit: Visit, surface: str, path: str, *, stranger: bool) -> Response | Awaitable[Response]:
        if surface == "oauth":
            return self._oauth.answer(visit, path)
        if stranger:
            if visit.request.method != "POST":
                raise MethodRefused(["POST"])
            return session.login(visit)
        position = visit.request.headers.get("x-onmaru-position")
        if position is not None:
            return self._after(visit, surface, path, position)
        return self._inside(visit, surface, path)

    def _inside(self, visit: Visit, surface: str, path: str) -> Response | Awaitable[Response]:
        if surface == "fhir":
            return self._fhir.answer(visit, path)
        if surface == "api" and path != "audit":
            return self._api.answer(visit, path)
        waiting = self._doors.ready(visit.tenant, "audit" if surface == "api" else "rooms")
        answer = partial(self._api.answer if surface == "api" else self._rooms.answer, visit, path)
        return answer() if waiting is None else self._when_ready(answer, waiting)

    async def _when_ready(
        self, answer: Callable[[], Response | Awaitable[Response]], waiting: Awaitable[object]
    ) -> Response:
        """An answer once what it reads is whole, for what is missing there would look like nothing; 503 till then."""
        try:
            async with asyncio.timeout(self._doors.settings.wait):
                await waiting
        except TimeoutError:
            late = invalid("transient", "what this reads is still being made; try again", status=503)
            return refusal(late, fhir=False, headers=[("retry-after", "5")])
        response = answer()
        return response if isinstance(response, Response) else await response

    async def _after(self, visit: Visit, surface: str, path: str, position: str) -> Response:
        """Answer once the position that the client has seen elsewhere is here; 503 when it does not come in time."""
        if not position.isdecimal() or len(position) > 18:
            raise invalid("value", "not a position of this server", "X-Onmaru-Position")
        try:
            async with asyncio.timeout(self._doors.settings.wait):
                await self._doors.durable(visit.tenant, int(position))
        except TimeoutError:
            late = invalid("timeout", "the position asked for is not here yet", "X-Onmaru-Position", 503)
            return refusal(late, fhir=surface == "fhir", headers=[("retry-after", "1")])
        response = self._inside(visit, surface, path)
        return response if isinstance(response, Response) else await response

    async def _stream(self, visit: Visit, protocol: Outgoing) -> None:
        if visit.request.method != "GET":
            raise MethodRefused(["GET"])
        try:
            await self._enter(visit, protocol)
            after = self._events.admit(visit)
            note(visit, "events")
        finally:
            await self._kept(visit)
        headers = [("content-type", "text/event-stream"), ("x-request-id", visit.id), *SECURE]
        stream = protocol.response_stream(200, headers)
        try:
            await self._events.run(visit, stream, after)
        except Exception as error:  # noqa: BLE001  the server's own "closed" is no public type; the client has left
            log.debug("stream %s ended: %s", visit.id, type(error).__name__)


def _later(error: Invalid) -> list[tuple[str, str]]:
    """When a request over a limit may be made again: what is full stays so until somebody sees to it."""
    if isinstance(error, Late):
        return [("retry-after", str(error.seconds))]
    return [("retry-after", "3600")] if error.status == 507 else []
