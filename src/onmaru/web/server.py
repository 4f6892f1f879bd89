"""The HTTP server in front of the application: granian in this process and on this loop, with bounded headers."""

from __future__ import annotations

import ssl
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from granian.constants import Interfaces, SSLProtocols
from granian.http import HTTP1Settings, HTTP2Settings
from granian.server.embed import Server

from onmaru.web.sending import Outgoing
from onmaru.web.sockets import Sockets

# Bytes of one request's line and headers together; more is refused with 431 before we see it
HEADERS = 32_768
HEADER_MILLISECONDS = 10_000
# Open connections beyond which new ones wait: idle ones cost little, and who opens many must not shut the door on others
CONNECTIONS = 16_384


class Answering(Protocol):
    """An RSGI application."""

    def __rsgi__(self, scope: Any, protocol: Outgoing) -> Coroutine[Any, Any, None]: ...


class Entry:
    """Requests to the application, websockets to theirs."""

    def __init__(self, application: Answering, sockets: Sockets) -> None:
        self._application = application
        self._sockets = sockets

    def __rsgi__(self, scope: Any, protocol: Any) -> Coroutine[Any, Any, None]:
        """The answer to one, whichever it is."""
        if scope.proto == "ws":
            return self._sockets.accept(scope.path, protocol)
        return self._application.__rsgi__(scope, protocol)


class Certificate(NamedTuple):
    """A certificate chain and its private key, PEM files."""

    chain: Path
    key: Path


def server(
    application: Answering, host: str, port: int, certificate: Certificate | None = None, *, websockets: bool = False
) -> Server:
    """A server whose `serve()` is to be awaited and whose `stop()` ends it; with a certificate it speaks TLS alone.

    Raises OSError or ssl.SSLError where the certificate or its key cannot be used.
    """
    return Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        websockets=websockets,
        log_enabled=False,
        backlog=1024,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS, max_buffer_size=HEADERS),
        http2_settings=HTTP2Settings(max_headers_size=HEADERS),
        ssl_cert=certificate.chain if certificate else None,
        ssl_key=certificate.key if certificate else None,
        ssl_protocol_min=SSLProtocols.tls12,
    )


def renew(listening: Server, certificate: Certificate) -> None:
    """Have new connections see what the certificate's files hold now; those that are open go on as they are.

    Raises OSError or ssl.SSLError, and leaves everything as it was, where the files do not belong together.
    """
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate.chain, certificate.key)
    listening.build_ssl_context(certificate.chain, certificate.key, None, SSLProtocols.tls12, None, [], False)
    listening.reload()  # type: ignore[no-untyped-call]  # granian's embedded server has no types
