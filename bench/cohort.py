"""A cohort of ten criteria through the gate, beside bare DuckDB on the same rows as plain Parquet; and one by Circe.

The first asks the lake of a simulated town; the second is whole, over a made CDM, beside the same counted by hand.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from onmaru.app.bench import Result, result
from onmaru.app.house import MAIN, House, system
from onmaru.app.prove.asking import found
from onmaru.app.prove.town import COHORT
from onmaru.app.town.command import ground
from onmaru.app.town.filling import Size, fill
from onmaru.engines.duck.script import Handed, ScriptRun
from onmaru.kernel.lake import Script, View
from onmaru.rooms.cohort import asking, sql

PERSONS, QUICK, RUNS = 1_000_000, 10_000, 5
TOWN, FEW = 10_000, 200
# A home of a town to ask instead of a new one, as `onmaru prove 4.scale --folder` leaves them
HOME = "ONMARU_BENCH_TOWN"
CRITERIA = 10
MADE = {
    "person": """SELECT i AS person_id, 1930 + i % 80 AS year_of_birth, CASE i % 2 WHEN 0 THEN 8507 ELSE 8532 END AS
        gender_concept_id, '' AS _patient FROM range({n}) t(i)""",
    "observation_period": """SELECT i AS observation_period_id, i AS person_id, DATE '2015-01-01' AS
        observation_period_start_date, DATE '2024-12-31' AS observation_period_end_date FROM range({n}) t(i)""",
    "condition_occurrence": """SELECT j AS condition_occurrence_id, j // 20 AS person_id,
        1 + hash(j) % 500 AS condition_concept_id,
        DATE '2016-01-01' + CAST(hash(j * 7) % 2500 AS INTEGER) AS condition_start_date, CAST(NULL AS DATE) AS
        condition_end_date, j // 20 AS visit_occurrence_id FROM range(20 * {n}) t(j)""",
    "concept": "SELECT i AS concept_id, '' AS invalid_reason FROM range(1000) t(i)",
}
FLOOR = """SELECT count(*) FROM (SELECT person_id, min(condition_start_date) AS day FROM condition_occurrence
WHERE condition_concept_id BETWEEN 1 AND 50 GROUP BY person_id) e WHERE """
WITHIN = """EXISTS (SELECT 1 FROM condition_occurrence c WHERE c.person_id = e.person_id
AND c.condition_concept_id BETWEEN {a} AND {b} AND c.condition_start_date >= e.day)"""


def _definition() -> dict[str, Any]:
    """Who had one of fifty conditions for the first time, and after it one of each of nine other fifties."""
    sets = {f"s{n}": [{"concept": 50 * n + c, "descendants": False} for c in range(1, 51)] for n in range(CRITERIA)}
    events = [{"domain": "condition", "concepts": "s0", "first": True}]
    after = {name: {"event": {"domain": "condition", "concepts": name}, "begin": 0} for name in list(sets)[1:]}
    rules = [{"name": name, "events": [asked]} for name, asked in after.items()]
    return {"format": "onmaru cohort 1", "name": "ten", "concepts": sets, "entry": {"events": events}, "rules": rules}


def run(quick: bool = False) -> Result:
    """Persons a second; a run is a whole cohort."""
    parts = (_of_town(quick), _of_circe(quick))
    return msgspec.structs.replace(parts[0], bench="cohort", parts=parts)


def _of_town(quick: bool) -> Result:
    """Persons of a town whose lake is asked as anybody asks it, gate and audit with it."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="onmaru-bench-") as scratch:
        house = House(ground(Path(os.environ.get(HOME) or scratch)))
        try:
            if HOME not in os.environ:
                fill(house, Size(1, FEW if quick else TOWN, bare=True), os.cpu_count() or 1, lambda amount: None)
            lake = house.hall(system(MAIN)).lake
            connection = duckdb.connect(":memory:", config={"threads": 2})
            for name in ("Coded", "Patient"):
                rows = lake.query(View(name, f'SELECT * FROM "{name}"', (name,), secondary=True), {}).table
                pq.write_table(rows, Path(scratch) / f"{name}.parquet", compression="zstd")
                connection.execute(f"CREATE VIEW \"{name}\" AS FROM read_parquet('{scratch}/{name}.parquet')")
            persons = rows.num_rows
            assert found(lake, "cohort", COHORT) == connection.sql(COHORT).to_arrow_table().to_pylist()
            seconds, floors = [], []
            for _ in range(1 if quick else RUNS):
                seconds.append(_taken(lambda: found(lake, "cohort", COHORT)))
                floors.append(_taken(lambda: connection.execute(COHORT).fetchall()))
        finally:
            house.close()
    middle, floor = (sorted(one)[len(one) // 2] for one in (seconds, floors))
    return result("cohort of the lake", seconds, persons / middle, persons / floor)


def _taken(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _of_circe(quick: bool) -> Result:
    """Persons of a made CDM."""
    import duckdb

    persons = QUICK if quick else PERSONS
    connection = duckdb.connect(":memory:", config={"threads": 2})
    tables: dict[str, pa.Table] = {
        name: connection.sql(text.format(n=persons)).to_arrow_table() for name, text in MADE.items()
    }
    made = sql.cohort(asking.taken(_definition()).circe)

    @contextmanager
    def handed() -> Iterator[Handed]:
        names = {name: f'SELECT * FROM "__{name}"' for name in made.tables}
        yield Handed({f"__{name}": tables[name] for name in names}, names, {})

    seconds, floors = [], []
    for name, table in tables.items():
        connection.register(name, table)
    rest = " AND ".join(WITHIN.format(a=50 * n + 1, b=50 * n + 50) for n in range(1, CRITERIA))
    for _ in range(1 if quick else RUNS):
        began = time.perf_counter()
        ours = (
            ScriptRun(Script("bench", made.statements, made.tables, ("cohort",)), handed).compute()["cohort"].num_rows
        )
        seconds.append(time.perf_counter() - began)
        began = time.perf_counter()
        by_hand = connection.execute(FLOOR + rest).fetchone()
        floors.append(time.perf_counter() - began)
        assert by_hand and by_hand[0] == ours, "the two do not count the same persons"
    middle, floor = (sorted(one)[len(one) // 2] for one in (seconds, floors))
    return result("cohort by Circe", seconds, persons / middle, persons / floor)
