"""What is not FHIR: the JSON API, rooms, log-in and tokens, pages, probes, metrics and websockets."""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Callable, Sequence
from typing import Any

from onmaru.app.prove.fuzzing import hostile
from onmaru.app.prove.fuzzing.asking import Ask, Draw, Headers

FORM = (("content-type", "application/x-www-form-urlencoded"),)
JSON = (("content-type", "application/json"),)
MEMBERS = (
    "user",
    "name",
    "roles",
    "password",
    "current",
    "code",
    "patient",
    "reason",
    "scopes",
    "client_name",
    "redirect_uris",
    "days",
    "client",
    "text",
    "limits",
    "tenant",
    "transferred",
    "disabled",
    "language",
    "rate",
    "encounter",
    "grant_types",
    "jwks",
    "jwks_uri",
    "scope",
)
FIELDS = (
    "grant_type",
    "code",
    "redirect_uri",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "scope",
    "token",
    "token_type_hint",
    "refresh_token",
    "code_verifier",
    "response_type",
    "state",
    "aud",
    "code_challenge",
    "code_challenge_method",
    "launch",
    "user",
    "password",
    "step",
    "request",
    "csrf",
    "allow",
    "patient",
    "find",
    "nonce",
)
ASKED = (
    "q",
    "ward",
    "cursor",
    "from",
    "to",
    "kinds",
    "width",
    "code",
    "user",
    "patient",
    "resource",
    "state",
    "count",
    "language",
    "types",
    "at",
)
# Nobody whose token is still needed is changed
DUMMIES = ("dummy1", "dummy2", "nobody")


def filled(draw: Draw, template: str) -> str:
    """A template with its parts filled in."""

    def part(found: re.Match[str]) -> str:
        name = found[1]
        if draw.chance.random() < 0.15:
            return draw.value().replace("/", "%2F").replace("?", "%3F").replace("#", "%23") or "x"
        pools = {
            "user": DUMMIES,
            "tenant": ("doomed", "nowhere", "house2"),
            "type": ("Patient", "Observation"),
            "client": ("none",),
        }
        return draw.chance.choice(pools.get(name) or [id for _, id in draw.known.names])

    return re.sub(r"\{(\w+)\}", part, template)


def _given(draw: Draw) -> bytes:
    chance = draw.chance
    made: Any = {name: _any(draw) for name in chance.sample(MEMBERS, chance.randrange(0, 6))}
    made |= {"user": chance.choice(DUMMIES)} if "user" in made else {}
    made |= {"tenant": chance.choice(("doomed", "nowhere"))} if "tenant" in made else {}
    return hostile.mutated(chance, made) if chance.random() < 0.4 else json.dumps(made).encode("utf-8", "replace")


def _any(draw: Draw) -> Any:
    chance = draw.chance
    return chance.choice(
        (
            hostile.text(chance),
            "p0",
            "nurse",
            ["nurse"],
            ["system", hostile.MARK],
            True,
            1,
            -1,
            10**12,
            {},
            [],
            None,
            {"rate": -5},
            ["https://app.example/"],
            "user/*.rs",
            "심정지 응급 상황입니다",
            {"keys": [{"kty": hostile.MARK}]},
        )
    )


def _asked(draw: Draw) -> str:
    plain = ("p0", "2026-01-01", "Patient/p0", "open", "5", "lab", "길동", "main:admin")
    pairs = [
        f"{draw.chance.choice(ASKED)}={draw.value() if draw.chance.random() < 0.6 else draw.chance.choice(plain)}"
        for _ in range(draw.chance.choice((0, 1, 1, 2, 4)))
    ]
    return "?" + "&".join(pairs) if pairs else ""


def api(draw: Draw) -> Ask:
    """A route of the JSON API."""
    method, template = draw.chance.choice(draw.surface.api)
    prefix, who = draw.who("api")
    # Who logs out is not needed any more
    who = "main:leaver" if template in ("logout", "login") else who
    raw = b"" if method == "GET" else _given(draw)
    return Ask("api", method, f"{prefix}/api/{filled(draw, template)}{_asked(draw)}", JSON, raw, who)


def room(draw: Draw) -> Ask:
    """A route of a room."""
    method, template = draw.chance.choice(draw.surface.rooms)
    prefix, who = draw.who()
    return Ask("room", method, f"{prefix}/rooms/{filled(draw, template)}{_asked(draw)}", (), b"", who)


