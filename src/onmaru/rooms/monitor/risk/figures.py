"""How good a risk is: discrimination, calibration, what a budget of alerts finds, and the utility of PhysioNet/CinC 2019.

Every figure is of rows that the model never saw; intervals are by patient, since the hours of one stay are not independent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from onmaru.rooms.monitor.risk.stays import Array, Places

BUDGETS = (1, 2, 4)
# PhysioNet/CinC 2019, evaluation-2019/evaluate_sepsis_score.py at 4edb431: hours about onset and the value of each choice
EARLY, OPTIMAL, LATE = -12, -6, 3
HIT, MISS, FALSE = 1.0, -2.0, -0.05


class Judged(NamedTuple):
    """Rows as they were judged: label, risk (higher is worse), stay and hour, all of one length."""

    y: Array
    risk: Array
    stay: Array
    hour: Array

    def of(self, rows: Places) -> Judged:
        return Judged(self.y[rows], self.risk[rows], self.stay[rows], self.hour[rows])


def auroc(y: Array, risk: Array) -> float:
    """The chance that a row with the label has the higher risk, ties halved; NaN where one kind is missing."""
    positive = float(y.sum())
    negative = len(y) - positive
    if not positive or not negative:
        return float("nan")
    _, place, count = np.unique(risk, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2.0)[place]
    return float((ranks[y == 1].sum() - positive * (positive + 1) / 2) / (positive * negative))


def auprc(y: Array, risk: Array) -> float:
    """Area under precision by recall, precision constant between thresholds (as the challenge's own script has it)."""
    if not y.sum():
        return float("nan")
    order = np.argsort(-risk, kind="stable")
    hits = np.cumsum(y[order])
    ends = np.append(np.flatnonzero(np.diff(risk[order])), len(order) - 1)
    recall, precision = hits[ends] / y.sum(), hits[ends] / (ends + 1.0)
    return float(np.sum(np.diff(np.insert(recall, 0, 0.0)) * precision))


def calibration(y: Array, probability: Array) -> tuple[float, float]:
    """Slope and intercept of the logistic regression of the label on the log odds; 1 and 0 are perfect."""
    slope, intercept = logistic(log_odds(probability), y)
    return slope, intercept


def log_odds(probability: Array) -> Array:
    """Kept away from 0 and 1, where it has no end."""
    kept = np.clip(probability, 1e-6, 1 - 1e-6)
    odds: Array = np.log(kept / (1 - kept))
    return odds


def logistic(x: Array, y: Array, rounds: int = 50) -> tuple[float, float]:
    """Slope and intercept that are likeliest, by Newton's method; NaN where one kind of label is missing."""
    if not 0 < y.sum() < len(y):
        return float("nan"), float("nan")
    design = np.column_stack([x, np.ones_like(x)])
    found = np.zeros(2)
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        slope = design.T @ (y - p)
        curve = (design * (p * (1 - p))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(curve, slope)
        found = found + step
        if np.abs(step).max() < 1e-9:
            break
    return float(found[0]), float(found[1])


def onsets(judged: Judged) -> Mapping[float, float]:
    """Stay → the hour of its first labelled row, for stays that have an hour before it: onset could be foreseen."""
    found: dict[float, float] = {}
    for stay in np.unique(judged.stay[judged.y == 1]):
        mine = judged.stay == stay
        first = float(judged.hour[mine & (judged.y == 1)].min())
        if first > judged.hour[mine].min():
            found[float(stay)] = first
    return found


def budget(judged: Judged, per_hundred: float) -> float:
    """The threshold at or above which so many of a hundred patient-hours alert, at most."""
    allowed = int(len(judged.y) * per_hundred / 100)
    ordered = np.sort(judged.risk)[::-1]
    if allowed >= len(ordered):
        return float(ordered[-1])
    # Ties over the edge would break the budget: then the next higher value is the threshold
    above = ordered[ordered > ordered[allowed]]
    return float(above[-1]) if len(above) else float(np.nextafter(ordered[0], np.inf))


def foreseen(judged: Judged, threshold: float) -> tuple[float, float]:
    """Share of the onsets with an alert 1 to 12 hours before, and the median lead of the first such alert, in hours.

    The label of 2019 begins six hours before the onset (Reyna 2020): the onset is its first row + 6.
    """
    began = onsets(judged)
    leads = []
    for stay, first in began.items():
        onset = first - OPTIMAL
        mine = (judged.stay == stay) & (judged.risk >= threshold)
        early = judged.hour[mine & (judged.hour <= onset - 1) & (judged.hour >= onset - 12)]
        if len(early):
            leads.append(onset - float(early.min()))
    share = len(leads) / len(began) if began else float("nan")
    return share, float(np.median(leads)) if leads else float("nan")


def utility(judged: Judged, threshold: float) -> float:
    """The challenge's normalised utility: 1 is perfect, 0 is never alerting."""
    worth, best, idle = _worths(judged)
    told = judged.risk >= threshold
    got = np.where(told, worth[0], worth[1]).sum()
    return float((got - idle) / (best - idle)) if best != idle else float("nan")


def best_threshold(judged: Judged) -> float:
    """The threshold with the most utility on these rows; to be used on others."""
    worth, _, _ = _worths(judged)
    order = np.argsort(-judged.risk, kind="stable")
    gain = np.cumsum((worth[0] - worth[1])[order])
    ends = np.append(np.flatnonzero(np.diff(judged.risk[order])), len(order) - 1)
    return float(judged.risk[order][ends[int(np.argmax(gain[ends]))]])


def _worths(judged: Judged) -> tuple[tuple[Array, Array], float, float]:
    """What alerting and not alerting are worth in each row, the worth of perfect alerts and of none."""
    alert, silent = np.full(len(judged.y), FALSE), np.zeros(len(judged.y))
    ideal = np.zeros(len(judged.y), bool)
    bounds = np.flatnonzero(np.diff(judged.stay)) + 1
    for rows in np.split(np.arange(len(judged.y)), bounds):
        labels = judged.y[rows]
        if not labels.any():
            continue
        about = np.arange(len(rows)) - (int(np.argmax(labels)) - OPTIMAL)
        rising, falling = HIT / (OPTIMAL - EARLY), HIT / (LATE - OPTIMAL)
        hit = np.where(about <= OPTIMAL, np.maximum(rising * (about - EARLY), FALSE), falling * (LATE - about))
        miss = np.where(about <= OPTIMAL, 0.0, MISS / (LATE - OPTIMAL) * (about - OPTIMAL))
        counted = about <= LATE
        alert[rows], silent[rows] = np.where(counted, hit, 0.0), np.where(counted, miss, 0.0)
        ideal[rows] = (about >= EARLY) & counted
    best = float(np.where(ideal, alert, silent).sum())
    return (alert, silent), best, float(silent.sum())


def interval(judged: Judged, figure: Callable[[Judged], float], times: int, seed: int = 7) -> tuple[float, float]:
    """2.5th and 97.5th percentile of a figure over patients drawn anew, with replacement."""
    dice = np.random.default_rng(seed)
    starts = np.append(0, np.flatnonzero(np.diff(judged.stay)) + 1)
    ends = np.append(starts[1:], len(judged.stay))
    found = []
    for _ in range(times):
        drawn = dice.integers(0, len(starts), len(starts))
        rows = np.concatenate([np.arange(starts[one], ends[one]) for one in drawn])
        sample = judged.of(rows)
        # Who is drawn twice is two patients
        twice = np.repeat(np.arange(float(len(drawn))), [ends[one] - starts[one] for one in drawn])
        found.append(figure(sample._replace(stay=twice)))
    kept = [one for one in found if not np.isnan(one)]
    return (float(np.percentile(kept, 2.5)), float(np.percentile(kept, 97.5))) if kept else (float("nan"), float("nan"))


def summary(judged: Judged, *, hourly: bool, threshold: float, times: int = 200) -> dict[str, object]:
    """Every figure of one risk on one set of rows; `threshold`: chosen elsewhere, for the utility."""
    found: dict[str, object] = {
        "rows": len(judged.y),
        "stays": len(np.unique(judged.stay)),
        "labelled rows": int(judged.y.sum()),
        "labelled stays": len(np.unique(judged.stay[judged.y == 1])),
        **_bounded("auroc", judged, lambda one: auroc(one.y, one.risk), times),
        **_bounded("auprc", judged, lambda one: auprc(one.y, one.risk), times),
    }
    if hourly:
        for per_hundred in BUDGETS:
            limit = budget(judged, per_hundred)
            share, lead = foreseen(judged, limit)
            found |= {
                f"sensitivity at {per_hundred}/100 h": _three(share),
                f"lead h at {per_hundred}/100 h": _three(lead),
            }
        found |= {"onsets that could be foreseen": len(onsets(judged)), "utility": _three(utility(judged, threshold))}
    return found


def _bounded(name: str, judged: Judged, figure: Callable[[Judged], float], times: int) -> dict[str, object]:
    low, high = interval(judged, figure, times) if times else (float("nan"), float("nan"))
    return {name: _three(figure(judged)), f"{name} 95 %": [_three(low), _three(high)]}


def _three(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 3)


def groups(judged: Judged, of: Mapping[str, Sequence[str]], least: int = 10) -> dict[str, dict[str, object]]:
    """AUROC, share labelled and mean risk by group (`of`: name of the grouping → group of each stay); small ones hidden."""
    found: dict[str, dict[str, object]] = {}
    for name, members in of.items():
        for group in sorted(set(members)):
            mine = np.array([members[int(stay)] == group for stay in judged.stay])
            one = judged.of(np.flatnonzero(mine))
            stays, labelled = len(np.unique(one.stay)), len(np.unique(one.stay[one.y == 1]))
            row: dict[str, object] = {"stays": stays if stays >= least else f"<{least}"}
            if stays >= least and labelled >= least:
                row |= {
                    "labelled stays": labelled, "auroc": _three(auroc(one.y, one.risk)),
                    "observed": _three(float(one.y.mean())), "expected": _three(float(one.risk.mean())),
                }  # fmt: skip
            found[f"{name}: {group or 'unknown'}"] = row
    return found
