"""A real HTTP receiver of notifications, which can be down, slow, failing, hanging or redirecting."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """Keeps what it took, in order: (method, path, headers, body). `mood` says what it answers: a status, or a callable."""

    def __init__(self, port: int = 0) -> None:
        self.taken: list[tuple[str, str, dict[str, str], bytes]] = []
        self.tried = 0
        self.mood: int | Callable[[Any], int] = 200
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.tried += 1
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                self.body = body
                mood = receiver.mood
                status = mood(self) if callable(mood) else mood
                if 200 <= status < 300:
                    receiver.taken.append((self.command, self.path, dict(self.headers), body))
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            do_PUT = do_POST

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing to standard error."""

        return Handler

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def bundles(self, kind: str = "event-notification") -> list[Any]:
        """The notification Bundles of one kind, in order."""
        found = [json.loads(body) for _, _, _, body in self.taken if body]
        return [one for one in found if one["resourceType"] == "Bundle" and value(one, "type") == kind]

    def numbers(self) -> list[int]:
        """The event numbers in the order in which they came."""
        return [number for bundle in self.bundles() for number in event_numbers(bundle)]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def value(bundle: Any, name: str) -> Any:
    """One parameter of the status that a notification begins with."""
    for one in bundle["entry"][0]["resource"]["parameter"]:
        if one["name"] == name:
            return next(v for k, v in one.items() if k.startswith("value"))
    return None


def event_numbers(bundle: Any) -> list[int]:
    parts = [one["part"] for one in bundle["entry"][0]["resource"]["parameter"] if one["name"] == "notification-event"]
    return [int(part["valueString"]) for each in parts for part in each if part["name"] == "event-number"]


def until(true: Callable[[], Any], seconds: float = 10.0) -> Any:
    """What it comes to, once it is true; fails when that takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        found = true()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.005)
