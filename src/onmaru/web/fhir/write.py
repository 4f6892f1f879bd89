"""create, update, delete and their conditional forms (FHIR R4 http.html, 3.1.0.4 to 3.1.0.8)."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

import msgspec

from onmaru.fhir.outcome import Invalid, Issue, invalid, outcome
from onmaru.fhir.query import Query
from onmaru.kernel.entry import ID, absence, criteria_of, id_within, pairs_of, version_of
from onmaru.kernel.errand import HEAVY
from onmaru.kernel.record import Change, Written
from onmaru.kernel.room import Hall, Request, Response
from onmaru.kernel.stamps import http_date
from onmaru.web.answers import FHIR
from onmaru.web.doors import Settings
from onmaru.web.fhir.driving import Driver
from onmaru.web.fhir.negotiation import FORM, check_content, prefer
from onmaru.web.fhir.provenance import none_of, paired, placed

POSITION = "x-onmaru-position"
WARNINGS = "x-onmaru-warnings"
DONE = Issue("informational", "done", severity="information")


class Writes:
    """Handlers; what may be made by an update and how many a delete may take is a setting."""

    def __init__(self, settings: Settings, driver: Driver) -> None:
        self._settings = settings
        self._driver = driver

    def write(self, request: Request, hall: Hall, change: Change) -> Response | Awaitable[Response]:
        """Write a resource and what X-Provenance says of it; a large one in steps, so that nobody waits for it."""
        changes = paired(request.headers, change)
        if len(change.body) > HEAVY:
            return self._large(request, hall, changes)
        try:
            return _answer(request, hall.record.write(changes)[0])
        except Invalid as error:
            raise placed(error) if len(changes) > 1 else error from None

    async def _large(self, request: Request, hall: Hall, changes: Sequence[Change]) -> Response:
        try:
            written = await self._driver.run(hall.record.steps(changes), hall.caller.tenant)
        except Invalid as error:
            raise placed(error) if len(changes) > 1 else error from None
        return _answer(request, written[0])

    def create(self, request: Request, hall: Hall) -> Response | Awaitable[Response]:
        """`POST Type`; with If-None-Exist only if nothing matches (200 and the match otherwise)."""
        check_content(request.headers)
        type_name = request.params["type"]
        wanted = request.headers.get("if-none-exist")
        asked = None if wanted is None else pairs_of(wanted.removeprefix("?"))
        condition = None if asked is None else criteria_of(type_name, asked, request.params["base"])
        change = Change("create", type_name, body=request.body, if_none_exist=condition)
        return self.write(request, hall, change)

    def update(self, request: Request, hall: Hall) -> Response | Awaitable[Response]:
        """`PUT Type/id`; If-Match names the version that must be current, If-None-Match: * asks for none (412)."""
        check_content(request.headers)
        params = request.params
        if not ID.fullmatch(params["id"]):
            raise invalid("value", "an id has 1 to 64 letters, digits, - and .")
        make = self._settings.update_create
        match, absent = if_match(request), only_make(request)
        change = Change("update", params["type"], params["id"], request.body, match, make=make, absent=absent)
        return self.write(request, hall, change)

    def update_matching(self, request: Request, hall: Hall) -> Response | Awaitable[Response]:
        """`PUT Type?criteria`: none makes, one updates, more refuse (412)."""
        check_content(request.headers)
        type_name = request.params["type"]
        change = Change(
            "update",
            type_name,
            id_within(request.body),
            request.body,
            if_match(request),
            condition=criteria(request),
            make=self._settings.update_create,
            absent=only_make(request),
        )
        return self.write(request, hall, change)

    def delete(self, request: Request, hall: Hall) -> Response:
        """`DELETE Type/id`: 204, whether it was there or not."""
        none_of(request.headers)
        params = request.params
        change = Change("delete", params["type"], params["id"], if_match=if_match(request))
        return _gone(request, hall.record.write([change]))

    def delete_matching(self, request: Request, hall: Hall) -> Response:
        """`DELETE Type?criteria`: one match, or all of them where the site allows it."""
        none_of(request.headers)
        type_name = request.params["type"]
        query = criteria(request)
        if not self._settings.multiple_delete:
            change = Change("delete", type_name, condition=query, if_match=if_match(request))
            return _gone(request, hall.record.write([change]))
        most = self._settings.entries
        found = hall.record.search(msgspec.structs.replace(query, count=most + 1, total="none")).matches
        if len(found) > most:
            raise invalid("too-costly", f"the condition matches more than {most} resources", status=412)
        changes = [Change("delete", type_name, one.id, if_match=one.version) for one in found]
        return _gone(request, hall.record.write(changes) if changes else ())


def _answer(request: Request, written: Written) -> Response:
    version = written.version
    headers = [("etag", f'W/"{version.version}"'), ("last-modified", http_date(version.at // 1_000_000))]
    headers.append((POSITION, str(version.t)))
    headers += _warned([written])
    if written.status == 201:
        base = request.params["base"]
        headers.append(("location", f"{base}/{version.name}/_history/{version.version}"))
    wanted = prefer(request.headers).answer
    if wanted == "minimal":
        return Response(written.status, b"", "", tuple(headers))
    body = version.body or b""
    if wanted == "OperationOutcome":
        body = outcome([*written.warnings, DONE])
    return Response(written.status, body, FHIR, tuple(headers))


def _gone(request: Request, written: Sequence[Written]) -> Response:
    last = max((one.version.t for one in written), default=0)
    headers = [*([(POSITION, str(last))] if last else []), *_warned(written)]
    if len(written) == 1 and written[0].version.version:
        headers.append(("etag", f'W/"{written[0].version.version}"'))
    if prefer(request.headers).answer == "OperationOutcome":
        warnings = [issue for one in written for issue in one.warnings]
        return Response(200, outcome([*warnings, DONE]), FHIR, tuple(headers))
    return Response(204, b"", "", tuple(headers))


def _warned(written: Sequence[Written]) -> list[tuple[str, str]]:
    """How many warnings there are; `Prefer: return=OperationOutcome` tells them."""
    count = sum(len(one.warnings) for one in written)
    return [(WARNINGS, str(count))] if count else []


def if_match(request: Request) -> int | None:
    """The version that If-Match names, None without it."""
    text = request.headers.get("if-match")
    return version_of(text) if text is not None else None


def only_make(request: Request) -> bool:
    """Whether If-None-Match: * says that nothing is to be written over; `Invalid` 400 for anything else in it."""
    tags = request.headers.get("if-none-match")
    return tags is not None and absence(tags)


def criteria(request: Request) -> Query:
    """The condition of a conditional interaction: the query, without what speaks of the answer's form."""
    pairs = [pair for pair in request.query if pair[0] not in FORM]
    return criteria_of(request.params["type"], pairs, request.params["base"])
