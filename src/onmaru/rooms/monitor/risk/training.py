"""Trains a risk model and judges it on patients it did not see; what it makes is a folder that validation opens again."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from onmaru.rooms.monitor.risk import boosting, drift, figures
from onmaru.rooms.monitor.risk.baseline import news2
from onmaru.rooms.monitor.risk.features import Rows, rows
from onmaru.rooms.monitor.risk.figures import Judged
from onmaru.rooms.monitor.risk.stays import Array, Cohort, Unreadable, hourly, judged

FOLDS, BAGS, LEAST = 5, 8, 20
AGES = (("<45", 45), ("45-64", 65), ("65-79", 80), ("80+", np.inf))


class Recipe(NamedTuple):
    """What a model predicts and from what; `what` and `unfit` are the card's own words.

    `challenge`: its label begins six hours before an onset, as in 2019, so that lead times and the utility can be told.
    """

    name: str
    read: Callable[[Path], Cohort]
    what: str
    unfit: str
    challenge: bool = False


def recorded(folder: Path) -> Cohort:
    """What is learnt from the record lies in no folder."""
    raise Unreadable("its stays are in the record, not in a folder: onmaru monitor model-train, or model-judge")


RECIPES: Mapping[str, Recipe] = {
    one.name: one
    for one in (
        Recipe(
            "sepsis-6h", hourly,
            "Whether sepsis (Sepsis-3 as labelled by PhysioNet/CinC 2019) begins within the next six hours, each hour",
            "Patients outside intensive care; consciousness is not in the data and FiO2 in few rows", challenge=True,
        ),
        Recipe(
            "death-48h", judged,
            "Death in this hospital stay, judged once, 48 hours after admission to intensive care (PhysioNet/CinC 2012)",
            "Any time but 48 hours after admission; patients younger than 16; other than intensive care",
        ),
        Recipe(
            "deterioration-24h", recorded,
            "Transfer to intensive care, death, or a call of the rapid-response team within 24 hours, each hour of a stay "
            "outside intensive care, by this site's own record",
            "Patients in intensive care; any other site. To be moved or called for is what staff did, not illness alone",
        ),
    )
}  # fmt: skip


class Kept(msgspec.Struct):
    """What lies beside the trees in model.json. `slope` and `intercept` calibrate log odds, `threshold` is the utility's.

    `parent`: the version that this one recalibrates, "" for one that was trained.
    """

    recipe: str
    features: list[str]
    slope: float
    intercept: float
    threshold: float
    hourly: bool
    bags: int
    stays: int
    labelled: int
    parent: str = ""


class Model(NamedTuple):
    """A model that can be asked."""

    kept: Kept
    trees: Any
    bags: Sequence[Any]

    def probability(self, x: Array) -> Array:
        """Calibrated probability of each row."""
        return _calibrated(boosting.raw(self.trees, x), self.kept)

    def bounds(self, x: Array) -> tuple[Array, Array]:
        """5th and 95th percentile of models of the same patients drawn anew: how sure the data made it."""
        every = np.stack([_calibrated(boosting.raw(one, x), self.kept) for one in self.bags])
        return np.percentile(every, 5, axis=0), np.percentile(every, 95, axis=0)


def fold(id: str, folds: int = FOLDS) -> int:
    """A patient's fold, by the id alone: the same in every run and whoever else is there."""
    return zlib.crc32(id.encode()) % folds


