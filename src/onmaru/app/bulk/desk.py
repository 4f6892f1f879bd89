"""Background work of a running house: begins jobs, goes on with those a kill cut short, shows them and removes them."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from onmaru.app.bulk.board import OVER, Board, Job, Outcome
from onmaru.app.bulk.exporting import Parts, Pinned
from onmaru.app.bulk.extract import Reading
from onmaru.app.bulk.links import Links
from onmaru.app.bulk.run import Run, Work
from onmaru.app.bulk.searching import KIND, answered
from onmaru.app.house import now, system
from onmaru.app.running import Running
from onmaru.fhir.outcome import Invalid, Issue, invalid
from onmaru.kernel.background import Asker, State, Task, Ticket, acting
from onmaru.kernel.caller import Caller

# Jobs of the house that run at a time, and those of a tenant that are waited for or can be looked at
AT_ONCE = 2
WAITING, KEPT = 20, 500
# Searches of one user that are waited for or kept
SEARCHES = 10
SWEEP_EVERY = 30.0
# A job that another worker has not touched for so many µs is nobody's
STALE = 180 * 1_000_000
TOUCH_EVERY = 60.0
MARK = "jobs"
PART = 1 << 20
HOUR = 3_600 * 1_000_000
# What a job that failed is answered with; 404 would say that there is none
_STATUS = {"forbidden": 403} | dict.fromkeys(
    ("not-found", "structure", "value", "too-long", "not-supported", "too-costly"), 422
)
log = logging.getLogger("onmaru")


class Desk:
    """Background (kernel/background.py). `hours`: how long what came of a job can be looked at."""

    def __init__(self, running: Running, works: Sequence[Work], hours: float) -> None:
        self._running = running
        self._house = running.house
        self._works = {work.kind: work for work in works}
        self._lasts = int(hours * HOUR)
        self._worker = uuid.uuid4().hex
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._runs: dict[tuple[str, str], tuple[Run, asyncio.Task[None]]] = {}
        self._tickets: dict[tuple[str, str], Ticket] = {}
        self._outcomes: dict[tuple[str, str], Outcome] = {}
        self._ends: dict[tuple[str, str], int] = {}
        self._begun: set[str] = set()
        self._sweeping: asyncio.Task[None] | None = None

    # -- the door ----------------------------------------------------------------------------------------------------

    async def begin(self, ticket: Ticket) -> str:
        """See the door."""
        tenant = ticket.asker.tenant
        mine = [name for name in self._runs if name[0] == tenant]
        kept = [name for name in self._ends if name[0] == tenant]
        if len(mine) >= WAITING or len(kept) >= KEPT:
            raise invalid("throttled", "too many jobs; wait for one of them, or remove it", status=429)
        if ticket.kind == KIND and self._searches(ticket.asker) >= SEARCHES:
            raise invalid("throttled", "too many searches wait or are kept; remove one of them", status=429)
        await self._running.durable(tenant, 0)
        caller = acting(self._house.logins, ticket.asker)
        asked = self._works[ticket.kind].pinned(self._house.seat(tenant).tenant, caller, ticket.asked)
        ticket = msgspec.structs.replace(ticket, asked=asked)
        self._begun.add(tenant)
        self._mark(tenant).touch()
        id = self._board(tenant).add(ticket)
        await self._running.durable(tenant, 0)
        self._start(tenant, id, ticket)
        return id

    def _searches(self, asker: Asker) -> int:
        """How many searches of one user there are, by whatever app: whoever may search may begin one."""
        known = (ticket for (tenant, _), ticket in self._tickets.items() if tenant == asker.tenant)
        return sum(ticket.kind == KIND and ticket.asker.user == asker.user for ticket in known)

    def listing(self, asker: Asker) -> Sequence[Task]:
        """See the door."""
        tenant, board = asker.tenant, self._board(asker.tenant)
        jobs = [job for job in reversed(board.jobs()) if self._ends.get((tenant, job.id), 2**62) > now()]
        return [self._listed(asker, job, board) for job in jobs]

    def _listed(self, asker: Asker, job: Job, board: Board) -> Task:
        name = (asker.tenant, job.id)
        ticket = self._tickets.get(name) or board.ticket(job)
        self._tickets[name] = ticket
        run, mine = self._runs.get(name), ticket.asker.same(asker)
        return Task(
            job.id, ticket.kind, job.status, job.begun, ticket.asker.user, ticket.asker.client, mine,
            request=ticket.url if mine else "",
            progress=f"{run[0].done:.0%}" if run is not None else "",
            reason=job.reason,
            expires=self._ends.get(name, 0),
        )  # fmt: skip

    async def look(self, asker: Asker, id: str, page: int = 1) -> State:
        """See the door."""
        job, ticket = self._mine(asker, id)
        if job.status == "failed":
            code, _, text = job.reason.partition(": ")
            return State(done=True, issues=[Issue(code, text)], status=_STATUS.get(code, 500))
        found = self._outcome(asker.tenant, job)
        if found is None or job.status != "completed":
            run = self._runs.get((asker.tenant, id))
            return State(done=False, progress=f"{run[0].done:.0%}" if run else job.status)
        if ticket.kind == KIND:
            body = await self._searched(asker, ticket, found, (id, page))
            return State(done=True, body=body, expires=found.expires, resource=True)
        body = self._links(asker.tenant).manifest(id, ticket, found)
        return State(done=True, body=body, expires=found.expires)

    async def _searched(self, asker: Asker, ticket: Ticket, found: Outcome, place: tuple[str, int]) -> bytes:
        """A page of a search, for what whoever asked may see by now."""
        with self._house.hall(system(asker.tenant, "bulk")).blobs.open(found.list) as file:
            listed = await asyncio.to_thread(file.read)
        caller = acting(self._house.logins, asker)
        return answered(self._house.seat(asker.tenant).tenant, caller, ticket, listed, place)

    async def cancel(self, asker: Asker, id: str) -> None:
        """See the door."""
        self._mine(asker, id)
        stopped = await self._stop((asker.tenant, id))
        if stopped is not None:
            stopped.clear()
        await self._running.durable(asker.tenant, 0)
        job = self._board(asker.tenant).job(id)
        if job is not None:
            self._forget(asker.tenant, job, "" if job.status in OVER else "cancelled")
        await self._running.durable(asker.tenant, 0)

    async def file(self, asker: Asker, id: str, name: str, query: str) -> AsyncIterator[bytes]:
        """See the door."""
        tenant = asker.tenant
        job, ticket = self._mine(asker, id)
        found = self._outcome(tenant, job)
        number = self._links(tenant).number(id, name, query, now())
        if found is None or not 0 <= number < len(found.files) or now() >= found.expires:
            raise _unknown()
        file, blobs = found.files[number], self._house.hall(system(tenant, "bulk")).blobs
        whole = blobs.open(file.blob or found.list)
        if file.blob:
            return _poured(whole)
        seat = self._house.seat(tenant)
        wanted = msgspec.json.decode(ticket.asked, type=Pinned).asked
        reading = Reading(seat.tenant, file.type, found.t, f"$export/{id}/{name}")

        def asking() -> Caller:
            if not blobs.has(found.list):
                raise _unknown()
            return acting(self._house.logins, asker)

        asking()
        return Parts(seat.tenant, asking, reading, wanted.trimmed(file.type)).read(whole, file)

    # -- jobs --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Go on with what was cut short, and remove what has expired from now on."""
        self._sweeping = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Leave what runs to the next start."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for name in list(self._runs):
            await self._stop(name)

    async def _stop(self, name: tuple[str, str]) -> Run | None:
        run, task = self._runs.pop(name, (None, None))
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        return run

    def _start(self, tenant: str, id: str, ticket: Ticket) -> None:
        job = self._board(tenant).job(id)
        if job is None or (tenant, id) in self._runs:
            return
        self._tickets[tenant, id] = ticket
        run = Run(self._house, job, ticket, lambda: self._board(tenant), lambda: self._running.durable(tenant, 0))
        self._runs[tenant, id] = run, asyncio.create_task(self._run(tenant, run))

    async def _run(self, tenant: str, run: Run) -> None:
        name = (tenant, run.job.id)
        try:
            async with self._turns:
                await self._worked(tenant, run)
            await self._running.durable(tenant, 0)
        except Invalid as error:
            await self._failed(tenant, run, f"{error.issues[0].code}: {error.issues[0].text}")
        except Exception as error:  # noqa: BLE001 - a defect of ours must not leave a job that never ends
            log.error("job %s failed: %s", run.job.id, type(error).__name__)
            await self._failed(tenant, run, "exception: the server failed")
        finally:
            self._runs.pop(name, None)

    async def _worked(self, tenant: str, run: Run) -> None:
        board = self._board(tenant)
        board.begun(run.job, self._worker)
        touching, motion = asyncio.create_task(self._touch(tenant, run)), self._running.motion(tenant)
        motion.bulk += 1
        try:
            outcome, blobs = await self._works[run.ticket.kind].run(run)
        except Exception:
            run.clear()
            raise
        finally:
            touching.cancel()
            motion.bulk -= 1
        outcome = msgspec.structs.replace(outcome, expires=now() + self._lasts)
        board.done(run.job, outcome, *blobs)
        self._outcomes[tenant, run.job.id] = outcome
        self._ends[tenant, run.job.id] = outcome.expires

    async def _touch(self, tenant: str, run: Run) -> None:
        """Tell other workers that somebody is at it."""
        while True:
            await asyncio.sleep(TOUCH_EVERY)
            if self._house.store is not None:
                self._board(tenant).begun(run.job, self._worker)

    async def _failed(self, tenant: str, run: Run, reason: str) -> None:
        try:
            self._board(tenant).failed(run.job, reason)
            self._ends[tenant, run.job.id] = now() + self._lasts
            await self._running.durable(tenant, 0)
        except Invalid:
            log.error("job %s could not be closed", run.job.id)

    async def _sweep(self) -> None:
        for tenant in self._house.tenants():
            self.reconsider(tenant)
            await asyncio.sleep(0)
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            for name in [name for name, ends in self._ends.items() if ends <= now()]:
                # A suspended tenant is left as it is: nobody gets at anything there
                if not self._house.tenancies.closed(name[0]):
                    await self._expired(*name)

    async def _expired(self, tenant: str, id: str) -> None:
        job = self._board(tenant).job(id)
        if job is not None:
            self._forget(tenant, job, "")
        self._ends.pop((tenant, id), None)
        await self._running.durable(tenant, 0)

    def reconsider(self, tenant: str) -> None:
        """Leave the jobs of a tenant that was suspended where they are; go on with those of one that is open."""
        if self._house.tenancies.closed(tenant):
            for name, (_, task) in self._runs.items():
                if name[0] == tenant:
                    task.cancel()
        elif self._mark(tenant).exists():
            self._resume(tenant)

    def _resume(self, tenant: str) -> None:
        """Know the jobs of a tenant: run those that nobody runs, and remember when the others expire."""
        board = self._board(tenant)
        jobs = board.jobs()
        for job in jobs:
            if job.status in OVER:
                outcome = self._outcome(tenant, job)
                self._ends[tenant, job.id] = outcome.expires if outcome is not None else now() + self._lasts
            elif job.status == "requested" or self._house.store is None or now() - job.at > STALE:
                self._start(tenant, job.id, board.ticket(job))
        if not jobs and tenant not in self._begun:
            self._mark(tenant).unlink(missing_ok=True)

    def _forget(self, tenant: str, job: Job, status: str) -> None:
        """Remove what came of a job."""
        self._board(tenant).gone(job, status)
        name = (tenant, job.id)
        self._tickets.pop(name, None)
        self._outcomes.pop(name, None)
        self._ends.pop(name, None)

    def _mine(self, asker: Asker, id: str) -> tuple[Job, Ticket]:
        job = self._board(asker.tenant).job(id)
        if job is None or self._ends.get((asker.tenant, id), 2**62) <= now():
            raise _unknown()
        ticket = self._tickets.get((asker.tenant, id)) or self._board(asker.tenant).ticket(job)
        if not ticket.asker.same(asker):
            raise _unknown()
        self._tickets[asker.tenant, id] = ticket
        return job, ticket

    def _outcome(self, tenant: str, job: Job) -> Outcome | None:
        found = self._outcomes.get((tenant, job.id)) or self._board(tenant).outcome(job)
        if found is not None:
            self._outcomes[tenant, job.id] = found
        return found

    def _board(self, tenant: str) -> Board:
        return Board(self._house.hall(system(tenant, "bulk")), now())

    def _links(self, tenant: str) -> Links:
        return Links(tenant, self._house.seat(tenant).shelf.keyring.key("links"))

    def _mark(self, tenant: str) -> Path:
        """There while the tenant has jobs to know of, so that a start opens no tenant for nothing."""
        return self._house.folder(tenant) / MARK


async def _poured(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while part := await asyncio.to_thread(file.read, PART):
            yield part


def _unknown() -> Invalid:
    return invalid("not-found", "no such job, or it is no more", status=404)
