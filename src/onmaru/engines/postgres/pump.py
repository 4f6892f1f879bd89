"""Group commit for one event loop over PostgreSQL, and an ear for what other workers make durable."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import asyncpg

from onmaru.engines.postgres.home import PgHome
from onmaru.engines.rounds import CROWD, Rounds
from onmaru.fhir.outcome import Invalid

# A group of so many in the last so many seconds is a crowd.
CROWDED = 0.25
# Seconds after which the head is looked at though nobody told of it
LOOK_EVERY = 1.0


class PgPump:
    """`durable` returns once all that was appended or audited before the call is on the disk.

    `after` is told the durable head whenever it moves, by whichever worker.
    """

    def __init__(self, home: PgHome, after: Callable[[int], None]) -> None:
        self._home = home
        self._after = after
        self._entries = Rounds(self._put_entries)
        self._rows = Rounds(self._put_rows)
        self._disk = ThreadPoolExecutor(1, "entries")
        self._audit = ThreadPoolExecutor(1, "audit")
        self._crowded = -CROWDED
        self._told = asyncio.Event()
        self._listening = asyncio.create_task(self._listen())

    @property
    def busy(self) -> bool:
        """Whether many are waiting just now, so that work which can wait had better do so."""
        return asyncio.get_running_loop().time() - self._crowded < CROWDED

    def durable(self, *, wrote: bool = True) -> Awaitable[Any]:
        """Done with the next group, at once when nothing is buffered. `wrote` False: with that of the audit rows alone."""
        home = self._home
        asked = []
        if home.trail.waiting or self._rows.under_way:
            asked.append(self._rows.join())
        if wrote and home.appended:
            asked.append(self._entries.join())
        return asyncio.gather(*asked)

    async def _put_rows(self, waiters: int) -> None:
        self._count(waiters)
        mark = self._home.commit_trail()
        await asyncio.get_running_loop().run_in_executor(self._audit, self._home.sync, mark)

    async def _put_entries(self, waiters: int) -> None:
        self._count(waiters)
        mark = self._home.commit_entries()
        await asyncio.get_running_loop().run_in_executor(self._disk, self._home.sync, mark)
        self._home.settle(mark)
        self._after(mark.t)

    def _count(self, waiters: int) -> None:
        if waiters >= CROWD:
            self._crowded = asyncio.get_running_loop().time()

    async def _listen(self) -> None:
        """Look at the head when another worker tells of one, and now and then; on a new connection when one was lost."""
        while True:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, Invalid):
                connection = await asyncpg.connect(self._home.address, timeout=LOOK_EVERY * 10)
                try:
                    await connection.add_listener("onmaru", self._heard)
                    while not connection.is_closed():
                        self._look()
                        with suppress(TimeoutError):
                            async with asyncio.timeout(LOOK_EVERY):
                                await self._told.wait()
                        self._told.clear()
                finally:
                    connection.terminate()
            await asyncio.sleep(LOOK_EVERY)

    def _heard(self, _connection: Any, _process: int, _channel: str, said: str) -> None:
        schema, _, worker = said.partition(" ")
        if schema == self._home.schema and worker != self._home.worker:
            self._told.set()

    def _look(self) -> None:
        before = self._home.head()
        self._home.refresh()
        if self._home.head() > before:
            self._after(self._home.head())

    async def close(self) -> None:
        """Finish what is under way."""
        self._listening.cancel()
        with suppress(asyncio.CancelledError):
            await self._listening
        await self._entries.close()
        await self._rows.close()
        self._disk.shutdown()
        self._audit.shutdown()
