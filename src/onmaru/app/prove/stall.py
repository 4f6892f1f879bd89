"""Proof that nothing large keeps a reader waiting: small reads go on while the largest things are posted."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from onmaru.app.evidence import Figures, Proof
from onmaru.app.house import MAIN, House, Place
from onmaru.app.prove import loads
from onmaru.app.prove.ground import environment, free_port, until_answered
from onmaru.app.verifying import examined
from onmaru.kernel.accounts import User

BAR = 0.050
CALM = 3.0
# What a post sets going afterwards, such as following, may hold the loop as well.
AFTER = 2.0


class Phase(NamedTuple):
    """One kind of post: when it began and ended, and what it was answered."""

    name: str
    began: float
    ended: float
    status: int


class Waits(NamedTuple):
    """Per phase, in ms: the longest that a read waited, and the longest that the loop was held in CPU time."""

    read: dict[str, float]
    held: dict[str, float]


class Ground:
    """A house in a folder, its server under watch and a reader."""

    def __init__(self, folder: Path) -> None:
        self.place = Place(folder / "home", folder / "keys", folder / "witness")
        house = House(self.place, rooms=())
        user = User(MAIN, "loader", "loader", ("system",))
        house.logins.keep_user(user)
        self.token, _ = house.logins.issue(user, "")
        house.close()
        self.port = free_port()

    @contextlib.contextmanager
    def watched(self, holds: list[tuple[float, float]]) -> Iterator[None]:
        """The server; when it has ended, what its watch saw is added to `holds`."""
        argv = [sys.executable, "-m", "onmaru.app.prove.watched"]
        process = subprocess.Popen(argv, env=environment(self.place, self.port), stdout=subprocess.PIPE)  # noqa: S603 - a program of ours
        try:
            until_answered(self.port)
            yield
        finally:
            process.terminate()
            told, _ = process.communicate(timeout=120)
        holds += json.loads(told)

    @contextlib.contextmanager
    def read(self, path: str, waits: list[tuple[float, float]]) -> Iterator[None]:
        """A reader of `path`; when it has ended, its waits are added to `waits`."""
        argv = [sys.executable, "-m", "onmaru.app.prove.reader", str(self.port), path]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - a program of ours
        if process.stdin is None:
            raise RuntimeError("no pipe")
        process.stdin.write(self.token + "\n")
        process.stdin.flush()
        try:
            yield
        finally:
            told, _ = process.communicate(timeout=120)
        waits += json.loads(told)

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """POST; status and answer."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        line.request("POST", path, body, {"authorization": f"Bearer {self.token}", **loads.JSON, **headers})
        answer = line.getresponse()
        said = answer.read()
        line.close()
        return answer.status, said


def measured(folder: Path, posts: Mapping[str, Callable[[], loads.Post]], calm: float = CALM) -> Waits:
    """Run every kind of post once under a reader."""
    ground = Ground(folder)
    holds: list[tuple[float, float]] = []
    waits: list[tuple[float, float]] = []
    phases: list[Phase] = []
    with ground.watched(holds):
        _, said = ground.post("/fhir/Patient", loads.PATIENT, {})
        path = f"/fhir/Patient/{json.loads(said)['id']}"
        with ground.read(path, waits):
            time.sleep(0.5)  # the reader's first connection is no part of it
            phases.append(Phase("nothing", time.monotonic(), time.monotonic() + calm, 200))
            time.sleep(calm)
            for name, make in posts.items():
                phases.append(_posted(ground, name, make()))
    _sound(ground)
    return Waits(_longest(phases, waits), _longest(phases, holds))


def _posted(ground: Ground, name: str, post: loads.Post) -> Phase:
    began = time.monotonic()
    status, said = ground.post(post.path, post.body, post.headers)
    assert status == post.status, f"{name}: answered {status}, not {post.status}: {said[:300].decode(errors='replace')}"
    time.sleep(AFTER)
    return Phase(name, began, time.monotonic(), status)


def _sound(ground: Ground) -> None:
    """Afterwards the store verifies, deeply: no half transaction, index as a rebuild would make it."""
    report = examined(House(ground.place, rooms=()), MAIN, deep=True)
    assert report.ok, str(report.wrong[0])


def _longest(phases: list[Phase], seen: list[tuple[float, float]]) -> dict[str, float]:
    """Per phase the longest of what was seen in it, in ms."""
    return {
        phase.name: round(
            max((long for at, long in seen if phase.began <= at + long and at <= phase.ended), default=0.0) * 1000, 1
        )
        for phase in phases
    }


def stall() -> Figures:
    """Post every kind of the largest thing that is taken, and hold each to the bar."""
    with tempfile.TemporaryDirectory(prefix="onmaru-stall-") as scratch:
        waits = measured(Path(scratch), loads.POSTS)
    figures: dict[str, Any] = {}
    for name, longest in waits.read.items():
        figures[f"{name}: longest read ms"] = longest
        figures[f"{name}: loop held CPU ms"] = waits.held[name]
    missed = [name for name, value in figures.items() if value >= BAR * 1000]
    assert not missed, "; ".join(f"{name} {figures[name]}" for name in figures)
    return {**figures, "bar ms": BAR * 1000}


PROOFS = (Proof("2.stall", "No transaction or body, however large, keeps a small read waiting for 50 ms.", stall),)
