"""How long something took, many times: a histogram whose bounds are fixed, so that noting one costs well under 1 µs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

# Seconds; the last bucket is everything longer
BOUNDS = (0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Timing:
    """`counts` has one place a bound, for what took no longer, and a last one. Two threads may lose a count, no more."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        """Note that it took so long."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds

    @property
    def count(self) -> int:
        """How often it happened."""
        return sum(self.counts)


def together(timings: Sequence[Timing]) -> Timing:
    """All of them as one."""
    whole = Timing()
    for one in timings:
        whole.counts = [a + b for a, b in zip(whole.counts, one.counts, strict=True)]
        whole.seconds += one.seconds
    return whole
