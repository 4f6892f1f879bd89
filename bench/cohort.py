"""A cohort of ten criteria over a made CDM: persons a second, beside the same counted by hand in one statement."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from onmaru.app.bench import Result, result
from onmaru.engines.duck.script import Handed, ScriptRun
from onmaru.kernel.lake import Script
from onmaru.rooms.cohort import asking, sql

PERSONS, QUICK, RUNS = 1_000_000, 10_000, 5
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
    """Persons of the CDM a second; a run is a whole cohort."""
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
    return result("cohort", seconds, persons / middle, persons / floor)
