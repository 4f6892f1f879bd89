"""Alert episodes of hourly stays, and what they are worth: every way of alerting under the same refractory time.

Its one law: what is chosen is chosen on one half of the patients, and the other half is looked at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from onmaru.rooms.monitor.risk import boosting
from onmaru.rooms.monitor.risk.baseline import COLUMNS, news2
from onmaru.rooms.monitor.risk.features import Rows, rows
from onmaru.rooms.monitor.risk.figures import OPTIMAL
from onmaru.rooms.monitor.risk.stays import Array, Cohort
from onmaru.rooms.monitor.risk.training import fold
from onmaru.rooms.monitor.score_table import score_tables

# Written down before anything was tuned: hours without another alert of one patient, and how long before the onset counts
REFRACTORY, EARLIEST, LATEST = 6, 12, 1
FOLDS, DRAWS = 5, 1000
CONFIRM, EASE = (1, 2, 3), (1.0, 0.7, 0.5)
THRESHOLDS = 60
LIMIT, SINGLE = 5, 3


class Tuned(NamedTuple):
    """A condition over a risk: raised at `threshold` or more `confirm` hours running, over once below `ease` times it."""

    threshold: float
    confirm: int
    ease: float


class Told(NamedTuple):
    """Of each stay: alert episodes, whether it has an onset that could be foreseen, whether that was, hours, lead."""

    episodes: Array
    onset: Array
    found: Array
    hours: Array
    lead: Array


def held(risk: Array, bounds: Sequence[int], tuned: Tuned) -> Array:
    """1 where a condition is raised. It is raised again only after it was over."""
    found = np.zeros(len(risk))
    for start, end in pairwise(bounds):
        running, active = 0, False
        for at in range(start, end):
            running = running + 1 if risk[at] >= tuned.threshold else 0
            if active:
                active = risk[at] >= tuned.ease * tuned.threshold
            elif running >= tuned.confirm:
                active, found[at] = True, 1.0
    return found


def told(data: Rows, alerting: Array, bounds: Sequence[int]) -> Told:
    """`alerting`: rows in which a way wants to alert; within the refractory time of the last alert it may not."""
    lines = [_stay(data, alerting, start, end) for start, end in pairwise(bounds)]
    return Told(*np.array(lines, float).T)


def _stay(data: Rows, alerting: Array, start: int, end: int) -> tuple[float, ...]:
    times: list[float] = []
    for at in np.flatnonzero(alerting[start:end]) + start:
        hour = float(data.hour[at])
        if not times or hour - times[-1] >= REFRACTORY:
            times.append(hour)
    labels = data.y[start:end]
    first = int(np.argmax(labels))
    if not labels.any() or first == 0:
        return len(times), 0, 0, end - start, np.nan
    onset = float(data.hour[start + first]) - OPTIMAL
    early = [onset - one for one in times if LATEST <= onset - one <= EARLIEST]
    return len(times), 1, float(bool(early)), end - start, max(early, default=np.nan)


def single(data: Rows) -> Array:
    """The fixed limits: the cells of NEWS2 that have three points (RCP 2017, chart 1), 1 where a last value lies in one."""
    at = {name: place for place, name in enumerate(data.names)}
    found = np.zeros(len(data.x))
    for item in score_tables()["news2"].items:
        column = next((f"{name} last" for name in COLUMNS.get(item.name, ()) if f"{name} last" in at), "")
        if not column or item.when.get("scale", "1") != "1":
            continue
        values, step = data.x[:, at[column]], float(item.step)
        steps = np.floor(values / step + 0.5 + 1e-9)
        for low, high, points in item.bands:
            least = round(float(low) / step) if low else -np.inf
            most = round(float(high) / step) if high else np.inf
            if points == SINGLE:
                found = np.maximum(found, (steps >= least) & (steps <= most))
    return found


def compared(cohort: Cohort) -> dict[str, Any]:
    """Every way on the half that nothing was chosen on; ours beside each baseline at the recall it had while tuning."""
    data = rows(cohort)
    bounds = [0, *(np.flatnonzero(np.diff(data.stay)) + 1), len(data.stay)]
    half = np.array([fold(stay.id, 2) for stay in cohort.stays])
    tuning, scored = (_part(data, bounds, half == one) for one in (0, 1))
    points = news2(cohort, data)
    baselines = {"NEWS2-type >= 5": (points >= LIMIT).astype(float), "fixed limits": single(data)}
    risk = _risks(cohort, data, half)
    found: dict[str, Any] = {
        "stays tuned": int((half == 0).sum()), "stays scored": int((half == 1).sum()), "refractory hours": REFRACTORY,
    }  # fmt: skip
    for name, alerting in baselines.items():
        asked = told(*_of(data, alerting, tuning))
        tuned = _chosen(*_of(data, risk, tuning), wanted=_recall(asked))
        theirs = told(*_of(data, alerting, scored))
        part, own, edges = _of(data, risk, scored)
        ours = told(part, held(own, edges, tuned), edges)
        found[name] = {
            "baseline": _figures(theirs),
            "ours": _figures(ours),
            "chosen": {"threshold": round(tuned.threshold, 4), "confirm": tuned.confirm, "ease": tuned.ease},
            **_beside(ours, theirs),
        }
    return found


class Part(NamedTuple):
    """Rows of some stays, and where each stay begins among them."""

    rows: Any
    bounds: list[int]


def _part(data: Rows, bounds: Sequence[int], mine: Array) -> Part:
    kept = [np.arange(bounds[one], bounds[one + 1]) for one in np.flatnonzero(mine).tolist()]
    return Part(np.concatenate(kept), [0, *np.cumsum([len(one) for one in kept]).tolist()])


def _of(data: Rows, what: Array, part: Part) -> tuple[Rows, Array, list[int]]:
    at = part.rows
    return Rows(data.names, data.x[at], data.y[at], data.stay[at], data.hour[at]), what[at], part.bounds


def _risks(cohort: Cohort, data: Rows, half: Array) -> Array:
    """Risk of each row by a model that saw only patients for tuning, and never the row's own."""
    folds = np.array([fold(f"{stay.id} part", FOLDS) for stay in cohort.stays])[data.stay.astype(int)]
    tuning = (half == 0)[data.stay.astype(int)]
    found = np.zeros(len(data.y))
    for one in range(FOLDS):
        mine = tuning & (folds == one)
        if mine.any():
            model = boosting.grown(data.x[tuning & ~mine], data.y[tuning & ~mine], hourly=True, seed=one)
            found[mine] = boosting.raw(model, data.x[mine])
    model = boosting.grown(data.x[tuning], data.y[tuning], hourly=True, seed=0)
    found[~tuning] = boosting.raw(model, data.x[~tuning])
    probability: Array = 1 / (1 + np.exp(-np.clip(found, -30, 30)))
    return probability


