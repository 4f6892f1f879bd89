"""The ways out of the house for notifications: each by the one outbound gate, in threads that hold up nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from onmaru.app.subscriptions.letters import bundle, letter, mail
from onmaru.app.subscriptions.runner import Absent, Runner
from onmaru.fhir.subscriptions.notification import Kind, Told
from onmaru.kernel.outbound import Outbound, Rules
from onmaru.web.sockets import Sockets

THREADS = 16
# Of which so many may wait for receivers that failed last time, so that these do not keep the others from their turn
AILING = 4


class Ways:
    """Shared by all tenants."""

    def __init__(self, outbound: Outbound, rules: Rules, sockets: Sockets, now: Callable[[], int]) -> None:
        self.sockets = sockets
        self._outbound = outbound
        self._rules = rules
        self._now = now
        self._threads = ThreadPoolExecutor(THREADS, "letters")
        self._well = asyncio.Semaphore(THREADS - AILING)
        self._ailing = asyncio.Semaphore(AILING)

    async def tell(self, tenant: str, runner: Runner, kind: Kind, events: Sequence[Told]) -> None:
        """Hand a notification over; see `station.Way`."""
        asked = runner.asked
        if asked.channel == "websocket":
            await self._said(tenant, runner, kind, events)
            return
        now, standing = self._now(), runner.standing("requested" if kind == "handshake" else "active")
        if asked.channel == "email":
            self._rules.recipient(tenant, asked.endpoint)
            open = tenant in self._rules.told
            await self._out(self._outbound.post, tenant, mail(asked, standing, kind, now, events, open))
            return
        self._rules.target(tenant, asked.endpoint)
        sent = letter(asked, standing, kind, now, events)
        if sent is not None:
            await self._out(self._outbound.deliver, tenant, sent)

    async def _said(self, tenant: str, runner: Runner, kind: Kind, events: Sequence[Told]) -> None:
        if not await self.sockets.tell(tenant, runner.id, self.words(runner, kind, events)):
            raise Absent

    def words(self, runner: Runner, kind: Kind, events: Sequence[Told]) -> str:
        """What is said on a websocket: a Bundle, to a classic subscription R4's own `ping`."""
        if not runner.asked.topic:
            return f"bound {runner.id}" if kind == "handshake" else f"ping {runner.id}"
        standing = runner.standing("active")
        return bundle(runner.asked, standing, kind, self._now(), events).decode()

    def turn(self, runner: Runner) -> AbstractAsyncContextManager[object]:
        """A turn to go out; those on a websocket need none."""
        if runner.asked.channel == "websocket":
            return nullcontext()
        return self._ailing if runner.progress.failures else self._well

    async def _out(self, what: Callable[..., None], *values: Any) -> None:
        await asyncio.get_running_loop().run_in_executor(self._threads, what, *values)

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
