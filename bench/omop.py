"""The CDM made of what was followed, beside DuckDB reading the same Parquet; latency: a renewal after 100 new resources."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from _corpus import folder
from onmaru.app.bench import Result, result
from onmaru.app.calm import calm
from onmaru.app.lines import say
from onmaru.app.prove.copied import Copied
from onmaru.app.prove.omop import followed, renewed
from onmaru.engines.duck.tables import ColumnarTables
from onmaru.kernel.gate import ALL
from onmaru.kernel.lake import View
from onmaru.rooms.omop.tables import TABLES

SIZE = 1_000_000
NEW = 100


def run(quick: bool) -> Result:
    """Resources a second from the room's followed tables to the whole CDM. `ONMARU_BENCH_SIZE`: how many resources."""
    calm()
    size = int(os.environ.get("ONMARU_BENCH_SIZE", 5000 if quick else SIZE))
    files = sorted(folder().glob("*.json.gz"))
    log = Copied(files[:6] if quick else files, size)
    with tempfile.TemporaryDirectory(prefix="onmaru-bench-") as scratch:
        store, seconds = followed(log, Path(scratch))
        say({"bench": "omop", "followed": round(size / seconds, 1), "resources": size}, json=True)
        full = renewed(store)
        floor = _floor(store)
        each = []
        for _ in range(3 if quick else 9):
            log.size += NEW
            store.catch_up(store.projections[0], log)
            each.append(renewed(store))
        store.close()
    return result("omop", each, size / full, size / floor)


def _floor(store: ColumnarTables) -> float:
    """Every column of the followed tables read once."""
    started = time.perf_counter()
    for table in TABLES:
        columns = ", ".join(f'count("{name}")' for name, _ in table.columns)
        store.query(View(table.name, f"SELECT {columns} FROM {table.name}", (table.name,)), {}, ALL)
    return time.perf_counter() - started
