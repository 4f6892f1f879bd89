"""A served hospital for the browser: a house of its own on a free port, users of several roles, a small ward."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from offspring import Onmaru, ran

SECRET = "browser-test-0"
USERS = {
    "doctor": ("physician", "서지우"),
    "nurse": ("nurse", "이나래"),
    "keeper": ("data-manager", "문하늘"),
    "chief": ("admin", "최가람"),
    "student": ("researcher", "한이슬"),
    "person": ("patient", "홍길동"),
}
NUMBERS = "urn:example:number"
# The record of the user `person`
OWN = "own"
# Two namesakes, a foreign name, somebody without sex and with a mere year of birth: all invented.
PEOPLE = (
    ("T-0001", "홍길동", "male", "1980-02-29"),
    ("T-0002", "홍길동", "male", "1951-11-03"),
    ("T-0003", "김하늘", "female", "2024-12-25"),
    ("T-0004", "Aleksandra Wiśniewska-Kowalczyk", "female", "1962-07-07"),
    ("T-0005", "박새봄", None, "1990"),
)


class Hospital:
    """Where it is served; `process` is the server, to be stopped and continued."""

    def __init__(self, address: str, process: subprocess.Popen[bytes], token: str, env: dict[str, str]) -> None:
        self.address, self.process, self._token, self._env = address, process, token, env

    def command(self, *argv: str) -> None:
        """A command of this house beside its server; what it asks for is SECRET."""
        ran(argv, env=self._env, input=f"{SECRET}\n".encode()).check_returncode()

    def send(self, bundle: dict[str, Any]) -> dict[str, Any]:
        """A transaction in the name of a machine; the answer, once it can be read."""
        body = json.dumps(bundle).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/fhir+json"}
        request = urllib.request.Request(f"{self.address}/fhir", body, headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        return found

    def remove(self, *names: str) -> None:
        """Delete resources (`Type/id`): tests of other files count whom they find."""
        gone = [{"request": {"method": "DELETE", "url": name}} for name in names]
        self.send({"resourceType": "Bundle", "type": "transaction", "entry": gone})

    def say(self, *messages: dict[str, Any]) -> None:
        """Messages of devices, by the stream's door."""
        headers = {"Authorization": f"Bearer {self._token}"}
        body = "\n".join(map(json.dumps, messages)).encode()
        request = urllib.request.Request(f"{self.address}/rooms/monitor/stream", body, headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            fates = json.loads(answer.read())["fates"]
        assert set(fates) == {"stored"}, fates


@contextmanager
def hospital(folder: Path) -> Iterator[Hospital]:
    """Serve until the block ends."""
    root = Path(__file__).resolve().parents[2]
    env = {
        **os.environ,
        "PYTHONPATH": str(root / "src"),
        **{f"ONMARU_{name.upper()}": str(folder / name) for name in ("home", "keys", "witness")},
    }
    for name, (role, display) in USERS.items():
        args = ["user", "add", name, "--role", role, "--display", display]
        args += ["--patient", OWN] if role == "patient" else []
        ran(args, env=env, input=f"{SECRET}\n".encode()).check_returncode()
    made = ran(["token", "--user", "machine", "--service", "--json"], env=env)
    port, env["ONMARU_MLLP_PORT"] = free_port(), str(free_port())
    process = Onmaru(["serve", "--port", str(port)], env=env, stderr=subprocess.DEVNULL)
    try:
        served = Hospital(f"http://127.0.0.1:{port}", process, json.loads(made.stdout)["token"], env)
        _wait(f"{served.address}/mark.svg")
        served.send(ward())
        yield served
    finally:
        process.terminate()
        process.wait(20)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(address: str) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise TimeoutError("the server did not answer within 20 s")


def ward() -> dict[str, Any]:
    """A transaction: one ward and everybody of PEOPLE in a bed of it."""
    place = {
        "resourceType": "Location",
        "name": "61병동",
        "physicalType": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/location-physical-type", "code": "wa"}]
        },
    }
    entries = [_post("urn:uuid:00000000-0000-4000-8000-000000000000", place)]
    for n, (number, name, sex, born) in enumerate(PEOPLE, 1):
        patient = f"urn:uuid:00000000-0000-4000-8000-{n:012d}"
        person = {
            "resourceType": "Patient",
            "identifier": [{"system": NUMBERS, "value": number}],
            "name": [{"text": name}],
            "birthDate": born,
            **({"gender": sex} if sex else {}),
        }
        stay = {
            "resourceType": "Encounter",
            "status": "in-progress",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
            "subject": {"reference": patient},
            "period": {"start": "2026-11-01T09:00:00+09:00"},
            "location": [{"location": {"reference": entries[0]["fullUrl"]}, "status": "active"}],
        }
        entries += [_post(patient, person), _post(f"urn:uuid:10000000-0000-4000-8000-{n:012d}", stay)]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _post(url: str, resource: dict[str, Any]) -> dict[str, Any]:
    return {"fullUrl": url, "resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}
