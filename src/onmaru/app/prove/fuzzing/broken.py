"""HTTP as no client should speak it: headers that contradict, methods that nobody has, lines that are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from onmaru.app.prove.fuzzing import hostile
from onmaru.app.prove.fuzzing.asking import Ask, Draw

_LONG = hostile.MARK * 300
HEADERS: Sequence[tuple[str, Sequence[str]]] = (
    (
        "accept",
        (
            "application/fhir+xml",
            "application/fhir+json;fhirVersion=5.0",
            "text/html",
            "*/*;q=0",
            "application/fhir+xml;q=NaN",
            hostile.MARK,
            ",,,",
            "a/b;q=1e999",
            "application/fhir+json; fhirVersion=4.0",
            "application/xml, application/json;q=0.5",
            "application/fhir+ndjson",
            _LONG,
        ),
    ),
    (
        "content-type",
        (
            "application/fhir+xml",
            "text/plain",
            "application/fhir+json; charset=utf-16",
            'application/fhir+json; charset="',
            "multipart/form-data; boundary=x",
            "application/json-patch+json",
            "application/x-www-form-urlencoded",
            "application/xml",
            hostile.MARK,
            "",
            ";",
            "application/fhir+json; fhirVersion=1.0",
        ),
    ),
    (
        "prefer",
        (
            "return=minimal",
            "return=OperationOutcome",
            "return=representation",
            "handling=strict",
            "handling=lenient",
            "respond-async",
            hostile.MARK,
            "=;,=",
            "wait=1",
        ),
    ),
    (
        "if-match",
        ('W/"1"', '"1"', "*", 'W/"99999999999999999999"', hostile.MARK, 'W/"-1"', "", 'W/"1", W/"2"', 'W/"١"'),
    ),
    ("if-none-match", ('W/"1"', "*", hostile.MARK, "", 'W/"1",' * 100)),
    (
        "if-modified-since",
        (
            "Mon, 23 Nov 2026 08:00:00 GMT",
            "Thu, 01 Jan 1970 00:00:00 -9999",
            "Sat, 99 Foo 99999 99:99:99",
            hostile.MARK,
            "0",
            "Mon, 01 Jan 0001 00:00:00 +2359",
        ),
    ),
    ("if-none-exist", ("identifier=x", f"_id={hostile.MARK}", "?", hostile.MARK, "%zz", "_has:x", "name=%ff")),
    ("if-unmodified-since", ("Mon, 23 Nov 2026 08:00:00 GMT",)),
    ("if-range", ('W/"1"',)),
    (
        "range",
        (
            "bytes=0-10",
            "bytes=-1",
            "bytes=10-5",
            "bytes=0-0,1-1,2-2",
            hostile.MARK,
            "bytes=99999999999999999999-",
            "items=0-1",
        ),
    ),
    (
        "x-provenance",
        (
            '{"resourceType":"Provenance"}',
            hostile.MARK,
            '{"resourceType":"Provenance","target":[{"reference":"Patient/p0"}],"recorded":"2026-01-01T00:00:00Z",'
            '"agent":[{"who":{"display":"x"}}]}',
            "{",
            "null",
            "[" * 90,
        ),
    ),
    ("x-onmaru-position", ("0", "1", "-1", hostile.MARK, "9" * 30, "١")),
    ("x-onmaru-purpose", ("TREAT", "HRESCH", "BTG", hostile.MARK, "")),
    ("x-request-id", (hostile.MARK, "x" * 64, "x" * 65, "", "..")),
    ("accept-encoding", ("gzip", "gzip;q=0", "br, gzip;q=x", hostile.MARK, "*", "identity;q=0")),
    ("accept-language", ("ko", "en-US", hostile.MARK, ",", "*;q=NaN", "x" * 2000)),
    (
        "authorization",
        (
            "Bearer",
            "Bearer ",
            f"Bearer {hostile.MARK}",
            "Basic eDp4",
            "Basic %%%",
            hostile.MARK,
            "",
            "Bearer " + "x" * 8000,
            "bearer\t" + hostile.MARK,
        ),
    ),
    ("cookie", (f"onmaru={hostile.MARK}", "onmaru=", "=;=;", "onmaru=a; onmaru=b", "x" * 4000)),
    ("x-csrf-token", (hostile.MARK,)),
    ("host", (hostile.MARK, "", "a:b:c", "[::1", "x" * 300, "evil.example", "127.0.0.1:99999")),
    ("x-forwarded-for", ("1.2.3.4", hostile.MARK, ",,", "::1, 1.1.1.1", "x" * 1000)),
    ("x-forwarded-host", (hostile.MARK,)),
    ("x-forwarded-proto", ("https", hostile.MARK)),
    ("forwarded", (f"for={hostile.MARK};host=x",)),
    ("origin", ("https://app.example", "null", hostile.MARK, "http://[", "")),
    ("access-control-request-method", ("DELETE", hostile.MARK)),
    ("access-control-request-headers", (hostile.MARK,)),
    ("traceparent", ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", hostile.MARK, "00-0-0-0")),
    ("expect", ("100-continue", hostile.MARK)),
    ("connection", ("close", "keep-alive, x", hostile.MARK)),
    ("te", ("trailers", hostile.MARK)),
    ("upgrade", ("h2c", hostile.MARK)),
    ("x-http-method-override", ("DELETE", hostile.MARK)),
    ("last-event-id", ("1", "-1", hostile.MARK, "9" * 30)),
    ("content-encoding", ("gzip", "identity", "br", "GZIP", hostile.MARK)),
    ("content-location", (hostile.MARK,)),
    ("transfer-encoding-x", (hostile.MARK,)),
    ("x-" + "n" * 200, (hostile.MARK,)),
    ("x-latin", ("caf\xe9", "\xff\xfe\x80")),
)
METHODS = (
    "HEAD",
    "OPTIONS",
    "TRACE",
    "PUT",
    "DELETE",
    "PATCH",
    "POST",
    "GET",
    "PROPFIND",
    "QUERY",
    "get",
    "X",
    hostile.MARK.upper(),
    "M" * 30,
    "LINK",
)


def header(draw: Draw) -> tuple[str, str]:
    """A header that is unusual, or contradicts another."""
    name, values = draw.chance.choice(HEADERS)
    return name, draw.chance.choice(values)


def odd(draw: Draw) -> str:
    """Another method."""
    return draw.chance.choice(METHODS)


_HOST = b"Host: x\r\n"
_NUL = b"GET /fhir/Patient HTTP/1.1\r\nHost: x\r\nAccept: a\x00b\r\n\r\n"
# What is no HTTP/1.1 at all (RFC 9112), or says something of its length that is not so
LINES: Sequence[bytes] = (
    b"\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET /\r\n\r\n",
    b"GET / HTTP/9.9\r\n" + _HOST + b"\r\n",
    b"GET / HTTP/1.1\n" + b"Host: x\n\n",
    b"GET  / HTTP/1.1\r\n" + _HOST + b"\r\n",
    b"GET /a b HTTP/1.1\r\n" + _HOST + b"\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    _NUL,
    b"GET / HTTP/1.1\r\n" + _HOST + b"NoColon\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + _HOST + b"Bad Name: x\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + _HOST + b"X : y\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + _HOST + b"X: a\r\n b\r\n\r\n",
    b"GET http://x/fhir/Patient HTTP/1.1\r\n" + _HOST + b"\r\n",
    b"OPTIONS * HTTP/1.1\r\n" + _HOST + b"\r\n",
    b"CONNECT x:1 HTTP/1.1\r\n" + _HOST + b"\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 60,
    b"\x00" * 200,
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n" + _HOST + b"\r\n",
    b"GET / HTTP/1.1\r\n" + _HOST + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + _HOST + b"".join(b"X-%d: y\r\n" % n for n in range(300)) + b"\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\n" + _HOST + b"\r\n",
    b"POST /fhir HTTP/1.1\r\n" + _HOST + b"Content-Length: -1\r\n\r\n",
    b"POST /fhir HTTP/1.1\r\n" + _HOST + b"Content-Length: 1e3\r\n\r\n",
    b"POST /fhir HTTP/1.1\r\n" + _HOST + b"Content-Length: 99999999999999999999999\r\n\r\n",
    b"POST /fhir HTTP/1.1\r\n" + _HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    b"POST /fhir HTTP/1.1\r\n" + _HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /fhir HTTP/1.1\r\n" + _HOST + b"Content-Length: 50\r\n\r\nabc",
    b"POST /fhir HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /fhir HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    b"POST /fhir HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF1\r\n",
    b"POST /fhir HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"POST /fhir HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: identity\r\n\r\n{}",
    b"POST /fhir HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nTrailer: x\r\n\r\n",
)


def line(draw: Draw) -> Ask:
    """Bytes that are no request."""
    return Ask("broken", whole=draw.chance.choice(LINES), sound=False, short=True)


def doubled(draw: Draw) -> Ask:
    """A create whose length or token is said twice, or whose body comes in chunks."""
    chance = draw.chance
    prefix, who = draw.who()
    raw = b'{"resourceType":"Basic","code":{"text":"x"}}'
    kind = ("content-type", "application/fhir+json")
    style = chance.randrange(4)
    if style == 0:
        chunks = (
            b"".join(b"%x\r\n%b\r\n" % (len(raw[at : at + 5]), raw[at : at + 5]) for at in range(0, len(raw), 5))
            + b"0\r\n\r\n"
        )
        return Ask(
            "broken", "POST", f"{prefix}/fhir/Basic", (kind, ("transfer-encoding", "chunked")), b"", who, tail=chunks
        )
    if style == 1:
        return Ask(
            "broken", "POST", f"{prefix}/fhir/Basic", (kind, ("authorization", f"Bearer {hostile.MARK}")), raw, who
        )
    if style == 2:
        return Ask("broken", "POST", f"{prefix}/fhir/Basic", (kind, kind, ("content-type", "text/plain")), raw, who)
    return Ask(
        "broken",
        "POST",
        f"{prefix}/fhir/Basic",
        (kind, ("content-length", str(len(raw) + chance.choice((-3, 7))))),
        raw,
        who,
        sound=False,
        short=True,
    )


KINDS: Sequence[tuple[float, Callable[[Draw], Ask]]] = ((1.5, line), (0.5, doubled))
