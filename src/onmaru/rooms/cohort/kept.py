"""Runs that are under way in this process, so that whoever began one can end it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from onmaru.fhir.outcome import invalid
from onmaru.kernel.caller import Caller
from onmaru.kernel.lake import Results, Run

MOST = 4
_Key = tuple[str, str, str]


class Runs:
    """By tenant, user and the name that the user gave the run; at most MOST a user."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[_Key, Run] = {}

    @contextmanager
    def noted(self, caller: Caller, name: str, run: Run) -> Iterator[None]:
        """Known until it ends; `Invalid` 429 while too many of the user's run, 409 where the name is taken."""
        key = (caller.tenant, caller.user, name)
        with self._lock:
            if sum(1 for tenant, user, _ in self._running if (tenant, user) == key[:2]) >= MOST:
                raise invalid("throttled", f"{MOST} of your runs are under way", status=429)
            if key in self._running:
                raise invalid("conflict", "a run of this name is under way", "run", 409)
            self._running[key] = run
        try:
            yield
        finally:
            with self._lock:
                del self._running[key]

    def cancel(self, caller: Caller, name: str) -> None:
        """End a run; 404 where the caller has none of this name."""
        with self._lock:
            run = self._running.get((caller.tenant, caller.user, name))
        if run is None:
            raise invalid("not-found", "no run of this name is under way", status=404)
        run.cancel()


async def awaited(run: Run) -> Results:
    """Its results, computed in a thread; whoever leaves before ends it."""
    try:
        return await asyncio.to_thread(run)
    except asyncio.CancelledError:
        run.cancel()
        raise


RUNS = Runs()
