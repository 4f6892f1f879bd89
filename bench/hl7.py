"""HL7 v2 messages over four MLLP connections, each answered AA after its fsync, beside bare msgspec and SQLite."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from _floor import Floor
from _http import _port
from onmaru.app.bench import Result, result
from onmaru.app.house import MAIN, House, Place
from onmaru.simulate.hospital import hospital
from onmaru.simulate.settings import NO_FAULTS, Settings

CONNECTIONS = 4
WARM = 200
MESSAGES = 3_000
SEED = 7
Written = list[tuple[str, str, bytes]]


def run(quick: bool) -> Result:
    """Ours and the floor take the same messages, turn about; the median counts. Latency is that of one message to its AA."""
    messages = _messages(300 if quick else MESSAGES)
    rounds = []
    for _ in range(1 if quick else 3):
        each, rate, cpu, written = _ours(messages)
        rounds.append((rate, each, cpu, _floor(messages[WARM:], written)))
    rounds.sort(key=lambda one: one[0])
    rate, each, cpu, _ = rounds[len(rounds) // 2]
    floors = sorted(one[3] for one in rounds)
    return result("hl7", each, rate, floors[len(floors) // 2], cpu)


def _messages(count: int) -> list[bytes]:
    """What a hospital's systems send, every kind of message, each a new one."""
    found: list[bytes] = []
    for event in hospital(SEED, 365, settings=Settings(faults=NO_FAULTS)):
        if event.channel == "hl7v2":
            found.append(event.payload)
        if len(found) == count:
            return found
    raise AssertionError("the simulated hospital said too little")


def _ours(messages: Sequence[bytes]) -> tuple[list[float], float, dict[str, float], list[Written]]:
    """Seconds a message, messages a second, CPU ms a message by process, and what each message wrote."""
    with tempfile.TemporaryDirectory(prefix="onmaru-bench-") as scratch:
        place = Place(*(Path(scratch) / name for name in ("home", "keys", "witness")))
        house = House(place)
        house.seat(MAIN)
        house.close()
        mllp = _port()
        environ = {
            **os.environ,
            "ONMARU_HOME": str(place.home),
            "ONMARU_KEYS": str(place.keys),
            "ONMARU_WITNESS": str(place.witness),
            "ONMARU_STORE": "",
            "ONMARU_MLLP_PORT": str(mllp),
            "ONMARU_PORT": str(_port()),
        }
        with _serving(environ) as home:
            lines = [_connected(mllp) for _ in range(CONNECTIONS)]
            _sent(lines, messages[:WARM])
            before, started = _cpu(home), time.perf_counter()
            each = _sent(lines, messages[WARM:])
            seconds, after = time.perf_counter() - started, _cpu(home)
            for line in lines:
                line.close()
        cpu = {name: round((after[name] - before.get(name, 0)) / len(each) * 1000, 2) for name in after}
        return each, len(each) / seconds, cpu, _written(place)


@contextmanager
def _serving(environ: Mapping[str, str]) -> Iterator[int]:
    """A server; gives its process."""
    silent = subprocess.DEVNULL
    process = subprocess.Popen([sys.executable, "-m", "onmaru.app", "serve"], env=environ, stdout=silent, stderr=silent)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def _cpu(home: int) -> dict[str, float]:
    """CPU seconds of the home process and of the one that hears messages."""
    children = Path(f"/proc/{home}/task/{home}/children").read_text("ascii").split()
    return {"home": _used(home), "hearing": sum(_used(int(child)) for child in children)}


def _used(process: int) -> float:
    parts = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def _written(place: Place) -> list[Written]:
    """(type, id, body) of what each message after the first ones wrote; its Provenance is the last."""
    house = House(place)
    found: list[Written] = [[]]
    for version in house.seat(MAIN).home.read(0, 1 << 30):
        again = f"-{version.version}" if version.version > 1 else ""
        found[-1].append((version.type, version.id + again, version.body or b""))
        if version.type == "Provenance":
            found.append([])
    house.close()
    return found[WARM:-1]


def _connected(port: int) -> socket.socket:
    for _ in range(600):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=60)
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server does not listen for MLLP")


def _sent(lines: Sequence[socket.socket], messages: Sequence[bytes]) -> list[float]:
    """Send over all connections at once; each waits for its AA before the next. Gives the seconds each message took."""
    each: list[float] = []
    threads = [
        threading.Thread(target=_send, args=(line, messages[number :: len(lines)], each))
        for number, line in enumerate(lines)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(each) != len(messages):
        raise AssertionError(f"{len(messages) - len(each)} messages were not answered AA")
    return each


def _send(line: socket.socket, messages: Sequence[bytes], each: list[float]) -> None:
    """Over one connection, until a message is not answered AA."""
    for message in messages:
        at = time.perf_counter()
        line.sendall(b"\x0b" + message + b"\x1c\r")
        reply = part = line.recv(65536)
        while part and not reply.endswith(b"\x1c\r"):
            part = line.recv(65536)
            reply += part
        if b"MSA|AA|" not in reply:
            return
        each.append(time.perf_counter() - at)


def _floor(messages: Sequence[bytes], written: Sequence[Written]) -> float:
    """The same messages split at their delimiters, and what they wrote put into SQLite with the same index rows, a sync
    for every four messages: no mapping, no looking up, no policy, audit, history or encryption."""
    with tempfile.TemporaryDirectory(prefix="onmaru-floor-") as scratch:
        floor, started = Floor(Path(scratch)), time.perf_counter()
        for number, (message, resources) in enumerate(zip(messages, written, strict=False), 1):
            [[field.split(b"^") for field in line.split(b"|")] for line in message.split(b"\r")]
            for type, id, body in resources:
                floor.add(type, id, body)
            if number % CONNECTIONS == 0:
                floor.commit()
                os.fdatasync(floor.wal)
        floor.commit()
        os.fdatasync(floor.wal)
        return number / (time.perf_counter() - started)
