"""What every answer is held to, whatever was asked: whose fault it is, in time, in its form, and that it repeats nothing."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

from onmaru.app.prove.fuzzing import hostile
from onmaru.app.prove.fuzzing.asking import Ask
from onmaru.app.prove.fuzzing.wire import PATIENCE, Answer

# A target that RFC 3986 allows; of others the HTTP layer may say 400 itself
_ADDRESS = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*")
_FHIR = re.compile(r"/*(t/[^/?]*/)?fhir(/|\?|$)")
# Bytes of a request's line and headers that the HTTP layer takes
HEAD = 30_000
_MARKS = (hostile.MARK.encode(), hostile.MARK.lower().encode(), str(hostile.FIGURE).encode())


class Live:
    """What answers told that can be asked about: the newest page token, job, file and socket token."""

    _FOUND = (
        ("cursor", re.compile(rb"_cursor=([\w\-.~=%]{1,900})")),
        ("file", re.compile(rb"/fhir/(\$job/[^\"]{1,300})\"")),
        ("socket", re.compile(rb'"name":"token","valueString":"([\w\-]{20,60})"')),
    )

    def __init__(self) -> None:
        self.known = {"cursor": "none", "job": "none", "file": "none", "socket": "none"}

    def heard(self, answer: Answer) -> None:
        """Take note of an answer."""
        location = answer.header("content-location")
        if "/$job/" in location:
            self.known["job"] = location.rpartition("/")[2]
        if answer.status == 200 and len(answer.body) < 1 << 20:
            for name, pattern in self._FOUND:
                found = pattern.search(answer.body)
                if found:
                    self.known[name] = found[1].decode()

    def filled(self, text: str) -> str:
        """A text in which these stand for themselves."""
        if "@" in text:
            for name, value in self.known.items():
                text = text.replace(f"@{name}@", value)
        return text


def written(ask: Ask, tokens: Mapping[str, str], live: Live) -> tuple[bytes, bool]:
    """The bytes of a request, and whether they are HTTP/1.1, so that the house itself must answer."""
    if ask.whole:
        return ask.whole, ask.sound
    target = live.filled(ask.target)
    named = {name.lower() for name, _ in ask.headers}
    lines = [f"{ask.method} {target} HTTP/1.1"]
    if "host" not in named:
        lines.append("host: house.example")
    if ask.who and "authorization" not in named:
        lines.append(f"authorization: Bearer {tokens[ask.who]}")
    lines += [f"{name}: {value}" for name, value in ask.headers]
    if not {"content-length", "transfer-encoding"} & named and (
        ask.body or ask.method not in ("GET", "HEAD", "OPTIONS")
    ):
        lines.append(f"content-length: {len(ask.body)}")
    head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
    tail = live.filled(ask.tail.decode("latin-1")).encode("latin-1") if b"@" in ask.tail else ask.tail
    sound = ask.sound and bool(_ADDRESS.fullmatch(target)) and len(head) < HEAD
    return head + ask.body + tail, sound


def fault(ask: Ask, answer: Answer, *, sound: bool) -> str:
    """What is wrong with an answer; "" where nothing is."""
    if answer.status == -1 or answer.seconds > PATIENCE:
        return "no answer in time"
    if answer.status == 0:
        return "closed without an answer" if sound and ask.kind != "socket" else ""
    # A position of the future is waited for, and then said not to be here: the one 503 that a request can ask for
    waited = answer.status == 503 and "x-onmaru-position" in {name for name, _ in ask.headers}
    if answer.status >= 500 and not waited:
        return "the server's fault"
    if "x-injected" in answer.headers:
        return "a header was smuggled in"
    if not sound or ask.kind in ("socket", "metrics") or answer.status == 101:
        return ""
    if answer.header("x-content-type-options") != "nosniff":
        return "an answer without the headers of every answer"
    return _refusal(ask, answer) if answer.status >= 400 and ask.method != "HEAD" else ""


def _refusal(ask: Ask, answer: Answer) -> str:
    body = answer.body
    if answer.header("content-encoding") == "gzip":
        body = zlib.decompress(body, wbits=31)
    fhir = bool(_FHIR.match(ask.target))
    kind = answer.header("content-type")
    if fhir and "xml" in kind:
        outcome = b"<OperationOutcome" in body[:200]
    elif fhir:
        outcome = _json(body).get("resourceType") == "OperationOutcome" and bool(_json(body).get("issue"))
    else:
        outcome = True
    if not outcome:
        return "a refusal that is no OperationOutcome"
    # The log-in page holds what it was asked with, to ask it again
    repeats = "html" not in kind and any(mark in body for mark in _MARKS)
    return "a refusal that repeats what was sent" if repeats else ""


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
