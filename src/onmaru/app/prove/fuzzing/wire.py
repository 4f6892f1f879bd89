"""One connection to a server, in bytes: what no client library would send is sent, and every answer is read to its end."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Mapping
from typing import NamedTuple

# Seconds that an answer may take; what takes longer is a hang
PATIENCE = 10.0
LARGEST = 64 << 20


class Answer(NamedTuple):
    """`status` 0: the connection was closed without one; -1: none came in time. `seconds`: until it was there whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    def header(self, name: str) -> str:
        """A header's value, "" where there is none."""
        return self.headers.get(name, "")


class Line:
    """Opened on first use, and again whenever the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._kept = b""

    def ask(self, raw: bytes, *, bare: bool = False, short: bool = False, last: bool = False) -> Answer:
        """Send the bytes of one request. `bare`: its answer has no body; `short`: no more comes from here, which is said.

        `last`: more bytes were sent than the answer is of, so the line is of no use to another.
        """
        started = time.monotonic()
        answer = self._once(raw, bare=bare, short=short)
        if answer is None:
            # An idle connection that the server had closed meanwhile
            answer = self._once(raw, bare=bare, short=short)
        status, headers, body = answer or (0, {}, b"")
        if short or last or status <= 0 or headers.get("connection", "").lower() == "close" or not status >= 200:
            self.close()
        return Answer(status, headers, body, time.monotonic() - started)

    def _once(self, raw: bytes, *, bare: bool, short: bool) -> tuple[int, Mapping[str, str], bytes] | None:
        fresh = self._socket is None
        try:
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), PATIENCE)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._kept = b""
            self._socket.settimeout(PATIENCE)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._socket.sendall(raw)
                if short:
                    self._socket.shutdown(socket.SHUT_WR)
            return self._read(bare)
        except TimeoutError:
            self.close()
            return -1, {}, b""
        except (OSError, EOFError, ValueError):
            self.close()
            return (0, {}, b"") if fresh else None

    def _read(self, bare: bool) -> tuple[int, Mapping[str, str], bytes]:
        while True:
            head = self._until(b"\r\n\r\n")
            first, *rest = head.decode("latin-1").split("\r\n")
            status = int(first.split(" ", 2)[1])
            headers = {name.strip().lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
            if status >= 200 or status == 101:
                break
        if bare or status in (101, 204, 304):
            return status, headers, b""
        if headers.get("content-type", "").startswith("text/event-stream"):
            self.close()
            return status, headers, b""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return status, headers, self._chunks()
        return status, headers, self._exactly(int(headers.get("content-length", "0")))

    def _chunks(self) -> bytes:
        parts = []
        while True:
            size = int(self._until(b"\r\n").split(b";")[0], 16)
            parts.append(self._exactly(size))
            self._exactly(2)
            if not size:
                return b"".join(parts)

    def _until(self, end: bytes) -> bytes:
        while end not in self._kept:
            self._more()
        found, _, self._kept = self._kept.partition(end)
        return found

    def _exactly(self, size: int) -> bytes:
        if size > LARGEST:
            raise ValueError("an answer is larger than any may be")
        while len(self._kept) < size:
            self._more()
        found, self._kept = self._kept[:size], self._kept[size:]
        return found

    def _more(self) -> None:
        if self._socket is None:
            raise EOFError
        part = self._socket.recv(1 << 18)
        if not part:
            raise EOFError
        self._kept += part

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
