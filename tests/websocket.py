"""A websocket client on a plain socket (RFC 6455), as much of it as the tests need."""

from __future__ import annotations

import base64
import os
import socket
import struct


class WebSocket:
    """Text frames; `receive` gives None once the server has closed."""

    def __init__(self, port: int, path: str = "/subscriptions") -> None:
        self._line = socket.create_connection(("127.0.0.1", port), timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        self._line.sendall(f"{head}sec-websocket-key: {key}\r\nsec-websocket-version: 13\r\n\r\n".encode())
        self._read = self._line.makefile("rb")
        self.status = int(self._read.readline().split()[1])
        while self._read.readline() not in (b"\r\n", b""):
            continue

    def send(self, text: str) -> None:
        data = text.encode()
        size = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0xFE]) + struct.pack("!H", len(data))
        self._line.sendall(b"\x81" + size + b"\0\0\0\0" + data)

    def receive(self) -> str | None:
        head = self._read.read(2)
        if len(head) < 2 or head[0] & 15 == 8:
            return None
        size = head[1] & 127
        if size == 126:
            size = struct.unpack("!H", self._read.read(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self._read.read(8))[0]
        return self._read.read(size).decode()

    def close(self) -> None:
        self._read.close()
        self._line.close()
