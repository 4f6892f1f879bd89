"""Propensity scores by logistic regression, pairs by nearest score, weights, and how balanced each leaves two groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from onmaru.rooms.cohort.statistics.cox import _numpy

# A ridge on standardised coefficients keeps rare covariates from running away
RIDGE, STEPS, CLOSE = 1.0, 50, 1e-9
# Austin 2011: pairs whose logits are within 0.2 standard deviations
CALIPER = 0.2
# Weights beyond this many times the mean are cut there
CUT = 10.0
BINS = 20


class Compared(NamedTuple):
    """`differences`: by covariate the standardised mean difference before, matched, weighted. `overlap`: persons of target
    and comparator by score, in BINS of equal width. `weight`: the largest and the effective numbers of both groups.
    """

    differences: list[list[float]]
    pairs: int
    auc: float
    overlap: list[list[int]]
    weight: list[float]


def compared(
    treated: Sequence[int], people: Sequence[Sequence[float]], cells: Sequence[tuple[int, int]], size: int
) -> Compared:
    """`people`: age and sex of each person; `cells`: (person, covariate) where a person has one of `size` covariates."""
    np = _numpy()
    t = np.asarray(treated, dtype=float)
    x = np.zeros((len(t), size + 2))
    x[:, :2] = np.asarray(people, dtype=float)
    if cells:
        lines, places = np.asarray(cells).T
        x[lines, places + 2] = 1.0
    score = _scores(np, x, t)
    one, two = _pairs(np, score, t)
    weight = _weights(np, score, t)
    whole = np.ones(len(t))
    matched = np.zeros(len(t))
    matched[one] = matched[two] = 1.0
    spread = _spread(np, x, t)
    sides = [_difference(np, x, t, w, spread) for w in (whole, matched, weight)]
    overlap = [np.histogram(score[t == side], BINS, (0.0, 1.0))[0].tolist() for side in (1, 0)]
    effective = [float(weight[t == side].sum() ** 2 / (weight[t == side] ** 2).sum()) for side in (1, 0)]
    lines_of = [list(map(float, line)) for line in zip(*sides, strict=True)]
    return Compared(lines_of, len(one), _auc(np, score, t), overlap, [float(weight.max()), *effective])


def _scores(np: Any, x: Any, t: Any) -> Any:
    """The chance of being treated, by penalised likelihood (Newton)."""
    spread = x.std(axis=0)
    z = np.column_stack([np.ones(len(t)), (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)])
    penalty = np.diag([0.0, *[RIDGE] * x.shape[1]])
    beta = np.zeros(z.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-(z @ beta)))
        score = z.T @ (t - p) - penalty @ beta
        move = np.linalg.solve((z * (p * (1 - p))[:, None]).T @ z + penalty, score)
        beta += move
        if float(np.abs(move).max()) < CLOSE:
            break
    return np.clip(1 / (1 + np.exp(-(z @ beta))), 1e-6, 1 - 1e-6)


def _pairs(np: Any, score: Any, t: Any) -> tuple[list[int], list[int]]:
    """One to one without replacement: who is hardest to match comes first and takes the nearest within the caliper."""
    logit = np.log(score / (1 - score))
    caliper = CALIPER * float(logit.std())
    targets = sorted(np.flatnonzero(t == 1).tolist(), key=lambda place: (-logit[place], place))
    free = np.flatnonzero(t == 0)
    free = free[np.argsort(logit[free], kind="stable")]
    line, used = logit[free], np.zeros(len(free), dtype=bool)
    one, two = [], []
    for place in targets:
        near = _nearest(line, used, float(logit[place]), int(np.searchsorted(line, logit[place])))
        if near >= 0 and abs(line[near] - logit[place]) <= caliper:
            used[near] = True
            one.append(place)
            two.append(int(free[near]))
    return one, two


def _nearest(line: Any, used: Any, wanted: float, at: int) -> int:
    """The place of the nearest that is not used; -1 where all are."""
    below, above = at - 1, at
    while below >= 0 and used[below]:
        below -= 1
    while above < len(line) and used[above]:
        above += 1
    gaps = [(abs(line[place] - wanted), place) for place in (below, above) if 0 <= place < len(line)]
    return min(gaps)[1] if gaps else -1


def _weights(np: Any, score: Any, t: Any) -> Any:
    """Stabilised weights of the inverse chance of what was given, cut where they are extreme."""
    share = t.mean()
    weight = np.where(t == 1, share / score, (1 - share) / (1 - score))
    return np.minimum(weight, CUT * weight.mean())


def _spread(np: Any, x: Any, t: Any) -> Any:
    """The pooled standard deviation before anything was done, by which all differences are told."""
    both = [x[t == side].var(axis=0, ddof=1) for side in (1, 0)]
    return np.sqrt((both[0] + both[1]) / 2)


def _difference(np: Any, x: Any, t: Any, weight: Any, spread: Any) -> Any:
    means = []
    for side in (1, 0):
        w = weight * (t == side)
        total = float(w.sum())
        means.append((w[:, None] * x).sum(axis=0) / total if total else np.full(x.shape[1], math.nan))
    gap = means[0] - means[1]
    return np.where(spread > 0, gap / np.where(spread > 0, spread, 1.0), np.where(np.abs(gap) < 1e-12, 0.0, math.inf))


def _auc(np: Any, score: Any, t: Any) -> float:
    """How often a treated person's score is above an untreated one's (ties count half)."""
    order = np.argsort(score, kind="stable")
    _, inverse, counts = np.unique(score[order], return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    rank = (last - (counts - 1) / 2)[inverse]
    n1, n0 = float(t.sum()), float(len(t) - t.sum())
    return float((rank[t[order] == 1].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))
