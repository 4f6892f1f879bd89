"""Difference and ratio of two groups (WHO, Health inequality monitoring, 2024, annex 11: D = yA - yB, R = yA / yB).

Ordered groups are compared at their ends: of a favourable indicator the most advantaged with the most disadvantaged, of an
adverse one the other way round; groups without order are compared highest with lowest.
"""

from __future__ import annotations

from onmaru.rooms.equity.inequality.groups import Dimension


def compared(asked: Dimension) -> tuple[float, float]:
    """The estimates yA and yB."""
    estimates = [group.estimate for group in asked.groups]
    if not asked.ordered:
        return max(estimates), min(estimates)
    return (estimates[-1], estimates[0]) if asked.favourable else (estimates[0], estimates[-1])


def difference(asked: Dimension) -> float | None:
    """In percentage points."""
    first, second = compared(asked)
    return first - second


def ratio(asked: Dimension) -> float | None:
    """None where the second estimate is 0."""
    first, second = compared(asked)
    return first / second if second else None
