"""A mail relay for tests: as much SMTP (RFC 5321) as smtplib needs, on a socket of its own."""

from __future__ import annotations

import socketserver
import threading
from email import message_from_bytes
from email.message import Message
from email.policy import default


class Relay:
    """Keeps the mails it took; refuses all while `shut`."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.shut = False
        relay = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 relay\r\n")
                while line := self.rfile.readline():
                    word = line[:4].upper().strip()
                    if word == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        relay.taken.append(message_from_bytes(self._data(), policy=default))
                    good = word in (b"EHLO", b"RSET", b"QUIT", b"RCPT", b"DATA") or (word == b"MAIL" and not relay.shut)
                    self.wfile.write(b"250 good\r\n" if good else b"451 not now\r\n")
                    if word == b"QUIT":
                        return

            def _data(self) -> bytes:
                found = b""
                while (line := self.rfile.readline()) != b".\r\n":
                    found += line.removeprefix(b".")
                return found

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
