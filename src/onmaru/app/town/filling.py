"""A town's lake filled by several processes, part by part; what was filled when it was stopped is not made again."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa

from onmaru.app import rooms as listed
from onmaru.app.house import MAIN, House
from onmaru.app.refusal import Refusal
from onmaru.engines.duck import filling
from onmaru.engines.duck.filling import Filled, Part
from onmaru.engines.keyring import write_new
from onmaru.fhir import verbatim
from onmaru.kernel.log import Version
from onmaru.kernel.projection import Projection
from onmaru.simulate.town import PART, Town

BATCH = 10_000
AT = 1_767_225_600_000_000
"""When the first was recorded, 2026-01-01T00:00:00Z; each further one a microsecond later, as a log's clock moves on."""
PARTS = "filling"


class Size(NamedTuple):
    """What town: the same one gives the same rows. `bare`: resource tables alone, no room's."""

    seed: int
    patients: int
    part: int = PART
    bare: bool = False

    @property
    def told(self) -> str:
        tables = "resource tables alone" if self.bare else "the rooms' tables too"
        return f"a simulated town of {self.patients} people, seed {self.seed}, in parts of {self.part}, {tables}"

    @property
    def projections(self) -> list[Projection]:
        """Those whose tables are filled beside the resource tables."""
        return [] if self.bare else projections()

    def town(self) -> Town:
        """Its people."""
        return Town(self.seed, self.patients, self.part)


class Task(NamedTuple):
    """One part for a process of its own."""

    size: Size
    part: int
    first: int
    folder: Path
    key: bytes


def projections() -> list[Projection]:
    """Those of all rooms that have columnar tables."""
    found = (one for room in listed.all_rooms() for one in room.projections)
    return [one for one in found if any(table.store == "columnar" for table in one.tables)]


def versions(town: Town, part: int, first: int) -> Iterator[list[Version]]:
    """A part's versions from position `first` on, as the log would give them, BATCH at a time."""
    made = enumerate(town.resources(part), first)
    while batch := [
        Version(t, type, id, 1, "create", AT + t - 1, verbatim.stamp(raw, id, 1, AT + t - 1))
        for t, (type, id, raw) in islice(made, BATCH)
    ]:
        yield batch


def firsts(town: Town) -> list[int]:
    """The first position of each part, and of the one that would follow."""
    found = [1]
    for part in range(town.parts):
        found.append(found[-1] + town.size(part))
    return found


def filled(task: Task) -> tuple[int, Part]:
    """Fill one part, in this process and with one core of it."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    town = task.size.town()
    span = (task.first, task.first + town.size(task.part) - 1)
    log = versions(town, task.part, task.first)
    return task.part, filling.fill(task.folder, task.key, task.size.projections, log, span)


def fill(house: House, size: Size, workers: int, advance: Callable[[float], None]) -> int:
    """Fill the lake of the house's own tenant; the number of resources. `advance`: told of each part's resources.

    Refused where the tenant holds something else. Stopped at any instant and begun again with the same size, it goes on.
    """
    folder, town = house.folder(MAIN), size.town()
    known = filling.marked(folder)
    if known is not None and known.of != size.told:
        raise Refusal(f"this home holds {known.of}")
    if known is None and (folder / "log.db").exists():
        raise Refusal("this home has a record: name an empty folder")
    if known is not None and known.position:
        return known.position
    key = house.keys(MAIN)[1].key("lake")
    filling.mark(folder, Filled(size.told))
    beside = folder / PARTS
    beside.mkdir(mode=0o700, exist_ok=True)
    starts = firsts(town)
    tasks = []
    for part in range(town.parts):
        if (beside / f"{part}.json").exists():
            advance(starts[part + 1] - starts[part])
        else:
            tasks.append(Task(size, part, starts[part], folder, key))
    for part, made in _run(tasks, workers):
        write_new(beside / f"{part}.json", msgspec.json.encode(made))
        advance(starts[part + 1] - starts[part])
    parts = [_read(beside, part) for part in range(town.parts)]
    position = filling.join(folder, key, size.projections, parts)
    filling.mark(folder, Filled(size.told, position))
    for path in beside.iterdir():
        path.unlink()
    beside.rmdir()
    return position


def _run(tasks: Sequence[Task], workers: int) -> Iterator[tuple[int, Part]]:
    if workers < 2 or len(tasks) < 2:
        yield from map(filled, tasks)
        return
    with ProcessPoolExecutor(min(workers, len(tasks)), multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(filled, task) for task in tasks]):
            yield future.result()


def _read(beside: Path, part: int) -> Part:
    return msgspec.json.decode((beside / f"{part}.json").read_bytes(), type=Part)
