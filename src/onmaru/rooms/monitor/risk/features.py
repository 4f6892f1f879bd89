"""Features of an hour, or of a whole stay, from what was known by then: no row looks ahead."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from onmaru.rooms.monitor.risk.stays import Array, Cohort, Stay

WINDOW = 6


class Rows(NamedTuple):
    """One row a judgement. `x`: rows × features; `y`: 0 or 1; `stay`: place in the cohort; `hour`: hours since admission."""

    names: Sequence[str]
    x: Array
    y: Array
    stay: Array
    hour: Array


def rows(cohort: Cohort) -> Rows:
    """The rows of a cohort, stay after stay."""
    names = [*_names(cohort), *cohort.stays[0].static]
    made = [_hourly(cohort, stay) if cohort.hourly else _whole(stay)[None, :] for stay in cohort.stays]
    x = np.concatenate(
        [
            np.hstack([part, np.tile([*stay.static.values()], (len(part), 1))])
            for part, stay in zip(made, cohort.stays, strict=True)
        ]
    )
    counts = [len(part) for part in made]
    hours = [np.arange(1.0, n + 1) if cohort.hourly else np.array([48.0]) for n in counts]
    y = np.concatenate([stay.labels.astype(float) for stay in cohort.stays])
    return Rows(names, x, y, np.repeat(np.arange(float(len(counts))), counts), np.concatenate(hours))


def _names(cohort: Cohort) -> list[str]:
    if cohort.hourly:
        plain = [f"{name} {kind}" for kind in ("last", "age", "count") for name in cohort.names]
        return [*plain, *(f"{name} {kind}" for kind in KINDS for name in cohort.vitals), "shock index last", "hour"]
    return [f"{name} {kind}" for kind in WHOLE for name in cohort.names]


KINDS = ("mean6", "least6", "most6", "spread6", "change6")
WHOLE = ("first", "last", "least", "most", "mean", "spread", "count", "least24", "most24", "change24")


def _hourly(cohort: Cohort, stay: Stay) -> Array:
    """Of each hour: the last value, its age and how many there were; of vital signs also what the last six hours say."""
    values, n = stay.values, len(stay.values)
    seen = ~np.isnan(values)
    hours = np.arange(n)[:, None]
    newest = np.maximum.accumulate(np.where(seen, hours, -1), axis=0)
    last = np.where(newest >= 0, np.take_along_axis(values, np.maximum(newest, 0), axis=0), np.nan)
    age = np.where(newest >= 0, hours - newest, np.nan)
    count = np.cumsum(seen, axis=0).astype(float)
    at = [list(cohort.names).index(name) for name in cohort.vitals]
    windows = _windows(values[:, at])
    with np.errstate(all="ignore"):
        index = last[:, at[cohort.vitals.index("HR")]] / last[:, at[cohort.vitals.index("SBP")]]
    return np.hstack([last, age, count, *windows, index[:, None], hours + 1.0])


def _windows(values: Array) -> list[Array]:
    """Mean, least, most, spread and last minus first of the WINDOW hours that end in each hour."""
    padded = np.vstack([np.full((WINDOW - 1, values.shape[1]), np.nan), values])
    view = np.lib.stride_tricks.sliding_window_view(padded, WINDOW, axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a window without any value has none of these: NaN says so
        found = [np.nanmean(view, axis=2), np.nanmin(view, axis=2), np.nanmax(view, axis=2), np.nanstd(view, axis=2)]
    return [*found, _ends(view, axis=2)]


def _ends(view: Array, axis: int) -> Array:
    """The last value that is there minus the first one."""
    seen = ~np.isnan(view)
    first = np.take_along_axis(view, np.argmax(seen, axis=axis, keepdims=True), axis=axis)
    at = view.shape[axis] - 1 - np.argmax(np.flip(seen, axis=axis), axis=axis, keepdims=True)
    found: Array = np.squeeze(np.take_along_axis(view, at, axis=axis) - first, axis=axis)
    return found


def _whole(stay: Stay) -> Array:
    """Of the 48 hours: first, last, extremes, mean, spread, count, and the extremes and change of the second day."""
    values, late = stay.values, stay.values[len(stay.values) // 2 :]
    seen = ~np.isnan(values)
    first = np.take_along_axis(values, np.argmax(seen, axis=0)[None, :], axis=0)[0]
    last = np.take_along_axis(values, (len(values) - 1 - np.argmax(seen[::-1], axis=0))[None, :], axis=0)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        parts = [
            first, last, np.nanmin(values, axis=0), np.nanmax(values, axis=0), np.nanmean(values, axis=0),
            np.nanstd(values, axis=0), seen.sum(axis=0).astype(float), np.nanmin(late, axis=0), np.nanmax(late, axis=0),
            _ends(late, axis=0),
        ]  # fmt: skip
    return np.concatenate(parts)
