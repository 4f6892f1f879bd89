"""What a request asks for, read strictly, and the answer as JSON. A wrong parameter is named, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.lake import View
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.journey.items import ALL_KINDS
from onmaru.rooms.journey.moments import point

EVER = 2**62
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z", re.ASCII)
_MILLISECONDS = re.compile(r"-?\d{5,16}\Z|0\Z", re.ASCII)


def asked(request: Request, known: tuple[str, ...]) -> dict[str, str]:
    """The query as a mapping; a parameter that is unknown or given twice is refused."""
    found: dict[str, str] = {}
    for name, text in request.query:
        if name not in known:
            raise invalid("value", "unknown parameter", name)
        if name in found:
            raise invalid("value", "given twice", name)
        found[name] = text
    return found


def identifier(request: Request, name: str) -> str:
    """A FHIR id from the path."""
    text = request.params[name]
    if not _ID.match(text):
        raise invalid("not-found", "no such resource", name, 404)
    return text


def time(found: Mapping[str, str], name: str, default: int) -> int:
    """Milliseconds since 1970 or a FHIR date or dateTime (its first instant), as µs since 1970 UTC."""
    text = found.get(name, "")
    if not text:
        return default
    if _MILLISECONDS.match(text):
        return int(text) * 1000
    low = point(text).low
    if low is None:
        raise invalid("value", "not milliseconds since 1970 nor a date", name)
    return low


def whole(found: Mapping[str, str], name: str, default: int, bounds: tuple[int, int]) -> int:
    """A whole number brought within `bounds`."""
    text = found.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise invalid("value", "not a whole number", name)
    return min(max(int(text), bounds[0]), bounds[1])


def kinds(found: Mapping[str, str]) -> str:
    """`kinds=lab,vital` as `|lab|vital|` for the views; "" is all."""
    text = found.get("kinds", "")
    if not text:
        return ""
    chosen = text.split(",")
    if not set(chosen) <= set(ALL_KINDS):
        raise invalid("value", "unknown kind", "kinds")
    return f"|{'|'.join(chosen)}|"


def contains(text: str) -> str:
    r"""A LIKE pattern (escape `\`) for lower-cased text that contains `text`."""
    if not text:
        return ""
    escaped = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def rows(hall: Hall, view: View, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A view's answer as plain rows."""
    found: list[dict[str, Any]] = hall.lake.query(view, params).table.to_pylist()
    return found


def milliseconds(micro: int | None) -> int | None:
    """µs to ms, as JavaScript counts."""
    return None if micro is None else micro // 1000


def answer(body: object) -> Response:
    """200 with JSON that no cache keeps."""
    return Response(200, msgspec.json.encode(body), headers=(("Cache-Control", "no-store"),))
