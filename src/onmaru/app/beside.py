"""What stands beside a served house for those who run it: metrics on a port of their own, traces, renewed certificates."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

from granian.server.embed import Server

from onmaru.app.certificates import Renewing, certificate, shown_anew
from onmaru.app.doorway import Doorway
from onmaru.app.health import Health
from onmaru.app.metrics import Gauges
from onmaru.app.packets import Packets, Timer, asked
from onmaru.app.purging import Daily
from onmaru.app.refusal import Refusal
from onmaru.app.rewriting import Bounds, Rewriting
from onmaru.app.settings import Chosen
from onmaru.app.streams.beside import streaming
from onmaru.web.application import Application
from onmaru.web.server import Certificate, renew, server

log = logging.getLogger("onmaru")


@contextlib.asynccontextmanager
async def beside(
    found: Mapping[str, Chosen], application: Application, doorway: Doorway, health: Health, listening: Server
) -> AsyncIterator[None]:
    """Stand beside the server `listening` while the context lasts."""
    async with contextlib.AsyncExitStack() as stack:
        pair = certificate(found)
        if pair is not None:
            stack.push_async_callback(Renewing(pair, partial(renew, listening, pair)).close)
        if doorway.tls is not None:
            mine = Certificate(*(Path(str(found[f"mllp_{name}"].value)) for name in ("certificate", "key")))
            stack.push_async_callback(Renewing(mine, partial(shown_anew, doorway.tls, mine)).close)
        rewriting = Rewriting(doorway.running, _bounds(found))
        stack.push_async_callback(rewriting.close)
        doorway.alarms = rewriting.lines
        stack.push_async_callback(Daily(doorway.running).close)
        wish = asked(found)
        if wish is not None:
            packets = Packets(doorway.running.house, doorway.running.durable, wish)
            stack.push_async_callback(Timer(packets, int(found["packet_minutes"].value) * 60.0).close)
        await stack.enter_async_context(streaming(doorway, found))
        if address := str(found["traces"].value):
            from onmaru.app.traces import sending

            application.meter.traced, close = sending(address)
            # Spans that nobody takes must not hold up the end
            stack.push_async_callback(asyncio.to_thread, close)
        if port := int(found["metrics_port"].value):
            gauges = Gauges(doorway, application, health)
            gauges.alarms = rewriting.alarms
            await stack.enter_async_context(_scraped(gauges, str(found["metrics_host"].value), port))
        if port := int(found["flight_port"].value):
            from onmaru.app.flight.desk import Desk
            from onmaru.app.flight.server import answering as flying

            await stack.enter_async_context(flying(Desk(doorway.running, asyncio.get_running_loop()), port))
        yield


def _bounds(found: Mapping[str, Chosen]) -> Bounds:
    minutes, least, percent = (int(found[f"rewriting_{name}"].value) for name in ("minutes", "least", "percent"))
    # No record can be rewritten by more than there is to count
    return Bounds(minutes, least if percent else 2**62, percent)


@contextlib.asynccontextmanager
async def _scraped(gauges: Gauges, host: str, port: int) -> AsyncIterator[None]:
    listening = server(gauges, host, port)
    task = asyncio.create_task(listening.serve())
    await answering(task, host, port)
    log.info("metrics at http://%s:%d/metrics", host, port)
    try:
        yield
    finally:
        listening.stop()  # type: ignore[no-untyped-call]  # granian's embedded server has no types
        with contextlib.suppress(Exception):
            async with asyncio.timeout(5):
                await task


async def answering(task: asyncio.Task[None], host: str, port: int) -> None:
    """Return once the HTTP server takes connections; refuse when it ended instead, as on a port that is taken."""
    for _ in range(200):
        if task.done():
            break
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        return
    raise Refusal(f"the HTTP server did not start on {host}:{port}; is the port taken?")
