"""Proof of the lake at size: a simulated town's tables equal what the log gives, and answer as quickly as they should."""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from onmaru.app.evidence import Figures, Proof
from onmaru.app.house import MAIN, House, system
from onmaru.app.prove.town import COHORT, NESTED, QUESTIONS
from onmaru.app.town.alike import alike
from onmaru.app.town.command import ground
from onmaru.app.town.filling import Size, fill
from onmaru.kernel.lake import Lake, View

PATIENTS, SEED, RUNS = 1_000_000, 1, 3
# People whose resource tables, and whose rooms' tables too, are compared with those that follow a log
COMPARED, WITH_ROOMS = 10_000, 1_000
COHORT_S, QUESTION_S, MEMORY_GIB = 2.0, 1.0, 8.0
# How much more than ten times as long a question may take of ten times as many people, and what it may cost at any size
BENT, FIXED_S = 1.5, 0.2


def scale(patients: int = PATIENTS, folder: Path | None = None) -> Figures:
    """Compare small towns with their logs; then fill and ask a hundredth, a tenth and the whole. `folder`: to go on in."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="onmaru-scale-") as scratch:
            return scale(patients, Path(scratch))
    tell = partial(click.echo, err=True)
    began = time.monotonic()
    figures: dict[str, Any] = {}
    for people, bare in ((COMPARED, True), (WITH_ROOMS, False)):
        with tempfile.TemporaryDirectory(prefix="onmaru-alike-") as scratch:
            size = Size(SEED, min(people, patients), bare=bare)
            rows = alike(size, Path(scratch), os.cpu_count() or 1)
        tables = "resource tables" if bare else "the rooms' tables too"
        figures[f"rows equal to the log's, {size.patients:,} people, {tables}"] = rows
        tell(f"{rows:,} rows of {tables} equal the log's after {time.monotonic() - began:.0f} s")
    asked: dict[int, Mapping[str, float]] = {}
    for people in sorted({max(patients // 100, 1), max(patients // 10, 1), patients}):
        told, asked[people] = _size(people, folder / str(people))
        figures |= told
        tell(f"{people:,}: {told}")
    figures["memory of the asking process, GiB"] = round(_peak(resource.RUSAGE_SELF), 2)
    figures["memory of the largest filling process, GiB"] = round(_peak(resource.RUSAGE_CHILDREN), 2)
    missed = [*_missed(asked), *(["memory"] if _peak(resource.RUSAGE_SELF) >= MEMORY_GIB else [])]
    assert not missed, f"{'; '.join(missed)} - {figures}"
    return figures


def _size(people: int, home: Path) -> tuple[dict[str, Any], Mapping[str, float]]:
    """Fill a town's resource tables, if they are not there yet, and ask: figures, and each question's seconds."""
    house = House(ground(home))
    try:
        began = time.monotonic()
        resources = fill(house, Size(SEED, people, bare=True), os.cpu_count() or 1, lambda amount: None)
        seconds = time.monotonic() - began
        lake = house.hall(system(MAIN)).lake
        asked = {name: _asked(lake, name, sql) for name, sql in {"cohort": COHORT, **QUESTIONS}.items()}
        if people <= COMPARED:
            by_codings, nested = (_found(lake, name, sql) for name, sql in (("cohort", COHORT), ("nested", NESTED)))
            assert by_codings == nested, "the cohort by codings has other persons than that of the nested tables"
    finally:
        house.close()
    size = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    told = {"resources": resources, "filled in seconds": round(seconds, 1), "MiB": round(size / 2**20)}
    told |= {f"{name}, seconds": round(value, 3) for name, value in asked.items()}
    return {f"{people:,}: {name}": value for name, value in told.items()}, asked


def _asked(lake: Lake, name: str, sql: str) -> float:
    """The middle of RUNS through the gate, in seconds."""
    seconds = []
    for _ in range(RUNS):
        began = time.perf_counter()
        found = _found(lake, name, sql)
        seconds.append(time.perf_counter() - began)
        assert found, f"{name} found nothing"
    return sorted(seconds)[RUNS // 2]


def _found(lake: Lake, name: str, sql: str) -> list[Any]:
    tables = tuple(table for table in TABLES if f'"{table}"' in sql)
    rows: list[Any] = lake.query(View(f"scale_{name}", sql, tables, secondary=True), {}).table.to_pylist()
    return rows


TABLES = ("Coding", "Patient", "Coverage", "Encounter", "Condition", "Observation", "MedicationRequest", "Procedure")


def _missed(asked: Mapping[int, Mapping[str, float]]) -> list[str]:
    sizes = sorted(asked)
    bars = {name: COHORT_S if name == "cohort" else QUESTION_S for name in asked[sizes[-1]]}
    found = [f"{name} {asked[sizes[-1]][name]:.2f} s" for name, bar in bars.items() if asked[sizes[-1]][name] >= bar]
    for small, large in pairwise(sizes):
        for name in bars:
            most = asked[small][name] * large / small * BENT + FIXED_S
            if asked[large][name] > most:
                found.append(f"{name} grows from {asked[small][name]:.2f} s to {asked[large][name]:.2f} s")
    return found


def _peak(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / 2**20


PROOFS = (
    Proof(
        "4.scale",
        "A million simulated people's lake equals what the log gives (at ten thousand), a ten-criteria cohort takes less "
        "than 2 s, typical questions less than 1 s each, in less than 8 GiB, with time close to linear in size.",
        scale,
        ("patients", "folder"),
    ),
)
