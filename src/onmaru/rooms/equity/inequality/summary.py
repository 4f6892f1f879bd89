"""All measures of a dimension with their intervals.

Intervals are percentiles of a bootstrap: the persons of each group are drawn anew from their own group. The dice are the
data's own, so that the same groups give the same intervals.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

import msgspec

from onmaru.rooms.equity.inequality import impact, ordered, simple, spread
from onmaru.rooms.equity.inequality.groups import PERCENT, Dimension, Group, Measured, average

DRAWS = 1000
LEVEL = 0.95
# Draws that may be without a value, such as a ratio to 0, before an interval is none
UNDEFINED = 0.05
# How far the chances of a binomial are looked at, in standard deviations
WIDE = 9

ALWAYS: Mapping[str, Measured] = {
    "difference": simple.difference,
    "ratio": simple.ratio,
    "par": impact.attributable_risk,
    "paf": impact.attributable_fraction,
}
OF_ORDERED: Mapping[str, Measured] = {
    "aci": ordered.absolute_concentration,
    "rci": ordered.relative_concentration,
    "sii": ordered.slope,
    "rii": ordered.relative,
}
OF_OTHERS: Mapping[str, Measured] = {"bgv": spread.between_group_variance, "theil": spread.theil}


class Summary(msgspec.Struct, frozen=True):
    """One measure; None where it has no value. `low` and `high`: the interval."""

    name: str
    value: float | None
    low: float | None
    high: float | None


def summaries(asked: Dimension) -> list[Summary]:
    """Those measures that suit the dimension: of fewer than two groups none, of two those that compare two."""
    if len(asked.groups) < 2:
        return []
    more = (OF_ORDERED if asked.ordered else OF_OTHERS) if len(asked.groups) > 2 else {}
    named = {**ALWAYS, **more}
    values: dict[str, list[float]] = {name: [] for name in named}
    for drawn in draws(asked):
        for name, measure in named.items():
            if (value := measure(drawn)) is not None:
                values[name].append(value)
    return [Summary(name, _rounded(measure(asked)), *_interval(values[name])) for name, measure in named.items()]


def draws(asked: Dimension, *, equal: bool = False) -> list[Dimension]:
    """The dimension as it might have been, DRAWS times; `equal`: had every group the same chance."""
    dice = random.Random(f"{asked!r} {equal}")  # noqa: S311 - a bootstrap, the same for the same data
    whole = average(asked.groups) / PERCENT
    rolls = [_binomial(one.persons, whole if equal else one.events / one.persons, dice) for one in asked.groups]
    return [
        msgspec.structs.replace(
            asked, groups=tuple(Group(g.name, g.persons, roll()) for g, roll in zip(asked.groups, rolls, strict=True))
        )
        for _ in range(DRAWS)
    ]


def _binomial(n: int, chance: float, dice: random.Random) -> Callable[[], int]:
    """How many of n have it when each has the chance."""
    if chance in (0.0, 1.0):
        return lambda: round(n * chance)
    wide = WIDE * math.sqrt(n * chance * (1 - chance)) + 1
    low, high = max(0, math.floor(n * chance - wide)), min(n, math.ceil(n * chance + wide))
    weights = [_log_chance(n, one, chance) for one in range(low, high + 1)]
    most = max(weights)
    totals = list(accumulate(math.exp(weight - most) for weight in weights))
    return lambda: low + min(bisect_left(totals, dice.random() * totals[-1]), high - low)


def _log_chance(n: int, k: int, chance: float) -> float:
    ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return ways + k * math.log(chance) + (n - k) * math.log1p(-chance)


def _interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    if len(values) < (1 - UNDEFINED) * DRAWS:
        return None, None
    ranked = sorted(values)
    outside = (1 - LEVEL) / 2
    low, high = math.floor(outside * (len(ranked) - 1)), math.ceil((1 - outside) * (len(ranked) - 1))
    return _rounded(ranked[low]), _rounded(ranked[high])


def _rounded(value: float | None) -> float | None:
    """Without the last digits, which differ between machines."""
    return None if value is None else float(f"{value:.10g}")
