"""Running `wrk` against our server and against the floor, turn about, on the same corpus, with 50 users' tokens."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from _corpus import Corpus, corpus
from _store import emptied, store
from onmaru.app.bench import Floor, Ours, Result
from onmaru.app.house import MAIN, House, Place, system
from onmaru.app.refusal import Refusal
from onmaru.kernel.accounts import User
from onmaru.kernel.chart import Chart
from onmaru.kernel.record import Change

HERE = Path(__file__).parent
USERS = 50
RUNS = 3
CONNECTIONS = 64


class Reading(NamedTuple):
    """One run of wrk: requests a second, and latencies in ms; `answered` requests in all."""

    rate: float
    p50: float
    p99: float
    answered: int


class Bench:
    """Both servers over one corpus, ready to be asked."""

    def __init__(self, scratch: Path, made: Corpus, quick: bool) -> None:
        self.scratch = scratch
        self.corpus = made
        self.seconds = 2 if quick else 10
        emptied()
        self.place = Place(scratch / "home", scratch / "keys", scratch / "witness", store())
        self.ids = self._load()
        self._files()

    def _load(self) -> list[tuple[str, str]]:
        """Put the corpus into our store through the record, and into a file for the floor."""
        house = House(self.place)
        seat = house.seat(MAIN)
        chart = Chart(seat.tenant, system(MAIN))
        resources = self.corpus.resources
        for start in range(0, len(resources), 1000):
            chart.write([Change("create", type, id, raw) for type, id, raw in resources[start : start + 1000]])
            seat.home.wait(seat.home.tip())
            seat.home.tidy(32 << 20)
        tokens = []
        for number in range(USERS):
            user = User(MAIN, f"bench{number}", f"Bench {number}", ("system",))
            house.logins.keep_user(user)
            tokens.append(house.logins.issue(user, "")[0])
        (self.scratch / "tokens").write_text("\n".join(tokens))
        house.catch_up(MAIN)
        house.close()
        return [(type, id) for type, id, _ in resources[: self.corpus.loaded]]

    def _files(self) -> None:
        (self.scratch / "ids").write_text("\n".join(f"{type}/{id}" for type, id in self.ids))
        (self.scratch / "pairs").write_text("\n".join(f"{p} {code}" for p, code, _ in self.corpus.pairs))
        (self.scratch / "bodies").write_bytes(b"\n".join(self.corpus.observations[:5000]))
        with (self.scratch / "floor.ndjson").open("wb") as file:
            for type, id, raw in self.corpus.resources:
                file.write(msgspec.json.encode([type, id, raw.decode()]) + b"\n")

    @contextlib.contextmanager
    def ours(self) -> Iterator[str]:
        """Our server; its address."""
        place = self.place
        environ = {
            "ONMARU_HOME": str(place.home),
            "ONMARU_KEYS": str(place.keys),
            "ONMARU_WITNESS": str(place.witness),
            "ONMARU_STORE": place.store,
            "ONMARU_MLLP_PORT": "0",
        }
        with running([sys.executable, "-m", "onmaru.app", "serve", "--port"], environ) as address:
            yield address

    @contextlib.contextmanager
    def floor(self) -> Iterator[str]:
        """The floor; its address."""
        shutil.rmtree(self.scratch / "floor", ignore_errors=True)
        at = self.place.store
        bare, where = ("_floor_postgres.py", at) if at else ("_floor.py", str(self.scratch / "floor"))
        argv = [sys.executable, str(HERE / bare), where]
        with running(argv, after=[str(self.scratch / "floor.ndjson")]) as address:
            yield address

    def wrk(self, address: str, what: str, connections: int = CONNECTIONS) -> Reading:
        """One run of one kind of request."""
        program = shutil.which("wrk")
        if program is None:
            raise Refusal("this benchmark needs wrk: apt-get install wrk")
        options = [
            "-t1",
            f"-c{connections}",
            f"-d{self.seconds}s",
            "--latency",
            "--timeout",
            "30s",
            "-s",
            str(HERE / "_requests.lua"),
        ]
        environ = {**os.environ, "FOLDER": str(self.scratch), "WHAT": what}
        done = subprocess.run(
            [program, *options, address], env=environ, capture_output=True, text=True, check=True, timeout=300
        )
        return _reading(done.stdout)


def measure(name: str, *, full: bool, quick: bool, check: Any = None) -> Result:
    """Median of RUNS, ours and the floor turn about; `check(bench, address)` looks at the answers first."""
    with tempfile.TemporaryDirectory(prefix="onmaru-bench-") as scratch:
        bench = Bench(Path(scratch), corpus(full=full, limit=12 if quick else 10_000), quick)
        ours: list[Reading] = []
        floors: list[Reading] = []
        for _ in range(1 if quick else RUNS):
            with bench.ours() as address:
                if check is not None and not ours:
                    check(bench, address)
                ours.append(bench.wrk(address, name))
            with bench.floor() as address:
                floors.append(bench.wrk(address, name))
    middle = sorted(ours)[len(ours) // 2]
    floor = statistics.median(one.rate for one in floors)
    return Result(name, Ours(middle.rate, middle.p50, middle.p99), Floor(floor), round(middle.rate / floor, 3))


def token(bench: Bench) -> str:
    """One user's token."""
    return (bench.scratch / "tokens").read_text().split("\n")[0]


def fetched(bench: Bench, url: str) -> Any:
    """The JSON answer to one GET."""
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {token(bench)}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return msgspec.json.decode(answer.read())


def _reading(text: str) -> Reading:
    if "Non-2xx" in text:
        raise AssertionError("some answers were refusals: " + re.search(r"Non-2xx.*", text)[0])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    answered = int(re.search(r"(\d+) requests in", text)[1])
    return Reading(rate, _ms(text, "50%"), _ms(text, "99%"), answered)


def _ms(text: str, part: str) -> float:
    found = re.search(rf"^\s+{part}\s+([\d.]+)(us|ms|s)\s*$", text, re.MULTILINE)
    if found is None:
        raise AssertionError("wrk gave no latencies: " + " ".join(text.split())[-400:])
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]


@contextlib.contextmanager
def running(argv: list[str], environ: Mapping[str, str] | None = None, after: Sequence[str] = ()) -> Iterator[str]:
    """A server whose port stands between `argv` and `after`; the address of its FHIR base."""
    port = _port()
    command = [*argv, str(port), *after]
    silent = subprocess.DEVNULL
    process = subprocess.Popen(command, env={**os.environ, **(environ or {})}, stdout=silent, stderr=silent)
    try:
        _wait(f"http://127.0.0.1:{port}/fhir/metadata")
        yield f"http://127.0.0.1:{port}/fhir"
    finally:
        process.terminate()
        process.wait(60)


def _port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(url: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not come up")
