"""Erasure wired: the record, its blobs, dead letters and accounts; done when every follower and file has forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence

import msgspec

from onmaru.adapters.naming import naming
from onmaru.app.doorway import Doorway
from onmaru.app.house import House
from onmaru.engines.folder import FolderBlobs
from onmaru.kernel.caller import Caller
from onmaru.kernel.erasure import Asked, Eraser, Letter, Plan, T, driven
from onmaru.kernel.reach import Reach

ATTEMPTS = 100


def eraser(house: House, tenant: str) -> Eraser:
    """The eraser of one tenant."""
    seat = house.seat(tenant)

    def letters(caller: Caller, person: Reach) -> Sequence[Letter]:
        return tuple(naming(house.hall(caller), person))

    return Eraser(seat.tenant, lambda caller: FolderBlobs(seat.shelf, caller), letters)


def erased(house: House, tenant: str, caller: Caller, asked: Asked) -> Plan:
    """Erase in a house that nobody serves; every follower has forgotten when this returns."""
    plan, position = driven(eraser(house, tenant).carrying_out(caller, asked))
    house.seat(tenant).home.wait(position)
    house.catch_up(tenant)
    closed(house, tenant, plan)
    emptied(house, tenant)
    return plan


def closed(house: House, tenant: str, plan: Plan) -> None:
    """Close the accounts of the person."""
    accounts = house.logins.accounts
    for user in accounts.users(tenant):
        if user.patient in plan.reach.people:
            house.logins.keep_user(msgspec.structs.replace(user, name="", password="", disabled=True))


def emptied(house: House, tenant: str) -> bool:
    """Empty every write-ahead log of the tenant; False while another reads there."""
    seat = house.seat(tenant)
    done = [seat.home.emptied(), seat.hot.emptied()]
    return all(done)


class Erasing:
    """The web's door: erases in a running house."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway

    async def plan(self, caller: Caller, asked: Asked) -> Plan:
        """See `Eraser.planning`."""
        return await sliced(eraser(self._doorway.running.house, caller.tenant).planning(caller, asked))

    async def carry_out(self, caller: Caller, asked: Asked) -> Plan:
        """See `Eraser.carrying_out`; returns once every follower has forgotten, and no door remembers."""
        running = self._doorway.running
        plan, position = await sliced(eraser(running.house, caller.tenant).carrying_out(caller, asked))
        self._doorway.forget(caller.tenant)
        await running.motion(caller.tenant).reached(position)
        closed(running.house, caller.tenant, plan)
        for _ in range(ATTEMPTS):
            if emptied(running.house, caller.tenant):
                break
            await asyncio.sleep(0.1)
        return plan


async def sliced(steps: Generator[None, None, T]) -> T:
    """What a generator comes to, with others answered between its slices."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        await asyncio.sleep(0)
