"""HL7 v2 messages over four MLLP connections, each answered AA after its fsync, beside a bare split and insert."""

from __future__ import annotations

import os
import socket
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from _http import _port, running
from onmaru.app.bench import Result, result
from onmaru.app.house import MAIN, House, Place
from onmaru.simulate.hospital import hospital
from onmaru.simulate.settings import NO_FAULTS, Settings

CONNECTIONS = 4
WARM = 200
MESSAGES = 6_000
SEED = 7


def run(quick: bool) -> Result:
    """Ours and the floor take the same messages, turn about; the median counts. Latency is that of one message to its AA."""
    messages = _messages(300 if quick else MESSAGES)
    rounds = [(_ours(messages), _floor(messages[WARM:])) for _ in range(1 if quick else 3)]
    rounds.sort(key=lambda one: one[0][1])
    seconds, rate = rounds[len(rounds) // 2][0]
    floors = sorted(floor for _, floor in rounds)
    return result("hl7", seconds, rate, floors[len(floors) // 2])


def _messages(count: int) -> list[bytes]:
    """What a hospital's systems send, every kind of message, each a new one."""
    found: list[bytes] = []
    for event in hospital(SEED, 60, settings=Settings(faults=NO_FAULTS)):
        if event.channel == "hl7v2":
            found.append(event.payload)
        if len(found) == count:
            return found
    raise AssertionError("the simulated hospital said too little")


def _ours(messages: Sequence[bytes]) -> tuple[list[float], float]:
    with tempfile.TemporaryDirectory(prefix="onmaru-bench-") as scratch:
        place = Place(*(Path(scratch) / name for name in ("home", "keys", "witness")))
        house = House(place)
        house.seat(MAIN)
        house.close()
        http, mllp = _port(), _port()
        environ = {
            **os.environ,
            "ONMARU_HOME": str(place.home),
            "ONMARU_KEYS": str(place.keys),
            "ONMARU_WITNESS": str(place.witness),
            "ONMARU_MLLP_PORT": str(mllp),
        }
        with running([sys.executable, "-m", "onmaru.app", "serve", "--port", str(http)], environ):
            lines = [_connected(mllp) for _ in range(CONNECTIONS)]
            _sent(lines, messages[:WARM])
            started = time.perf_counter()
            each = _sent(lines, messages[WARM:])
            seconds = time.perf_counter() - started
            for line in lines:
                line.close()
        return each, len(each) / seconds


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


def _floor(messages: Sequence[bytes]) -> float:
    """The same bytes split at their delimiters, one row each, an fsync for every four."""
    with tempfile.TemporaryDirectory(prefix="onmaru-bench-") as scratch:
        db = sqlite3.connect(Path(scratch) / "floor.db", isolation_level=None)
        db.execute("PRAGMA journal_mode=wal")
        db.execute("PRAGMA synchronous=full")
        db.execute("CREATE TABLE message(n INTEGER PRIMARY KEY, control TEXT, raw BLOB)")
        started = time.perf_counter()
        for at in range(0, len(messages), CONNECTIONS):
            db.execute("BEGIN")
            for message in messages[at : at + CONNECTIONS]:
                fields = [[field.split(b"^") for field in line.split(b"|")] for line in message.split(b"\r")]
                db.execute("INSERT INTO message(control, raw) VALUES(?, ?)", (fields[0][9][0], message))
            db.execute("COMMIT")
        seconds = time.perf_counter() - started
        db.close()
    return len(messages) / seconds
