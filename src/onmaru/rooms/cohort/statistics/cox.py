"""Cox's proportional hazards with Efron's ties, and the test that hazards are proportional.

Equal to R's survival::coxph and cox.zph (version 3, transform = "km"), which `onmaru prove 4.cohort` runs beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from onmaru.fhir.outcome import invalid
from onmaru.rooms.cohort.statistics.distributions import chi_square_tail, two_sided, z
from onmaru.rooms.cohort.statistics.kaplan_meier import curve

STEPS, CLOSE = 50, 1e-10
# A ratio of e^12 for one standard deviation: it runs away
FAR = 12
# The variance of such a coefficient, where nothing holds it
WIDE = 1e3


class Term(NamedTuple):
    """A covariate: log hazard ratio, its error, the ratio with its interval, p, and the test of proportionality."""

    name: str
    coefficient: float
    error: float
    ratio: float
    low: float
    high: float
    p: float
    zph: float
    zph_p: float


class Model(NamedTuple):
    """A fit. `null`: the log likelihood without covariates. `zph`: the test of all terms together."""

    terms: tuple[Term, ...]
    persons: int
    events: int
    null: float
    likelihood: float
    zph: float
    zph_p: float


def fit(
    names: Sequence[str],
    rows: Sequence[Sequence[float]],
    times: Sequence[float],
    events: Sequence[int],
    level: float = 0.95,
) -> Model:
    """Fit by Newton's method. `rows`: the covariates of each person, in the order of `names`.

    `Invalid` 422 where it cannot be fitted: no event, a covariate that is the same for all, or one that separates.
    """
    np = _numpy()
    x = np.asarray(rows, dtype=float).reshape(len(times), len(names))
    if not any(events):
        raise invalid("processing", "nobody has the event", "outcome", 422)
    if flat := [name for name, spread in zip(names, x.std(axis=0), strict=True) if spread < 1e-12]:
        raise invalid("processing", f"is the same for everybody: {', '.join(flat)}", "covariates", 422)
    middle, scale = x.mean(axis=0), x.std(axis=0)
    sets = _sets(np, (x - middle) / scale, times, events)
    beta, null, likelihood = _newton(np, sets, len(names))
    scores = _sums(np, sets, beta, _transformed(times, events))
    return _model(np, names, (beta, scale, scores), (len(times), int(sum(events)), null, likelihood), z(level))


def _numpy() -> Any:
    try:
        import numpy
    except ImportError as error:
        raise invalid("not-supported", "needs numpy: install onmaru[statistics]", status=501) from error
    return numpy


class _Set(NamedTuple):
    """Everybody at risk at one time with events: covariates from the latest to leave, how many are at risk, who had it."""

    time: float
    risk: int
    dead: Any


def _sets(np: Any, x: Any, times: Sequence[float], events: Sequence[int]) -> tuple[Any, list[_Set]]:
    t, e = np.asarray(times, dtype=float), np.asarray(events)
    order = np.argsort(-t, kind="stable")
    t, e, x = t[order], e[order], x[order]
    found = []
    for time in np.unique(t[e == 1]):
        dead = np.flatnonzero((t == time) & (e == 1))
        found.append(_Set(float(time), int(np.searchsorted(-t, -time, side="right")), dead))
    return x, found


def _newton(np: Any, sets: tuple[Any, list[_Set]], size: int) -> tuple[Any, float, float]:
    beta, before = np.zeros(size), -math.inf
    null = 0.0
    for step in range(STEPS):
        likelihood, score, information = _derivatives(np, sets, beta)
        null = likelihood if step == 0 else null
        if abs(likelihood - before) <= CLOSE * max(1.0, abs(likelihood)):
            return beta, null, likelihood
        try:
            move = np.linalg.solve(information, score)
        except np.linalg.LinAlgError as error:
            raise invalid("processing", "one of them follows from the others", "covariates", 422) from error
        beta, before = beta + np.clip(move, -5, 5), likelihood
        if np.abs(beta).max() > FAR:
            break
    raise invalid("processing", "one of them tells the event without fail", "covariates", 422)


def _derivatives(np: Any, sets: tuple[Any, list[_Set]], beta: Any) -> tuple[float, Any, Any]:
    x, found = sets
    likelihood, score, information = 0.0, np.zeros(len(beta)), np.zeros((len(beta), len(beta)))
    for one, mean, spread, log in _walk(np, x, found, beta):
        likelihood += float((x[one.dead] @ beta).sum()) - log
        score += x[one.dead].sum(axis=0) - mean
        information += spread
    return likelihood, score, information


def _walk(np: Any, x: Any, found: list[_Set], beta: Any) -> Any:
    """For each time with events: the sum over its events of the mean of covariates, their spread, and the log of the sum
    of risks, each event counting a further share of the tied ones out (Efron 1977).
    """
    weight = np.exp(x @ beta)
    s0, s1 = np.cumsum(weight), np.cumsum(weight[:, None] * x, axis=0)
    s2 = np.zeros((x.shape[1], x.shape[1]))
    reached = 0
    for one in reversed(found):
        part = slice(reached, one.risk)
        s2 = s2 + (weight[part, None] * x[part]).T @ x[part]
        reached = one.risk
        yield (one, *_tied(np, x, weight, one, (s0[one.risk - 1], s1[one.risk - 1], s2)))


def _tied(np: Any, x: Any, weight: Any, one: _Set, sums: tuple[Any, Any, Any]) -> tuple[Any, Any, float]:
    w, dead = weight[one.dead], x[one.dead]
    d0, d1, d2 = w.sum(), (w[:, None] * dead).sum(axis=0), (w[:, None] * dead).T @ dead
    mean, spread, log = np.zeros(x.shape[1]), np.zeros((x.shape[1], x.shape[1])), 0.0
    for place in range(len(one.dead)):
        share = place / len(one.dead)
        a0, a1, a2 = (s - share * d for s, d in zip(sums, (d0, d1, d2), strict=True))
        middle = a1 / a0
        mean += middle
        spread += a2 / a0 - np.outer(middle, middle)
        log += math.log(a0)
    return mean, spread, log


def _transformed(times: Sequence[float], events: Sequence[int]) -> dict[float, float]:
    """1 − survival just before each time: the scale on which R looks for a trend of the hazard ratio."""
    before, found = 1.0, {}
    for point in curve(times, events).points:
        found[float(point.time)] = 1 - before
        before = point.survival
    return found


def _sums(np: Any, sets: tuple[Any, list[_Set]], beta: Any, g: dict[float, float]) -> tuple[Any, Any, Any, Any]:
    """Score of the covariates times g, and the information of both (Grambsch and Therneau 1994, as cox.zph 3 has it)."""
    x, found = sets
    size = len(beta)
    score = np.zeros(size)
    own, crossed, squared = (np.zeros((size, size)) for _ in range(3))
    for one, mean, spread, _ in _walk(np, x, found, beta):
        score += g[one.time] * (x[one.dead].sum(axis=0) - mean)
        own += spread
        crossed += g[one.time] * spread
        squared += g[one.time] ** 2 * spread
    return score, own, crossed, squared


def _model(
    np: Any, names: Sequence[str], fitted: tuple[Any, Any, Any], counts: tuple[int, int, float, float], q: float
) -> Model:
    beta, scale, (score, own, crossed, squared) = fitted
    inverse = np.linalg.inv(own)
    rest = squared - crossed @ inverse @ crossed
    if runaway := [name for name, wide in zip(names, np.diag(inverse), strict=True) if wide > WIDE]:
        raise invalid("processing", f"tells the event without fail: {', '.join(runaway)}", "covariates", 422)
    terms = []
    for place, name in enumerate(names):
        coefficient = float(beta[place] / scale[place])
        error = math.sqrt(inverse[place, place]) / float(scale[place])
        low, high = (math.exp(coefficient + sign * q * error) for sign in (-1, 1))
        zph = float(score[place] ** 2 / rest[place, place])
        p, trend = two_sided(coefficient / error), chi_square_tail(zph, 1)
        terms.append(Term(name, coefficient, error, math.exp(coefficient), low, high, p, zph, trend))
    whole = float(score @ np.linalg.solve(rest, score))
    return Model(tuple(terms), *counts, whole, chi_square_tail(whole, len(names)))
