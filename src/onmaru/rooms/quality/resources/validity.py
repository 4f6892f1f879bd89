"""What the validator says of the newest resources of each type: those written last are what a feed sends now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.profiles.library import Library
from onmaru.fhir.profiles.validator import validated
from onmaru.kernel.log import Version
from onmaru.kernel.record import Record, pages

PAGE = 50


def newest(record: Record, type: str, most: int) -> Iterator[Sequence[Version]]:
    """The newest resources of a type, a page at a time, at most `most` of them."""
    left = most
    query = search.parse((type,), [("_count", str(PAGE)), ("_total", "none")])
    for page in pages(record, query):
        found = [one for one in page.matches if one.body is not None][:left]
        yield found
        left -= len(found)
        if left <= 0:
            return


def broken(versions: Sequence[Version], library: Library) -> list[tuple[Version, str]]:
    """Those with an error, each with the place of its first: what it says may quote a value."""
    found = ((one, _first(one.body or b"{}", library)) for one in versions)
    return [(one, place) for one, place in found if place]


def _first(body: bytes, library: Library) -> str:
    """Where the first error is, "" where there is none."""
    try:
        issues = validated(body, library)
    except Invalid as refused:
        issues = list(refused.issues)
    return next((one.expression or "-" for one in issues if one.severity in ("error", "fatal")), "")
