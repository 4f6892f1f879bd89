"""Which profiles, tags and labels are borne, told by few versions: for each the newest that is seen.

Its one law: what is not seen is passed over before anything is told, so of marks that only it bears nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from pyroaring import BitMap

from onmaru.engines.index.tables import Tables
from onmaru.fhir import search

MARKS = tuple(search.parameters("Patient")[name].sp for name in ("_profile", "_tag", "_security"))
# Bearers looked at in one go: nearly always the first is seen
FIRST, SLICE = 16, 2_000


def bearers(file: Tables, seen: Callable[[BitMap], BitMap]) -> Iterator[int | None]:
    """Positions that between them bear every mark of what is `seen`; None where others may be answered between."""
    for sp in MARKS:
        for code, system in file.codes(sp):
            yield from _newest(partial(file.bearing, sp, code, system), seen)


def _newest(bearing: Callable[[int, int], list[int]], seen: Callable[[BitMap], BitMap]) -> Iterator[int | None]:
    below, some = 2**31 - 1, FIRST
    while bears := bearing(below, some):
        yield None
        if found := seen(BitMap(bears)):
            yield found.max()
            return
        below, some = bears[-1], SLICE
