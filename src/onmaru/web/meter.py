"""Counts requests by surface and status; it knows no path, tenant, user or patient, so that it can tell of none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter, time_ns
from typing import NamedTuple

from onmaru.kernel.timing import Timing

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Span(NamedTuple):
    """One request that was answered: what a trace may say of it. `parent`: the `traceparent` it came with, unchecked."""

    surface: str
    method: str
    status: int
    request: str
    seconds: float
    ended: int
    parent: str


class Meter:
    """One cell for each surface and status that occurred; both are ours, so there are few. `traced` is told each span."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, int], Timing] = {}
        self.traced: Callable[[Span], None] | None = None

    def answered(self, surface: str, status: int, started: float) -> None:
        """A request that began at `started` (perf_counter) is about to be answered."""
        cell = self._cells.get((surface, status))
        if cell is None:
            cell = self._cells[surface, status] = Timing()
        cell.add(perf_counter() - started)

    def cells(self) -> Mapping[tuple[str, int], Timing]:
        """What was counted."""
        return dict(self._cells)


def span(asked: tuple[str, str, str], surface: str, status: int, started: float) -> Span:
    """What `traced` is told; `asked`: method, request id and traceparent. A client may send any word for a method."""
    method, request, parent = asked
    known = method if method in METHODS else "_OTHER"
    return Span(surface, known, status, request, perf_counter() - started, time_ns(), parent)
