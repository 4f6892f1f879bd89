"""The HTTP server in front of the application: granian in this process and on this loop, with bounded headers."""

from __future__ import annotations

from granian.constants import Interfaces
from granian.http import HTTP1Settings, HTTP2Settings
from granian.server.embed import Server

from onmaru.web.application import Application

# Bytes of one request's line and headers together; more is refused with 431 before we see it
HEADERS = 32_768
HEADER_MILLISECONDS = 10_000
# Open connections beyond which new ones wait: idle ones cost little, and who opens many must not shut the door on others
CONNECTIONS = 16_384


def server(application: Application, host: str, port: int) -> Server:
    """A server whose `serve()` is to be awaited and whose `stop()` ends it."""
    return Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        websockets=False,
        log_enabled=False,
        backlog=1024,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS, max_buffer_size=HEADERS),
        http2_settings=HTTP2Settings(max_headers_size=HEADERS),
    )
