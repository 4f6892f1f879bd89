"""A real `onmaru` process made to be killed, in a session of its own, so that whatever it leaves behind is found."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

# How long a process may go on after the one that it worked for was killed.
PATIENCE = 5.0
STEP = 0.01
ARGV = ("-m", "onmaru.app")


class Victim:
    """`onmaru ARGS`, started at once. What it prints goes to `log`."""

    def __init__(self, args: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        argv = [sys.executable, *ARGV, *args]
        self.log = log
        self.born = time.monotonic()
        with log.open("wb") as out:
            self._process = subprocess.Popen(  # noqa: S603 - a program of ours
                argv, env=environ, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )

    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Its exit status once it has ended."""
        return self._process.poll()

    def age(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.born

    def lives(self, seconds: float) -> bool:
        """Let that time pass since it was started; False when it ended by itself before."""
        while self.age() < seconds and self.running():
            time.sleep(STEP)
        return self.running()

    def ended(self, seconds: float) -> int:
        """Wait for its own end; its exit status."""
        return self._process.wait(seconds)

    def kill(self) -> int:
        """kill -9, to it alone; how many processes of its session went on without it (they are ended then)."""
        self._process.kill()
        self._process.wait()
        return self.orphans()

    def orphans(self) -> int:
        """How many others of its session are still there after a moment; they are ended."""
        until = time.monotonic() + PATIENCE
        while (left := _session(self._process.pid)) and time.monotonic() < until:
            time.sleep(STEP)
        for one in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        return len(left)


def _session(leader: int) -> list[int]:
    """The processes of a session that still run, by /proc/PID/stat (proc_pid_stat(5): 3 state, 6 session)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, _, session = path.read_text("latin-1").rpartition(")")[2].split()[:4]
            if int(session) == leader and state not in "ZX":
                found.append(int(path.parent.name))
    return found
