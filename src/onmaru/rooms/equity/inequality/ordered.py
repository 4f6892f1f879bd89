"""Measures of ordered groups: concentration indices, and the slope and relative index of inequality.

ACI = sum of pj (2 Xj - 1) yj (Hosseinpoor and others, BMC Medical Research Methodology 2016;16:141, table 2); RCI is ACI by
the average, times 100 (WHO's package healthequal, rci). SII = v1 - v0 and RII = v1 / v0 (WHO, Health inequality monitoring,
2024, annex 11), where v are the estimates that a logistic regression on the rank gives at its ends (healthequal, sii).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from onmaru.rooms.equity.inequality.groups import PERCENT, Dimension, Group, average, ranks, shares

STEPS, CLOSE, STEEPEST = 50, 1e-12, 40.0


def absolute_concentration(asked: Dimension) -> float | None:
    """ACI in percentage points; above 0 where what is counted is more among the advantaged."""
    groups = asked.groups
    return sum(
        share * (2 * rank - 1) * group.estimate
        for share, rank, group in zip(shares(groups), ranks(groups), groups, strict=True)
    )


def relative_concentration(asked: Dimension) -> float | None:
    """RCI, from -100 to 100; None where nobody has it."""
    whole = average(asked.groups)
    index = absolute_concentration(asked)
    return 100 * index / whole if whole and index is not None else None


def slope(asked: Dimension) -> float | None:
    """SII in percentage points; None where the regression has no end."""
    ends = _ends(asked.groups)
    return PERCENT * (ends[1] - ends[0]) if ends else None


def relative(asked: Dimension) -> float | None:
    """RII; None where the regression has no end."""
    ends = _ends(asked.groups)
    return ends[1] / ends[0] if ends and ends[0] else None


def _ends(groups: Sequence[Group]) -> tuple[float, float] | None:
    """Estimates at rank 0 and 1 by logistic regression of grouped persons, as parts of 1."""
    events = sum(group.events for group in groups)
    if events in (0, sum(group.persons for group in groups)):
        return None
    fitted = _fitted(groups, ranks(groups))
    return (_chance(fitted[0]), _chance(fitted[0] + fitted[1])) if fitted else None


def _fitted(groups: Sequence[Group], at: Sequence[float]) -> tuple[float, float] | None:
    """Intercept and slope of the greatest likelihood, by Newton's steps; None where they run away."""
    whole = average(groups) / PERCENT
    intercept, rise = math.log(whole / (1 - whole)), 0.0
    for _ in range(STEPS):
        step = _step(groups, at, intercept, rise)
        if step is None:
            return None
        intercept, rise = intercept + step[0], rise + step[1]
        if max(abs(intercept), abs(intercept + rise)) > STEEPEST:
            return None
        if abs(step[0]) + abs(step[1]) < CLOSE:
            return intercept, rise
    return None


def _step(groups: Sequence[Group], at: Sequence[float], intercept: float, rise: float) -> tuple[float, float] | None:
    first = second = a = b = c = 0.0
    for group, rank in zip(groups, at, strict=True):
        chance = _chance(intercept + rise * rank)
        left, weight = group.events - group.persons * chance, group.persons * chance * (1 - chance)
        first, second = first + left, second + left * rank
        a, b, c = a + weight, b + weight * rank, c + weight * rank * rank
    volume = a * c - b * b
    if volume <= CLOSE * a * c:
        return None
    return (c * first - b * second) / volume, (a * second - b * first) / volume


def _chance(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))
