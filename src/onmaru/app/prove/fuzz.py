"""Proof that nothing sent over HTTP makes the house fail: 100,000 requests, seeded, made of what it says that it answers.

`--requests N`, `--seed N` and `--first N`, to go on where a run was cut short.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from onmaru.app.evidence import Figures, Proof
from onmaru.app.house import Place
from onmaru.app.prove.fuzzing.asking import Ask
from onmaru.app.prove.fuzzing.ground import furnished
from onmaru.app.prove.fuzzing.judging import Live, fault, written
from onmaru.app.prove.fuzzing.numbered import Asking
from onmaru.app.prove.fuzzing.surface import surface
from onmaru.app.prove.fuzzing.wire import Line
from onmaru.app.prove.ground import environment, free_port, until_answered
from onmaru.app.prove.victim import Victim

REQUESTS = 100_000
LINES = 6
# Requests after which the house has been everywhere once, as far as memory goes
WARM = 5_000
REST = 20.0
MORE = 1.10
SHOWN = 40


class Fuzz:
    """One house, and the lines to it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.place = Place(folder / "home", folder / "keys", folder / "witness")
        self._known, self._tokens = furnished(self.place)
        self._port, self._metrics = free_port(), free_port()
        self._environ = environment(
            self.place, self._port, ONMARU_METRICS_PORT=str(self._metrics), PYTHONFAULTHANDLER="1"
        )
        self._log = folder / "serve.log"
        self._seed = seed
        self._live = Live()
        self._turn = threading.Lock()
        self.counted: Counter[str] = Counter()
        self.faults: dict[str, list[str]] = {}
        self.slowest = 0.0

    def run(self, first: int, requests: int) -> Figures:
        """Ask; settle; look what came of it."""
        house = Victim(["serve"], self._environ, self._log)
        try:
            until_answered(self._port)
            until_answered(self._metrics)
            statement = json.loads(Line(self._port).ask(b"GET /fhir/metadata HTTP/1.1\r\nhost: x\r\n\r\n").body)
            asking = Asking(surface(statement), self._known, self._seed)
            warm = min(requests, max(WARM, asking.systematic))
            self._ask(asking, first, first + warm, house)
            before = self._settled(house)
            self._ask(asking, first + warm, first + requests, house)
            after = self._settled(house)
            alive = house.running()
        finally:
            house.kill()
        self._told()
        assert alive, f"the server ended with {house.status}"
        assert not self.faults, f"{sum(map(len, self.faults.values()))} faults of {len(self.faults)} kinds"
        grown = after / before
        assert requests < 2 * warm or grown <= MORE, f"memory went from {before >> 20} to {after >> 20} MiB"
        return {
            "routes": len(asking.surface.routes),
            "search parameters": len(asking.surface.parameters),
            "slowest s": round(self.slowest, 2),
            "memory MiB after the first and after the last": [before >> 20, after >> 20],
            "entries verified": self._verified(),
            **dict(sorted(self.counted.items())),
        }

    def _ask(self, asking: Asking, first: int, end: int, house: Victim) -> None:
        numbers = iter(range(first, end))
        threads = [threading.Thread(target=self._line, args=(asking, numbers, house)) for _ in range(LINES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _line(self, asking: Asking, numbers: Iterator[int], house: Victim) -> None:
        lines = {"": Line(self._port), "metrics": Line(self._metrics)}
        while house.running():
            with self._turn:
                number = next(numbers, -1)
            if number < 0:
                break
            ask = asking.one(number)
            raw, sound = written(ask, self._tokens, self._live)
            answer = lines[ask.door].ask(raw, bare=ask.method == "HEAD", short=ask.short, last=bool(ask.tail))
            wrong = fault(ask, answer, sound=sound)
            with self._turn:
                self._live.heard(answer)
                self.slowest = max(self.slowest, answer.seconds)
                self.counted[f"{ask.kind} {max(answer.status, 0) // 100}xx"] += 1
                if wrong:
                    self._wrong(number, ask, answer.status, wrong)
            if number % 1000 == 999:
                click.echo(f"{number + 1} asked, {sum(map(len, self.faults.values()))} faults", err=True)
        for line in lines.values():
            line.close()

    def _wrong(self, number: int, ask: Ask, status: int, wrong: str) -> None:
        told = f"{status} {wrong}: {ask.kind} {ask.method}"
        self.faults.setdefault(told, []).append(f"#{number} {ask.target[:160]}")

    def _told(self) -> None:
        for told, where in self.faults.items():
            click.echo(f"{told} ({len(where)})", err=True)
            for one in where[:SHOWN]:
                click.echo(f"   {one!r}", err=True)

    def _settled(self, house: Victim) -> int:
        """Bytes of memory once the house has been left alone for a while."""
        least = 0
        until = time.monotonic() + REST
        while time.monotonic() < until and house.running():
            time.sleep(1.0)
            found = int(Path(f"/proc/{house.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            least = min(least or found, found)
        return least

    def _verified(self) -> int:
        """Run `onmaru verify --deep`: how many entries it found sound."""
        argv = [sys.executable, "-m", "onmaru.app", "verify", "--deep", "--json"]
        done = subprocess.run(argv, env=self._environ, capture_output=True, text=True, check=False)  # noqa: S603 - a program of ours
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == 0 and all(line["ok"] for line in lines), "verify found something wrong"
        return sum(line["entries"] for line in lines)


def fuzz(requests: int = REQUESTS, seed: int = 1, first: int = 0) -> Figures:
    """Ask all of it."""
    with tempfile.TemporaryDirectory(prefix="onmaru-fuzz-") as scratch:
        return Fuzz(Path(scratch), seed).run(first, requests)


PROOFS = (
    Proof(
        "3.fuzz",
        "After 100,000 hostile requests over the whole HTTP surface there was no 5xx, no answer took 10 s, every refusal "
        "was in its form and repeated nothing, the record verifies and memory is back at its level.",
        fuzz,
        ("requests", "seed", "first"),
    ),
)