def _chosen(data: Rows, risk: Array, bounds: list[int], *, wanted: float) -> Tuned:
    """The condition with the fewest episodes that finds at least so many of the onsets; else the one that finds most."""
    best: tuple[bool, float, float] | None = None
    chosen = Tuned(float(risk.min()), 1, 1.0)
    for threshold in np.unique(np.quantile(risk, np.linspace(0.3, 0.998, THRESHOLDS))):
        for confirm in CONFIRM:
            for ease in EASE:
                tuned = Tuned(float(threshold), confirm, ease)
                one = told(data, held(risk, bounds, tuned), bounds)
                recall, count = _recall(one), float(one.episodes.sum())
                enough = recall >= wanted
                rank = (enough, -count if enough else recall, 0.0)
                if best is None or rank > best:
                    best, chosen = rank, tuned
    return chosen


def _recall(one: Told) -> float:
    return float(one.found.sum() / max(one.onset.sum(), 1))


def _figures(one: Told) -> dict[str, Any]:
    leads = one.lead[~np.isnan(one.lead)]
    return {
        "episodes": int(one.episodes.sum()),
        "per 100 patient-hours": round(float(100 * one.episodes.sum() / one.hours.sum()), 2),
        "onsets": int(one.onset.sum()),
        "found": int(one.found.sum()),
        "recall": round(_recall(one), 3),
        "lead hours": round(float(np.median(leads)), 1) if len(leads) else None,
    }


def _beside(ours: Told, theirs: Told, seed: int = 7) -> dict[str, Any]:
    """Share of episodes spared and difference of recall, with 95 % intervals over patients drawn anew."""
    dice, count = np.random.default_rng(seed), len(ours.episodes)
    spared, gained = [], []
    for _ in range(DRAWS):
        drawn = dice.integers(0, count, count)
        mine, other = (Told(*(column[drawn] for column in one)) for one in (ours, theirs))
        spared.append(1 - mine.episodes.sum() / max(other.episodes.sum(), 1))
        gained.append(_recall(mine) - _recall(other))
    limits = [[round(float(np.percentile(one, part)), 3) for part in (2.5, 97.5)] for one in (spared, gained)]
    share = 1 - ours.episodes.sum() / max(theirs.episodes.sum(), 1)
    return {
        "episodes spared": round(float(share), 3),
        "episodes spared 95 %": limits[0],
        "recall gained": round(_recall(ours) - _recall(theirs), 3),
        "recall gained 95 %": limits[1],
        # Both bounds, or it was not shown
        "half spared at equal recall is shown": bool(limits[0][0] >= 0.5 and limits[1][0] >= 0),
    }
