"""Whether patients of now are still those a model learnt from: each input beside its training, what happened beside what it
expected.

Its one law: what too few patients cannot show is said to be unknown, never to be well.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from onmaru.rooms.monitor.risk.features import Rows
from onmaru.rooms.monitor.risk.stays import Array, Cohort, Unreadable

FILE = "reference.json"
BINS = 10
# The house's own limits: a population stability index of so much beyond what chance alone gives; a share of missing values
# that moved by so much; labelled stays below which a month has no interval
INDEX, MISSING, FEW = 0.25, 0.1, 5
FLOOR, DRAWS = 1e-4, 1000


class Spread(msgspec.Struct):
    """One feature in training: edges between its bins, the share of known values in each, the share that is missing."""

    edges: list[float]
    shares: list[float]
    missing: float


class Reference(msgspec.Struct):
    """What a model learnt from, by feature; `stays`: of how many patients."""

    stays: int
    features: dict[str, Spread]


def reference(data: Rows) -> Reference:
    """The distribution of each feature of these rows, in bins of equal share."""
    spreads = {name: _spread(data.x[:, at]) for at, name in enumerate(data.names)}
    return Reference(len(np.unique(data.stay)), spreads)


def _spread(values: Array) -> Spread:
    known = values[~np.isnan(values)]
    if not len(known):
        return Spread([], [], 1.0)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
    return Spread(edges.tolist(), _shares(known, edges).tolist(), round(1 - len(known) / len(values), 6))


def _shares(known: Array, edges: Array) -> Array:
    counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    found: Array = counts / max(len(known), 1)
    return found


def kept(folder: Path, found: Reference) -> None:
    """Keep beside a model what it learnt from."""
    (folder / FILE).write_bytes(msgspec.json.encode(found))


def opened(folder: Path) -> Reference:
    """What was kept; raises Unreadable for a model that was trained before this was kept."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Reference)
    except (OSError, msgspec.DecodeError):
        raise Unreadable(f"{folder}: the distribution it was trained on was not kept with it; train it again") from None


def inputs(found: Reference, data: Rows) -> list[dict[str, Any]]:
    """Each feature, the most moved first: `psi` over known values, `chance` what equal populations of these sizes give,
    shares missing then and now. `psi` is None where one side has no value.
    """
    stays = len(np.unique(data.stay))
    lines = []
    for at, name in enumerate(data.names):
        spread = found.features.get(name)
        if spread is None:
            raise Unreadable(f"the model was trained without {name}")
        lines.append({"feature": name, **_moved(spread, data.x[:, at], (found.stays, stays))})
    return sorted(lines, key=lambda line: (not line["drifted"], -(line["psi"] or 0.0), line["feature"]))


def _moved(spread: Spread, values: Array, stays: tuple[int, int]) -> dict[str, Any]:
    known = values[~np.isnan(values)]
    missing = 1 - len(known) / len(values)
    psi = chance = None
    if len(known) and spread.shares:
        then = np.maximum(np.array(spread.shares), FLOOR)
        now = np.maximum(_shares(known, np.array(spread.edges)), FLOOR)
        psi = float(np.sum((now - then) * np.log(now / then)))
        # Hours of one patient resemble each other: what chance gives follows from the number of patients, not of rows
        chance = (len(then) - 1) * (1 / stays[0] + 1 / stays[1])
    moved = psi is not None and chance is not None and psi > INDEX + chance
    gone = bool(spread.shares) != bool(len(known))
    return {
        "psi": _rounded(psi), "chance": _rounded(chance), "missing then": round(spread.missing, 3),
        "missing now": round(missing, 3), "drifted": bool(moved or gone or abs(missing - spread.missing) > MISSING),
    }  # fmt: skip


def outcome(cohort: Cohort, data: Rows, risk: Array) -> list[dict[str, Any]]:
    """By month of admission: rows with the label, how many the model expected, and their ratio with a 95 % interval by
    patient; `interval` and `drifted` are None where fewer than FEW stays have the label.

    Stays without a date are one line, `month` "".
    """
    count = len(cohort.stays)
    place = data.stay.astype(int)
    observed, expected = (np.bincount(place, one, minlength=count) for one in (data.y, risk))
    months = np.array([stay.admitted[:7] for stay in cohort.stays])
    return [
        _month(month, observed[months == month], expected[months == month]) for month in sorted(set(months.tolist()))
    ]


def _month(month: str, observed: Array, expected: Array) -> dict[str, Any]:
    labelled, total = int((observed > 0).sum()), float(expected.sum())
    ratio = float(observed.sum()) / total if total else None
    bounds = None
    if labelled >= FEW and total:
        dice = np.random.default_rng(7)
        drawn = dice.integers(0, len(observed), (DRAWS, len(observed)))
        ratios = observed[drawn].sum(axis=1) / expected[drawn].sum(axis=1)
        bounds = [round(float(np.percentile(ratios, part)), 3) for part in (2.5, 97.5)]
    return {
        "month": month, "stays": len(observed), "labelled stays": labelled, "observed": int(observed.sum()),
        "expected": round(total, 2), "ratio": _rounded(ratio), "interval": bounds,
        "drifted": None if bounds is None else not bounds[0] <= 1 <= bounds[1],
    }  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def watched(found: Reference, cohort: Cohort, data: Rows, risk: Array) -> Mapping[str, Any]:
    """Inputs and outcome together; `drifted`: features and months that moved, `unknown`: months that cannot tell."""
    moved, months = inputs(found, data), outcome(cohort, data, risk)
    return {
        "stays": len(cohort.stays),
        "rows": len(data.y),
        "inputs": moved,
        "outcome": months,
        "drifted": {
            "features": [one["feature"] for one in moved if one["drifted"]],
            "months": [one["month"] for one in months if one["drifted"]],
        },
        "unknown": [one["month"] for one in months if one["drifted"] is None],
    }
