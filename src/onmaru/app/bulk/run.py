"""One job under way: what its work is given. Whoever asked is asked for again each time they are needed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from onmaru.app.bulk.board import Board, Job, Outcome
from onmaru.app.house import House, Seat
from onmaru.kernel.background import Ticket, acting
from onmaru.kernel.caller import Caller
from onmaru.kernel.chart import Tenant

# What is fetched for hours holds none of the threads that everybody shares
_writers = ThreadPoolExecutor(4, "jobs")


class Run:
    """`settled()` returns once all that was written is on the disk. `over`: nobody waits for it any more."""

    def __init__(
        self,
        house: House,
        job: Job,
        ticket: Ticket,
        board: Callable[[], Board],
        settled: Callable[[], Awaitable[object]],
    ) -> None:
        self.house = house
        self.job = job
        self.ticket = ticket
        self.board = board
        self.settled = settled
        self.done = 0.0
        self.over = False
        self._kept: list[str] = []

    @property
    def seat(self) -> Seat:
        """The tenant's engines."""
        return self.house.seat(self.ticket.asker.tenant)

    @property
    def tenant(self) -> Tenant:
        """What the tenant's charts stand on."""
        return self.seat.tenant

    @property
    def caller(self) -> Caller:
        """Who asked, with what they may do now; `Invalid` 403 when they may nothing any more."""
        return acting(self.house.logins, self.ticket.asker)

    def check(self) -> None:
        """`Invalid` 403 when whoever asked may nothing any more."""
        acting(self.house.logins, self.ticket.asker)

    def told(self, done: float) -> None:
        """Remember how far the work is."""
        self.done = done

    async def keep(self, data: Iterable[bytes]) -> str:
        """Keep bytes of this job, written in a thread; one that is under way is waited for even by who is cancelled."""
        key = str(self.job.task["identifier"][0]["value"])
        loop = asyncio.get_running_loop()
        writing = asyncio.ensure_future(loop.run_in_executor(_writers, self.board().keep, key, data))
        writing.add_done_callback(lambda done: None if done.exception() else self._kept.append(done.result()))
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            self.over = True
            await asyncio.wait([writing])
            raise

    def clear(self) -> None:
        """Destroy what was kept for an outcome that will not be."""
        self.board().drop(self._kept)


class Work(Protocol):
    """What is done for the jobs of one kind."""

    @property
    def kind(self) -> str: ...

    def pinned(self, tenant: Tenant, caller: Caller, asked: bytes) -> bytes:
        """What is asked, as the job will find it; refuses at once what would be refused later."""

    async def run(self, run: Run) -> tuple[Outcome, Sequence[str]]:
        """The outcome and the blobs it names; begun again from the start, or from a mark, after a kill."""
