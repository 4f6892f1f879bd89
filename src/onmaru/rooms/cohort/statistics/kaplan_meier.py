"""Survival without a model: the product-limit estimate, its interval and median, numbers at risk, and the log-rank test.

Equal to R's survival::survfit and survdiff (conf.type = "log"), which `onmaru prove 4.cohort` runs beside it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from onmaru.rooms.cohort.statistics.distributions import chi_square_tail, z


class Point(NamedTuple):
    """One time: how many were at risk just before it, had the event, left; survival after it, its error and interval."""

    time: float
    risk: int
    events: int
    left: int
    survival: float
    error: float
    low: float
    high: float


class Curve(NamedTuple):
    """Points in order of time; `median` and its interval, None where the curve does not come down to a half."""

    points: tuple[Point, ...]
    median: float | None
    low: float | None
    high: float | None


def curve(times: Sequence[float], events: Sequence[int], level: float = 0.95) -> Curve:
    """The curve of times in any order; an event is 1, whoever left without it 0.

    Greenwood's variance; `error` is that of survival; the interval is symmetric in log survival. Past the last one who had
    the event with nobody left, error and interval are NaN as R gives them.
    """
    had, left = Counter[float](), Counter[float]()
    for time, event in zip(times, events, strict=True):
        (had if event else left)[time] += 1
    q, risk, survival, sum_ = z(level), len(times), 1.0, 0.0
    points = []
    for time in sorted({*had, *left}):
        d = had[time]
        survival *= 1 - d / risk
        sum_ += d / (risk * (risk - d)) if risk > d else (math.inf if d else 0.0)
        points.append(_point(time, (risk, d, left[time]), survival, sum_, q))
        risk -= d + left[time]
    return Curve(tuple(points), *(_half(points, what) for what in ("survival", "low", "high")))


def _point(time: float, counts: tuple[int, int, int], survival: float, variance: float, q: float) -> Point:
    if survival <= 0:
        return Point(time, *counts, 0.0, math.nan, math.nan, math.nan)
    error = math.sqrt(variance)
    low, high = (survival * math.exp(sign * q * error) for sign in (-1, 1))
    return Point(time, *counts, survival, survival * error, low, min(1.0, high))


def _half(points: Sequence[Point], what: str) -> float | None:
    """The first time at which a line is below a half; where it lies on a half, the middle of that stretch."""
    for place, point in enumerate(points):
        value = getattr(point, what)
        if math.isnan(value):
            value = 0.0 if what == "survival" else value
        if abs(value - 0.5) < 1e-9:
            after = next(
                (p.time for p in points[place + 1 :] if getattr(p, what) < 0.5 - 1e-9 or math.isnan(p.low)), None
            )
            return point.time if after is None else (point.time + after) / 2
        if value < 0.5:
            return point.time
    return None


def at_risk(times: Sequence[float], when: Sequence[float]) -> list[int]:
    """How many were still under observation just before each time."""
    ordered = sorted(times)
    found, place = [], 0
    for moment in when:
        while place < len(ordered) and ordered[place] < moment:
            place += 1
        found.append(len(ordered) - place)
    return found


class LogRank(NamedTuple):
    """Observed and expected events by group, and the test that they do not differ."""

    observed: tuple[int, ...]
    expected: tuple[float, ...]
    chi_square: float
    degrees: int
    p: float


def log_rank(groups: Mapping[str, tuple[Sequence[float], Sequence[int]]]) -> LogRank:
    """The log-rank test of groups of (times, events), in the order of their names (Mantel 1966)."""
    names = sorted(groups)
    last = len(names) - 1
    leaving = [Counter[float](groups[name][0]) for name in names]
    had = [Counter(time for time, event in zip(*groups[name], strict=True) if event) for name in names]
    risk = [len(groups[name][0]) for name in names]
    expected = [0.0] * len(names)
    variance = [[0.0] * last for _ in range(last)]
    for time in sorted({time for counter in leaving for time in counter}):
        d, n = sum(counter[time] for counter in had), sum(risk)
        if d:
            shares = [one / n for one in risk]
            spread = d * (n - d) / (n - 1) if n > 1 else 0.0
            for i, share in enumerate(shares):
                expected[i] += d * share
                for j in range(last if i < last else 0):
                    variance[i][j] += spread * share * ((i == j) - shares[j])
        risk = [one - counter[time] for one, counter in zip(risk, leaving, strict=True)]
    observed = [sum(counter.values()) for counter in had]
    gap = [o - e for o, e in zip(observed, expected, strict=True)][:last]
    chi = sum(a * b for a, b in zip(gap, solved(variance, gap), strict=True))
    return LogRank(tuple(observed), tuple(expected), chi, last, chi_square_tail(chi, last))


def solved(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """The solution of a small system by elimination; a row without a pivot gives 0."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for column in range(size):
        pivot = max(range(column, size), key=lambda place: abs(rows[place][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        if abs(rows[column][column]) < 1e-12:
            continue
        for place in range(size):
            if place != column:
                share = rows[place][column] / rows[column][column]
                rows[place] = [a - share * b for a, b in zip(rows[place], rows[column], strict=True)]
    return [row[-1] / row[place] if abs(row[place]) >= 1e-12 else 0.0 for place, row in enumerate(rows)]
