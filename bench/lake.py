"""Resource tables: a typical question through the gate beside bare DuckDB on the same rows as plain Parquet.

With it how fast the tables follow the log, from bodies in memory to durable files, and how fast JSON becomes columns alone.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from _corpus import Corpus, corpus
from onmaru.app.bench import Result, result
from onmaru.engines.duck.nested.flatten import flatten
from onmaru.engines.duck.nested.followed import Resources
from onmaru.engines.duck.tables import ColumnarTables
from onmaru.fhir import verbatim
from onmaru.fhir.columnar import table
from onmaru.kernel.gate import Sight
from onmaru.kernel.lake import View
from onmaru.kernel.log import Version

BATCH = 10_000
RUNS = 5
# As many as a tenant in which some refuse research
SIGHT = Sight(None, None, frozenset(f"refuses-{number}" for number in range(100)))
QUESTION = """SELECT c.code, count(*) AS n, count(DISTINCT subject.reference) AS patients,
 max(CAST(valueQuantity.value AS DOUBLE)) AS most, min(effectiveDateTime) AS first
 FROM {table}, unnest(code.coding) AS u(c) WHERE status = 'final' GROUP BY ALL ORDER BY n DESC"""


class Lake(Result, frozen=True, kw_only=True):
    """`rows`: Observations asked. Versions a second: `follow` of every type, `flatten` of Observations; `past` of a question
    about a position halfway.
    """

    rows: int
    follow: float
    flatten: float
    past: float


def run(quick: bool) -> Lake:
    """Rates are Observations a second. One in twenty of the versions is an update of what is there."""
    log = _versions(corpus(full=False, limit=6 if quick else 10_000), 1 if quick else 4)
    with tempfile.TemporaryDirectory(prefix="onmaru-bench-") as scratch:
        store = ColumnarTables(Path(scratch), b"k" * 32, [Resources()])
        follow = len(log) / _taken(lambda: _followed(store, log))
        view = View("bench", QUESTION.format(table='"Observation"'), ("Observation",))
        plain = Path(scratch) / "Observation.parquet"
        standing = store.query(View("all", 'SELECT * FROM "Observation"', ("Observation",)), {}, SIGHT)
        pq.write_table(standing, plain, compression="zstd")
        rows = standing.num_rows
        floor = _floor(plain)
        assert store.query(view, {}, SIGHT).num_rows == len(floor())  # warm, and the same answer
        ours, bare, past = [], [], []
        for _ in range(1 if quick else RUNS):
            ours.append(_taken(lambda: store.query(view, {}, SIGHT)))
            bare.append(_taken(floor))
            past.append(_taken(lambda: store.query(view, {}, SIGHT, len(log) // 2)))
        store.close()
    found = result("lake", ours, rows / sorted(ours)[len(ours) // 2], rows / sorted(bare)[len(bare) // 2])
    told = {name: getattr(found, name) for name in found.__struct_fields__}
    seconds = sorted(past)[len(past) // 2]
    return Lake(**told, rows=rows, follow=round(follow), flatten=round(_flattened(log)), past=round(rows / seconds))


def _versions(made: Corpus, copies: int) -> list[Version]:
    log: list[Version] = []
    for copy in range(copies):
        for number, (type, id, raw) in enumerate(made.resources):
            t, again = len(log) + 1, number % 20 == 0 and copy > 0
            name, version = f"{id}-{0 if again else copy}", copy + 1 if again else 1
            body = verbatim.stamp(raw, name, version, t)
            log.append(Version(t, type, name, version, "update" if again else "create", t, body))
    return log


def _followed(store: ColumnarTables, log: Sequence[Version]) -> None:
    for start in range(0, len(log), BATCH):
        store.take(store.projections[0], log[start : start + BATCH], {})


def _flattened(log: Sequence[Version]) -> float:
    bodies = [version.body for version in log if version.type == "Observation" and version.body is not None]
    tree = flatten(table("Observation"), bodies)[1]
    return len(bodies) / _taken(lambda: flatten(tree, bodies))


def _floor(plain: Path) -> Callable[[], list[Any]]:
    connection = duckdb.connect(":memory:", config={"threads": 2})
    question = QUESTION.format(table=f"read_parquet('{plain}')")
    return lambda: connection.execute(question).fetchall()


def _taken(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
