"""Refusals of whoever shows no valid secret, which anybody can cause at any rate: every one is counted in the audit
trail, and on the disk before its answer; beyond a few a second they share a row and wait for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

# Rows of their own for so many an address, reason and second: a page whose session has ended asks for several things
ALONE = 10
SECOND = 1.0
ROOM = 4096

Name = tuple[str, ...]


class _Second:
    """One second of one name's refusals: `alone` have their own rows, `held` will share one."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.alone = 0
        self.held = 0
        self.noted = asyncio.Event()


class Denials:
    """Adds at most `ALONE` + 1 audit rows a second for one name. Kept in memory for that second."""

    def __init__(self) -> None:
        self._seconds: dict[Name, _Second] = {}

    async def gather(self, name: Name, add: Callable[[str], None]) -> None:
        """`add` the row of the refusal `name`, whose last part is its reason; a shared row's reason ends in ` xN`."""
        now = time.monotonic()
        second = self._seconds.get(name)
        if second is None or (now >= second.until and not second.held):
            second = self._begin(name, now)
        if second.alone < ALONE:
            second.alone += 1
            add(name[-1])
            return
        second.held += 1
        if second.held > 1:
            await second.noted.wait()
            return
        try:
            await asyncio.sleep(second.until - now)
        finally:
            # Also when this one's client has left: the others of its second wait for the row
            self._seconds.pop(name, None)
            second.noted.set()
            add(f"{name[-1]} x{second.held}" if second.held > 1 else name[-1])

    def _begin(self, name: Name, now: float) -> _Second:
        if len(self._seconds) >= ROOM:
            self._seconds = {n: s for n, s in self._seconds.items() if s.held or now < s.until}
        second = self._seconds[name] = _Second(now + SECOND)
        return second
