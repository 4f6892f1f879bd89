"""Group commit for one event loop: everything asked for while a group is on its way to the disk goes with the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from onmaru.engines.rounds import Rounds
from onmaru.engines.sqlite.connection import checkpoint
from onmaru.engines.sqlite.home import Home, Mark

FRAMES_MB = 32
# A group of so many in the last so many seconds is a crowd.
CROWD = 8
CROWDED = 0.25


class Pump:
    """`durable` returns once all that was appended or audited before the call is on the disk.

    Entries and audit rows lie in files of their own and go their own rounds: who only read does not wait for what
    others write.
    """

    def __init__(self, home: Home, after: Callable[[int], None]) -> None:
        self._home = home
        self._after = after
        self._entries = Rounds(self._put_entries)
        self._rows = Rounds(self._put_rows)
        self._disk = ThreadPoolExecutor(1, "entries")
        self._audit = ThreadPoolExecutor(1, "audit")
        self._cleaner = ThreadPoolExecutor(1, "checkpoint")
        self._cleaning: asyncio.Future[None] | None = None
        self._crowded = -CROWDED

    @property
    def busy(self) -> bool:
        """Whether many are waiting just now, so that work which can wait had better do so."""
        return asyncio.get_running_loop().time() - self._crowded < CROWDED

    def durable(self, *, wrote: bool = True) -> Awaitable[Any]:
        """Done with the next group, at once when nothing is buffered. `wrote` False: with that of the audit rows alone."""
        home = self._home
        rows = home.trail.waiting or self._rows.under_way
        entries = wrote and home.tip() > home.head()
        if rows and entries:
            return asyncio.gather(self._rows.join(), self._entries.join())
        if rows or entries:
            return (self._rows if rows else self._entries).join()
        nothing = asyncio.get_running_loop().create_future()
        nothing.set_result(None)
        return nothing

    async def _put_rows(self, waiters: int) -> None:
        self._count(waiters)
        mark = self._home.commit_trail()
        if mark.files:
            await asyncio.get_running_loop().run_in_executor(self._audit, self._home.sync, mark)

    async def _put_entries(self, waiters: int) -> None:
        loop, home = asyncio.get_running_loop(), self._home
        self._count(waiters)
        mark = await self._written() if home.large else home.commit_entries()
        synced = loop.run_in_executor(self._disk, home.sync, mark)
        while home.follow(mark.t):
            await asyncio.sleep(0)
        await synced
        home.settle(mark)
        self._after(mark.t)
        self._clean(loop)

    async def _written(self) -> Mark:
        """The group written between other answers; its commit, which encrypts every page, in a thread."""
        entries = self._home.entries
        group = entries.group or entries.begin()
        while entries.write(group):
            await asyncio.sleep(0)
        entries.lend()
        try:
            await asyncio.get_running_loop().run_in_executor(self._disk, entries.finish, group)
        finally:
            mark = self._home.end_group(group)
        return mark

    def _count(self, waiters: int) -> None:
        if waiters >= CROWD:
            self._crowded = asyncio.get_running_loop().time()

    def _clean(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let a thread move the write-ahead logs into their files when they have grown."""
        if self._cleaning is not None and not self._cleaning.done():
            return
        grown = self._home.grown(FRAMES_MB << 20)
        if grown:
            self._cleaning = loop.run_in_executor(self._cleaner, _checkpoint_all, grown, self._home.keys.pages)

    async def close(self) -> None:
        """Finish what is under way."""
        await self._entries.close()
        await self._rows.close()
        self._disk.shutdown()
        self._audit.shutdown()
        self._cleaner.shutdown()


def _checkpoint_all(paths: list[Path], key: bytes) -> None:
    for path in paths:
        checkpoint(path, key)
