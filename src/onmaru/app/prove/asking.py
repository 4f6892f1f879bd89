"""A town's lake asked through the gate: a cohort, its criteria, questions, and the boards as their rooms make them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from onmaru.app.house import MAIN, House, system
from onmaru.app.prove.town import CODINGS, COHORT, CRITERIA, QUESTIONS
from onmaru.kernel import measures
from onmaru.kernel.lake import Lake, View
from onmaru.rooms.equity import board as equity
from onmaru.rooms.insight import counting, shipped
from onmaru.rooms.insight.operations import board as operations

RUNS = 3
# A year in which the town's people come to the hospital
YEAR = 2019
MEASURE = "inpatient-again"
BY_ROWS, ROWS_FOR = "cohort by rows of codings", 100_000
TABLES = (
    "Coded",
    "Coding",
    "Patient",
    "Coverage",
    "Encounter",
    "Condition",
    "Observation",
    "MedicationRequest",
    "Procedure",
)


class Took(NamedTuple):
    """The middle of RUNS: seconds of the clock, and of all processors."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.3f} s, {self.cpu:.3f} s of processor time"


def asked(house: House, people: int, tell: Callable[[str, Took], None]) -> Mapping[str, Took]:
    """Ask everything and tell each as it comes; by the rows of codings only as many people as a question has memory for."""
    took = {}
    for name, ask in _all(house, rows=people <= ROWS_FOR):
        took[name] = _took(name, ask)
        tell(name, took[name])
    return took


def _all(house: House, *, rows: bool) -> Iterator[tuple[str, Callable[[], Any]]]:
    lake = house.hall(system(MAIN)).lake
    for name, sql in {"cohort": COHORT, **({BY_ROWS: CODINGS} if rows else {}), **CRITERIA, **QUESTIONS}.items():
        yield name, partial(found, lake, name, sql)
    insight, equal = (house.hall(system(MAIN), room) for room in ("insight", "equity"))
    measure = measures.of(insight.record, shipped.measure(MEASURE), MEASURE, 1, YEAR)
    yield "board of operations", lambda: operations.begun(insight, f"{YEAR}-01-01", f"{YEAR}-12-31")()["stays"]
    yield "board of a measure", lambda: counting.begun(insight, measure)().populations
    yield "board of equity", lambda: equity.begun(equal, measure)()["dimensions"]


def _took(name: str, ask: Callable[[], Any]) -> Took:
    runs = []
    for _ in range(RUNS):
        wall, cpu = time.perf_counter(), time.process_time()
        answer = ask()
        runs.append(Took(time.perf_counter() - wall, time.process_time() - cpu))
        assert answer, f"{name} found nothing"
    return sorted(runs)[RUNS // 2]


def found(lake: Lake, name: str, sql: str) -> list[Any]:
    """The rows of a question of our own."""
    tables = tuple(table for table in TABLES if f'"{table}"' in sql)
    rows: list[Any] = lake.query(View(f"scale_{name}", sql, tables, secondary=True), {}).table.to_pylist()
    return rows
