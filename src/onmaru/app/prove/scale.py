"""Proof of the lake at size: a simulated town's tables equal what the log gives, and answer as quickly as they should."""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import msgspec

from onmaru.app.evidence import Figures, Proof
from onmaru.app.house import MAIN, House, system
from onmaru.app.prove.asking import BY_ROWS, Took, asked, found
from onmaru.app.prove.town import CODINGS, COHORT, CRITERIA, NESTED
from onmaru.app.town.alike import alike
from onmaru.app.town.command import ground
from onmaru.app.town.filling import Size, fill
from onmaru.engines.keyring import write_new

PATIENTS, SEED = 1_000_000, 1
# People whose resource tables, and whose rooms' tables too, are compared with those that follow a log
COMPARED, WITH_ROOMS = 10_000, 1_000
COHORT_S, QUESTION_S, MEMORY_GIB = 2.0, 1.0, 8.0
# How much more than ten times as long a question may take of ten times as many people, and what it may cost at any size
BENT, FIXED_S = 1.5, 0.2
# What is told beside the cohort and has no bar of its own
APART = frozenset({BY_ROWS, *CRITERIA})
Tell = Callable[[str], None]


def scale(patients: int = PATIENTS, folder: Path | None = None) -> Figures:
    """Compare small towns with their logs; then fill and ask a hundredth, a tenth and the whole. `folder`: to go on in."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="onmaru-scale-") as scratch:
            return scale(patients, Path(scratch))
    tell = partial(click.echo, err=True)
    figures: dict[str, Any] = {}
    for people, bare in ((COMPARED, True), (WITH_ROOMS, False)):
        figures |= _compared(Size(SEED, min(people, patients), bare=bare), folder, tell)
    asked: dict[int, Mapping[str, Took]] = {}
    for people in sorted({max(patients // 100, 1), max(patients // 10, 1), patients}):
        told, asked[people] = _size(people, folder / str(people), tell)
        figures |= told
    figures["memory of the asking process, GiB"] = round(_peak(resource.RUSAGE_SELF), 2)
    figures["memory of the largest filling process, GiB"] = round(_peak(resource.RUSAGE_CHILDREN), 2)
    missed = [*_missed(asked), *(["memory"] if _peak(resource.RUSAGE_SELF) >= MEMORY_GIB else [])]
    assert not missed, f"{'; '.join(missed)} - {figures}"
    return figures


def _compared(size: Size, folder: Path, tell: Tell) -> Figures:
    """The rows of a small town that equal those of its log; what was compared before is noted in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = "resource tables" if size.bare else "the rooms' tables too"
    note = folder / f"alike-{size.patients}-{'bare' if size.bare else 'rooms'}.json"
    if not note.exists():
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="alike-", dir=folder) as scratch:
            rows = alike(size, Path(scratch), os.cpu_count() or 1)
        write_new(note, msgspec.json.encode(rows))
        tell(f"{rows:,} rows of {tables} equal the log's after {time.monotonic() - began:.0f} s")
    return {f"rows equal to the log's, {size.patients:,} people, {tables}": msgspec.json.decode(note.read_bytes())}


def _size(people: int, home: Path, tell: Tell) -> tuple[dict[str, Any], Mapping[str, Took]]:
    """Fill a town's resource tables, if they are not there yet, and ask: figures, and what each question took."""
    house = House(ground(home))
    try:
        began = time.monotonic()
        resources = fill(house, Size(SEED, people, bare=True), os.cpu_count() or 1, _progress(people, tell))
        seconds = time.monotonic() - began
        lake = house.hall(system(MAIN)).lake
        took = asked(house, people, lambda name, one: tell(f"{people:,}: {name}: {one}"))
        if people <= COMPARED:
            others = {name: found(lake, name, sql) for name, sql in (("codings", CODINGS), ("nested", NESTED))}
            same = all(one == found(lake, "cohort", COHORT) for one in others.values())
            assert same, f"the cohort has other persons than by codings and nested: {others}"
    finally:
        house.close()
    size = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    told: dict[str, Any] = {"resources": resources, "filled in seconds": round(seconds, 1), "MiB": round(size / 2**20)}
    told |= {name: str(one) for name, one in took.items()}
    return {f"{people:,}: {name}": value for name, value in told.items()}, took


def _progress(people: int, tell: Tell) -> Callable[[float], None]:
    """Told of each part's resources, of every twentieth of the town it says how far that is and how long it will take."""
    town, began = Size(SEED, people).town(), time.monotonic()
    whole = sum(town.size(part) for part in range(town.parts))
    done = told = 0.0

    def advance(resources: float) -> None:
        nonlocal done, told
        done += resources
        if done - told >= whole / 20:
            told, passed = done, time.monotonic() - began
            left = passed * (whole - done) / done
            tell(f"{people:,}: {done / whole:.0%} of {whole:,} resources, {passed:.0f} s, some {left:.0f} s left")

    return advance


def _missed(asked: Mapping[int, Mapping[str, Took]]) -> list[str]:
    """The bars that were not held."""
    sizes = sorted(asked)
    bars = {name: COHORT_S if name == "cohort" else QUESTION_S for name in asked[sizes[-1]] if name not in APART}
    missed = [f"{name} {asked[sizes[-1]][name]}" for name, bar in bars.items() if asked[sizes[-1]][name].wall >= bar]
    for small, large in pairwise(sizes):
        for name in bars:
            before, after = asked[small][name].cpu, asked[large][name].cpu
            if after > before * large / small * BENT + FIXED_S:
                missed.append(f"{name} grows from {before:.2f} s to {after:.2f} s of processor time")
    return missed


def _peak(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / 2**20


PROOFS = (
    Proof(
        "4.scale",
        "A million simulated people's lake equals what the log gives (at ten thousand), a ten-criteria cohort takes less "
        "than 2 s, typical questions and boards less than 1 s each, in less than 8 GiB, with time close to linear in size.",
        scale,
        ("patients", "folder"),
    ),
)
