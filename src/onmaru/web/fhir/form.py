"""What of a resource an answer shows; today all of it, and a parameter that asks for a part is refused."""

from __future__ import annotations

from collections.abc import Sequence

from onmaru.fhir.outcome import invalid

WHOLE = frozenset({"", "false", "count"})


def shaped(body: bytes, type_name: str, query: Sequence[tuple[str, str]]) -> bytes:
    """A read's resource in the form its query asks for; `Invalid` 400 for a parameter that a read does not take."""
    summary, elements = "", ""
    for name, value in query:
        if name == "_summary":
            summary = value
        elif name == "_elements":
            elements = value
        elif name not in ("_format", "_pretty"):
            raise invalid("not-supported", "not a parameter of read", name)
    return cut(body, type_name, summary, tuple(elements.split(",")) if elements else ())


def cut(body: bytes, type_name: str, summary: str, elements: tuple[str, ...]) -> bytes:
    """The resource as `_summary` and `_elements` want it; `Invalid` 400 where they want a part of it."""
    if summary not in WHOLE or elements:
        raise invalid(
            "not-supported", f"a part of {type_name} cannot be asked for", "_elements" if elements else "_summary"
        )
    return body
