"""Tails and quantiles of the distributions that tests and intervals ask for, by series and bisection."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

_NORMAL = NormalDist()
MOST = 10_000


def z(level: float = 0.95) -> float:
    """The normal quantile of a two-sided interval."""
    return _NORMAL.inv_cdf(0.5 + level / 2)


def two_sided(score: float) -> float:
    """P(|Z| ≥ score)."""
    return math.erfc(abs(score) / math.sqrt(2))


def chi_square_tail(value: float, degrees: int) -> float:
    """P(X ≥ value) of chi-square."""
    return 1.0 if value <= 0 else upper_gamma(degrees / 2, value / 2)


def upper_gamma(a: float, x: float) -> float:
    """Q(a, x), the regularised upper incomplete gamma function (Abramowitz and Stegun 6.5.29 and 6.5.31)."""
    if x <= 0:
        return 1.0
    scale = math.exp(-x + a * math.log(x) - math.lgamma(a))
    return 1.0 - scale * _series(a, x) if x < a + 1 else scale * _fraction(a, x)


def _series(a: float, x: float) -> float:
    term = total = 1 / a
    for n in range(1, MOST):
        term *= x / (a + n)
        total += term
        if term < total * 1e-16:
            break
    return total


def _fraction(a: float, x: float) -> float:
    """Lentz's way through the continued fraction."""
    b = x + 1 - a
    c, d = 1e300, 1 / b
    found = d
    for n in range(1, MOST):
        an = -n * (n - a)
        b += 2
        d = 1 / (an * d + b or 1e-300)
        c = b + an / c or 1e-300
        found *= d * c
        if abs(d * c - 1) < 1e-16:
            break
    return found


def poisson_interval(count: int, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of a Poisson mean (Garwood 1936)."""
    outside = (1 - level) / 2
    low = 0.0 if count == 0 else _where(lambda mean: 1 - upper_gamma(count, mean), outside, count)
    return low, _where(lambda mean: 1 - upper_gamma(count + 1, mean), 1 - outside, count + 1)


def _where(rising: Callable[[float], float], wanted: float, near: float) -> float:
    """Where a rising function of a mean takes a value, by bisection."""
    low, high = 0.0, near + 10 * math.sqrt(near) + 20
    for _ in range(200):
        middle = (low + high) / 2
        if rising(middle) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def wilson(part: int, whole: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of a proportion (Wilson 1927); (0, 1) of nobody."""
    if whole == 0:
        return 0.0, 1.0
    q, p = z(level), part / whole
    middle = (p + q * q / (2 * whole)) / (1 + q * q / whole)
    half = q / (1 + q * q / whole) * math.sqrt(p * (1 - p) / whole + q * q / (4 * whole * whole))
    return max(0.0, middle - half), min(1.0, middle + half)
