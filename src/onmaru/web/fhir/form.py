"""What of a resource a read shows: all of it, or the part that `_summary` and `_elements` ask for."""

from __future__ import annotations

from collections.abc import Sequence

from onmaru.fhir.outcome import invalid
from onmaru.fhir.subset import subset

SUMMARIES = frozenset({"", "true", "text", "data", "false"})


def shaped(body: bytes, query: Sequence[tuple[str, str]]) -> bytes:
    """A read's resource in the form its query asks for; `Invalid` 400 for a parameter that a read does not take."""
    summary, elements = "", ""
    for name, value in query:
        if name == "_summary":
            summary = value
        elif name == "_elements":
            elements = value
        elif name not in ("_format", "_pretty"):
            raise invalid("not-supported", "not a parameter of read", name)
    if summary not in SUMMARIES:
        raise invalid("value", "not one of true, text, data, false", "_summary")
    return subset(body, summary=summary, elements=[name.strip() for name in elements.split(",") if name.strip()])
