"""The HTTP server in front of the application: granian in this process and on this loop, with bounded headers."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from granian.constants import Interfaces
from granian.http import HTTP1Settings, HTTP2Settings
from granian.server.embed import Server

from onmaru.web.application import Application
from onmaru.web.sockets import Sockets

# Bytes of one request's line and headers together; more is refused with 431 before we see it
HEADERS = 32_768
HEADER_MILLISECONDS = 10_000
# Open connections beyond which new ones wait: idle ones cost little, and who opens many must not shut the door on others
CONNECTIONS = 16_384


class Entry:
    """Requests to the application, websockets to theirs."""

    def __init__(self, application: Application, sockets: Sockets) -> None:
        self._application = application
        self._sockets = sockets

    def __rsgi__(self, scope: Any, protocol: Any) -> Coroutine[Any, Any, None]:
        if scope.proto == "ws":
            return self._sockets.accept(scope.path, protocol)
        return self._application.__rsgi__(scope, protocol)


def server(application: Application, host: str, port: int, sockets: Sockets | None = None) -> Server:
    """A server whose `serve()` is to be awaited and whose `stop()` ends it."""
    return Server(
        application if sockets is None else Entry(application, sockets),
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        websockets=sockets is not None,
        log_enabled=False,
        backlog=1024,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS, max_buffer_size=HEADERS),
        http2_settings=HTTP2Settings(max_headers_size=HEADERS),
    )
