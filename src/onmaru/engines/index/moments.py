"""`_lastUpdated` as ranges of positions: the log's times never go back, so a time is a place in it."""

from __future__ import annotations

from collections.abc import Callable

from pyroaring import BitMap

from onmaru.fhir.query import Date


def recorded_in(value: Date, before: Callable[[int], int], top: int) -> BitMap:
    """Positions up to `top` recorded as the prefix asks; `before` gives the last one recorded before a time in µs.

    A recorded time is one instant (R4 search 3.1.1.4.5).
    """
    low, high, end = before(value.low), before(value.high), top + 1
    spans: dict[str, tuple[int, int]] = {
        "eq": (low + 1, high + 1),
        "gt": (high + 1, end),
        "sa": (high + 1, end),
        "ge": (low + 1, end),
        "lt": (1, low + 1),
        "eb": (1, low + 1),
        "le": (1, high + 1),
        "ap": (low + 1, high + 1),
    }
    if value.prefix == "ne":
        return _between(1, low + 1) | _between(high + 1, end)
    return _between(*spans[value.prefix])


def _between(start: int, end: int) -> BitMap:
    return BitMap(range(start, end)) if start < end else BitMap()
