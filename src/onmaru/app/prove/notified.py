"""What subscriptions tell of one of the twin houses while more is written into it: in which order, with which content."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from onmaru.kernel.record import Change

Ask = Callable[[str, str, bytes], tuple[int, bytes]]
"""Method, path and body of a request by one caller → status and body."""
PATIENCE = 60.0
# What is asked to be told of, and what of it is written last, visible to everybody: then all before it has been told
LAST = "zz"
_WHOSE = {"subject": {"reference": f"Patient/{LAST}"}}
ASKED: dict[str, dict[str, Any]] = {
    "Patient?gender=male": {"resourceType": "Patient", "gender": "male"},
    "Observation?code=http://loinc.org|718-7,http://loinc.org|8867-4": {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        **_WHOSE,
    },
    "Condition?": {"resourceType": "Condition", **_WHOSE},
    "Encounter?status=finished": {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"code": "IMP"},
        **_WHOSE,
    },
}


class Ear:
    """Takes what a house sends. `heard`: path and body of each request, in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        ear = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                ear.heard.append((self.path, self.rfile.read(int(self.headers.get("content-length") or 0))))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing to standard error."""

        return Handler

    def close(self) -> None:
        """Take no more."""
        self._server.shutdown()
        self._server.server_close()


def told(asker: Ask, writer: Ask, ear: Ear, written: Sequence[Change]) -> dict[str, list[bytes]]:
    """By its criteria what each subscription of the asker told of what the writer writes, and its events as they are kept.

    Nothing for an asker who may have none.
    """
    ids: dict[str, str] = {}
    for number, criteria in enumerate(ASKED):
        status, made = asker("POST", "/fhir/Subscription", _asked(criteria, f"http://127.0.0.1:{ear.port}/{number}"))
        if status == 403:
            return {}
        assert status == 201, f"{criteria}: {status}"
        ids[criteria] = json.loads(made)["id"]
        _until(lambda id=ids[criteria]: b'"active"' in asker("GET", f"/fhir/Subscription/{id}/$status", b"")[1])  # type: ignore[misc]  # the id is bound at once
    last = [{**body, "id": LAST} for body in ASKED.values()]
    for change in written:
        _write(writer, change.op, f"/fhir/{change.type}/{change.id}", change.body)
    for body in last:
        _write(writer, "update", f"/fhir/{body['resourceType']}/{LAST}", json.dumps(body).encode())
    ends = {f"/{number}/{body['resourceType']}/{LAST}" for number, body in enumerate(last)}
    _until(lambda: ends <= {path for path, _ in ear.heard})
    found = {}
    for number, (criteria, id) in enumerate(ids.items()):
        sent = [path.encode() + b" " + body for path, body in ear.heard if path.startswith(f"/{number}/")]
        kept = asker("GET", f"/fhir/Subscription/{id}/$events?content=full-resource", b"")[1]
        found[criteria] = [*sent, kept]
    return found


def _write(writer: Ask, op: str, path: str, body: bytes) -> None:
    status, _ = writer("DELETE", path, b"") if op == "delete" else writer("PUT", path, body)
    assert status < 300, f"{op} {path}: {status}"


def _asked(criteria: str, endpoint: str) -> bytes:
    channel = {"type": "rest-hook", "payload": "application/fhir+json", "endpoint": endpoint}
    body: dict[str, Any] = {"resourceType": "Subscription", "status": "requested", "reason": "x", "criteria": criteria}
    return json.dumps({**body, "channel": channel}).encode()


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "a subscription did not come so far"
        time.sleep(0.1)