def trained(recipe: Recipe, folder: Path, out: Path, tell: Callable[[str], None]) -> dict[str, Any]:
    """Read, judge by patients kept apart, train on all, keep in `out`; the figures, also in out/card.json."""
    cohort = recipe.read(folder)
    data = rows(cohort)
    labelled = len(np.unique(data.stay[data.y == 1]))
    if labelled < LEAST or labelled > len(cohort.stays) - LEAST:
        raise Unreadable(
            f"{folder}: {labelled} of {len(cohort.stays)} stays have the label; {LEAST} of each kind are needed"
        )
    tell(f"{len(cohort.stays)} stays, {len(data.y)} rows, {len(data.names)} features")
    parts = np.array([fold(stay.id) for stay in cohort.stays])[data.stay.astype(int)]
    apart = _apart(data, parts, cohort.hourly, tell)
    slope, intercept = figures.logistic(apart, data.y)
    kept = Kept(
        recipe.name, list(data.names), slope, intercept, 0.5, cohort.hourly, BAGS, len(cohort.stays), labelled
    )  # fmt: skip
    # Each fold's calibration comes from the others, so that no figure is of rows that helped to calibrate it
    risk = np.zeros(len(apart))
    for one in range(FOLDS):
        mine = parts == one
        line = figures.logistic(apart[~mine], data.y[~mine])
        risk[mine] = sigmoid(line[0] * apart[mine] + line[1])
    seen = Judged(data.y, risk, data.stay, data.hour)
    kept.threshold = figures.best_threshold(seen) if recipe.challenge else 0.5
    model = _grown(data, kept, tell)
    out.mkdir(parents=True, exist_ok=True)
    boosting.saved(model.trees, out / "trees.txt")
    for number, one in enumerate(model.bags):
        boosting.saved(one, out / f"bag-{number}.txt")
    (out / "model.json").write_bytes(msgspec.json.format(msgspec.json.encode(kept)))
    drift.kept(out, drift.reference(data))
    tell("figures of patients that the judged model did not see")
    found = told(recipe, cohort, data, seen, kept.threshold)
    found["most telling"] = [[name, round(share, 3)] for name, share in boosting.weights(model.trees, data.names)[:15]]
    found["left-out units"] = _units(cohort, data, tell)
    return found


def opened(folder: Path) -> Model:
    """A model that `trained` kept; raises Unreadable where there is none."""
    try:
        kept = msgspec.json.decode((folder / "model.json").read_bytes(), type=Kept)
        bags = [boosting.opened(folder / f"bag-{number}.txt") for number in range(kept.bags)]
        return Model(kept, boosting.opened(folder / "trees.txt"), bags)
    except (OSError, msgspec.DecodeError) as error:
        raise Unreadable(f"{folder}: no model here ({type(error).__name__})") from None


def explained(recipe: Recipe, model: Model, folder: Path, id: str, most: int = 8) -> list[dict[str, Any]]:
    """Of each judgement of one stay: probability, its 90 % interval and what weighed most, for and against."""
    cohort = recipe.read(folder)
    data = rows(cohort)
    place = next((number for number, stay in enumerate(cohort.stays) if stay.id == id), None)
    if place is None:
        raise Unreadable(f"{folder}: no stay of that id with an outcome")
    mine = np.flatnonzero(data.stay == place)
    x = data.x[mine]
    risk, (low, high), weights = model.probability(x), model.bounds(x), boosting.reasons(model.trees, x)
    found = []
    for row, at in enumerate(mine):
        order = np.argsort(-np.abs(weights[row]))[:most]
        found.append(
            {
                "hour": float(data.hour[at]), "probability": round(float(risk[row]), 4),
                "interval": [round(float(low[row]), 4), round(float(high[row]), 4)],
                "reasons": [_reason(data.names[one], x[row, one], weights[row, one]) for one in order],
            }
        )  # fmt: skip
    return found


def _reason(name: str, value: float, weight: float) -> dict[str, Any]:
    known = None if np.isnan(value) else round(float(value), 3)
    return {"feature": name, "value": known, "log odds": round(float(weight), 3)}


def validated(recipe: Recipe, model: Model, folder: Path) -> dict[str, Any]:
    """The figures of a model on a folder of the same form; nothing is fitted, calibrated or chosen here."""
    cohort = recipe.read(folder)
    data = rows(cohort)
    if list(data.names) != model.kept.features:
        raise Unreadable(f"{folder}: its features are not those that the model was trained on")
    seen = Judged(data.y, model.probability(data.x), data.stay, data.hour)
    return told(recipe, cohort, data, seen, model.kept.threshold)


