"""Numerics of a thousand beds into the house, each message kept before it is answered, beside parse and append alone."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from onmaru.app.bench import Result, result
from onmaru.app.house import MAIN, House, Place, now, system
from onmaru.app.running import Running
from onmaru.app.streams.station import Station
from onmaru.kernel.record import Change
from onmaru.rooms.monitor.live import SECOND
from onmaru.rooms.monitor.stream.summary import instant

NUMERICS = {
    "8867-4": "/min", "9279-1": "/min", "59408-5": "%", "8480-6": "mm[Hg]", "8462-4": "mm[Hg]", "8478-0": "mm[Hg]",
    "8310-5": "Cel", "3151-8": "L/min", "3150-6": "%", "2019-8": "mm[Hg]",
}  # fmt: skip
# Messages that are under way at a time, as an MQTT broker's receive maximum
UNDER_WAY = 500


def run(quick: bool) -> Result:
    """A message of each bed a second, as fast as they are taken; the rate counts numerics, the latency is a message's."""
    beds, seconds = (100, 3) if quick else (1000, 20)
    began = now() - seconds * SECOND
    messages = [_message(bed, began + n * SECOND) for n in range(seconds) for bed in range(beds)]
    with tempfile.TemporaryDirectory(prefix="onmaru-bench-") as scratch:
        place = Place(*(Path(scratch) / name for name in ("home", "keys", "witness")))
        _ward(place, beds, began)
        each, took, cpu = asyncio.run(_ours(place, messages))
        floor = _floor(Path(scratch) / "floor", messages)
    numerics = len(messages) * len(NUMERICS)
    return result("stream", each, numerics / took, numerics / floor, {"home": cpu / len(messages) * 1000})


def _message(bed: int, at: int) -> bytes:
    values = {code: [50 + (bed + at // SECOND) % 40, unit] for code, unit in NUMERICS.items()}
    return json.dumps({"device": f"mon-{bed}", "at_us": at, "values": values}).encode()


def _ward(place: Place, beds: int, began: int) -> None:
    house = House(place)
    made: list[Change] = []
    for n in range(beds):
        use = {
            "resourceType": "DeviceUseStatement", "id": f"u{n}", "status": "active",
            "device": {"reference": f"Device/d{n}"}, "subject": {"reference": f"Patient/p{n}"},
            "timingPeriod": {"start": instant(began - SECOND)},
        }  # fmt: skip
        device = {"resourceType": "Device", "id": f"d{n}", "identifier": [{"value": f"mon-{n}"}]}
        for one in ({"resourceType": "Patient", "id": f"p{n}"}, device, use):
            made.append(Change("update", str(one["resourceType"]), str(one["id"]), json.dumps(one).encode()))
    record = house.hall(system(MAIN)).record
    for start in range(0, len(made), 600):
        record.write(made[start : start + 600])
    house.seat(MAIN).home.wait(house.seat(MAIN).home.tip())
    house.close()


async def _ours(place: Place, messages: Sequence[bytes]) -> tuple[list[float], float, float]:
    running = Running(House(place))
    station = Station(running, MAIN)
    await station.start()
    feed, gate, each = station.feed("bench", "bench"), asyncio.Semaphore(UNDER_WAY), []

    async def one(payload: bytes) -> None:
        asked = time.perf_counter()
        assert await station.intake.offered(payload, feed) == "stored"
        each.append(time.perf_counter() - asked)
        gate.release()

    started, cpu = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for payload in messages:
            await gate.acquire()
            group.create_task(one(payload))
    took, cpu = time.perf_counter() - started, time.process_time() - cpu
    await station.close()
    await running.close()
    return each, took, cpu


def _floor(file: Path, messages: Sequence[bytes]) -> float:
    """Seconds to parse every message and append it, as many to one fsync as are under way."""
    decode = msgspec.json.Decoder().decode
    started = time.perf_counter()
    with file.open("wb", buffering=0) as opened:
        for start in range(0, len(messages), UNDER_WAY):
            some = messages[start : start + UNDER_WAY]
            for payload in some:
                decode(payload)
            opened.write(b"\n".join(some))
            os.fdatasync(opened.fileno())
    return time.perf_counter() - started
