"""A board: one measure by seven dimensions, counted in one run, told without small cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import NormalDist
from typing import Any

import msgspec

from onmaru.kernel import cells, measures
from onmaru.kernel.lake import Run, Script
from onmaru.kernel.measures import Asked
from onmaru.kernel.room import Hall
from onmaru.rooms.equity.funnel import Opening, opening
from onmaru.rooms.equity.inequality.groups import Dimension, Group
from onmaru.rooms.equity.inequality.summary import Summary, summaries
from onmaru.rooms.equity.stratifiers import PEOPLE, REGIONS, Stratifier, ranked, statements, stratifiers, tables

COUNTED, SOURCE = "equity_counted", "equity_source"
MISSING = ""
_Z = NormalDist().inv_cdf(0.975)


class Line(msgspec.Struct, frozen=True):
    """A group, or several small ones as one. `names`: "" is who has no value. `steps`: persons who reached each step, None
    between the first, the base and the last where that would tell of few.

    `missing`: of how many a dimension is not known, None where that would tell of few. `low`, `high`: Wilson's interval.
    """

    names: tuple[str, ...]
    steps: tuple[int | None, ...]
    persons: int
    events: int
    estimate: float | None
    low: float | None
    high: float | None
    missing: Mapping[str, int | None]


class Told(msgspec.Struct, frozen=True):
    """A dimension. `why`: it is missing of everybody, or nothing may be told. `shown`: groups that are measured."""

    name: str
    ordered: bool
    why: str
    lines: tuple[Line, ...]
    shown: int
    summaries: tuple[Summary, ...]
    opening: Opening | None


class Begun(msgspec.Struct, frozen=True):
    """A board that was permitted: calling it computes, in any thread."""

    asked: Asked
    dimensions: tuple[Stratifier, ...]
    least: int
    run: Run

    def __call__(self) -> dict[str, Any]:
        results = self.run()
        rows = results.tables[COUNTED].to_pylist()
        source = results.tables[SOURCE].column("source").to_pylist()
        parted = [_parted(self, one, rows) for one in self.dimensions]
        dimensions = [_told(self, one, parted) for one in parted]
        measure = self.asked.measure
        return {
            "measure": self.asked.id, "version": self.asked.version, "title": measure.title, "better": measure.better,
            "steps": [{"code": one.code, "text": one.text} for one in measure.steps], "base": measure.base,
            "year": self.asked.year, "t": results.t, "digest": self.asked.digest, "least": self.least,
            "regions": source[0] if source else "", "dimensions": msgspec.to_builtins(dimensions),
        }  # fmt: skip


def begun(hall: Hall, asked: Asked) -> Begun:
    """Decide now."""
    regions = REGIONS in hall.lake.published()
    dimensions = tuple(stratifiers(hall.settings, regions))
    source = f"SELECT min(source) AS source FROM {REGIONS}" if regions else "SELECT '' AS source"  # noqa: S608 - our own name
    counting = [_counting(dimensions), f"CREATE TABLE {SOURCE} AS {source}"]
    made = [*measures.statements(hall.lake, asked), *statements(hall.lake, dimensions), *counting]
    used = tuple(dict.fromkeys([*asked.tables, *tables(), *([REGIONS] if regions else [])]))
    seconds = float(hall.settings.get("seconds", 60))
    run = hall.lake.script(Script("equity", tuple(made), used, (COUNTED, SOURCE), seconds=seconds))
    return Begun(asked, dimensions, smallest(hall), run)


def smallest(hall: Hall) -> int:
    """The least that is told; 1 tells everything, and is the site's own choice."""
    return max(1, int(hall.settings.get("smallest_cell", cells.SMALLEST)))


def _counting(dimensions: Sequence[Stratifier]) -> str:
    """For each dimension: by group and last step reached the persons, and of how many each other dimension is missing."""
    unknown = ", ".join(f"count(*) FILTER (WHERE {one.name} IS NULL) AS no_{one.name}" for one in dimensions)
    selects = [
        f"SELECT '{one.name}' AS dimension, coalesce(CAST({one.name} AS VARCHAR), '') AS name, passed, "  # noqa: S608 - our own names
        f"count(*) AS persons, {unknown} FROM {PEOPLE} GROUP BY ALL"
        for one in dimensions
    ]
    return f"CREATE TABLE {COUNTED} AS {' UNION ALL '.join(selects)}"


