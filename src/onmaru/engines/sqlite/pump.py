"""Group commit for one event loop: everything asked for while a group is on its way to the disk goes with the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from onmaru.engines.sqlite.connection import checkpoint
from onmaru.engines.sqlite.home import Home

FRAMES_MB = 32
# A group of so many in the last so many seconds is a crowd.
CROWD = 8
CROWDED = 0.25


class Pump:
    """`durable` returns once all that was appended or audited before the call is on the disk."""

    def __init__(self, home: Home, after: Callable[[int], None]) -> None:
        self._home = home
        self._after = after
        self._waiters: list[asyncio.Future[None]] = []
        self._running: asyncio.Task[None] | None = None
        self._disk = ThreadPoolExecutor(1, "disk")
        self._cleaner = ThreadPoolExecutor(1, "checkpoint")
        self._cleaning: asyncio.Future[None] | None = None
        self._crowd, self._crowded = 0, 0.0

    @property
    def busy(self) -> bool:
        """Whether many are waiting just now, so that work which can wait had better do so."""
        return self._crowd >= CROWD and asyncio.get_running_loop().time() - self._crowded < CROWDED

    def durable(self) -> asyncio.Future[None]:
        """A future of the next group; one that is done when nothing is buffered."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self._waiters and not self._home.waiting():
            future.set_result(None)
            return future
        self._waiters.append(future)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return future

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiters:
                waiters, self._waiters = self._waiters, []
                self._crowd, self._crowded = len(waiters), loop.time()
                try:
                    mark = self._home.commit()
                    synced = loop.run_in_executor(self._disk, self._home.sync, mark)
                    while self._home.follow():
                        await asyncio.sleep(0)
                    await synced
                    self._home.settle(mark)
                except Exception as error:  # noqa: BLE001 - every waiter must learn that its write is not safe
                    for waiter in waiters:
                        if not waiter.done():
                            waiter.set_exception(error)
                    continue
                for waiter in waiters:
                    if not waiter.done():
                        waiter.set_result(None)
                self._after(mark.t)
                self._clean(loop)
        finally:
            self._running = None

    def _clean(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let a thread move the write-ahead logs into their files when they have grown."""
        if self._cleaning is not None and not self._cleaning.done():
            return
        grown = self._home.grown(FRAMES_MB << 20)
        if grown:
            self._cleaning = loop.run_in_executor(self._cleaner, _checkpoint_all, grown, self._home.keys.pages)

    async def close(self) -> None:
        """Finish what is under way."""
        while self._running is not None:
            await asyncio.sleep(0.01)
        self._disk.shutdown()
        self._cleaner.shutdown()


def _checkpoint_all(paths: list[Path], key: bytes) -> None:
    for path in paths:
        checkpoint(path, key)
