"""One process beside the server for errands that would hold its event loop: a single call into C cannot be cut in slices.

Started with the first errand, ended when it has rested; one errand at a time. What is given up is ended with its process.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process

import msgspec
from msgspec.structs import replace

from onmaru.app.errands import LENGTH, Reply, Task, frame
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
                reply = await self._asked(process, task)
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

    async def _asked(self, process: Process, task: Task) -> Reply:
        source, sink = process.stdout, process.stdin
        if source is None or sink is None:
            raise RuntimeError("no pipes")
        for part in frame(self._encode(replace(task, raw=b"")), task.raw):
            for start in range(0, len(part), PART):
                sink.write(memoryview(part)[start : start + PART])
                await sink.drain()
        sizes = await source.readexactly(2 * LENGTH)
        head = await source.readexactly(int.from_bytes(sizes[:LENGTH], "big"))
        body = await _read(source, int.from_bytes(sizes[LENGTH:], "big"))
        reply: Reply = self._decode(head)
        return replace(reply, body=body)

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


async def _read(source: asyncio.StreamReader, size: int) -> bytes:
    """`size` bytes, which are never all moved more than once."""
    parts = []
    while size:
        parts.append(await source.read(min(size, PART)))
        if not parts[-1]:
            raise asyncio.IncompleteReadError(b"", size)
        size -= len(parts[-1])
    return b"".join(parts)
