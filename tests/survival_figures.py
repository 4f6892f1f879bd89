"""Our survival methods beside R's figures for one data set (tests/spec/survival.R made them)."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from onmaru.rooms.cohort.statistics import competing, cox, kaplan_meier

Figures = dict[tuple[str, str], list[float]]


def read(path: Path) -> list[dict[str, float]]:
    with path.open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def figures(text: str) -> Figures:
    """R's lines; its NA is NaN."""
    found: Figures = {}
    for line in text.splitlines():
        what, key, values = line.split(",")[:3]
        found[what, key] = [math.nan if one == "NA" else float(one.replace("Inf", "inf")) for one in values.split()]
    return found


def ours(rows: Sequence[dict[str, float]]) -> Figures:
    """The same figures by our own methods."""
    return dict([*_curves(rows), *_ranks(rows), *_model(rows), *_shares(rows)])


def _status(rows: Sequence[dict[str, float]]) -> list[int]:
    return [int(row["end"] == 1) for row in rows]


def _curves(rows: Sequence[dict[str, float]]) -> Iterator[tuple[tuple[str, str], list[float]]]:
    names = {"time": "time", "n.risk": "risk", "n.event": "events", "n.censor": "left", "surv": "survival"}
    names |= {"lower": "low", "upper": "high", "error": "error"}
    for group in sorted({row["group"] for row in rows}):
        mine = [row for row in rows if row["group"] == group]
        found = kaplan_meier.curve([row["time"] for row in mine], _status(mine))
        for key, field in names.items():
            yield (f"km{group:g}", key), [getattr(point, field) for point in found.points]
        told = (found.median, found.low, found.high)
        yield (f"km{group:g}", "median"), [math.nan if one is None else one for one in told]


def _ranks(rows: Sequence[dict[str, float]]) -> Iterator[tuple[tuple[str, str], list[float]]]:
    groups = {f"{row['group']:g}": ([], []) for row in rows}
    for row, status in zip(rows, _status(rows), strict=True):
        times, events = groups[f"{row['group']:g}"]
        times.append(row["time"])
        events.append(status)
    found = kaplan_meier.log_rank(groups)
    yield ("logrank", "observed"), list(map(float, found.observed))
    yield ("logrank", "expected"), list(found.expected)
    yield ("logrank", "chi"), [found.chi_square]


def _model(rows: Sequence[dict[str, float]]) -> Iterator[tuple[tuple[str, str], list[float]]]:
    found = cox.fit(
        ("x1", "x2"), [(row["x1"], row["x2"]) for row in rows], [row["time"] for row in rows], _status(rows)
    )
    for key in ("coefficient", "error", "low", "high", "p"):
        yield ("cox", key), [getattr(term, key) for term in found.terms]
    yield ("cox", "likelihood"), [found.null, found.likelihood]
    yield ("zph", "chi"), [*(term.zph for term in found.terms), found.zph]
    yield ("zph", "p"), [*(term.zph_p for term in found.terms), found.zph_p]


def _shares(rows: Sequence[dict[str, float]]) -> Iterator[tuple[tuple[str, str], list[float]]]:
    ends = [int(row["end"]) for row in rows]
    if 2 not in ends:
        return
    found = competing.shares([row["time"] for row in rows], ends)
    yield ("aj", "time"), [one.time for one in found]
    for kind in (0, 1):
        for key in ("share", "error", "low", "high"):
            yield (f"aj{kind + 1}", key), [getattr(one, key)[kind] for one in found]


def differing(mine: Figures, theirs: Figures, close: float = 1e-6) -> list[str]:
    """Where the two are not equal; that one has no figure (NaN) says nothing where the share or survival is 0."""
    faults = [f"{what} {key}: only one has it" for what, key in mine.keys() ^ theirs.keys()]
    for name in mine.keys() & theirs.keys():
        a, b = mine[name], theirs[name]
        same = len(a) == len(b) and all(_same(x, y, close) for x, y in zip(a, b, strict=True))
        if not same:
            faults.append(f"{name[0]} {name[1]}: {a[:4]} is not {b[:4]}")
    return sorted(faults)


def _same(a: float, b: float, close: float) -> bool:
    if math.isnan(a) or math.isnan(b):
        return (math.isnan(a) or a == 0) and (math.isnan(b) or b == 0)
    return math.isclose(a, b, rel_tol=close, abs_tol=close / 10)
