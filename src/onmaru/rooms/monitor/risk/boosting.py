"""Gradient boosting by LightGBM: the one file that knows it. A fixed seed and one thread make the same model twice.

LightGBM, with the SciPy that it brings, takes a second to import: only who grows or opens a model pays for it. That it is
missing is told at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from onmaru.rooms.monitor.risk.stays import Array

if TYPE_CHECKING:
    import lightgbm

if find_spec("lightgbm") is None:
    raise ModuleNotFoundError("no gradient boosting", name="lightgbm")

ROUNDS = {True: 220, False: 260}
BASE = {
    "objective": "binary",
    "learning_rate": 0.04,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
# Hours of few patients overfit sooner than one row of each
SHAPE = {True: {"num_leaves": 12, "min_data_in_leaf": 120}, False: {"num_leaves": 10, "min_data_in_leaf": 15}}


def grown(x: Array, y: Array, *, hourly: bool, seed: int) -> lightgbm.Booster:
    """A model of these rows."""
    import lightgbm

    data = lightgbm.Dataset(x, y, params={"verbosity": -1}, free_raw_data=True)
    return lightgbm.train(BASE | SHAPE[hourly] | {"seed": seed}, data, ROUNDS[hourly])


def raw(model: lightgbm.Booster, x: Array) -> Array:
    """Log odds before calibration."""
    found: Array = np.asarray(model.predict(x, raw_score=True, num_threads=1), float)
    return found


def reasons(model: lightgbm.Booster, x: Array) -> Array:
    """SHAP values, rows × features: what each added to the log odds."""
    found: Array = np.asarray(model.predict(x, pred_contrib=True, num_threads=1), float)[:, :-1]
    return found


def saved(model: lightgbm.Booster, file: Path) -> None:
    """Keep a model as LightGBM's own text."""
    file.write_text(model.model_to_string(), "utf-8")


def opened(file: Path) -> lightgbm.Booster:
    """A model that was kept."""
    import lightgbm

    return lightgbm.Booster(model_str=file.read_text("utf-8"))


def weights(model: lightgbm.Booster, names: Sequence[str]) -> list[tuple[str, float]]:
    """Share of the whole gain by feature, most first."""
    gain = np.asarray(model.feature_importance("gain"), float)
    order = np.argsort(-gain)
    return [(names[one], float(gain[one] / gain.sum())) for one in order if gain[one] > 0]
