"""Where a stay went and since when, by its Encounter: the places of wards, and the arrival in intensive care."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from onmaru.fhir import search
from onmaru.kernel.record import pages
from onmaru.kernel.room import Hall
from onmaru.rooms.monitor.projection import moment

PAGE, DEPTH = 200, 4


def within(hall: Hall, wards: frozenset[str]) -> frozenset[str]:
    """The wards and whatever lies in them, as `Location/ID`."""
    found, level = set(wards), set(wards)
    for _ in range(DEPTH):
        level = {one for ward in level for one in _parts(hall, ward)} - found
        found |= level
    return frozenset(found)


def places(encounter: Mapping[str, Any]) -> Iterator[tuple[str, int | None]]:
    """Each place of a stay and since when, µs."""
    for one in encounter.get("location") or []:
        yield str((one.get("location") or {}).get("reference", "")), at((one.get("period") or {}).get("start"))


def arrived(encounter: Mapping[str, Any], icu: frozenset[str]) -> int | None:
    """Since when, µs, the patient has been in these places without a break; None where that is not so or not told."""
    found: int | None = None
    known = [(place, since) for place, since in places(encounter) if since is not None]
    for place, since in sorted(known, key=lambda one: one[1]):
        found = (since if found is None else found) if place in icu else None
    return found


def at(text: Any) -> int | None:
    """An instant as µs since 1970 UTC; None for what is none."""
    return moment({"effectiveDateTime": text}) if isinstance(text, str) else None


def _parts(hall: Hall, ward: str) -> Iterator[str]:
    query = search.parse(("Location",), [("partof", ward), ("_count", str(PAGE))])
    for page in pages(hall.record, query):
        yield from (version.name for version in page.matches)
