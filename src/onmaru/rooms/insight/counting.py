"""A Measure counted: how many persons are in each population, without small cells, at one position of the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from onmaru.fhir.measure import Measure
from onmaru.kernel import cells, measures
from onmaru.kernel.lake import Lake, Run
from onmaru.kernel.measures import REACHED, Asked
from onmaru.kernel.room import Hall

COUNTED = "measure_counted"
_COUNTING = (
    f"CREATE TABLE {COUNTED} AS SELECT passed, excluded, count(*) AS persons FROM {REACHED} GROUP BY passed, excluded"  # noqa: S608 - our own name
)


class Count(msgspec.Struct, frozen=True):
    """What was counted at position `t`. `populations`: in the Measure's order; all None where they would tell of few.

    `score`: the numerator's part of the denominator without exclusions; None of nobody.
    """

    asked: Asked
    t: int
    populations: tuple[int | None, ...]
    score: float | None
    hidden: bool


class Begun(msgspec.Struct, frozen=True):
    """A count that was permitted: calling it counts, in any thread."""

    asked: Asked
    least: int
    run: Run

    def __call__(self) -> Count:
        results = self.run()
        rows = results.tables[COUNTED].to_pylist()
        return _count(self.asked, rows, self.least, results.t)


def begun(hall: Hall, asked: Asked, t: int | None = None) -> Begun:
    """Decide now; `t`: as the record was then."""
    lake: Lake = hall.lake if t is None else hall.lake.at(t)
    made = [*measures.statements(lake, asked), _COUNTING]
    seconds = float(hall.settings.get("seconds", 60))
    run = lake.script(measures.script(f"measure/{asked.id}", asked, made, (COUNTED,), seconds))
    return Begun(asked, max(1, int(hall.settings.get("smallest_cell", cells.SMALLEST))), run)


def _count(asked: Asked, rows: Sequence[Mapping[str, int]], least: int, t: int) -> Count:
    measure = asked.measure
    kept = [
        sum(row["persons"] for row in rows if row["passed"] == step and not row["excluded"])
        for step in range(1, len(measure.steps) + 1)
    ]
    out = sum(row["persons"] for row in rows if row["excluded"])
    reached = [sum(kept[step:]) for step in range(len(kept))]
    base = reached[measure.base]
    if not cells.safe([*kept, out], least):
        return Count(asked, t, (None,) * len(measure.populations), None, True)
    return Count(asked, t, tuple(_populations(measure, reached, out)), reached[-1] / base if base else None, False)


def _populations(measure: Measure, reached: Sequence[int], out: int) -> list[int]:
    """Who is excluded was in the populations before the exclusion (eCQM: they are taken from the denominator's count)."""
    found, step, before = [], 0, any(one.excludes for one in measure.populations)
    for population in measure.populations:
        if population.excludes:
            found.append(out)
            before = False
        else:
            found.append(reached[step] + (out if before else 0))
            step += 1
    return found
