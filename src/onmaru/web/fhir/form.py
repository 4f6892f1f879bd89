"""`_summary` and `_elements`: a resource cut down to what was asked for, marked SUBSETTED."""

from __future__ import annotations

from collections.abc import Sequence

from onmaru.fhir.outcome import invalid
from onmaru.fhir.subset import subset

SUMMARIES = frozenset({"true", "text", "data", "count", "false"})


def shaped(body: bytes, type_name: str, query: Sequence[tuple[str, str]]) -> bytes:
    """A read's resource in the form its query asks for; `Invalid` 400 for a parameter that a read does not take."""
    summary, elements = "", ()
    for name, value in query:
        if name == "_summary":
            summary = value
        elif name == "_elements":
            elements = tuple(part.strip() for part in value.split(",") if part.strip())
        elif name not in ("_format", "_pretty"):
            raise invalid("not-supported", "not a parameter of read", name)
    if summary and summary not in SUMMARIES:
        raise invalid("value", "not one of true, text, data, count, false", "_summary")
    return cut(body, type_name, summary, elements)


def cut(body: bytes, type_name: str, summary: str, elements: tuple[str, ...]) -> bytes:
    """The resource as `_summary` and `_elements` want it; unchanged when they want all of it."""
    if summary in ("", "false", "count") and not elements:
        return body
    return subset(body, type_name, summary if summary not in ("false", "count") else "", elements)
