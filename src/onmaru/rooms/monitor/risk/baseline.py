"""What the model has to beat on the same rows: the points of NEWS2 that these data allow, from the monitor's own tables."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from onmaru.rooms.monitor.risk.features import Rows
from onmaru.rooms.monitor.risk.stays import Array, Cohort
from onmaru.rooms.monitor.score_table import Item, score_tables

# Part of NEWS2 → the columns it is read from, the first that is there. New confusion is in neither form.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "respiration": ("Resp", "RespRate"),
    "saturation": ("O2Sat", "SaO2"),
    "systolic": ("SBP", "SysABP", "NISysABP"),
    "pulse": ("HR",),
    "temperature": ("Temp",),
}
AIR = 0.21


def news2(cohort: Cohort, rows: Rows) -> Array:
    """The points of each row's last values; what is missing adds nothing, as on a paper chart."""
    total = np.zeros(len(rows.x))
    at = {name: place for place, name in enumerate(rows.names)}
    for item in score_tables()["news2"].items:
        columns = COLUMNS.get(item.name, ())
        if item.when.get("scale", "1") != "1" or not columns:
            continue
        total += _points(item, _first(rows, at, columns))
    fraction = rows.x[:, at["FiO2 last"]]
    total += np.where(fraction > AIR, score_points("oxygen", "oxygen"), 0)
    if "GCS last" in at:
        total += np.where(rows.x[:, at["GCS last"]] < 15, score_points("consciousness", "V"), 0)
    return total


def score_points(name: str, answer: str) -> int:
    """The points of an answer in NEWS2."""
    return next(item.answers[answer] for item in score_tables()["news2"].items if item.name == name)


def _first(rows: Rows, at: Mapping[str, int], columns: tuple[str, ...]) -> Array:
    found: Array = np.full(len(rows.x), np.nan)
    for name in columns:
        if f"{name} last" in at:
            found = np.where(np.isnan(found), rows.x[:, at[f"{name} last"]], found)
    return found


def _points(item: Item, values: Array) -> Array:
    """The cells of a row of the table for many values, first brought to its steps."""
    step = float(item.step)
    steps = np.floor(values / step + 0.5 + 1e-9)
    found = np.zeros(len(values))
    for low, high, points in item.bands:
        least = round(float(low) / step) if low else -np.inf
        most = round(float(high) / step) if high else np.inf
        found = np.where((steps >= least) & (steps <= most), points, found)
    return found
