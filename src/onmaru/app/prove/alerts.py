"""Proof that no alert and no step of a ladder is lost or doubled: a served house is killed between reading and alert."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from onmaru.app.evidence import Figures, Proof
from onmaru.app.house import MAIN, House, Place
from onmaru.app.prove.ground import environment, free_port, until_answered
from onmaru.fhir.verbatim import instant
from onmaru.kernel.accounts import User

KILLS, PATIENTS = 10, 4
PATIENCE = 60.0
ILL = (("9279-1", 30, "/min"), ("8480-6", 85, "mm[Hg]"), ("8867-4", 120, "/min"))


class Ward:
    """A house in a folder, its server and whoever loads it."""

    def __init__(self, folder: Path) -> None:
        self.place = Place(folder / "home", folder / "keys", folder / "witness")
        house = House(self.place, rooms=())
        user = User(MAIN, "loader", "loader", ("system",))
        house.logins.keep_user(user)
        self._token, _ = house.logins.issue(user, "")
        house.close()
        self._port = free_port()
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "onmaru.app", "serve", "--port", str(self._port)]
        env = environment(self.place, self._port)
        process = subprocess.Popen(argv, env=env, stderr=subprocess.DEVNULL)  # noqa: S603 - a program of ours
        until_answered(self._port)
        return process

    def killed(self) -> None:
        """kill -9, and a new server."""
        self._process.kill()
        self._process.wait()
        self._process = self._started()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(60)

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """GET, or POST a body."""
        raw = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/fhir+json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}{path}", raw, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own
            return json.loads(answer.read())

    def send(self, *bodies: Mapping[str, Any]) -> None:
        entries = [
            {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
            for one in bodies
        ]
        self.ask("/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": entries})

    def tellings(self) -> Sequence[Mapping[str, Any]]:
        """Every Communication, each alert's in it by `basedOn`."""
        found = self.ask("/fhir/Communication?_count=1000").get("entry", [])
        return [entry["resource"] for entry in found]


def alerts() -> Figures:
    """KILLS times PATIENTS patients fall ill, and the house is killed at once after the last of them was acknowledged."""
    with tempfile.TemporaryDirectory(prefix="onmaru-alerts-") as scratch:
        ward = Ward(Path(scratch))
        try:
            return _killed(ward)
        finally:
            ward.close()


def _killed(ward: Ward) -> Figures:
    ill: list[str] = []
    for kill in range(KILLS):
        for number in range(PATIENTS):
            who = f"p{kill}-{number}"
            now = instant(time.time_ns() // 1000)
            ward.send({"resourceType": "Patient", "id": who}, *(_reading(who, *one, now) for one in ILL))
            ill.append(who)
        ward.killed()
    raised = _raised(ward, len(ill))
    counts = Counter(one["patient"] for one in raised)
    missing, doubled = sorted(set(ill) - set(counts)), [who for who, count in counts.items() if count > 1]
    assert not missing, f"{len(missing)} patients have no alert"
    assert not doubled, f"{len(doubled)} patients have more than one"
    told = Counter(one["basedOn"][0]["reference"].removeprefix("Task/") for one in ward.tellings())
    silent = [one["id"] for one in raised if not told[one["id"]]]
    assert not silent, f"{len(silent)} alerts were told to nobody"
    # The same rung at the same time twice would be a step that was done twice
    steps = Counter((one["basedOn"][0]["reference"], one["sent"]) for one in ward.tellings())
    assert max(steps.values()) == 1, "a step of a ladder was done twice"
    return {"kills": KILLS, "patients who fell ill": len(ill), "alerts": len(raised), "tellings": sum(told.values())}


def _raised(ward: Ward, wanted: int) -> Sequence[Mapping[str, Any]]:
    """The alerts, once there are so many and each was told, or the patience has ended."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = [one for one in ward.ask("/rooms/monitor/alerts")["alerts"] if one["rule"] != "unreached"]
        told = {one["basedOn"][0]["reference"].removeprefix("Task/") for one in ward.tellings()}
        if (len(found) >= wanted and {one["id"] for one in found} <= told) or time.monotonic() > deadline:
            return found
        time.sleep(0.5)


def _reading(who: str, code: str, value: int, unit: str, at: str) -> Mapping[str, Any]:
    return {
        "resourceType": "Observation", "id": f"{who}-{code}", "status": "final", "effectiveDateTime": at,
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "subject": {"reference": f"Patient/{who}"},
        "valueQuantity": {"value": value, "code": unit, "system": "http://unitsofmeasure.org"},
    }  # fmt: skip


PROOFS = (
    Proof(
        "5.alerts",
        "A house that is killed between reading and alert raises each alert once and tells each step of its ladder once.",
        alerts,
    ),
)
