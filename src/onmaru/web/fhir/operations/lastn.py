"""`Observation/$lastn` (R4): of what a search finds the most recent of each code.

Codes are one group when they share a coding, also by way of a third (R4: transitively); texts alone group by their letters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.fhir.query import Query
from onmaru.fhir.search import parse
from onmaru.fhir.search.dates import span
from onmaru.kernel.log import Version
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.answers import FHIR
from onmaru.web.fhir.bundles import bundle, found, link, query_of
from onmaru.web.fhir.negotiation import FORM
from onmaru.web.fhir.operations.drawing import drawn
from onmaru.web.fhir.operations.given import Given

MOST = 1000
SUBJECTS = frozenset({"patient", "subject"})
# Results of a search that have no meaning here
NEVER = frozenset({"_sort", "_count", "_total", "_include", "_revinclude", "_summary", "_elements"})
Codes = frozenset[tuple[str, str]]


class _Coding(msgspec.Struct, frozen=True):
    system: str = ""
    code: str = ""


class _Concept(msgspec.Struct, frozen=True):
    coding: tuple[_Coding, ...] = ()
    text: str = ""


class _Period(msgspec.Struct, frozen=True):
    start: str = ""
    end: str = ""


class _Timing(msgspec.Struct, frozen=True):
    event: tuple[str | None, ...] = ()


class Observed(msgspec.Struct):
    """What of an Observation says which it is and when."""

    code: _Concept = _Concept()
    effectiveDateTime: str = ""
    effectiveInstant: str = ""
    effectivePeriod: _Period = _Period()
    effectiveTiming: _Timing = _Timing()
    issued: str = ""

    @property
    def codes(self) -> Codes:
        """Its codings, or its text where it has none."""
        coded = {(one.system, one.code) for one in self.code.coding if one.code}
        return frozenset(coded or {("text", self.code.text)})

    @property
    def at(self) -> int:
        """When it was true, at the latest, in µs since 1970 UTC; what tells no time comes last."""
        period, events = self.effectivePeriod, [one for one in self.effectiveTiming.event if one]
        text = self.effectiveDateTime or self.effectiveInstant or period.end or period.start or max(events, default="")
        return span(text or self.issued)[0] if text or self.issued else -(2**62)


_observed = msgspec.json.Decoder(Observed).decode


async def lastn(request: Request, hall: Hall) -> Response:
    """`GET Observation/$lastn?patient=…&category=…`; `max` of each code, and what is of the same time as the last."""
    query, most = _read(request)
    tops: dict[Codes, list[tuple[int, Version]]] = {}
    room: dict[Codes, int] = {}
    async for version in drawn(hall, query):
        seen = _observed(version.body or b"")
        kept = tops.setdefault(seen.codes, [])
        kept.append((seen.at, version))
        if len(kept) > room.get(seen.codes, 4 * most + 64):
            kept[:] = _latest(kept, most)
            room[seen.codes] = 2 * len(kept) + 4 * most + 64  # all may be of one time
    groups = [_latest(group, most) for group in _joined(tops)]
    chosen = sorted((one for group in groups for one in group), key=lambda one: (-one[0], -one[1].t))
    versions = [version for _, version in chosen]
    base = request.params["base"]
    links = [
        link("self", f"{base}/Observation/$lastn", query_of([pair for pair in request.query if pair[0] not in FORM]))
    ]
    entries = found(base, versions, [version.body or b"" for version in versions], "match")
    return Response(200, bundle("searchset", entries, links, len(entries)), FHIR)


def _read(request: Request) -> tuple[Query, int]:
    """The search and how many of each code; `Invalid` 400 without a subject and a category or code."""
    pairs = [pair for pair in request.query if pair[0] not in FORM]
    names = {name.partition(":")[0].partition(".")[0] for name, _ in pairs}
    never = sorted(names & NEVER)
    if never:
        raise invalid("not-supported", "not a parameter of $lastn", never[0])
    if not names & SUBJECTS:
        raise invalid("required", "$lastn needs a patient or subject", "patient")
    if not any(name == "category" or "code" in name for name in names):
        raise invalid("required", "$lastn needs a category or a code", "code")
    most = Given({"max": [value for name, value in pairs if name == "max"]}).number("max", 1, MOST)
    return parse(("Observation",), [pair for pair in pairs if pair[0] != "max"]), most


def _latest(group: Sequence[tuple[int, Version]], most: int) -> list[tuple[int, Version]]:
    """The `most` latest and all that are of the same time as the last of them."""
    ordered = sorted(group, key=lambda one: -one[0])
    if len(ordered) <= most:
        return ordered
    last = ordered[most - 1][0]
    return [one for one in ordered if one[0] >= last]


def _joined(tops: Mapping[Codes, Sequence[tuple[int, Version]]]) -> list[list[tuple[int, Version]]]:
    """Groups of which no two share a coding."""
    kin: dict[tuple[str, str], tuple[str, str]] = {}

    def head(code: tuple[str, str]) -> tuple[str, str]:
        """The coding that stands for all that are joined with this one; every step on the way is shortened."""
        while kin[code] != code:
            kin[code] = kin[kin[code]]
            code = kin[code]
        return code

    for codes in tops:
        first, *others = codes
        kin.setdefault(first, first)
        for code in others:
            kin.setdefault(code, code)
            kin[head(code)] = head(first)
    groups: dict[tuple[str, str], list[tuple[int, Version]]] = {}
    for codes, kept in tops.items():
        groups.setdefault(head(next(iter(codes))), []).extend(kept)
    return list(groups.values())
