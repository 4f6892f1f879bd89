"""A Bundle posted to the base, carried out in steps so that other requests are answered in between."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from onmaru.fhir.outcome import invalid
from onmaru.kernel import bundle
from onmaru.kernel.entry import pairs_of
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.answers import FHIR
from onmaru.web.doors import Settings
from onmaru.web.fhir.driving import Driver
from onmaru.web.fhir.negotiation import check_content, prefer
from onmaru.web.fhir.provenance import none_of
from onmaru.web.fhir.write import POSITION


class Bundles:
    """The handler of `POST [base]`. `find` gives the handler of a GET entry's path; the routes table sets it."""

    find: Callable[[str], tuple[Any, dict[str, str]]]

    def __init__(self, settings: Settings, driver: Driver) -> None:
        self._limits = bundle.Limits(settings.entries, settings.update_create)
        self._driver = driver

    async def post(self, request: Request, hall: Hall) -> Response:
        """Run the transaction or batch; GET entries see what was written before them."""
        check_content(request.headers)
        none_of(request.headers)

        def get(url: str) -> bytes:
            path, _, query = url.partition("?")
            handler, params = self.find(path.strip("/"))
            params["base"] = request.params["base"]
            inner = Request("GET", path, params, pairs_of(query), {}, b"")
            answer = handler(inner, hall)
            if isinstance(answer, Coroutine):
                answer.close()
            if not isinstance(answer, Response) or not isinstance(answer.body, bytes):
                raise invalid("not-supported", "this operation is asked by itself, not within a Bundle")
            return answer.body

        whole = request.headers.get("prefer") is not None and prefer(request.headers).answer == "representation"
        style = bundle.Style(request.params["base"], whole, get)
        steps = bundle.steps(hall.record, request.body, self._limits, style)
        done: bundle.Processed = await self._driver.run(steps, hall.caller.tenant)
        headers = ((POSITION, str(done.position)),) if done.position else ()
        return Response(200, done.body, FHIR, headers)
