"""Rounds of group work on one event loop: whoever asks while a round is under way goes with the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

# A round of so many is one of a crowd; how many seconds its next one may wait for more to come
CROWD = 8
LINGER = 0.006


class Rounds:
    """`one` is one round; it must not fail for one asker alone, for all of its round learn of it."""

    def __init__(self, one: Callable[[int], Awaitable[None]]) -> None:
        self._one = one
        self._waiters: list[asyncio.Future[None]] = []
        self._running: asyncio.Task[None] | None = None
        self._crowd = False

    @property
    def under_way(self) -> bool:
        """Whether a round is being run, or is about to."""
        return self._running is not None

    def join(self) -> asyncio.Future[None]:
        """Ask for the next round: done when it is."""
        future = asyncio.get_running_loop().create_future()
        self._waiters.append(future)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return future

    async def _run(self) -> None:
        try:
            while self._waiters:
                if self._crowd:
                    await self._gathered()
                waiters, self._waiters = self._waiters, []
                self._crowd = len(waiters) >= CROWD
                try:
                    await self._one(len(waiters))
                except Exception as error:  # noqa: BLE001 - every waiter must learn that its write is not safe
                    for waiter in waiters:
                        if not waiter.done():
                            waiter.set_exception(error)
                    continue
                for waiter in waiters:
                    if not waiter.done():
                        waiter.set_result(None)
        finally:
            self._running = None

    async def _gathered(self) -> None:
        """Return when nobody more comes: whoever was answered together asks together, and one round costs less than two."""
        loop = asyncio.get_running_loop()
        until, seen = loop.time() + LINGER, 0
        while seen < len(self._waiters) and loop.time() < until:
            seen = len(self._waiters)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    async def close(self) -> None:
        """Finish what is under way."""
        while self._running is not None:
            await asyncio.sleep(0.01)
