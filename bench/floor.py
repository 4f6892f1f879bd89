"""The floor itself: creates over its bare HTTP server, beside the same rows straight into its SQLite file."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from _corpus import corpus
from _floor import Floor
from _http import CONNECTIONS, Bench
from onmaru.app import bench
from onmaru.app.bench import Ours, Result


def run(quick: bool) -> Result:
    """Groups as large as there are connections, each with its fsync."""
    made = corpus(full=False, limit=12 if quick else 10_000)
    with tempfile.TemporaryDirectory(prefix="onmaru-bench-") as scratch:
        servers = Bench(Path(scratch), made, quick)
        with servers.floor() as address:
            over_http = servers.wrk(address, "create")
        floor = Floor(Path(scratch) / "bare")
        bodies = made.observations[:20_000]
        started = time.perf_counter()
        for start in range(0, len(bodies), CONNECTIONS):
            for number, raw in enumerate(bodies[start : start + CONNECTIONS], start=start):
                floor.add("Observation", str(number), raw)
            floor.commit()
            os.fdatasync(floor.wal)
        rate = len(bodies) / (time.perf_counter() - started)
    ours = Ours(over_http.rate, over_http.p50, over_http.p99)
    return Result("floor", ours, bench.Floor(round(rate, 1)), round(over_http.rate / rate, 3))
