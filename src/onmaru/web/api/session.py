"""Log-in, log-out, who am I, and breaking the glass."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from onmaru.fhir.outcome import Invalid, invalid
from onmaru.kernel import second
from onmaru.kernel.accounts import Grant, User
from onmaru.kernel.audit import Access
from onmaru.kernel.entry import ID
from onmaru.kernel.room import Response
from onmaru.web.answers import json
from onmaru.web.api.reading import body
from onmaru.web.entrance import COOKIE, cookie, deny, note, trail_of
from onmaru.web.visit import Visit

# Each check of a password takes 64 MiB for a tenth of a second: no more than two at a time
CHECKS = asyncio.Semaphore(2)


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    user: str
    password: str
    code: str = ""


class Glass(msgspec.Struct, forbid_unknown_fields=True):
    patient: str
    reason: str


class Throttled(Exception):
    """Too many tries; the next one may be made after so many seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__("too many tries")
        self.seconds = seconds


class SecondNeeded(Exception):
    """The password is right, and the second step is due."""

    def __init__(self, user: User) -> None:
        super().__init__("a code is needed")
        self.user = user


async def second_proved(visit: Visit, user: User, code: str) -> None:
    """The second step: `Invalid` 401 wrong, Throttled after too many; wrong codes count like wrong passwords."""
    logins = visit.doors.logins
    mark = cookie(visit.request.headers.get("cookie", ""), _slot(visit, user.user))
    trying = logins.trying(visit.tenant, user.user, visit.address, mark)
    wait = logins.blocked(trying)
    if wait:
        note_login(visit, user.user, (), "rate-limit")
        raise Throttled(wait)
    # As it stands now: a code that was used meanwhile is not right again
    now = logins.accounts.user(visit.tenant, user.user)
    right = now is not None and not now.disabled and second.proves(logins, now, code[:64])
    logins.counted(trying, right=right)
    if not right:
        note_login(visit, user.user, (), "second-factor")
        raise invalid("login", "the code is wrong", status=401)


async def proved(visit: Visit, given: str, secret: str) -> User:
    """The user who knows this password; `Invalid` 401 wrong, Throttled after too many. An unknown one takes no less time.

    SecondNeeded where a second step is enrolled.
    """
    logins = visit.doors.logins
    mark = cookie(visit.request.headers.get("cookie", ""), _slot(visit, given))
    trying = logins.trying(visit.tenant, given, visit.address, mark)
    async with CHECKS:
        # Asked only now: of many tries sent at once, those that waited here are refused too
        wait = logins.blocked(trying)
        right = not wait and await asyncio.to_thread(logins.knows, visit.tenant, given, secret)
        if not (wait or right):
            logins.counted(trying, right=False)
    user = logins.accounts.user(visit.tenant, given)
    # A name that nobody has may be a password typed into the wrong field, and is not kept
    name = user.user if user is not None else ""
    if wait:
        await visit.denials.gather((visit.address, name, "rate-limit"), lambda why: note_login(visit, name, (), why))
        raise Throttled(wait)
    if user is None or not right:
        note_login(visit, name, (), "password")
        raise invalid("login", "user or password is wrong", status=401)
    if user.totp:
        # What was counted stays so until the second step is right too
        raise SecondNeeded(user)
    logins.counted(trying, right=True)
    return user


async def login(visit: Visit) -> Response:
    """`POST /api/login`: 200 with the session's cookie, 401 wrong, 429 too many tries. A user unknown answers no sooner."""
    given = body(visit, Credentials)
    logins = visit.doors.logins
    try:
        user = await _whole(visit, given)
    except SecondNeeded:
        return json({"error": {"code": "second-factor", "text": "a code of the second step is needed"}}, 401)
    except Throttled as error:
        refused = {"error": {"code": "throttled", "text": "too many tries, wait before the next one"}}
        return json(refused, 429, [("retry-after", str(error.seconds))])
    cookies, grant = entered(visit, user)
    mark = logins.devices.mark(visit.tenant, user.user, logins.now())
    cookies.append(_cookie(visit, _slot(visit, user.user), mark, logins.devices.lasts, "api/login"))
    return json(_me(user, grant), 200, [("set-cookie", one) for one in cookies])


def entered(visit: Visit, user: User) -> tuple[list[str], Grant]:
    """A new session of a user who proved who they are: its cookie and what is kept of it."""
    logins = visit.doors.logins
    secret, grant = logins.open_session(visit.tenant, user.user)
    note_login(visit, user.user, user.roles, "")
    return [_cookie(visit, COOKIE, secret, logins.lifetimes.session)], grant


async def _whole(visit: Visit, given: Credentials) -> User:
    """Who knows the password and, where it is enrolled, shows a code."""
    try:
        return await proved(visit, given.user, given.password)
    except SecondNeeded as error:
        if not given.code:
            raise
        await second_proved(visit, error.user, given.code)
        return error.user


def me(visit: Visit) -> Response:
    """`GET /api/me`."""
    standing, _ = visit.known()
    return json(_me(standing.user, standing.grant))


def logout(visit: Visit) -> Response:
    """`POST /api/logout`: ends the session or revokes the token that asks."""
    standing, _ = visit.known()
    visit.doors.logins.revoke(standing.grant)
    note(visit, "logout")
    return Response(204, b"", "", (("set-cookie", _cookie(visit, COOKIE, "", 0)),))


def break_glass(visit: Visit) -> Response:
    """`POST /api/break-glass`: lifts one patient's Consent for this session for an hour; audited with its reason."""
    given = body(visit, Glass)
    if not ID.fullmatch(given.patient):
        raise invalid("value", "not the id of a Patient", "patient")
    standing, _ = visit.known()
    logins = visit.doors.logins
    try:
        visit.standing = logins.break_glass(standing, given.patient, given.reason)
    except Invalid:
        deny(visit, "break-glass")
        raise
    visit.caller = logins.caller(visit.standing, "", visit.id, visit.address)
    note(visit, "break-glass", (given.patient,))
    return json({"patient": given.patient, "until": visit.standing.grant.broken_until})


def _me(user: User, grant: Grant) -> dict[str, Any]:
    return {
        "user": user.user,
        "name": user.name,
        "roles": user.roles,
        "tenant": user.tenant,
        "language": user.language,
        "csrf": grant.csrf,
        **({"patient": user.patient} if user.patient else {}),
    }


def _slot(visit: Visit, user: str) -> str:
    """The name of the cookie by which a browser is a known device of this user."""
    return f"{COOKIE}-{visit.doors.logins.devices.slot(visit.tenant, user)}"


def _cookie(visit: Visit, name: str, secret: str, lasts: int, below: str = "") -> str:
    """A cookie for `lasts` µs, sent only to this tenant's addresses that begin with `below`."""
    top = "/" if visit.tenant == visit.doors.settings.tenant else f"/t/{visit.tenant}/"
    secure = "; Secure" if visit.secure else ""
    return f"{name}={secret}; Path={top}{below}; Max-Age={lasts // 1_000_000}; HttpOnly; SameSite=Strict{secure}"


def note_login(visit: Visit, user: str, roles: tuple[str, ...], denied: str) -> None:
    """Leave an audit row of a log-in, done or refused."""
    at = visit.doors.logins.now()
    row = Access(at, user, roles, "", "login", "login", (), not denied, denied, visit.id, visit.address)
    visit.doors.audit(trail_of(visit), row)
