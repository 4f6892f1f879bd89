"""What the bulk benchmarks share: one job over HTTP from its beginning to its end."""

from __future__ import annotations

import http.client
import time
from typing import Any
from urllib.parse import urlsplit

import msgspec


class Client:
    """One connection to a served house, with a token."""

    def __init__(self, address: str, token: str) -> None:
        self._base = urlsplit(address)
        self._line = http.client.HTTPConnection(self._base.netloc)
        self._headers = {
            "authorization": f"Bearer {token}",
            "prefer": "respond-async",
            "content-type": "application/json",
        }

    def ask(self, method: str, url: str, body: bytes = b"") -> http.client.HTTPResponse:
        """One request at a url, or at a path below the base."""
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.scheme else f"{self._base.path}/{url}"
        self._line.request(method, path, body or None, self._headers)
        return self._line.getresponse()

    def done(self, method: str, path: str, body: bytes = b"") -> Any:
        """The manifest of a job that is begun and waited for."""
        begun = self.ask(method, path, body)
        told = begun.read()
        assert begun.status == 202, told
        status = begun.headers["content-location"]
        while True:
            answer = self.ask("GET", status)
            told = answer.read()
            if answer.status != 202:
                assert answer.status == 200, told
                return msgspec.json.decode(told)
            time.sleep(0.02)
