"""The work of a search that is answered later: positions in order, and its pages, which are made when they are asked for."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Sequence

import msgspec

from onmaru.app.bulk.board import Outcome
from onmaru.app.bulk.run import Run
from onmaru.fhir.outcome import invalid
from onmaru.fhir.subset import subset
from onmaru.kernel.background import Ticket
from onmaru.kernel.caller import Caller
from onmaru.kernel.chart import Tenant
from onmaru.kernel.log import Version
from onmaru.kernel.searching import Asked, Part, Pinned, finding, pinned, read, shown
from onmaru.web.fhir.background import PATH
from onmaru.web.fhir.bundles import bundle, found, link, query_of

KIND = "search"


class Searching:
    """See `app/bulk/desk.py` for what a work is."""

    kind = KIND

    def pinned(self, tenant: Tenant, caller: Caller, asked: bytes) -> bytes:
        """See `kernel.searching.pinned`."""
        return msgspec.json.encode(pinned(tenant, caller, msgspec.json.decode(asked, type=Asked)))

    async def run(self, run: Run) -> tuple[Outcome, Sequence[str]]:
        """Find, in slices between other answers; that whoever asked may still ask is looked at before each."""
        wanted = msgspec.json.decode(run.ticket.asked, type=Pinned)
        steps = finding(run.tenant, run.caller, wanted)
        try:
            while True:
                run.told(next(steps))
                run.check()
                await asyncio.sleep(0)
        except StopIteration as end:
            order: array[int] = end.value
        list = await run.keep([order.tobytes()])
        return Outcome(run.tenant.now(), 0, wanted.t, list), [list]


def answered(tenant: Tenant, caller: Caller, ticket: Ticket, listed: bytes, place: tuple[str, int]) -> bytes:
    """A page as a searchset; the first within a batch-response, as R5's asynchronous pattern has it. `place`: (id of the
    job, number of the page from 1). `Invalid` 404 for a page that there is not.
    """
    wanted = msgspec.json.decode(ticket.asked, type=Pinned)
    number = place[1]
    order = array("I")
    order.frombytes(listed)
    size = wanted.asked.count
    if number > 1 and (not size or (number - 1) * size >= len(order)):
        raise invalid("not-found", "there is no such page", status=404)
    part = shown(tenant, caller, wanted, order, number)
    made = _searchset(tenant, ticket, wanted, part, place)
    if number > 1:
        return made
    head = b'{"resourceType":"Bundle","type":"batch-response","entry":[{"resource":'
    return head + made + b',"response":{"status":"200 OK"}}]}'


def _searchset(tenant: Tenant, ticket: Ticket, wanted: Pinned, part: Part, place: tuple[str, int]) -> bytes:
    asked, (id, number) = wanted.asked, place
    query = read(asked, tenant.rules.parameters)
    address = f"{ticket.base}/{PATH}/{id}"
    path = ticket.url.partition("?")[0]
    narrowed = [("_type", ",".join(asked.types))] if asked.types and path.rstrip("/") == ticket.base else []
    links = [link("self", path, query_of([*narrowed, *query.pairs]))]
    if not part.last:
        links.append(link("next", address, f"page={number + 1}"))

    def bodies(versions: Sequence[Version]) -> Sequence[bytes]:
        if query.summary in ("", "false") and not query.elements:
            return [version.body or b"" for version in versions]
        return [subset(version.body or b"", summary=query.summary, elements=query.elements) for version in versions]

    entries = found(ticket.base, part.matches, bodies(part.matches), "match")
    entries += found(ticket.base, part.included, bodies(part.included), "include")
    return bundle("searchset", entries, links, None if query.total == "none" else part.total)
