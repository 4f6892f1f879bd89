"""Users of the tenant, kept by its admins. A password goes in and never comes out."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from onmaru.fhir.outcome import invalid
from onmaru.kernel import password, second
from onmaru.kernel.access import may_open
from onmaru.kernel.accounts import NAME, NAMED, User
from onmaru.kernel.caller import Role
from onmaru.kernel.entry import ID
from onmaru.kernel.guessing import Try
from onmaru.kernel.room import Response
from onmaru.web.answers import json
from onmaru.web.api.reading import body
from onmaru.web.api.session import CHECKS
from onmaru.web.entrance import deny, note
from onmaru.web.visit import Visit


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    user: str
    name: str
    roles: tuple[Role, ...]
    password: str = ""
    patient: str = ""
    language: Literal["ko", "en", ""] = ""


class UserChange(msgspec.Struct, forbid_unknown_fields=True):
    name: str | UnsetType = UNSET
    roles: tuple[Role, ...] | UnsetType = UNSET
    patient: str | UnsetType = UNSET
    language: Literal["ko", "en"] | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    password: str
    current: str = ""


def listing(visit: Visit) -> Response:
    """`GET /api/users`."""
    note(visit, "users")
    return json({"users": [_shown(user) for user in visit.doors.logins.accounts.users(visit.tenant)]})


async def create(visit: Visit) -> Response:
    """`POST /api/users`: 201; 409 when the name is taken."""
    given = body(visit, NewUser)
    if not NAME.fullmatch(given.user):
        raise invalid("value", NAMED, "user", 422)
    language = given.language or visit.doors.settings.language
    user = User(visit.tenant, given.user, given.name, given.roles, "", given.patient, language)
    _check(user)
    logins = visit.doors.logins
    if given.password:
        kept = await _hashed(given.password)
        user = msgspec.structs.replace(user, password=kept)
    if logins.accounts.user(visit.tenant, given.user) is not None:
        raise invalid("conflict", "this user name is taken", "user", 409)
    logins.keep_user(user)
    note(visit, f"users/{given.user} create")
    return json(_shown(user), 201)


def change(visit: Visit) -> Response:
    """`PATCH /api/users/{user}`: only the members given change. Nobody takes the role admin or disables themselves."""
    given = body(visit, UserChange)
    user = found(visit)
    parts = {name: value for name, value in msgspec.structs.asdict(given).items() if value is not UNSET}
    changed = msgspec.structs.replace(user, **parts)
    _check(changed)
    _, caller = visit.known()
    if user.user == caller.user and (changed.disabled or "admin" not in changed.roles):
        raise invalid("conflict", "an admin cannot shut themselves out", status=409)
    visit.doors.logins.keep_user(changed)
    note(visit, f"users/{user.user} change")
    return json(_shown(changed))


async def set_password(visit: Visit) -> Response:
    """`POST /api/users/{user}/password`: an admin for anybody, everybody for themselves with the current one."""
    given = body(visit, NewPassword)
    standing, caller = visit.known()
    logins = visit.doors.logins
    own = visit.request.params["user"] == caller.user
    if not own and (standing.grant.limited or not may_open(caller, "users", logins.table)):
        deny(visit, "role")
        raise invalid("forbidden", "not permitted: role", status=403)
    user = found(visit)
    if own:
        await prove(visit, user, given.current)
    kept = await _hashed(given.password)
    # Read again: while the hash was made the user may have been disabled or given other roles
    logins.keep_password(found(visit), kept)
    note(visit, f"users/{user.user} password")
    return Response(204, b"", "")


async def _hashed(given: str) -> str:
    async with CHECKS:
        return await asyncio.to_thread(password.hash_of, given)


async def prove(visit: Visit, user: User, current: str, code: str | None = None) -> None:
    """What is one's own needs the current password, and perhaps a code; guessing either counts as trying to log in."""
    logins = visit.doors.logins
    standing, _ = visit.known()
    # A session is a known device: nobody else's wrong passwords keep its user from a new one
    trying = Try(visit.tenant, user.user, visit.address, standing.grant.key.hex())
    async with CHECKS:
        if logins.blocked(trying):
            raise invalid("throttled", "too many tries, wait before the next one", status=429)
        right = await asyncio.to_thread(logins.knows, visit.tenant, user.user, current)
    right = right and (code is None or second.proves(logins, found_now(visit, user), code[:64]))
    logins.counted(trying, right=right)
    if not right:
        deny(visit, "password")
        raise invalid("forbidden", "the current password is wrong", "current", 403)


def found_now(visit: Visit, user: User) -> User:
    """A user read again, since time has passed."""
    return visit.doors.logins.accounts.user(user.tenant, user.user) or user


def found(visit: Visit) -> User:
    """The user that the path names; `Invalid` 404."""
    user = visit.doors.logins.accounts.user(visit.tenant, visit.request.params["user"])
    if user is None:
        raise invalid("not-found", "no such user", status=404)
    return user


def _check(user: User) -> None:
    if not user.roles or len(set(user.roles)) != len(user.roles):
        raise invalid("value", "a user has one role or several, each once", "roles", 422)
    if "patient" in user.roles and not ID.fullmatch(user.patient):
        raise invalid("value", "the role patient needs the id of its Patient", "patient", 422)
    if user.patient and "patient" not in user.roles:
        raise invalid("value", "only the role patient is bound to a Patient", "patient", 422)
    if not user.name.strip() or len(user.name) > 200:
        raise invalid("value", "a name has 1 to 200 characters", "name", 422)


def _shown(user: User) -> dict[str, Any]:
    return {
        "user": user.user,
        "name": user.name,
        "roles": user.roles,
        "patient": user.patient,
        "language": user.language,
        "disabled": user.disabled,
    }
