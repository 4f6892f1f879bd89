"""What proofs of the wall stand on: a ward of a hundred beds that stream into a served house."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from onmaru.app.house import Place
from onmaru.app.prove.ground import environment, free_port, until_answered
from onmaru.fhir.verbatim import instant

HZ, SECOND = 250, 1_000_000
SECRET = "proof-of-a-wall-0"  # noqa: S105 - of a house that lives as long as its proof
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
Json = dict[str, Any]


class Hospital:
    """One ward with `beds` beds, each with its monitor, served on a port of loopback."""

    def __init__(self, folder: Path, beds: int) -> None:
        self.beds = beds
        self._port = free_port()
        self.address = f"http://127.0.0.1:{self._port}"
        self._env = environment(Place(folder / "home", folder / "keys", folder / "witness"), self._port)
        self._command("user", "add", "nurse", "--role", "nurse", "--display", "nurse")
        made = self._command("token", "--user", "machine", "--service", "--json")
        self._token = json.loads(made)["token"]
        self.process = self.served()
        for start in range(0, beds, 25):
            self._put([one for n in range(start, min(beds, start + 25)) for one in _bed(n)])

    def served(self) -> subprocess.Popen[bytes]:
        """A server of the house."""
        argv = [sys.executable, "-m", "onmaru.app", "serve", "--port", str(self._port)]
        self.process = subprocess.Popen(argv, env=self._env, stderr=subprocess.DEVNULL)  # noqa: S603 - ours
        until_answered(self._port)
        return self.process

    def send(self, messages: list[bytes]) -> None:
        """Messages of devices, by the stream's door."""
        self._ask("/rooms/monitor/stream", b"\n".join(messages))

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(60)

    def _command(self, *argv: str) -> bytes:
        whole = [sys.executable, "-m", "onmaru.app", *argv]
        done = subprocess.run(whole, env=self._env, input=f"{SECRET}\n".encode(), capture_output=True, check=True)  # noqa: S603 - ours
        return done.stdout

    def _put(self, bodies: list[Json]) -> None:
        entries = [
            {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
            for one in bodies
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        self._ask("/fhir", json.dumps(bundle).encode())

    def _ask(self, path: str, body: bytes) -> None:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/fhir+json"}
        request = urllib.request.Request(f"{self.address}{path}", body, headers)  # noqa: S310 - our own
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own
            answer.read()


FAMILY, GIVEN = "김이박최정강조윤장임", "가나다라마바사아자차하은서지우민준도현수"


def _bed(n: int) -> list[Json]:
    dice = random.Random(n)  # noqa: S311 - made people
    name = dice.choice(FAMILY) + dice.choice(GIVEN) + dice.choice(GIVEN)
    ward: Json = {"resourceType": "Location", "id": "ward", "name": "71"}
    began = instant(time.time_ns() // 1000 - 3600 * SECOND)
    bed, within = {"coding": [{"code": "bd"}]}, {"reference": "Location/ward"}
    here = {"reference": f"Location/bed{n}"}
    return [
        *([ward] if n % 25 == 0 else []),
        {"resourceType": "Patient", "id": f"p{n}", "name": [{"text": name}], "birthDate": "1950-01-01"},
        {"resourceType": "Location", "id": f"bed{n}", "name": f"71-{n + 1:02}", "physicalType": bed, "partOf": within},
        {"resourceType": "Device", "id": f"d{n}", "identifier": [{"value": f"mon-{n}"}], "location": here},
        {"resourceType": "Encounter", "id": f"e{n}", "status": "in-progress", "class": {"code": "IMP"},
         "subject": {"reference": f"Patient/p{n}"}, "period": {"start": began},
         "location": [{"location": here, "status": "active"}]},
    ]  # fmt: skip


def message(bed: int, at: int) -> bytes:
    """A second of one bed: seven numerics and two waveforms, worse the smaller its number."""
    second = at / SECOND
    worse = 1 if bed < 3 else 0.5 if bed < 8 else 0
    wander = 3 * math.sin(second / 17 + bed)
    rate = (68 + bed % 17 + 48 * worse) / 60
    values = {
        "8867-4": [round(rate * 60 + wander), "/min"], "9279-1": [round(14 + 12 * worse + wander / 2), "/min"],
        "59408-5": [round(97 - 5 * worse), "%"], "8480-6": [round(124 - 32 * worse + wander), "mm[Hg]"],
        "8462-4": [round(76 - 18 * worse), "mm[Hg]"], "8310-5": [round(36.7 + worse, 1), "Cel"],
        "3151-8": [0, "L/min"],
    }  # fmt: skip
    times = [second - 1 + (n + 1) / HZ for n in range(HZ)]
    waves = [
        {"code": "ecg-ii", "unit": "mV", "hz": HZ, "samples": [ECG[int(one * rate * BEAT) % BEAT] for one in times]},
        {"code": "pleth", "unit": "%", "hz": HZ, "samples": [PLETH[int(one * rate * BEAT) % BEAT] for one in times]},
    ]
    return json.dumps({"device": f"mon-{bed}", "at_us": at, "values": values, "waves": waves}).encode()


def _shape(parts: Sequence[tuple[float, float, float]], digits: int) -> list[float]:
    """One beat of a waveform out of bells: where, how wide, how high."""
    times = [n / BEAT for n in range(BEAT)]
    return [round(sum(h * math.exp(-(((at - m) / w) ** 2)) for m, w, h in parts), digits) for at in times]


BEAT = 500
ECG = _shape(((0.2, 0.03, 0.12), (0.35, 0.009, 1.1), (0.375, 0.01, -0.2), (0.6, 0.05, 0.25)), 3)
PLETH = _shape(((0.3, 0.13, 60), (0.62, 0.13, 22)), 1)


@contextmanager
def streaming(hospital: Hospital) -> Iterator[threading.Event]:
    """Every bed says a message a second, until the block ends or the event is set."""
    stopped = threading.Event()
    sender = threading.Thread(target=_stream, args=(hospital, stopped), daemon=True)
    sender.start()
    try:
        yield stopped
    finally:
        stopped.set()
        sender.join(30)


# How many parts of a second the beds are spread over
PARTS = 10


def _stream(hospital: Hospital, stopped: threading.Event) -> None:
    """Each bed's clock goes in whole seconds of its own, so that its pieces of waveforms join; who is late catches up."""
    began, turn = time.time_ns() // 1000, 0
    while not stopped.is_set():
        at = began + turn * SECOND // PARTS
        some = [message(bed, at) for bed in range(turn % PARTS, hospital.beds, PARTS)]
        stopped.wait(max(0.0, at / SECOND - time.time()))
        try:
            hospital.send(some)
        except OSError:
            stopped.wait(0.2)
        turn += 1
