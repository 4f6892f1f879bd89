"""A user's own second step at log-in: enrolled with the password, confirmed with a code, ended with both or by an admin."""

from __future__ import annotations

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel import second
from onmaru.kernel.accounts import User
from onmaru.kernel.room import Response
from onmaru.web.answers import json
from onmaru.web.api.reading import body
from onmaru.web.api.users import found, prove
from onmaru.web.entrance import deny, note
from onmaru.web.visit import Visit


class Proof(msgspec.Struct, forbid_unknown_fields=True):
    current: str


class Code(msgspec.Struct, forbid_unknown_fields=True):
    code: str


class Both(msgspec.Struct, forbid_unknown_fields=True):
    current: str
    code: str


def state(visit: Visit) -> Response:
    """`GET /api/second-factor`: whether it is asked for, and how many recovery codes are left."""
    user = _own(visit)
    return json({"on": bool(user.totp), "recovery": len(user.recovery)})


async def enrol(visit: Visit) -> Response:
    """`POST /api/second-factor`: a new secret for an authenticator app; nothing is asked for until it is confirmed."""
    given = body(visit, Proof)
    user = _own(visit)
    if user.totp:
        raise invalid("conflict", "a second step is there already; end it first", status=409)
    await prove(visit, user, given.current)
    _, secret, address = second.begin(visit.doors.logins, _own(visit))
    note(visit, "second-factor enrol")
    return json({"secret": secret, "uri": address})


def confirm(visit: Visit) -> Response:
    """`POST /api/second-factor/confirm`: from now on log-in asks for a code; 200 with the recovery codes, once."""
    given = body(visit, Code)
    codes = second.confirm(visit.doors.logins, _own(visit), given.code)
    if codes is None:
        deny(visit, "second-factor")
        raise invalid("value", "not a code of the new secret", "code", 422)
    note(visit, "second-factor on")
    return json({"recovery": codes})


async def end(visit: Visit) -> Response:
    """`DELETE /api/second-factor`: with password and code."""
    given = body(visit, Both)
    user = _own(visit)
    await prove(visit, user, given.current, given.code)
    second.end(visit.doors.logins, _own(visit))
    note(visit, "second-factor off")
    return Response(204, b"", "")


def end_for(visit: Visit) -> Response:
    """`DELETE /api/users/{user}/second-factor`: an admin, for somebody who lost the app and the recovery codes."""
    user = found(visit)
    second.end(visit.doors.logins, user)
    note(visit, f"users/{user.user} second-factor off")
    return Response(204, b"", "")


def _own(visit: Visit) -> User:
    """The caller's user as it stands now; 403 for a token that scopes limit."""
    standing, caller = visit.known()
    user = visit.doors.logins.accounts.user(visit.tenant, caller.user)
    if standing.grant.limited or user is None:
        deny(visit, "scope")
        raise invalid("forbidden", "not permitted: scope", status=403)
    return user
