"""Loading the Synthea bundles, from first byte read to last fsync, beside the same bytes through bare msgspec and SQLite."""

from __future__ import annotations

import gzip
import os
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from _corpus import folder
from _floor import Floor
from _store import emptied, store
from onmaru.app.bench import Result, result
from onmaru.app.calm import calm
from onmaru.app.house import MAIN, House, Place
from onmaru.app.loading import found, loaded, ordered
from onmaru.fhir import verbatim


def run(quick: bool) -> Result:
    """Both load the same files into an empty store, turn about; the median counts. Latency is that of a file."""
    calm()
    files = ordered(found([folder()]))[: 12 if quick else None]
    rounds = [(_ours(files), _floor(files)) for _ in range(1 if quick else 3)]
    rounds.sort(key=lambda one: one[0][1])
    seconds, rate = rounds[len(rounds) // 2][0]
    floors = sorted(floor for _, floor in rounds)
    return result("load", seconds, rate, floors[len(floors) // 2])


def _ours(files: Sequence[Path]) -> tuple[list[float], float]:
    with tempfile.TemporaryDirectory(prefix="onmaru-bench-") as scratch:
        emptied()
        place = Place(*(Path(scratch) / name for name in ("home", "keys", "witness")), store())
        house = House(place)
        house.seat(MAIN)
        each, accepted, started = [], 0, time.perf_counter()
        last = started
        for _, receipt in loaded(house, MAIN, files):
            accepted += receipt.accepted
            each.append(time.perf_counter() - last)
            last = time.perf_counter()
        seconds = time.perf_counter() - started
        house.close()
        return each, accepted / seconds


def _groups(files: Sequence[Path]) -> Iterator[list[tuple[str, str, bytes]]]:
    """(type, id, body) of each file, references resolved."""
    links: dict[str, str] = {}
    for file in files:
        _, entries = verbatim.entries(gzip.decompress(file.read_bytes()))
        named = [(entry.url, str(uuid.uuid4()), entry) for entry in entries]
        links.update({entry.full_url: f"{type}/{id}" for type, id, entry in named})
        yield [(type, id, verbatim.relink(bytes(entry.resource or b""), links)) for type, id, entry in named]


def _floor(files: Sequence[Path]) -> float:
    if store():
        from _floor_postgres import bulk

        return bulk(store(), _groups(files))
    with tempfile.TemporaryDirectory(prefix="onmaru-floor-") as scratch:
        floor, started = Floor(Path(scratch)), time.perf_counter()
        for group in _groups(files):
            for one in group:
                floor.add(*one)
            floor.commit()
            os.fdatasync(floor.wal)
        return floor.t / (time.perf_counter() - started)
