"""Proof that subscriptions complete: the house is killed again and again, the receiver fails in every way."""

from __future__ import annotations

import http.client
import json
import random
import socket
import tempfile
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click

from onmaru.app.evidence import Figures, Proof
from onmaru.app.house import MAIN, House, Place
from onmaru.app.prove.ground import environment, free_port
from onmaru.app.prove.victim import Victim
from onmaru.fhir.subscriptions.extensions import BACKPORT
from onmaru.kernel.accounts import User

KILLS = 20
LIVES = (0.2, 3.0)
# One kill in so many falls into the start, before anybody is answered
IN_START = 6
SUBSCRIPTIONS = 10
OUTAGE = 8.0
PATIENCE = 180.0
TOPIC = "http://onmaru.example/topics/patients"
_ELEMENT = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic."


class Receiver:
    """Takes notifications in every bad mood there is. `heard`: by path, the numbers with their focus that it took in."""

    def __init__(self, seed: int) -> None:
        self.heard: dict[str, list[tuple[int, str]]] = {}
        self.refused = 0
        self.down = False
        self.moody = True
        self._chance = random.Random(seed)  # noqa: S311 - moods, not secrets
        self._turn = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                status = receiver.judged(self.path, body)
                if status == 0:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(status)
                self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing to standard error."""

        return Handler

    def judged(self, path: str, body: bytes) -> int:
        """What it answers; 0: it hangs up. Now and then it says 500 and has heard nevertheless."""
        with self._turn:
            mood = self._chance.random() if self.moody else 1.0
            if self.down or mood < 0.2:
                self.refused += 1
                return self._chance.choice((0, 500, 503, 307))
            self.heard.setdefault(path, []).extend(_events(json.loads(body)))
            if mood < 0.3:
                return 500
        if mood < 0.32:
            time.sleep(3)
        return 200

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _events(bundle: Mapping[str, Any]) -> list[tuple[int, str]]:
    found = []
    for one in bundle["entry"][0]["resource"]["parameter"]:
        if one["name"] == "notification-event":
            parts = {part["name"]: part for part in one["part"]}
            focus = str(parts["focus"]["valueReference"]["reference"]).rpartition("/")[2]
            found.append((int(parts["event-number"]["valueString"]), focus))
    return found


class Writer:
    """One after the other makes patients while the house lives; `made`: those that were acknowledged, in order."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._token = token
        self.made: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of an answer; raises OSError where there is none."""
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            head = {"authorization": f"Bearer {self._token}", "content-type": "application/fhir+json"}
            line.request(method, f"/fhir{path}", json.dumps(body) if body is not None else None, head)
            answer = line.getresponse()
            read = answer.read()
            return answer.status, json.loads(read) if read else None
        finally:
            line.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                status, made = self.ask("POST", "/Patient", {"resourceType": "Patient", "name": [{"family": "Proof"}]})
                if status == 201:
                    self.made.append(made["id"])
                time.sleep(0.05)
            except (OSError, http.client.HTTPException):
                time.sleep(0.1)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


def topic() -> Mapping[str, Any]:
    trigger = [
        {"url": "resource", "valueUri": "Patient"},
        {"url": "supportedInteraction", "valueCode": "create"},
    ]
    return {
        "resourceType": "Basic",
        "code": {"coding": [{"system": "http://hl7.org/fhir/fhir-types", "code": "SubscriptionTopic"}]},
        "extension": [
            {"url": f"{_ELEMENT}url", "valueUri": TOPIC},
            {"url": f"{_ELEMENT}resourceTrigger", "extension": trigger},
        ],
    }


def subscription(endpoint: str, most: int) -> Mapping[str, Any]:
    content = {"url": f"{BACKPORT}backport-payload-content", "valueCode": "full-resource"}
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "proof",
        "criteria": TOPIC,
        "channel": {
            "extension": [
                {"url": f"{BACKPORT}backport-max-count", "valuePositiveInt": most},
                {"url": f"{BACKPORT}backport-timeout", "valueUnsignedInt": 2},
            ],
            "type": "rest-hook",
            "endpoint": endpoint,
            "payload": "application/fhir+json",
            "_payload": {"extension": [content]},
        },
    }


def _grounded(folder: Path, receiver: int) -> tuple[dict[str, str], int, str]:
    """A home that may send to the receiver; its environment, its port and a token."""
    home = folder / "home"
    home.mkdir()
    (home / "onmaru.toml").write_text(
        f'outbound_local = "127.0.0.1:{receiver}"\nmllp_host = ""\nsubscription_pause = 0.5\n'
        '[outbound.main]\nhosts = ["127.0.0.1"]\n'
    )
    place, port = Place(home, folder / "keys", folder / "witness"), free_port()
    house = House(place)
    user = User(MAIN, "proof", "proof", ("system",))
    house.logins.keep_user(user)
    token, _ = house.logins.issue(user, "")
    house.close()
    return environment(place, port), port, token


def until(true: Any, why: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, why
        time.sleep(0.1)


def complete() -> Figures:
    """Kill the house KILLS times while it is written to and its receiver fails; then look what was heard."""
    with tempfile.TemporaryDirectory(prefix="onmaru-told-") as scratch:
        receiver = Receiver(7)
        try:
            return _run(Path(scratch), receiver)
        finally:
            receiver.close()


def _run(folder: Path, receiver: Receiver) -> Figures:
    environ, port, token = _grounded(folder, receiver.port)
    chance = random.Random(7)  # noqa: S311 - instants, not secrets
    victim = Victim(["serve"], environ, folder / "serve.log")
    writer = Writer(port, token)
    orphans = 0
    try:
        until(lambda: writer.made, "the house was not served")
        assert writer.ask("POST", "/Basic", topic())[0] == 201, "the topic was refused"
        paths = [f"/hook/{number}" for number in range(SUBSCRIPTIONS)]
        first: dict[str, int] = {}
        for number, path in enumerate(paths):
            endpoint = f"http://127.0.0.1:{receiver.port}{path}"
            assert writer.ask("POST", "/Subscription", subscription(endpoint, 1 + number % 3))[0] == 201, "refused"
            first[path] = len(writer.made)
        for kill in range(KILLS):
            receiver.down = kill % 5 == 4
            if kill % IN_START != IN_START - 1:
                before = len(writer.made)
                until(lambda before=before: len(writer.made) > before, "the house was not served again")
            victim.lives(victim.age() + chance.uniform(*LIVES))
            orphans += victim.kill()
            victim = Victim(["serve"], environ, folder / "serve.log")
            click.echo(f"killed {kill + 1} times, {len(writer.made)} acknowledged", err=True)
        time.sleep(OUTAGE)
        writer.stop()
        receiver.down = receiver.moody = False
        for path in paths:
            wanted = set(writer.made[first[path] + 1 :])
            until(
                lambda path=path, wanted=wanted: wanted <= {focus for _, focus in receiver.heard.get(path, [])},
                "an acknowledged event was not told",
            )
    finally:
        writer.stop()
        orphans += victim.kill()
    heard = [judged(receiver.heard[path], writer.made) for path in paths]
    return {
        "subscriptions": SUBSCRIPTIONS,
        "kills": KILLS,
        "acknowledged writes": len(writer.made),
        "events told": sum(events for events, _ in heard),
        "of these told again": sum(again for _, again in heard),
        "tries that the receiver refused": receiver.refused,
        "out of order, missing, or two events of one number": 0,
        "orphans": orphans,
    }


def judged(heard: list[tuple[int, str]], made: list[str]) -> tuple[int, int]:
    """Numbers without a gap, each of one event, first heard in order, in the order in which the writes were acknowledged."""
    first: dict[int, str] = {}
    for number, focus in heard:
        assert first.setdefault(number, focus) == focus, "one number stood for two events"
        assert number == 1 or number - 1 in first, "a number was heard before the one before it"
    assert sorted(first) == list(range(1, len(first) + 1)), "there is a gap"
    places = {id: place for place, id in enumerate(made)}
    order = [places[focus] for _, focus in sorted(first.items()) if focus in places]
    assert order == sorted(order), "events came in another order than the writes"
    return len(heard), len(heard) - len(first)


PROOFS = (
    Proof(
        "3.subscriptions",
        "Every event of an acknowledged write is told, in order, at least once, each under one number, though the house is "
        "killed again and again and the receiver refuses, hangs up, redirects, stalls and stays away.",
        complete,
    ),
)
