"""The tenants of this server, kept by those who run it: admins of the house's own tenant, whose grant nothing limits."""

from __future__ import annotations

from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Response
from onmaru.kernel.tenancy import HOUSE, Act, Bringing
from onmaru.web.answers import json
from onmaru.web.api.reading import body
from onmaru.web.doors import Keeping
from onmaru.web.entrance import deny, note
from onmaru.web.visit import Visit


class Given(msgspec.Struct, forbid_unknown_fields=True):
    reason: str = ""


class Named(msgspec.Struct, forbid_unknown_fields=True):
    tenant: str


class Leaving(msgspec.Struct, forbid_unknown_fields=True):
    reason: str
    again: str
    transferred: str = ""


class Arrived(msgspec.Struct, forbid_unknown_fields=True):
    folder: str
    key: str = ""
    reason: str = ""


class Limited(msgspec.Struct, forbid_unknown_fields=True):
    limits: dict[str, int]


def listing(visit: Visit) -> Response:
    """`GET /api/tenants`."""
    keeping = _keeping(visit)
    note(visit, "tenants")
    return json({"tenants": keeping.listing()})


def shown(visit: Visit) -> Response:
    """`GET /api/tenants/{tenant}`."""
    keeping = _keeping(visit)
    note(visit, f"tenants/{_name(visit)}")
    return json(keeping.shown(_name(visit)))


async def create(visit: Visit) -> Response:
    """`POST /api/tenants`: 201; 409 when the name is taken, or was one day."""
    keeping = _keeping(visit)
    return await _done(visit, keeping, Act("add", body(visit, Named).tenant), 201)


async def suspend(visit: Visit) -> Response:
    """`POST /api/tenants/{tenant}/suspend`."""
    keeping = _keeping(visit)
    return await _done(visit, keeping, Act("suspend", _name(visit), body(visit, Given).reason))


async def resume(visit: Visit) -> Response:
    """`POST /api/tenants/{tenant}/resume`."""
    keeping = _keeping(visit)
    return await _done(visit, keeping, Act("resume", _name(visit), body(visit, Given).reason))


async def limit(visit: Visit) -> Response:
    """`PATCH /api/tenants/{tenant}`: only the limits given change."""
    keeping = _keeping(visit)
    return await _done(visit, keeping, Act("limit", _name(visit), limits=body(visit, Limited).limits))


async def export(visit: Visit) -> Response:
    """`POST /api/tenants/{tenant}/export`: 202 with the folder and, once, its key; it is done when `exporting` is false."""
    keeping = _keeping(visit)
    _, caller = visit.known()
    answer: Any = await keeping.export(caller, _name(visit), body(visit, Given).reason)
    return json(answer, 202)


async def bring(visit: Visit) -> Response:
    """`POST /api/tenants/{tenant}/import`: 202; `GET` tells `importing`, then the tenant, or why it was `not imported`."""
    keeping = _keeping(visit)
    _, caller = visit.known()
    given = body(visit, Arrived)
    asked = Bringing(_name(visit), given.folder, given.key, given.reason)
    note(visit, f"tenants/{asked.tenant} import {asked.folder}"[:200])
    answer: Any = await keeping.bring(caller, asked)
    return json(answer, 202)


async def destroy(visit: Visit) -> Response:
    """`POST /api/tenants/{tenant}/destroy`: 409 with every hindrance."""
    keeping = _keeping(visit)
    given = body(visit, Leaving)
    return await _done(visit, keeping, Act("destroy", _name(visit), given.reason, given.again, given.transferred))


async def _done(visit: Visit, keeping: Keeping, act: Act, status: int = 200) -> Response:
    _, caller = visit.known()
    answer: Any = await keeping.do(caller, act)
    return json(answer, status)


def _keeping(visit: Visit) -> Keeping:
    """`Invalid` 403 and an audit row for admins of any other tenant."""
    _, caller = visit.known()
    keeping = visit.doors.keeping
    if caller.tenant != HOUSE or keeping is None or not keeping.ours():
        deny(visit, "house")
        raise invalid("forbidden", "not permitted: this is for those who run this server", status=403)
    return keeping


def _name(visit: Visit) -> str:
    return visit.request.params["tenant"]
