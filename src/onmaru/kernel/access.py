"""What a role may do, as data: scopes, purposes, pages. A Caller never holds more than its roles and its grant."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel import scope
from onmaru.kernel.caller import ROLES, Caller, Purpose, Role, Scope


class Duty(msgspec.Struct, frozen=True):
    """One role's row of `roles.toml`. `purposes[0]` is the one used when a request names none."""

    scopes: tuple[Scope, ...]
    purposes: tuple[Purpose, ...]
    pages: frozenset[str]


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scopes: str
    purposes: tuple[Purpose, ...]
    pages: frozenset[str]


def duties(source: str) -> Mapping[Role, Duty]:
    """Read a roles table (TOML text). Every role of the house has exactly one row; anything else is a ValueError."""
    rows = msgspec.convert(tomllib.loads(source), dict[Role, _Row])
    missing = [role for role in ROLES if role not in rows or not rows[role].purposes]
    if missing:
        raise ValueError(f"the roles table lacks a row or a purpose for: {', '.join(missing)}")
    return {role: Duty(scope.parse(row.scopes), row.purposes, row.pages) for role, row in rows.items()}


@cache
def standard() -> Mapping[Role, Duty]:
    """The table that ships with the house."""
    return duties(files("onmaru.kernel").joinpath("roles.toml").read_text("utf-8"))


def scopes_of(roles: Iterable[Role], table: Mapping[Role, Duty]) -> tuple[Scope, ...]:
    """Every scope that the roles give, each once, in the order of `ROLES`."""
    held = frozenset(roles)
    return tuple(dict.fromkeys(s for role in ROLES if role in held for s in table[role].scopes))


def purposes_of(roles: Iterable[Role], table: Mapping[Role, Duty]) -> tuple[Purpose, ...]:
    """The purposes that the roles may act for, the default first; () for no role."""
    held = frozenset(roles)
    return tuple(dict.fromkeys(p for role in ROLES if role in held for p in table[role].purposes))


def may_open(caller: Caller, page: str, table: Mapping[Role, Duty]) -> bool:
    """Whether one of the caller's roles opens a page of the JSON API (`audit`, `doors`, `users`, `break-glass`)."""
    return any(page in table[role].pages for role in caller.roles)


def purpose_for(asked: str, roles: Iterable[Role], table: Mapping[Role, Duty]) -> Purpose:
    """The purpose a request acts for: the one asked for if a role allows it, the roles' default when "".

    Refused with 403 when no role allows it.
    """
    allowed = purposes_of(roles, table)
    if not asked and allowed:
        return allowed[0]
    for purpose in allowed:
        if purpose == asked:
            return purpose
    raise invalid("forbidden", "no role of this user may act for this purpose of use", status=403)
