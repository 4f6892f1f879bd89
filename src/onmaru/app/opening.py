"""The Hall in which a room's command runs: one Caller, never wider than the command's scope and the room's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from onmaru.app.house import House, place, system
from onmaru.app.refusal import Elsewhere, Refusal
from onmaru.engines.sqlite.home import Taken
from onmaru.kernel import access, scope
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.room import Command, Hall, Room


@contextmanager
def open_hall(room: Room, command: Command, tenant: str, user: str) -> Iterator[Hall]:
    """Open the house for one command and close it after: what the command wrote is then durable and witnessed.

    Raises Elsewhere when a running server has it open.
    """
    house = House(place())
    if not house.exists(tenant):
        raise Refusal(f"there is no tenant {tenant}; `onmaru tenant list` lists them")
    try:
        caller = caller_for(house, command, tenant, user)
        try:
            house.catch_up(tenant)
        except Taken:
            raise Elsewhere from None
        yield house.hall(caller, room.name)
    finally:
        house.close()


def caller_for(house: House, command: Command, tenant: str, user: str) -> Caller:
    """The house's own Caller, or a user's with what its roles give, both narrowed to the command's scope."""
    limit = scope.parse(command.scope)
    if not user:
        return msgspec.structs.replace(system(tenant), scopes=tuple(Scope("system", s.type, s.verbs) for s in limit))
    found = house.logins.accounts.user(tenant, user)
    if found is None or found.disabled:
        raise Refusal(f"there is no user {user} in tenant {tenant}")
    scopes = scope.narrow(access.scopes_of(found.roles, house.logins.table), limit)
    if not all(scope.covers(scopes, needed) for needed in limit):
        raise Refusal(f"the roles of {user} do not give {command.scope}")
    purpose = access.purposes_of(found.roles, house.logins.table)[0]
    return Caller(tenant, user, frozenset(found.roles), purpose, scopes, found.patient)
