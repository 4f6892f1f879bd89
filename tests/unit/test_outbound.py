"""Where the house may be sent: the tenant's list, TLS, public addresses; names are judged by what they resolve to."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from onmaru.engines.outbound import MOST, NetworkOutbound
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.outbound import Rules, judged, public

RULES = Rules({"main": ("keys.example.org", "*.hospital.example", "odd.example:8443")}, "127.0.0.1:9000")


@pytest.mark.parametrize(
    "url",
    ["https://keys.example.org/jwks", "https://keys.example.org:443/?a=b", "https://a.hospital.example/x",
     "https://KEYS.example.org./", "https://odd.example:8443/"],
)  # fmt: skip
def test_a_host_on_the_list_may_be_asked(url: str) -> None:
    assert RULES.target("main", url).scheme == "https"


@pytest.mark.parametrize(
    "url",
    ["http://keys.example.org/", "https://keys.example.org:8443/", "https://hospital.example/", "https://odd.example/",
     "https://evilhospital.example/", "https://keys.example.org.evil.example/", "https://keys.example.org@evil.example/",
     "https://user:pw@keys.example.org/", "ftp://keys.example.org/", "file:///etc/passwd", "https://", "https:keys",
     "https://keys.example.org\\@evil.example/", "https://keys.example.org:99999/", "https://[::1]/", "https://2130706433/",
     "https://keys.example.org/\r\nx: y", "https://keys.example.org/ x", "gopher://127.0.0.1:9000/", "http://127.0.0.1:9000/"],
)  # fmt: skip
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        RULES.target("main", url)
    assert refused.value.status == 403 and "example" not in refused.value.issues[0].text


def test_another_tenants_list_helps_nobody() -> None:
    with pytest.raises(Invalid):
        RULES.target("other", "https://keys.example.org/")


@pytest.mark.parametrize(
    ("address", "expected"),
    [("8.8.8.8", True), ("2001:4860:4860::8888", True), ("127.0.0.1", False), ("127.9.9.9", False), ("0.0.0.0", False),
     ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False), ("100.64.0.1", False),
     ("224.0.0.1", False), ("255.255.255.255", False), ("240.0.0.1", False), ("::1", False), ("::", False),
     ("fe80::1", False), ("fec0::1", False),
     ("fc00::1", False), ("ff02::1", False), ("::ffff:127.0.0.1", False), ("::ffff:8.8.8.8", True), ("2002:7f00:1::", False),
     ("64:ff9b::7f00:1", False), ("64:ff9b:1::1", False), ("::7f00:1", False), ("198.18.0.1", False), ("192.0.2.1", False)],
)  # fmt: skip
def test_only_addresses_of_the_internet_are_public(address: str, expected: bool) -> None:
    assert public(ipaddress.ip_address(address)) is expected


def test_one_address_that_is_not_public_spoils_a_name() -> None:
    target = RULES.target("main", "https://keys.example.org/")
    assert judged(target, ["8.8.8.8"]) == "8.8.8.8"
    for addresses in ([], ["8.8.8.8", "10.0.0.1"], ["127.0.0.1"], ["fe80::1%eth0"]):
        with pytest.raises(Invalid):
            judged(target, addresses)


@contextmanager
def served(answer: Callable[[Any], None]) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def do_POST(self) -> None:
            answer(self)

        def log_message(self, *args: Any) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def told(handler: Any, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def local(port: int, **more: Any) -> NetworkOutbound:
    return NetworkOutbound(Rules({"main": ("127.0.0.1", "keys.example.org")}, f"127.0.0.1:{port}"), **more)


def test_the_one_server_that_the_operator_named_is_asked_and_no_other_of_this_machine() -> None:
    with served(lambda handler: told(handler, b"{}")) as port, served(lambda handler: told(handler, b"no")) as other:
        assert local(port).send("main", f"http://127.0.0.1:{port}/jwks") == b"{}"
        for outbound, url in (
            (local(port), f"http://127.0.0.1:{other}/"),
            (local(port), f"http://localhost:{port}/"),
            (NetworkOutbound(Rules({"main": ("127.0.0.1",)})), f"http://127.0.0.1:{port}/"),
            (NetworkOutbound(Rules({"main": ("127.0.0.1",)})), f"https://127.0.0.1:{port}/"),
            (NetworkOutbound(Rules({}, f"127.0.0.1:{port}")), f"http://127.0.0.1:{port}/"),
        ):
            with pytest.raises(Invalid) as refused:
                outbound.send("main", url)
            assert refused.value.status == 403


def test_a_name_on_the_list_that_leads_to_this_machine_is_refused_and_resolved_once() -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with pytest.raises(Invalid) as refused:
        local(1, resolve=rebinding).send("main", "https://keys.example.org/")
    assert refused.value.status == 403 and asked == ["keys.example.org"]


@pytest.mark.parametrize(
    "to",
    [
        "http://169.254.169.254/latest",
        "https://evil.example/",
        "http://127.0.0.1:22/",
        "file:///etc/passwd",
        "//[::1]/",
    ],
)
def test_every_redirect_is_judged_anew(to: str) -> None:
    with served(lambda handler: told(handler, b"", 302, location=to)) as port, pytest.raises(Invalid) as refused:
        local(port).send("main", f"http://127.0.0.1:{port}/")
    assert refused.value.status == 403


def test_redirects_end_and_a_post_follows_none() -> None:
    with served(lambda handler: told(handler, b"", 302, location="/again")) as port:
        for body in (b"", b"x=1"):
            with pytest.raises(Invalid) as refused:
                local(port).send("main", f"http://127.0.0.1:{port}/", body, "text/plain")
            assert refused.value.status == 502


def test_what_is_large_slow_or_no_success_is_given_up() -> None:
    def drip(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nx-y: ")
        for _ in range(100):
            time.sleep(0.02)
            try:
                handler.wfile.write(b"z")
            except OSError:
                return

    for answer in (lambda handler: told(handler, b"x" * (MOST + 1)), lambda handler: told(handler, b"", 404), drip):
        with served(answer) as port:
            began = time.monotonic()
            with pytest.raises(Invalid) as refused:
                local(port, seconds=0.5).send("main", f"http://127.0.0.1:{port}/")
            assert refused.value.status == 502 and time.monotonic() - began < 1.8
