"""One process beside the server for errands that would hold its event loop: a single call into C cannot be cut in slices.

Started with the first errand, ended when it has rested; one errand at a time. What is given up is ended with its process.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process

import msgspec

from onmaru.app.errands import LENGTH, Reply, Task
from onmaru.fhir.outcome import invalid

# Seconds without an errand after which the process goes, and the memory it took with it
REST = 60.0
PART = 1 << 18


class Aside:
    """Carries out errands, in the order in which they are asked for."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._process: Process | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Reply).decode

    async def carry(self, task: Task) -> Reply:
        """The result; `Invalid` 503 when the process ended over it."""
        async with self._turn:
            if self._resting is not None:
                self._resting.cancel()
            process = await self._ready()
            done = False
            try:
                reply = await self._asked(process, self._encode(task))
                done = True
            except (OSError, asyncio.IncompleteReadError) as error:
                raise invalid("too-costly", "this could not be looked through", status=503) from error
            finally:
                if not done:
                    await self.close()
            self._resting = asyncio.get_running_loop().call_later(REST, self._end)
            return reply

    async def _ready(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            argv = [sys.executable, "-m", "onmaru.app.errands"]
            self._process = await asyncio.create_subprocess_exec(*argv, stdin=PIPE, stdout=PIPE, limit=PART)
        return self._process

    async def _asked(self, process: Process, asked: bytes) -> Reply:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        process.stdin.write(len(asked).to_bytes(LENGTH, "big"))
        for start in range(0, len(asked), PART):
            process.stdin.write(asked[start : start + PART])
            await process.stdin.drain()
        size = int.from_bytes(await process.stdout.readexactly(LENGTH), "big")
        reply: Reply = self._decode(await process.stdout.readexactly(size))
        return reply

    def _end(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def close(self) -> None:
        """End the process; the next errand starts another."""
        if self._resting is not None:
            self._resting.cancel()
        self._end()
        if self._process is not None:
            await self._process.wait()
            self._process = None
