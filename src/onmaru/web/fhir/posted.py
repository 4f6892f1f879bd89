"""A Bundle posted to the base, carried out in steps so that other requests are answered in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from onmaru.fhir.outcome import invalid
from onmaru.kernel import bundle
from onmaru.kernel.audit import access
from onmaru.kernel.entry import pairs_of
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.answers import FHIR
from onmaru.web.doors import Doors
from onmaru.web.fhir.driving import Driver
from onmaru.web.fhir.negotiation import check_content, prefer
from onmaru.web.fhir.provenance import none_of
from onmaru.web.fhir.terms import NAMES
from onmaru.web.fhir.write import POSITION
from onmaru.web.router import MethodRefused
from onmaru.web.sending import drawn

# Bytes that the answers to one Bundle's GET entries may have together
MOST = 64 << 20
Find = Callable[[str], tuple[Any, dict[str, str]]]


class Bundles:
    """The handler of `POST [base]`. `find` gives the handler of a GET entry's path; the routes table sets it."""

    find: Find

    def __init__(self, doors: Doors, driver: Driver) -> None:
        self._limits = bundle.Limits(doors.settings.entries, doors.settings.update_create)
        self._doors = doors
        self._driver = driver

    async def post(self, request: Request, hall: Hall) -> Response:
        """Run the transaction or batch; GET entries see what was written before them."""
        check_content(request.headers)
        none_of(request.headers)
        whole = request.headers.get("prefer") is not None and prefer(request.headers).answer == "representation"
        base = request.params["base"]
        style = bundle.Style(base, whole, _Got(self._doors, self.find, base, hall))
        steps = bundle.steps(hall.record, request.body, self._limits, style)
        done: bundle.Processed = await self._driver.run(steps, hall.caller.tenant)
        headers = ((POSITION, str(done.position)),) if done.position else ()
        return Response(200, done.body, FHIR, headers)


class _Got:
    """Answers the GET entries of one Bundle, each as the same request by itself would be."""

    def __init__(self, doors: Doors, find: Find, base: str, hall: Hall) -> None:
        self._doors, self._find, self._base, self._hall = doors, find, base, hall
        self._left = MOST

    def __call__(self, url: str) -> bytes | bundle.Later:
        """The answer, or how to wait for it."""
        if self._left <= 0:
            raise invalid("too-costly", f"the answers to one Bundle have at most {MOST} bytes together", status=413)
        path, _, query = url.partition("?")
        path = path.strip("/")
        try:
            handler, params = self._find(path)
        except MethodRefused as error:
            raise invalid("not-supported", "this is not asked by GET", status=405) from error
        params["base"] = self._base
        if "id" not in params and path.rpartition("/")[2] in NAMES:
            row = access(self._hall.caller, "execute", path, self._doors.logins.now())
            self._doors.audit(self._hall.caller.tenant, row)
        answer = handler(Request("GET", path, params, pairs_of(query), {}, b""), self._hall)
        if isinstance(answer, Response) and isinstance(answer.body, bytes):
            return self._whole(answer)
        return lambda: self._waited(answer)

    async def _waited(self, answer: Response | Awaitable[Response]) -> bytes:
        response = answer if isinstance(answer, Response) else await answer
        if callable(response.body) and response.type == FHIR:
            response = await drawn(response)
        return self._whole(response)

    def _whole(self, response: Response) -> bytes:
        if not isinstance(response.body, bytes) or response.type != FHIR or response.status != 200:
            raise invalid("not-supported", "this operation is asked by itself, not within a Bundle")
        self._left -= len(response.body)
        return response.body
