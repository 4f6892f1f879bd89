"""`$meta`, `$meta-add` and `$meta-delete` (R4): profiles, tags and labels of one resource, a type or all; a change is a
new version.

Its one law: a security label is taken away by who keeps the data alone, for a label is what hides a resource from others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from onmaru.fhir import meta, structure
from onmaru.fhir.fhirpath import read
from onmaru.fhir.outcome import invalid
from onmaru.kernel import scope
from onmaru.kernel.caller import Role
from onmaru.kernel.errand import HEAVY
from onmaru.kernel.log import Version
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.answers import FHIR
from onmaru.web.fhir.driving import Driver
from onmaru.web.fhir.negotiation import check_content
from onmaru.web.fhir.operations.given import given
from onmaru.web.fhir.write import POSITION, if_match

# Profiles, tags and labels told at once
MOST = 1_000
KEEPERS: frozenset[Role] = frozenset({"admin", "data-manager"})


class Metas:
    """Handlers; a large resource is written in steps."""

    def __init__(self, driver: Driver | None) -> None:
        self._driver = driver

    def of_one(self, request: Request, hall: Hall) -> Response:
        """`GET Type/id/$meta`, also of a version: the meta that a read would show."""
        given(request, ())
        params = request.params
        number = params.get("vid", "")
        if number and (not number.isdecimal() or len(number) > 18):
            raise invalid("not-found", "no such version", status=404)
        return _told(hall.record.read(params["type"], params["id"], int(number) if number else None))

    async def of_many(self, request: Request, hall: Hall) -> Response:
        """`GET $meta` and `GET Type/$meta`: what is in use among all that the caller sees."""
        given(request, ())
        found = meta.Together(MOST)
        for version in hall.record.marked(request.params.get("type", "")):
            if version is None:
                await asyncio.sleep(0)
            else:
                found.add(meta.of(version.body or b""))
        return _answered(found.told(), ())

    async def add(self, request: Request, hall: Hall) -> Response:
        """`POST Type/id/$meta-add`."""
        return await self._changed(request, hall, taking=False)

    async def delete(self, request: Request, hall: Hall) -> Response:
        """`POST Type/id/$meta-delete`: what is not there is no error."""
        return await self._changed(request, hall, taking=True)

    async def _changed(self, request: Request, hall: Hall, *, taking: bool) -> Response:
        sets = _sets(request)
        params = request.params
        current = hall.record.read(params["type"], params["id"])
        wanted = if_match(request)
        if wanted is not None and wanted != current.version:
            raise invalid("conflict", "If-Match names another version than the current one", status=412)
        before = current.body or b""
        body = meta.removed(before, sets) if taking else meta.added(before, sets)
        if meta.held(before, "security") - meta.held(body, "security") and KEEPERS.isdisjoint(hall.caller.roles):
            raise invalid("forbidden", "a security label is taken away by an admin or data manager", status=403)
        # Who may not is sent to the record even with nothing to write, which refuses and notes it
        if body == before and scope.allows(hall.caller.scopes, current.type, "u"):
            return _told(current)
        change = Change("update", current.type, current.id, body, current.version, compacted=True)
        if self._driver is not None and len(body) > HEAVY:
            (written,) = await self._driver.run(hall.record.steps([change]), hall.caller.tenant)
        else:
            (written,) = hall.record.write([change])
        return _told(written.version, written=True)


def _sets(request: Request) -> Mapping[str, list[bytes]]:
    """The profiles, tags and labels of the parameter `meta`; a bare Meta is no resource, so there is no shorter form."""
    check_content(request.headers)
    structure.admit(request.body, "Parameters")
    listed: list[Any] = read(request.body).get("parameter", [])
    found = [one.get("valueMeta") for one in listed if one["name"] == "meta"]
    if len(found) != 1 or len(listed) != 1 or not isinstance(found[0], dict):
        raise invalid("required", "there is one parameter: meta, a Meta", "Parameters.parameter")
    return meta.sets(found[0])


def _told(version: Version, *, written: bool = False) -> Response:
    headers = (("etag", f'W/"{version.version}"'), *(((POSITION, str(version.t)),) if written else ()))
    return _answered(meta.of(version.body or b""), headers)


def _answered(told: bytes, headers: Sequence[tuple[str, str]]) -> Response:
    answer = {"name": "return", "valueMeta": msgspec.Raw(told)}
    return Response(
        200, msgspec.json.encode({"resourceType": "Parameters", "parameter": [answer]}), FHIR, tuple(headers)
    )
