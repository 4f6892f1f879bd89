"""Whether each part of a running house does its work, looked at every few seconds, so that to be asked costs nothing.

A part that is merely behind is ready; one that is behind and does not move, or has ended, is not.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from onmaru.app.running import Motion, Running
from onmaru.engines.sqlite.home import Home

LOOK_EVERY = 5.0
# Seconds without a step after which a group commit, or a follower, that has work stands still
COMMIT_STANDS, FOLLOWER_STANDS = 15.0, 300.0
# Seconds without a signed head; they are signed every minute
WITNESS_LATE = 300.0
PARTS = ("log", "index", "rooms", "lake", "audit", "witness", "disk")
OK = "ok"


class Health:
    """`parts` is the last look. `least`: bytes that have to be free on the disk of the home. `clock` in seconds."""

    def __init__(self, running: Running, least: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._running = running
        self._least = least
        self._clock = clock
        self._moved: dict[tuple[str, str], tuple[int, float]] = {}
        self._parts: Mapping[str, str] = {}
        self.look()
        self._task = asyncio.create_task(self._looking())

    def parts(self) -> Mapping[str, str]:
        """Each of `PARTS`: `ok`, or in a word or two why it is not."""
        return self._parts

    def look(self) -> None:
        """Look at every tenant that is open; the worst of them speaks for a part."""
        found = dict.fromkeys(PARTS, OK)
        for motion in self._running.motions:
            for part, said in self._of(motion).items():
                found[part] = said if found[part] == OK else found[part]
        if self._clock() - self._running.witnessed > WITNESS_LATE:
            found["witness"] = "not signed"
        found["disk"] = _disk(self._running.house.where.home, self._least)
        self._parts = found

    async def _looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            self.look()

    def _of(self, motion: Motion) -> Mapping[str, str]:
        """What one tenant says of the parts that it has."""
        home, tenant = motion.seat.home, motion.seat.tenant.name
        buffered = home.tip() > home.head() or home.trail.waiting
        reached = home.head() + home.trail.block
        said = {"log": self._moves((tenant, "log"), reached, buffered, COMMIT_STANDS)}
        if isinstance(home, Home):
            position = home.index.file.position
            said["index"] = self._moves((tenant, "index"), position, position < home.head(), COMMIT_STANDS)
        for name, behind, runs in motion.followers():
            position = (home.trail.count if name == "audit" else home.head()) - behind
            moves = self._moves((tenant, name), position, behind > 0, FOLLOWER_STANDS)
            said[name] = moves if runs else "stopped"
        if said["rooms"] == OK and not motion.ready.is_set():
            said["rooms"] = "catching up"
        return said

    def _moves(self, name: tuple[str, str], position: int, behind: bool, patience: float) -> str:
        """`ok`, or `stands still` when what has work to do has not made a step for so long."""
        last, since = self._moved.get(name, (-1, 0.0))
        if position != last or not behind:
            self._moved[name] = (position, self._clock())
            return OK
        return OK if self._clock() - since < patience else "stands still"

    async def close(self) -> None:
        """Look no more."""
        self._task.cancel()


def _disk(home: Path, least: int) -> str:
    try:
        if not os.access(home, os.W_OK):
            return "read-only"
        return OK if shutil.disk_usage(home).free >= least else "nearly full"
    except OSError:
        return "unreadable"
