"""Several ends of which only the first happens: the Aalen-Johansen estimate of each one's share over time.

Equal to R's survival::survfit of a factor (conf.type = "log"), which `onmaru prove 4.cohort` runs beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from onmaru.rooms.cohort.statistics.cox import _numpy
from onmaru.rooms.cohort.statistics.distributions import z


class Share(NamedTuple):
    """At one time: at risk just before it, and by end its events, share so far, that share's error and interval."""

    time: float
    risk: int
    events: tuple[int, ...]
    share: tuple[float, ...]
    error: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def shares(times: Sequence[float], ends: Sequence[int], level: float = 0.95) -> list[Share]:
    """Shares at every time; `ends` are 0 for whoever left without any, else 1 … k.

    The errors are those of the infinitesimal jackknife: what each person's weight moves, squared and summed.
    """
    np = _numpy()
    t, e = np.asarray(times, dtype=float), np.asarray(ends)
    kinds = range(1, int(e.max(initial=1)) + 1)
    free, moved = 1.0, np.zeros(len(t))
    share, drawn = [0.0 for _ in kinds], [np.zeros(len(t)) for _ in kinds]
    found = []
    for time in np.unique(t):
        under = t >= time
        risk = int(under.sum())
        had = [(t == time) & (e == kind) for kind in kinds]
        hazards = [float(one.sum()) / risk for one in had]
        influence = [(one - under * h) / risk for one, h in zip(had, hazards, strict=True)]
        for place, (h, i) in enumerate(zip(hazards, influence, strict=True)):
            share[place] += free * h
            drawn[place] = drawn[place] + moved * h + free * i
        moved = moved * (1 - sum(hazards)) - free * sum(influence)
        free *= 1 - sum(hazards)
        counts = tuple(int(one.sum()) for one in had)
        found.append(_share(float(time), risk, counts, list(zip(share, map(_length, drawn), strict=True)), z(level)))
    return found


def _length(values: Any) -> float:
    return math.sqrt(float((values * values).sum()))


def _share(time: float, risk: int, events: tuple[int, ...], told: list[tuple[float, float]], q: float) -> Share:
    ends = [(p * math.exp(-q * s / p), min(1.0, p * math.exp(q * s / p))) if p > 0 else (0.0, 0.0) for p, s in told]
    low, high = zip(*ends, strict=True)
    share, error = zip(*told, strict=True)
    return Share(time, risk, events, share, error, low, high)