def oauth(draw: Draw) -> Ask:
    """A route of the authorization server, with fields that mean something here or there."""
    chance = draw.chance
    method, template = chance.choice(draw.surface.oauth)
    prefix, _ = draw.who()
    id, secret = chance.choice(draw.known.apps)
    known = {
        "grant_type": ("authorization_code", "refresh_token", "client_credentials"),
        "client_id": (id,),
        "client_secret": (secret,),
        "response_type": ("code",),
        "redirect_uri": ("https://app.example/",),
        "scope": ("openid fhirUser launch/patient user/*.rs", "system/*.rs"),
        "step": ("login", "second", "allow", "patient"),
        "aud": ("http://127.0.0.1/fhir",),
        "code_challenge_method": ("S256", "plain"),
        "code_challenge": ("x" * 43,),
        "user": DUMMIES,
        "client_assertion_type": ("urn:ietf:params:oauth:client-assertion-type:jwt-bearer",),
        "client_assertion": (_token(draw),),
    }
    fields = dict.fromkeys(chance.sample(FIELDS, chance.randrange(0, 8)))
    if chance.random() < 0.6:
        fields |= dict.fromkeys(
            (
                "client_id",
                "response_type",
                "redirect_uri",
                "scope",
                "aud",
                "code_challenge",
                "code_challenge_method",
                "state",
            )
        )
    pairs = [
        f"{name}={chance.choice(known[name]) if name in known and chance.random() < 0.8 else draw.value()}"
        for name in fields
    ]
    pairs += pairs[:1] if chance.random() < 0.1 else []
    asked = "&".join(pairs).replace(" ", "+")
    headers: Headers = FORM if template != "register" else JSON
    if chance.random() < 0.3:
        proof = chance.choice((f"{id}:{secret}", f"{id}:{hostile.MARK}", hostile.MARK, ":"))
        headers = (*headers, ("authorization", f"Basic {base64.b64encode(proof.encode()).decode()}"))
    if method == "GET":
        return Ask("oauth", "GET", f"{prefix}/oauth/{template}?{asked}".rstrip("?"), (), b"", "")
    raw = _given(draw) if template == "register" else asked.encode("latin-1", "replace")
    return Ask("oauth", method, f"{prefix}/oauth/{template}", headers, raw, "")


def _token(draw: Draw) -> str:
    """Something like a JSON web token."""
    parts = (
        {
            "alg": draw.chance.choice(("none", "RS384", "ES384", "HS256", hostile.MARK)),
            "kid": hostile.MARK,
            "jku": "http://127.0.0.1:1/",
        },
        {
            "iss": draw.chance.choice([id for id, _ in draw.known.apps]),
            "sub": hostile.MARK,
            "aud": "x",
            "exp": 10**12,
            "jti": hostile.MARK,
        },
    )
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join((*coded, draw.chance.choice(("", "AAAA", hostile.MARK))))


def page(draw: Draw) -> Ask:
    """A page, a file, an open document, a probe, or nothing of the kind."""
    chance = draw.chance
    paths = (
        *draw.surface.pages,
        "assets/index.js",
        "favicon.ico",
        "..%2f..%2fetc/passwd",
        "../../etc/passwd",
        "%00",
        "t/",
        "t//fhir",
        "t/main",
        "t/Main/fhir/metadata",
        "t/clinic/fhir/metadata",
        "t/nowhere/fhir/metadata",
        "t/closed/patients",
        "api",
        "api/",
        "rooms",
        "rooms//",
        "oauth",
        "fhir//Patient",
        "//fhir/Patient",
        "fhir/Patient/",
        "fhir/metadata?mode=terminology",
        "fhir/metadata?mode=x",
        "FHIR/metadata",
        "fhir;x=1/Patient",
        draw.value(),
        f"t/{draw.value()}/fhir/Patient",
    )
    method = chance.choice(("GET", "GET", "GET", "GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE"))
    return Ask(
        "page",
        method,
        f"/{chance.choice(paths)}",
        (("accept-encoding", "gzip"),) if chance.random() < 0.3 else (),
        b"",
        "",
    )


def metrics(draw: Draw) -> Ask:
    """What a monitor asks, and what it does not."""
    method = draw.chance.choice(("GET", "GET", "GET", "HEAD", "POST", "PUT"))
    return Ask(
        "metrics",
        method,
        draw.chance.choice(("/metrics", "/metrics/", "/", f"/{draw.value()}", "/metrics?x=1", "/fhir/Patient")),
        (),
        b"",
        "",
        door="metrics",
    )


def socket(draw: Draw) -> Ask:
    """A websocket's handshake, and a message or something like it after it."""
    chance = draw.chance
    key = base64.b64encode(b"0123456789abcdef").decode()
    head: Headers = (
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-key", key),
        ("sec-websocket-version", "13"),
    )
    if chance.random() < 0.3:
        head = (*chance.sample(head, chance.randrange(1, 4)), ("sec-websocket-protocol", hostile.MARK))
    path = chance.choice(
        (
            "/subscriptions",
            "/subscriptions",
            "/subscriptions/",
            "/t/clinic/subscriptions",
            "/fhir/Patient",
            "/",
            f"/{draw.value()}",
        )
    )
    said = chance.choice(
        ("bind-with-token @socket@", f"bind-with-token {hostile.MARK}", "bind-with-token ", hostile.MARK, "", "x" * 400)
    ).encode()
    sized = bytes([0x80 | len(said)]) if len(said) < 126 else bytes([0xFE]) + struct.pack("!H", len(said))
    frame = b"\x81" + sized + b"\0\0\0\0" + said
    tail = chance.choice(
        (
            frame,
            frame,
            frame * 3,
            b"\x82" + frame[1:],
            b"\xff\xff" + b"\xff" * 8,
            b"\x89\x80\0\0\0\0",
            b"\x88\x80\0\0\0\0",
            frame[:3],
            b"",
        )
    )
    return Ask("socket", "GET", path, head, b"", "", tail=tail)


KINDS: Sequence[tuple[float, Callable[[Draw], Ask]]] = (
    (7, api),
    (4, room),
    (5, oauth),
    (4, page),
    (0.5, metrics),
    (1, socket),
)
