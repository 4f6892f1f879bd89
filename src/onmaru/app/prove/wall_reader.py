"""Stands before the wall of a proof's house: hears GET /live/events and /api/events and notes when each thing came.

`python -m onmaru.app.prove.wall_reader PORT`, the token as the first line of stdin; when stdin ends it prints its notes.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import click
import msgspec

LIVE, NEWS = "/rooms/monitor/live/events", "/api/events"
AGAIN = 0.2


class Numeric(msgspec.Struct):
    """One number of a bed."""

    at: int
    interval: int


class Bed(msgspec.Struct):
    """One bed of an event."""

    patient: str
    numerics: list[Numeric]


class Live(msgspec.Struct):
    """What `event: live` holds, as far as it is looked at."""

    beds: list[Bed]


class News(msgspec.Struct):
    """What `event: change` holds: something of these types up to position `t`."""

    t: int
    types: list[str]


class Notes(msgspec.Struct):
    """`screen`: µs from measuring to hearing, once for each bed and message shown; `told`: up to which position there was
    news of a Task, and when that was heard of, µs since 1970 UTC; `events` and `bytes` of the live stream.
    """

    screen: list[int] = []
    told: list[tuple[int, int]] = []
    events: int = 0
    bytes: int = 0
    cut: int = 0
    cpu: float = 0.0


def now() -> int:
    """µs since 1970 UTC."""
    return time.time_ns() // 1000


async def lines(port: int, path: str, token: str, notes: Notes) -> AsyncIterator[tuple[str, bytes]]:
    """Events (name, data) of one stream, opened again whenever it ends."""
    while True:
        with suppress(OSError, asyncio.IncompleteReadError, ValueError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 26)
            head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
            writer.write(head.encode())
            name = ""
            while line := await reader.readline():
                if line.startswith(b"event: "):
                    name = line[7:].strip().decode()
                elif line.startswith(b"data: "):
                    yield name, line[6:]
            writer.close()
        notes.cut += 1
        await asyncio.sleep(AGAIN)


async def wall(port: int, token: str, notes: Notes) -> None:
    """Note how old the newest number of each bed is when it is heard of."""
    newest: dict[str, int] = {}
    decode = msgspec.json.Decoder(Live).decode
    async for name, data in lines(port, LIVE, token, notes):
        if name != "live":
            continue
        notes.events += 1
        notes.bytes += len(data)
        heard = now()
        for bed in decode(data).beds:
            at = max((one.at for one in bed.numerics if one.interval), default=0)
            if at > newest.get(bed.patient, 0):
                newest[bed.patient] = at
                notes.screen.append(heard - at)


async def alerts(port: int, token: str, notes: Notes) -> None:
    """Note when Tasks are heard of."""
    decode = msgspec.json.Decoder(News).decode
    async for name, data in lines(port, NEWS, token, notes):
        if name != "change":
            continue
        news = decode(data)
        if "Task" in news.types:
            notes.told.append((news.t, now()))


async def _until_told(port: int) -> Notes:
    loop, notes = asyncio.get_running_loop(), Notes()
    token = (await loop.run_in_executor(None, sys.stdin.readline)).strip()
    work = [asyncio.create_task(one(port, token, notes)) for one in (wall, alerts)]
    await loop.run_in_executor(None, sys.stdin.read)
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    notes.cpu = time.process_time()
    return notes


if __name__ == "__main__":
    click.echo(msgspec.json.encode(asyncio.run(_until_told(int(sys.argv[1])))))
