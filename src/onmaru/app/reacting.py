"""Runs the rooms' reactions in a running house: a killed house goes on from the log alone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from onmaru.app.following import sized
from onmaru.app.house import now, system
from onmaru.app.pushing import Pushing
from onmaru.app.refusal import verdict
from onmaru.app.running import YIELD, Motion, Running
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.outbound import Letter, Outbound, Push
from onmaru.kernel.room import Reaction, Reactor, Room

# How often the head is looked at, and after how long at the latest something is done because time passed
EVERY, ACT_EVERY = 0.1, 0.5
# Versions taken at first without a look at how long they take
SLICE = 25
AGAIN = 5.0
log = logging.getLogger("onmaru.reactions")


class Reactions:
    """One task a tenant in motion and reaction."""

    def __init__(self, running: Running, outbound: Outbound) -> None:
        self._running = running
        self._outbound = outbound
        self._pushing = Pushing(lambda: running.house.logins.accounts, outbound, now)
        self._found = [(room, one) for room in running.house.rooms for one in room.reactions]
        self._tasks: dict[Motion, asyncio.Task[None]] = {}
        self._letters: set[asyncio.Task[None]] = set()
        self._watching = asyncio.create_task(self._watch()) if self._found else None

    async def _watch(self) -> None:
        """Begin with each tenant that is set in motion, end with each that was stopped."""
        while True:
            motions = set(self._running.motions)
            for motion in motions - self._tasks.keys():
                self._tasks[motion] = asyncio.create_task(self._follow(motion))
            for motion in self._tasks.keys() - motions:
                self._tasks.pop(motion).cancel()
            await asyncio.sleep(EVERY)

    async def _follow(self, motion: Motion) -> None:
        """Every reaction of one tenant, begun again when one fails: it keeps nothing that the record does not."""
        await motion.opened()
        tenant = motion.seat.tenant.name
        for room, _ in self._found:
            self._running.house.memories.setdefault((tenant, room.name), {})["push"] = self._pushing.public(tenant)
        # The past that is followed anew is then mostly in memory
        await asyncio.wait([motion.warmed])
        await asyncio.gather(*(self._keep(motion, room, one) for room, one in self._found))

    async def _keep(self, motion: Motion, room: Room, reaction: Reaction) -> None:
        while True:
            try:
                await self._react(motion, room, reaction)
            except Exception as error:  # noqa: BLE001 - whatever failed, the patients are still there
                log.error("reaction %s of %s began again: %s", reaction.name, room.name, verdict(error)[0])
            await asyncio.sleep(AGAIN)

    async def _react(self, motion: Motion, room: Room, reaction: Reaction) -> None:
        tenant = motion.seat.tenant.name
        clock = asyncio.get_running_loop().time
        reactor = reaction.begin(self._running.house.hall(system(tenant), room.name), now())
        position = _position(motion, reactor)
        acted = 0.0
        while True:
            moment, head = now(), motion.followed
            moved = position < head
            position = await self._taken(motion, reaction, reactor, (position, head))
            if (moved or clock() - acted >= ACT_EVERY) and motion in self._running.motions:
                acted = clock()
                self._send(tenant, await self._act(motion, room, reactor, moment))
            await asyncio.sleep(EVERY)

    async def _taken(self, motion: Motion, reaction: Reaction, reactor: Reactor, span: tuple[int, int]) -> int:
        """Show a reactor the versions of a span, a few milliseconds at a time; in a crowd it stands back as followers do."""
        index, time = motion.seat.home.index, asyncio.get_running_loop().time
        position, head = span
        size = SLICE
        while position < head:
            started = time()
            upto = min(head, position + size)
            index.ahead(range(position + 1, upto + 1))
            found = [index.glance(one) for one in range(position + 1, upto + 1)]
            reactor.take([one for one in found if one is not None and one.type in reaction.types])
            took = time() - started
            size, position = sized(upto - position, took), upto
            await asyncio.sleep(took * YIELD if motion.pump.busy else 0)
        return position

    async def _act(self, motion: Motion, room: Room, reactor: Reactor, moment: int) -> Sequence[Letter | Push]:
        """Nothing while the tenant is suspended."""
        tenant = motion.seat.tenant.name
        try:
            hall = self._running.house.hall(system(tenant), room.name)
        except Invalid:
            return ()
        before = motion.seat.home.tip()
        letters = reactor.act(hall, moment)
        if motion.seat.home.tip() > before:
            await self._running.durable(tenant, motion.seat.home.tip())
        return letters

    def _send(self, tenant: str, letters: Sequence[Letter | Push]) -> None:
        for letter in letters:
            task = asyncio.create_task(self._sent(tenant, letter))
            self._letters.add(task)
            task.add_done_callback(self._letters.discard)

    async def _sent(self, tenant: str, letter: Letter | Push) -> None:
        if isinstance(letter, Push):
            letter.told(*await asyncio.to_thread(self._pushing.hand_over, tenant, letter))
            return
        try:
            await asyncio.to_thread(self._outbound.deliver, tenant, letter)
        except Invalid as error:
            log.warning("a letter of tenant %s was not taken: %s", tenant, verdict(error)[0])

    async def close(self) -> None:
        """Stop them all; what was due is done after the next start."""
        tasks = [*self._tasks.values(), *self._letters, *([self._watching] if self._watching else [])]
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)


def _position(motion: Motion, reactor: Reactor) -> int:
    """The last position recorded before what a reactor learns; times never go back along the log."""
    index = motion.seat.home.index
    low, high = 0, motion.followed
    while low < high:
        middle = (low + high) // 2
        if index.touched(middle, middle + 1)[0].at < reactor.learns:
            low = middle + 1
        else:
            high = middle
    return low
