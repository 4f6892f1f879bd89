"""The statistics of R4's observation-statistics codes, exact: sums are of decimals as written, quotients of 18 digits.

`std-dev` and `variance` are a sample's (n-1); percentiles and quartiles interpolate between neighbours (Hyndman and Fan's
definition 7); `skew` and `kurtosis` are standardised moments, so that a normal distribution has 0 and 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import partial

import msgspec

DIGITS = 18
_shown = Context(DIGITS, ROUND_HALF_EVEN)
HOUR = 3_600_000_000


class Series(msgspec.Struct, frozen=True):
    """Values in ascending order with the times they are of (µs), in the order given; `total` counts invalid ones too."""

    values: Sequence[Decimal]
    ordered: Sequence[Fraction]
    times: Sequence[int]
    total: int


def series(values: Sequence[Decimal], times: Sequence[int], total: int) -> Series:
    return Series(values, sorted(map(Fraction, values)), times, total)


def decimal(value: Fraction) -> Decimal:
    """The decimal of a fraction: exact where 18 digits hold it, else rounded to them."""
    return _shown.divide(Decimal(value.numerator), Decimal(value.denominator))


def _root(value: Fraction) -> Fraction:
    return Fraction(Context(3 * DIGITS).sqrt(Context(3 * DIGITS).divide(value.numerator, value.denominator)))


def _mean(one: Series) -> Fraction | None:
    return sum(one.ordered, Fraction(0)) / len(one.ordered) if one.ordered else None


def _moment(one: Series, power: int) -> Fraction:
    mean = _mean(one) or Fraction(0)
    return sum(((value - mean) ** power for value in one.ordered), Fraction(0)) / len(one.ordered)


def _variance(one: Series) -> Fraction | None:
    count = len(one.ordered)
    return _moment(one, 2) * count / (count - 1) if count > 1 else None


def _deviation(one: Series) -> Fraction | None:
    variance = _variance(one)
    return None if variance is None else _root(variance)


def _quantile(part: Fraction, one: Series) -> Fraction | None:
    if not one.ordered:
        return None
    place = part * (len(one.ordered) - 1)
    low = int(place)
    high = min(low + 1, len(one.ordered) - 1)
    return one.ordered[low] + (one.ordered[high] - one.ordered[low]) * (place - low)


def _quartile_deviation(one: Series) -> Fraction | None:
    low, high = _quantile(Fraction(1, 4), one), _quantile(Fraction(3, 4), one)
    return None if low is None or high is None else (high - low) / 2


def _standardised(power: int, one: Series) -> Fraction | None:
    spread = _moment(one, 2) if one.ordered else Fraction(0)
    if not spread:
        return None
    return _moment(one, power) / (spread ** (power // 2) * (_root(spread) if power % 2 else 1))


def line(one: Series) -> tuple[Decimal, Decimal] | None:
    """Gradient an hour and intercept (at the first time) of the least squares line; None without two times."""
    if len(set(one.times)) < 2:
        return None
    first = min(one.times)
    hours = [Fraction(time - first, HOUR) for time in one.times]
    values = [Fraction(value) for value in one.values]
    count = len(values)
    mean_x, mean_y = sum(hours, Fraction(0)) / count, sum(values, Fraction(0)) / count
    across = sum(((x - mean_x) * (y - mean_y) for x, y in zip(hours, values, strict=True)), Fraction(0))
    gradient = across / sum(((x - mean_x) ** 2 for x in hours), Fraction(0))
    return decimal(gradient), decimal(mean_y - gradient * mean_x)


Statistic = Callable[[Series], Fraction | None]
# http://terminology.hl7.org/CodeSystem/observation-statistics, but `regression`, which gives two numbers
STATISTICS: Mapping[str, Statistic] = {
    "average": _mean,
    "maximum": lambda one: one.ordered[-1] if one.ordered else None,
    "minimum": lambda one: one.ordered[0] if one.ordered else None,
    "count": lambda one: Fraction(len(one.ordered)),
    "total-count": lambda one: Fraction(one.total),
    "median": partial(_quantile, Fraction(1, 2)),
    "std-dev": _deviation,
    "sum": lambda one: sum(one.ordered, Fraction(0)) if one.ordered else None,
    "variance": _variance,
    "20-percent": partial(_quantile, Fraction(1, 5)),
    "80-percent": partial(_quantile, Fraction(4, 5)),
    "4-lower": partial(_quantile, Fraction(1, 4)),
    "4-upper": partial(_quantile, Fraction(3, 4)),
    "4-dev": _quartile_deviation,
    "5-1": partial(_quantile, Fraction(1, 5)),
    "5-2": partial(_quantile, Fraction(2, 5)),
    "5-3": partial(_quantile, Fraction(3, 5)),
    "5-4": partial(_quantile, Fraction(4, 5)),
    "skew": partial(_standardised, 3),
    "kurtosis": partial(_standardised, 4),
}
REGRESSION = "regression"
# What is a number without a unit, and what is of the unit's square
BARE = frozenset({"count", "total-count", "skew", "kurtosis"})
SQUARE = frozenset({"variance"})
