"""Reads JSON bodies and query parts of the API; a problem names the part, never its value."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.web.visit import Visit

T = TypeVar("T")


def body(visit: Visit, shape: type[T]) -> T:
    """The body as `shape`; `Invalid` 415 when it does not say it is JSON, 400 when it is not of that shape."""
    kind = visit.request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise invalid("not-supported", "the only format taken is application/json", "Content-Type", 415)
    try:
        return msgspec.json.decode(visit.request.body, type=shape)
    except msgspec.ValidationError as error:
        # msgspec names the expected type and the path after " - at `$.x`", and unknown fields; it repeats no values
        # but those of an enumeration, which is left out here
        text, _, place = str(error).partition(" - at `$")
        known = (
            text if text.startswith(("Expected", "Object missing", "Object contains")) else "not a value allowed here"
        )
        raise invalid("value", known, place.strip("`."), 400) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid("structure", "the body is not JSON") from error


def query(visit: Visit, *allowed: str) -> dict[str, str]:
    """The query's parts; `Invalid` 400 for one that is not allowed."""
    found = dict(visit.request.query)
    for name in found:
        if name not in allowed:
            raise invalid("not-supported", "not a parameter here", name)
    return found


def number(text: str, name: str, *, low: int = 0, high: int = 2**62) -> int:
    """A whole number within bounds; `Invalid` 400."""
    if not text.isdecimal() or len(text) > 19 or not low <= int(text) <= high:
        raise invalid("value", f"not a whole number from {low} to {high}", name)
    return int(text)