class _Parted(msgspec.Struct, frozen=True):
    """A dimension's rows, and its groups as they may be told; None where they may not.

    `counted`: of each group how many persons stopped at each step. `stepwise`: every step of every group may be told.
    """

    one: Stratifier
    rows: list[dict[str, Any]]
    counted: Mapping[str, list[int]]
    found: list[cells.Cell] | None
    stepwise: bool

    @property
    def bares_missing(self) -> bool:
        """Whether it may be told of how many it is missing: alone, or of nobody."""
        return self.found is not None and (
            MISSING not in self.counted or any(cell.names == (MISSING,) for cell in self.found)
        )

    def stopped(self, cell: cells.Cell) -> list[int]:
        """How many of a cell stopped at each step."""
        return [sum(column) for column in zip(*(self.counted[name] for name in cell.names), strict=True)]


def _parted(begun: Begun, one: Stratifier, every: Sequence[dict[str, Any]]) -> _Parted:
    rows = [row for row in every if row["dimension"] == one.name]
    counted: dict[str, list[int]] = {}
    for row in rows:
        counted.setdefault(row["name"], [0] * len(begun.asked.measure.steps))[row["passed"] - 1] += row["persons"]
    names = [*ranked(one.name, [name for name in counted if name]), *([MISSING] if MISSING in counted else [])]
    # What makes the estimate decides which groups stand alone; the steps between are told of all of them or of none
    base = begun.asked.measure.base
    parts = [(sum(counted[name][:base]), sum(counted[name][base:-1]), counted[name][-1]) for name in names]
    found = cells.told([cells.Cell((name,), part) for name, part in zip(names, parts, strict=True)], begun.least)
    made = _Parted(one, rows, counted, found, stepwise=False)
    stepwise = all(cells.safe(made.stopped(cell), begun.least) for cell in found or ())
    return msgspec.structs.replace(made, stepwise=stepwise)


def _told(begun: Begun, mine: _Parted, others: Sequence[_Parted]) -> Told:
    one = mine.one
    if mine.found is None:
        return Told(one.name, one.ordered, one.why or "few", (), 0, (), None)
    missing = _missing(begun, mine.found, mine.rows, [other for other in others if other is not mine])
    lines = tuple(_line(begun, mine, cell, missing[place]) for place, cell in enumerate(mine.found))
    shown = [line for line in lines if len(line.names) == 1 and line.names != (MISSING,) and line.persons]
    favourable = begun.asked.measure.better == "increase"
    asked = Dimension(tuple(Group(line.names[0], line.persons, line.events) for line in shown), one.ordered, favourable)
    opened = opening([(line.names[0], [step or 0 for step in line.steps]) for line in shown]) if mine.stepwise else None
    return Told(one.name, one.ordered, one.why, lines, len(shown), tuple(summaries(asked)), opened)


def _line(begun: Begun, mine: _Parted, cell: cells.Cell, missing: Mapping[str, int | None]) -> Line:
    stopped, base = mine.stopped(cell), begun.asked.measure.base
    reached = [sum(stopped[place:]) for place in range(len(stopped))]
    always = {0, base, len(reached) - 1}
    steps = tuple(count if mine.stepwise or place in always else None for place, count in enumerate(reached))
    persons, events = reached[base], reached[-1]
    if not persons:
        return Line(cell.names, steps, 0, 0, None, None, None, missing)
    low, high = wilson(events, persons)
    return Line(cell.names, steps, persons, events, 100 * events / persons, 100 * low, 100 * high, missing)


def _missing(
    begun: Begun, found: Sequence[cells.Cell], rows: Sequence[Mapping[str, Any]], others: Sequence[_Parted]
) -> list[dict[str, int | None]]:
    """Of how many of each line the other dimensions are missing: of a dimension for every line, or for none.

    For none where its own lines do not tell of how many it is missing, or they would by subtraction.
    """
    told: list[dict[str, int | None]] = [{} for _ in found]
    for other in others:
        name = f"no_{other.one.name}"
        counts = [sum(row[name] for row in rows if row["name"] in cell.names) for cell in found]
        safe = (cells.safe((n, cell.persons - n), begun.least) for n, cell in zip(counts, found, strict=True))
        whole = other.bares_missing and all(safe)
        for place, count in enumerate(counts):
            told[place][other.one.name] = count if whole else None
    return told


def wilson(part: int, whole: int) -> tuple[float, float]:
    """The interval of a proportion at 95 % (Wilson 1927)."""
    p = part / whole
    middle = (p + _Z * _Z / (2 * whole)) / (1 + _Z * _Z / whole)
    half = _Z / (1 + _Z * _Z / whole) * sqrt(p * (1 - p) / whole + _Z * _Z / (4 * whole * whole))
    return max(0.0, middle - half), min(1.0, middle + half)
