"""Proof of issue 5's load: a thousand beds through mosquitto at QoS 1 into a served house that a wall looks at.

Sender, broker, house and wall are processes of their own on the same two cores; each one's share is told.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import zstandard

from onmaru.adapters.letters import CODE
from onmaru.app.evidence import Figures, Proof
from onmaru.app.house import MAIN, House, Place, now, system
from onmaru.app.prove.broker import ended, mosquitto, needed
from onmaru.app.prove.ground import environment, free_port
from onmaru.app.prove.wall_reader import Notes
from onmaru.app.streams.intake import Kept
from onmaru.engines.journal import Journal
from onmaru.fhir import search
from onmaru.kernel.accounts import User
from onmaru.kernel.record import Change, pages
from onmaru.kernel.room import Hall
from onmaru.rooms.monitor.alerts.alert import SYSTEM as ALERTS
from onmaru.rooms.monitor.live import SECOND
from onmaru.rooms.monitor.stream.summary import MESSAGES, instant
from onmaru.simulate.devices import HZ, NUMERICS

BEDS, WAVED, SECONDS = 1_000, 10, 600
WARD = 50
CORES = 2
# A bar in seconds; how much more memory at the end than in the middle is no growth
BAR, GROWTH = 1.0, 1.10
# Seconds from which on it can be told
LONG = 300
# The feeds alone: nobody is called so
FEEDS = "/rooms/monitor/live?patient=-"
# Seconds without anything new after which nothing more is waited for
PATIENCE = 20.0
TICK = os.sysconf("SC_CLK_TCK")
# By patient, (position, µs since 1970 UTC) of each alert
Raised = dict[str, list[tuple[int, int]]]


def load(seconds: float = SECONDS, patients: int = BEDS) -> Figures:
    """`seconds`: for how long the ward sends; `patients`: how many lie in it, a tenth of them with waveforms."""
    needed("mosquitto")
    # All that takes part is begun from here and stays on these cores
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(cores)[:CORES])
    try:
        with tempfile.TemporaryDirectory(prefix="onmaru-load-") as scratch:
            return Load(Path(scratch), seconds, patients).run()
    finally:
        os.sched_setaffinity(0, cores)


class Load:
    """One ward, one broker, one house, one wall, one sender."""

    def __init__(self, folder: Path, seconds: float, beds: int) -> None:
        self._folder, self._seconds, self._beds, self._waves = folder, seconds, beds, beds // WAVED
        self._broker, self._web = free_port(), free_port()
        self._place = Place(folder / "home", folder / "keys", folder / "witness")
        self._token = ""

    def run(self) -> Figures:
        """Send, then count what is on the disk."""
        self._furnish()
        address = f"mqtt://127.0.0.1:{self._broker}"
        ours = [sys.executable, "-m", "onmaru.app"]
        house = environment(self._place, self._web, ONMARU_MLLP_HOST="", ONMARU_MQTT=address)
        sending = ["simulate", "streams", "--to", address, "--beds", str(self._beds), "--waves", str(self._waves)]
        sending += ["--seconds", str(self._seconds), "--ill-every", "2", "--json"]
        with (
            mosquitto(self._folder / "mosquitto", self._broker) as broker,
            ended([*ours, "serve"], self._web, house) as served,
            self._wall() as (wall, notes),
        ):
            self._met()
            watch = Watch({"house": served.pid, "broker": broker.pid, "wall": wall.pid})
            sender = subprocess.run([*ours, *sending], capture_output=True, check=False)  # noqa: S603 - a program of ours
            watch.end()
            assert sender.returncode == 0, "the broker did not take everything"
            said = json.loads(sender.stdout)
            self._settled(said["sent"])
        figures = {**self._counted_up(said, notes()), **watch.told(said)}
        wrong = tuple(_wrong(figures))
        assert not wrong, f"{'; '.join(wrong)} of {json.dumps(figures)}"
        return figures

    @contextmanager
    def _wall(self) -> Iterator[tuple[subprocess.Popen[bytes], Any]]:
        argv = [sys.executable, "-m", "onmaru.app.prove.wall_reader", str(self._web)]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - a program of ours
        told: list[bytes] = []
        if process.stdin is None:
            raise RuntimeError("no pipe")
        process.stdin.write(self._token.encode() + b"\n")
        process.stdin.flush()
        try:
            yield process, lambda: msgspec.json.decode(told[0], type=Notes)
        finally:
            told.append(process.communicate(timeout=120)[0])

    def _settled(self, sent: int) -> None:
        """Wait until the house has had all of it, or has had nothing more for a while."""
        last, since = -1, time.monotonic()
        while last < sent and time.monotonic() - since < PATIENCE:
            received = sum(feed["received"] for feed in self._asked(FEEDS)["feeds"])
            if received > last:
                last, since = received, time.monotonic()
            time.sleep(0.2)
        time.sleep(2 * BAR)

    def _met(self) -> None:
        """Wait until the house listens: a broker keeps nothing for one that it has not met."""
        deadline = time.monotonic() + PATIENCE
        while {one["state"] for one in self._asked(FEEDS).get("feeds", ())} not in ({"live"}, {"silent"}):
            assert time.monotonic() < deadline, "the house does not listen"
            time.sleep(0.1)

    def _asked(self, path: str) -> Any:
        line = http.client.HTTPConnection("127.0.0.1", self._web, timeout=60)
        line.request("GET", path, headers={"Authorization": f"Bearer {self._token}"})
        said = json.loads(line.getresponse().read())
        line.close()
        return said

    def _furnish(self) -> None:
        house = House(self._place)
        user = User(MAIN, "wall", "wall", ("nurse",))
        house.logins.keep_user(user)
        self._token, _ = house.logins.issue(user, "")
        began = instant(now() - 3600 * SECOND)
        record = house.hall(system(MAIN)).record
        made = [one for n in range(self._beds) for one in bed(n, began)]
        for start in range(0, len(made), 500):
            changes = [
                Change("update", one["resourceType"], one["id"], json.dumps(one).encode())
                for one in made[start : start + 500]
            ]
            record.write(changes)
        house.seat(MAIN).home.wait(house.seat(MAIN).home.tip())
        house.close()

    # -- what is found -------------------------------------------------------------------------------------------

    def _counted_up(self, said: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
        stored, dead, raised = self._counted()
        screen, alerted = sorted(notes.screen), sorted(_alerted(said["ill"], raised, notes.told))
        return {
            "beds": self._beds,
            "beds with waveforms": self._waves,
            "seconds": said["seconds"],
            "messages sent": said["sent"],
            "stored": len(stored),
            "dead letters": len(dead),
            "neither": said["sent"] - len(stored | dead),
            "numerics a second": round(said["sent"] * len(NUMERICS) / said["seconds"]),
            "samples a second": self._waves * 2 * HZ,
            "shown on the wall": len(screen),
            "ingest to screen s": _spread(screen),
            "fell ill": sum(at > 0 for _, at in said["ill"]),
            "alerted": len(alerted),
            "ingest to alert s": _spread(alerted),
        }

    def _counted(self) -> tuple[set[int], set[int], Raised]:
        """The numbers of messages that are stored, and of those that are dead letters, on the disk alone; and all alerts."""
        house = House(self._place)
        hall = house.hall(system(MAIN))
        stored, dead, raised = _documents(hall), _letters(hall), _raised(hall)
        journal = Journal(house.folder(MAIN) / "streams", house.keys(MAIN)[1].key("streams"))
        unpack = zstandard.ZstdDecompressor()
        for segment in journal.left:
            for frame in journal.read(segment):
                for one in msgspec.msgpack.decode(unpack.decompress(frame, 1 << 28), type=list[Kept]):
                    (dead if one.reason else stored).add(_number(one.payload))
        journal.close()
        house.close()
        return stored, dead, raised


class Watch:
    """What processes use while something runs: CPU of each, memory of the house each second."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        self._processes = processes
        self._began = time.monotonic()
        self._before = {name: _cpu(pid) for name, pid in processes.items()}
        self._used: dict[str, float] = {}
        self._memory: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def _sample(self) -> None:
        while not self._over.wait(1.0):
            self._memory.append(_memory(self._processes["house"]))

    def end(self) -> None:
        """Look for the last time."""
        self._over.set()
        self._thread.join()
        took = time.monotonic() - self._began
        self._used = {name: (_cpu(pid) - self._before[name]) / took for name, pid in self._processes.items()}

    def told(self, said: Mapping[str, Any]) -> Figures:
        """Shares of one core, and the house's memory by tenths of the time."""
        tenth = max(1, len(self._memory) // 10)
        by = [round(median(self._memory[start : start + tenth])) for start in range(0, len(self._memory), tenth)]
        shares = {**self._used, "sender": said["cpu"] / said["seconds"]}
        return {
            "cores": CORES,
            "shares of one core": {name: round(share, 2) for name, share in shares.items()},
            "memory of the house MiB, by tenths": by,
        }


def bed(n: int, began: str) -> Iterator[dict[str, Any]]:
    """One bed with a patient and a monitor named `mon-N`."""
    ward = f"w{n // WARD}"
    if n % WARD == 0:
        yield {"resourceType": "Location", "id": ward, "name": f"{n // WARD + 1}"}
    kind = {"coding": [{"code": "bd"}]}
    yield {
        "resourceType": "Location",
        "id": f"b{n}",
        "name": f"{n}",
        "partOf": _to("Location", ward),
        "physicalType": kind,
    }
    yield {"resourceType": "Patient", "id": f"p{n}"}
    named = [{"value": f"mon-{n}"}]
    yield {"resourceType": "Device", "id": f"d{n}", "identifier": named}
    timing, active = {"start": began}, {"status": "active"}
    whose = {"device": _to("Device", f"d{n}"), "subject": _to("Patient", f"p{n}")}
    yield {"resourceType": "DeviceUseStatement", "id": f"u{n}", **active, **whose, "timingPeriod": timing}
    place = [{"location": _to("Location", f"b{n}"), **active}]
    stay = {"status": "in-progress", "class": {"code": "IMP"}, "subject": _to("Patient", f"p{n}"), "period": timing}
    yield {"resourceType": "Encounter", "id": f"e{n}", **stay, "location": place}


def _to(type: str, id: str) -> dict[str, str]:
    return {"reference": f"{type}/{id}"}


def _documents(hall: Hall) -> set[int]:
    found: set[int] = set()
    for page in pages(hall.record, search.parse(("DocumentReference",), [])):
        for version in page.matches:
            attachment = json.loads(version.body or b"{}")["content"][0]["attachment"]
            if attachment["contentType"] == MESSAGES:
                found.update(_packed(hall.blobs.open(attachment["url"].rpartition(":")[2]).read()))
    return found


def _packed(data: bytes) -> Iterator[int]:
    """The numbers of messages in a blob of packs, one frame after the other."""
    while data:
        one = zstandard.ZstdDecompressor().decompressobj()
        yield from (_number(raw) for _, raw in msgspec.msgpack.decode(one.decompress(data)))
        data = one.unused_data


def _letters(hall: Hall) -> set[int]:
    found: set[int] = set()
    for page in pages(hall.record, search.parse(("Task",), [("code", CODE)])):
        for version in page.matches:
            kept = {one["type"]["text"]: one["valueString"] for one in json.loads(version.body or b"{}")["input"]}
            for line in hall.blobs.open(kept["blob"]).read().split(b"\n"):
                found.add(_number(json.loads(line)["payload"].encode()))
    return found


def _number(payload: bytes) -> int:
    return int(payload[5 : payload.index(b",")])


def _raised(hall: Hall) -> Raised:
    """The alerts of each patient, oldest first: their position and when they were written."""
    found: Raised = {}
    for page in pages(hall.record, search.parse(("Task",), [("code", f"{ALERTS}|alert")])):
        for version in page.matches:
            (first,) = hall.record.history("Task", version.id, count=1000).matches[-1:]
            patient = json.loads(first.body or b"{}")["for"]["reference"].removeprefix("Patient/")
            found.setdefault(patient, []).append((first.t, first.at))
    return {patient: sorted(alerts) for patient, alerts in found.items()}


def _alerted(ill: Sequence[tuple[str, int]], raised: Raised, told: Sequence[tuple[int, int]]) -> Iterator[int]:
    """µs from the message that told of it to the news of the first alert that was written since."""
    for device, at in ill:
        since = [t for t, written in raised.get(f"p{device.removeprefix('mon-')}", ()) if at and written >= at]
        heard = [when for upto, when in told if since and upto >= since[0]]
        if heard:
            yield min(heard) - at


def _at(values: Sequence[int], share: float) -> int:
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0


def _spread(values: Sequence[int]) -> dict[str, float]:
    shares = {"p50": 0.5, "p99": 0.99, "longest": 1.0}
    return {name: round(_at(values, share) / SECOND, 3) for name, share in shares.items()}


def _wrong(figures: Mapping[str, Any]) -> Iterator[str]:
    """What of the figures is beside the claim."""
    if figures["neither"]:
        yield "messages are neither stored nor a dead letter"
    if figures["dead letters"]:
        yield "sound messages are dead letters"
    if figures["numerics a second"] < 0.99 * figures["beds"] * len(NUMERICS):
        yield "the sender came to fewer"
    # Who fell ill last need not be heard of before the end
    if figures["fell ill"] - figures["alerted"] > 1:
        yield "somebody who fell ill was not alerted"
    for name in ("ingest to screen s", "ingest to alert s"):
        if figures[name]["p99"] >= BAR:
            yield name
    by = figures["memory of the house MiB, by tenths"]
    if figures["seconds"] >= LONG and by[-1] > GROWTH * by[len(by) // 2]:
        yield "the house's memory grows"


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has used, with its children."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return sum(int(one) for one in fields[11:15]) / TICK


def _memory(pid: int) -> float:
    """MiB that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


CLAIM = (
    "10,000 numerics and 50,000 samples a second through mosquitto are stored, and shown and alerted within a second."
)
PROOFS = (Proof("5.load", CLAIM, load, ("seconds", "patients")),)
