"""`onmaru serve` under watch: at the end it tells for how long its event loop was held, in CPU time of the loop's thread.

A loop that does everything in short steps comes round to the watch every few milliseconds; CPU time leaves out what other
processes of the machine took from it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import uvloop

from onmaru.app import settings as chosen
from onmaru.app.house import House, place
from onmaru.app.serving import ended, served

TICK = 0.002


async def _watch(holds: list[tuple[float, float]]) -> None:
    """(when, CPU seconds since the last tick) of every tick."""
    last = time.thread_time()
    while True:
        await asyncio.sleep(TICK)
        now = time.thread_time()
        holds.append((time.monotonic(), now - last))
        last = now


async def run() -> list[tuple[float, float]]:
    """Serve until told to end."""
    holds: list[tuple[float, float]] = []
    async with served(House(place()), chosen.load(), ()) as standing:
        watch = asyncio.create_task(_watch(holds))
        await ended(standing)
        watch.cancel()
    return holds


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(run())
    sys.stdout.write(json.dumps([(round(at, 4), round(held, 5)) for at, held in found if held > 0.001]))