def told(recipe: Recipe, cohort: Cohort, data: Rows, seen: Judged, threshold: float) -> dict[str, Any]:
    """Every figure of what was judged, beside those of NEWS2-type points on the same rows."""
    slope, intercept = figures.calibration(seen.y, seen.risk)
    points = seen._replace(risk=news2(cohort, data))
    # The chart's own cut point of 5 stands for its utility: it has no other
    found: dict[str, Any] = {
        "model": figures.summary(seen, hourly=recipe.challenge, threshold=threshold),
        "NEWS2-type": figures.summary(points, hourly=recipe.challenge, threshold=5.0),
        "calibration slope": round(slope, 3),
        "calibration intercept": round(intercept, 3),
        "mean predicted": round(float(seen.risk.mean()), 4),
        "observed": round(float(seen.y.mean()), 4),
        "groups": figures.groups(seen, _groups(cohort)),
        "stays without outcome": len(cohort.unlabelled),
        "recipe": recipe.name,
    }
    saps = np.array([stay.scores.get("SAPS-I", np.nan) for stay in cohort.stays])[data.stay.astype(int)]
    if not np.isnan(saps).all():
        known = np.flatnonzero(~np.isnan(saps))
        found["SAPS-I"] = figures.summary(seen._replace(risk=saps).of(known), hourly=False, threshold=0.0)
    return found


def _groups(cohort: Cohort) -> dict[str, list[str]]:
    sex = {0.0: "female", 1.0: "male"}
    ages = [stay.static["Age"] for stay in cohort.stays]
    return {
        "sex": [sex.get(stay.static["Gender"], "") for stay in cohort.stays],
        "age": [next((name for name, most in AGES if age < most), "") for age in ages],
        "unit": [stay.unit for stay in cohort.stays],
    }


def _apart(data: Rows, parts: Array, hourly: bool, tell: Callable[[str], None]) -> Array:
    """Log odds of each row by a model that did not see its patient."""
    found = np.zeros(len(data.y))
    for one in range(int(parts.max()) + 1):
        mine = parts == one
        if mine.any():
            model = boosting.grown(data.x[~mine], data.y[~mine], hourly=hourly, seed=one)
            found[mine] = boosting.raw(model, data.x[mine])
            tell(f"part {one + 1} judged by the others")
    return found


def _grown(data: Rows, kept: Kept, tell: Callable[[str], None]) -> Model:
    trees = boosting.grown(data.x, data.y, hourly=kept.hourly, seed=0)
    dice = np.random.default_rng(7)
    starts = np.append(0, np.flatnonzero(np.diff(data.stay)) + 1)
    ends = np.append(starts[1:], len(data.stay))
    bags = []
    for number in range(BAGS):
        drawn = np.concatenate(
            [np.arange(starts[one], ends[one]) for one in dice.integers(0, len(starts), len(starts))]
        )
        bags.append(boosting.grown(data.x[drawn], data.y[drawn], hourly=kept.hourly, seed=number))
        tell(f"model {number + 1} of {BAGS} for the interval")
    return Model(kept, trees, bags)


def _units(cohort: Cohort, data: Rows, tell: Callable[[str], None]) -> dict[str, Any]:
    """Each unit's patients judged by a model of all the other units."""
    units = np.array([stay.unit for stay in cohort.stays])[data.stay.astype(int)]
    found: dict[str, Any] = {}
    for unit in sorted(set(units.tolist()) - {""}):
        mine = units == unit
        if not 0 < data.y[mine].sum() < mine.sum() or not 0 < data.y[~mine].sum() < (~mine).sum():
            continue
        model = boosting.grown(data.x[~mine], data.y[~mine], hourly=cohort.hourly, seed=0)
        risk = boosting.raw(model, data.x[mine])
        found[unit] = {
            "stays": len(np.unique(data.stay[mine])), "auroc": round(figures.auroc(data.y[mine], risk), 3)
        }  # fmt: skip
        tell(f"unit {unit} judged by the others")
    return found


def _calibrated(raw: Array, kept: Kept) -> Array:
    return sigmoid(kept.slope * raw + kept.intercept)


def sigmoid(x: Array) -> Array:
    """Probability of log odds."""
    found: Array = 1 / (1 + np.exp(-np.clip(x, -30, 30)))
    return found
