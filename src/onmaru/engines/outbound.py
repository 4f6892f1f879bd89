"""Goes out over the network, once the rules (kernel/outbound.py) have judged the name and every address behind it.

The connection is made to the address that was judged; the name is only told to TLS and in Host.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import cached_property

from onmaru.engines.mail import sent
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.kernel.outbound import Letter, Mail, Rules, Target, Unaccepted, judged

HOPS = 3
SECONDS = 15.0
STEP = 5.0
MOST = 1 << 20
_PIECE = 1 << 16
# Of a file that is streamed: bytes and seconds in all, bytes a second after a time of grace, bytes of a part
LARGE = 256 << 30
LONG = 6 * 3600.0
SLOWEST, GRACE = 4096, 30.0
_LARGE_PIECE = 1 << 18
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
Resolve = Callable[[str, int], Sequence[str]]


def resolved(host: str, port: int) -> Sequence[str]:
    """Every address of a host."""
    return [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class _Judged(http.client.HTTPConnection):
    """A connection to one address, whatever the name resolves to by now."""

    def __init__(self, target: Target, address: str, context: ssl.SSLContext) -> None:
        super().__init__(target.host, target.port, timeout=STEP)
        self._address = address
        self._context = context if target.scheme == "https" else None
        self._name = target.host
        self.over = False

    def connect(self) -> None:
        # Held before the handshake, so that one that drips is cut off too
        self.sock = socket.create_connection((self._address, self.port), STEP)
        if self.over:
            raise TimeoutError
        if self._context is not None:
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self._name, do_handshake_on_connect=False)
            self.sock.do_handshake()


class NetworkOutbound:
    """Outbound (kernel/outbound.py): at most HOPS redirects, MOST bytes and SECONDS in all; no proxy, no cookie."""

    def __init__(
        self, rules: Rules, resolve: Resolve = resolved, seconds: float = SECONDS, sender: str = "onmaru@localhost"
    ) -> None:
        self._sender = sender
        self._rules = rules
        self._resolve = resolve
        self._seconds = seconds

    @cached_property
    def _context(self) -> ssl.SSLContext:
        """Who is trusted, read when somebody is first called by TLS: most houses call nobody for days."""
        return ssl.create_default_context()

    def send(self, tenant: str, url: str, body: bytes = b"", kind: str = "") -> bytes:
        """See the door."""
        target = self._rules.target(tenant, url)
        ends = time.monotonic() + self._seconds
        for _ in range(HOPS + 1):
            status, location, answer = self._once(target, _request(body, kind), ends)
            if status == 200:
                return answer
            if status not in _REDIRECTS or body or not location:
                raise _failed("another status than 200")
            url, target = self._rules.next(tenant, url, location)
        raise _failed("too many redirects")

    def deliver(self, tenant: str, letter: Letter) -> None:
        """See the door."""
        target = self._rules.target(tenant, letter.url)
        status, _, _ = self._once(target, letter, time.monotonic() + min(letter.seconds, self._seconds))
        if not 200 <= status < 300:
            raise Unaccepted(status)

    def post(self, tenant: str, mail: Mail) -> None:
        """See the door."""
        sent(self._rules, self._sender, self._resolve, tenant, mail)

    def stream(self, tenant: str, url: str) -> Iterator[bytes]:
        """A large file, part by part: at most LARGE bytes in LONG seconds, not slower than SLOWEST."""
        target = self._rules.target(tenant, url)
        for _ in range(HOPS + 1):
            status, location, parts = self._opened(target)
            if status == 200:
                yield from parts
                return
            parts.close()
            if status not in _REDIRECTS or not location:
                raise _failed("another status than 200")
            url, target = self._rules.next(tenant, url, location)
        raise _failed("too many redirects")

    def _opened(self, target: Target) -> tuple[int, str, Generator[bytes, None, None]]:
        line = watch = None
        try:
            line = _Judged(target, judged(target, self._resolve(target.host, target.port)), self._context)
            watch = threading.Timer(self._seconds, _cut, [line])
            watch.daemon = True
            watch.start()
            headers = {"Accept": "application/fhir+ndjson, */*", "User-Agent": "onmaru", "Connection": "close"}
            line.request("GET", target.path, None, headers)
            answer = line.getresponse()
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            if line is not None:
                line.close()
            if isinstance(error, Invalid):
                raise
            raise _failed(type(error).__name__) from error
        finally:
            if watch is not None:
                watch.cancel()
        return answer.status, answer.headers.get("location", ""), _poured(line, answer)

    def _once(self, target: Target, letter: Letter, ends: float) -> tuple[int, str, bytes]:
        try:
            address = judged(target, self._resolve(target.host, target.port))
            line = _Judged(target, address, self._context)
            # Whatever drips in byte by byte is cut off when the time is over
            watch = threading.Timer(max(0.0, ends - time.monotonic()), _cut, [line])
            watch.daemon = True
            watch.start()
            try:
                answer = _asked(line, target, letter)
                if time.monotonic() >= ends:
                    raise _failed("it took too long")  # cut off, it may look whole
                return answer
            finally:
                watch.cancel()
                line.close()
        except Invalid:
            raise
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            raise _failed(type(error).__name__) from error


def _request(body: bytes, kind: str) -> Letter:
    return Letter("", body, kind) if body else Letter("", method="GET")


def _poured(line: _Judged, answer: http.client.HTTPResponse) -> Generator[bytes, None, None]:
    """What is left of an answer; it is cut off when it is too large, takes too long or ends before it is whole."""
    began, size = time.monotonic(), 0
    try:
        while part := answer.read1(_LARGE_PIECE):
            size += len(part)
            took = time.monotonic() - began
            if size > LARGE or took > LONG or size < (took - GRACE) * SLOWEST:
                raise _failed("the file is too large or too slow")
            yield part
        if answer.length:
            raise _failed("the file is not whole")
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, Invalid):
            raise
        raise _failed(type(error).__name__) from error
    finally:
        line.close()


def _asked(line: _Judged, target: Target, letter: Letter) -> tuple[int, str, bytes]:
    headers = {"Accept": "application/json", "User-Agent": "onmaru", "Connection": "close", **dict(letter.headers)}
    if letter.body:
        headers["Content-Type"] = letter.kind
    line.request(letter.method, target.path, letter.body or None, headers)
    answer = line.getresponse()
    parts: list[bytes] = []
    while part := answer.read(_PIECE):
        parts.append(part)
        if sum(map(len, parts)) > MOST:
            raise _failed("the answer is too large")
    return answer.status, answer.headers.get("location", ""), b"".join(parts)


def _cut(line: _Judged) -> None:
    line.over = True
    held = line.sock
    if held is not None:
        try:
            held.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def _failed(why: str) -> Invalid:
    return invalid("transient", f"nothing sound came from there: {why}", status=502)
