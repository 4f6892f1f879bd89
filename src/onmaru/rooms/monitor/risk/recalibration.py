"""A kept model brought to a site's own history: intercept and slope of its log odds alone, the trees as they were.

Its one law: what is told of it afterwards is of patients whose own stays did not fit the line that judged them.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from onmaru.rooms.monitor.risk import boosting, drift, figures
from onmaru.rooms.monitor.risk.card import group, shown
from onmaru.rooms.monitor.risk.features import Rows, rows
from onmaru.rooms.monitor.risk.figures import Judged
from onmaru.rooms.monitor.risk.stays import Array, Cohort, Unreadable
from onmaru.rooms.monitor.risk.training import FOLDS, LEAST, Model, Recipe, fold, opened, sigmoid, told

SHOWN = (
    "auroc", "auroc 95 %", "auprc", "brier", "calibration slope", "calibration slope 95 %", "calibration intercept",
    "calibration intercept 95 %", "mean predicted", "observed",
)  # fmt: skip
TIMES = 200

FORM = """# Model card: {name}, version {version}

State when this card was written: **shadow**. A recalibrated model is a new version: whatever was approved before was another
one. A site's registry says where it stands there now.

## Title and intended use

{what}. Version {parent}, recalibrated to one site's own history.

**Not for**: {unfit}.

## Source of data and participants

The trees are those of version {parent}; its card says from whom they learnt. Recalibrated on {stays} stays of the site,
{labelled} of them with the label; {unlabelled} without an outcome were left out.

## Outcome

{what}.

## Predictors

Those of version {parent}: {features} features. Nothing was chosen anew.

## Missing data

As in version {parent}: no value is imputed.

## Analysis

Logistic recalibration: slope {slope} and intercept {intercept} of the trees' log odds. The figures are of {folds} parts by
patient, each judged by the line of the other parts; the line that is kept is of all of them. It mends how high risks
are, not whom they are high for.

## Performance

| figure | before | after |
|---|---|---|
{rows}

## Fairness

| group | stays | labelled | AUROC | observed | expected |
|---|---|---|---|---|---|
{groups}

Groups with fewer than ten stays or labelled stays are hidden.

## Limitations

The intervals are over the site's patients; nothing is known of another site. Nothing of simulated patients is in this card.
Regulatory: no medical device; not cleared by any authority.
"""


def recalibrated(recipe: Recipe, folder: Path, data: Path, out: Path) -> dict[str, Any]:
    """Fit and judge on the stays in `data`, keep the model of `folder` with the new line in `out`: its figures.

    Raises Unreadable where fewer than LEAST stays have, or lack, the label, and where risk falls as the model's rises.
    """
    model, cohort = opened(folder), recipe.read(data)
    found = matched(model, cohort, data)
    _enough(cohort, found, data)
    raw = boosting.raw(model.trees, found.x)
    slope, intercept = figures.logistic(raw, found.y)
    if not slope > 0:
        raise Unreadable(f"{data}: here the label is rarer where the model's risk is higher; no line can mend that")
    before = Judged(found.y, model.probability(found.x), found.stay, found.hour)
    after = before._replace(risk=_apart(cohort, found, raw))
    threshold = figures.best_threshold(after) if recipe.challenge else 0.5
    line = msgspec.structs.replace(
        model.kept, slope=slope, intercept=intercept, threshold=threshold, parent=folder.name,
        stays=len(cohort.stays), labelled=_labelled(found),
    )  # fmt: skip
    _kept(folder, out, line)
    return {
        **told(recipe, cohort, found, after, threshold),
        "recalibrated from": folder.name,
        "slope": round(slope, 4),
        "intercept": round(intercept, 4),
        "before": _compared(before),
        "after": _compared(after),
        "most telling": [[name, round(part, 3)] for name, part in boosting.weights(model.trees, found.names)[:15]],
        "left-out units": {},
    }


def matched(model: Model, cohort: Cohort, folder: Path) -> Rows:
    """The rows of a cohort, which have to be those that the model knows; raises Unreadable otherwise."""
    found = rows(cohort)
    if list(found.names) != model.kept.features:
        raise Unreadable(f"{folder}: its features are not those that the model was trained on")
    return found


def _enough(cohort: Cohort, found: Rows, data: Path) -> None:
    labelled = _labelled(found)
    if labelled < LEAST or labelled > len(cohort.stays) - LEAST:
        raise Unreadable(
            f"{data}: {labelled} of {len(cohort.stays)} stays have the label; recalibration needs {LEAST} of each kind"
        )


def _labelled(found: Rows) -> int:
    return len(np.unique(found.stay[found.y == 1]))


def _apart(cohort: Cohort, found: Rows, raw: Array) -> Array:
    """Each row's risk by the line of the other parts."""
    parts = np.array([fold(stay.id) for stay in cohort.stays])[found.stay.astype(int)]
    risk = np.zeros(len(raw))
    for one in range(FOLDS):
        mine = parts == one
        slope, intercept = figures.logistic(raw[~mine], found.y[~mine])
        risk[mine] = sigmoid(slope * raw[mine] + intercept)
    return risk


def _compared(seen: Judged) -> dict[str, Any]:
    slope, intercept = figures.calibration(seen.y, seen.risk)
    found: dict[str, Any] = {
        "auroc": _three(figures.auroc(seen.y, seen.risk)),
        "auprc": _three(figures.auprc(seen.y, seen.risk)),
        "brier": round(float(np.mean((seen.risk - seen.y) ** 2)), 4),
        "calibration slope": _three(slope),
        "calibration intercept": _three(intercept),
        "mean predicted": round(float(seen.risk.mean()), 4),
        "observed": round(float(seen.y.mean()), 4),
    }
    for name, figure in (
        ("auroc", lambda one: figures.auroc(one.y, one.risk)),
        ("calibration slope", lambda one: figures.calibration(one.y, one.risk)[0]),
        ("calibration intercept", lambda one: figures.calibration(one.y, one.risk)[1]),
    ):
        found[f"{name} 95 %"] = [_three(bound) for bound in figures.interval(seen, figure, TIMES)]
    return found


def _three(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 3)


def _kept(folder: Path, out: Path, line: Any) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for file in (folder / "trees.txt", *sorted(folder.glob("bag-*.txt")), folder / drift.FILE):
        if file.is_file():
            shutil.copyfile(file, out / file.name)
    (out / "model.json").write_bytes(msgspec.json.format(msgspec.json.encode(line)))


def card(recipe: Recipe, version: str, found: Mapping[str, Any], features: int) -> str:
    """The card of a recalibrated version as Markdown, under the headings of TRIPOD+AI."""
    before, after, model = found["before"], found["after"], found["model"]
    return FORM.format(
        name=recipe.name, version=version, what=recipe.what, unfit=recipe.unfit, parent=found["recalibrated from"],
        stays=model["stays"], labelled=model["labelled stays"], unlabelled=found["stays without outcome"],
        features=features, slope=found["slope"], intercept=found["intercept"], folds=FOLDS,
        rows="\n".join(f"| {name} | {shown(before[name])} | {shown(after[name])} |" for name in SHOWN),
        groups="\n".join(group(name, one) for name, one in found["groups"].items()),
    )  # fmt: skip
