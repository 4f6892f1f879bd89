"""All checks of the quality room over a made CDM, beside DuckDB reading the same Parquet once; latency: a whole run."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds

from onmaru.app.bench import Result, result
from onmaru.engines.duck.script import Handed, ScriptRun
from onmaru.kernel.lake import Script
from onmaru.rooms.quality.checks import checks
from onmaru.rooms.quality.statements import plan

RECORDS, QUICK, RUNS = 1_000_000, 20_000, 3
# Of so many records one is a person's, and the others are shared out among these tables
MADE = {
    "person": """SELECT i AS person_id, 8507 + 25 * (i % 2) AS gender_concept_id, 1930 + i % 80 AS year_of_birth,
        NULL::INTEGER AS month_of_birth, 1 AS day_of_birth, NULL::TIMESTAMP AS birth_datetime, 0 AS race_concept_id,
        0 AS ethnicity_concept_id FROM range({n} // 100) t(i)""",
    "observation_period": """SELECT i AS observation_period_id, i AS person_id, DATE '2010-01-01' AS
        observation_period_start_date, DATE '2024-12-31' AS observation_period_end_date, 32817 AS period_type_concept_id
        FROM range({n} // 100) t(i)""",
    "visit_occurrence": """SELECT i AS visit_occurrence_id, i % ({n} // 100) AS person_id, 9201 + i % 3 AS visit_concept_id,
        DATE '2015-01-01' + CAST(i % 3000 AS INTEGER) AS visit_start_date,
        DATE '2015-01-03' + CAST(i % 3000 AS INTEGER) AS visit_end_date, 32817 AS visit_type_concept_id
        FROM range({n} // 10) t(i)""",
    "condition_occurrence": """SELECT i AS condition_occurrence_id, i % ({n} // 100) AS person_id,
        hash(i) % 500 AS condition_concept_id, DATE '2015-01-01' + CAST(i % 3000 AS INTEGER) AS condition_start_date,
        DATE '2015-01-02' + CAST(i % 3000 AS INTEGER) AS condition_end_date, 32817 AS condition_type_concept_id,
        i % ({n} // 10) AS visit_occurrence_id, 'C' || hash(i) % 900 AS condition_source_value,
        hash(i) % 900 AS condition_source_concept_id FROM range({n} // 5) t(i)""",
    "measurement": """SELECT i AS measurement_id, i % ({n} // 100) AS person_id, hash(i) % 700 AS measurement_concept_id,
        DATE '2015-01-01' + CAST(i % 3000 AS INTEGER) AS measurement_date, 32817 AS measurement_type_concept_id,
        CAST(hash(i) % 1000 AS DOUBLE) AS value_as_number, 8840 + hash(i) % 5 AS unit_concept_id,
        'mg/dL' AS unit_source_value, i % ({n} // 10) AS visit_occurrence_id, 'M' || hash(i) % 900 AS
        measurement_source_value, hash(i) % 900 AS measurement_source_concept_id FROM range({n} * 2 // 5) t(i)""",
    "drug_exposure": """SELECT i AS drug_exposure_id, i % ({n} // 100) AS person_id, hash(i) % 300 AS drug_concept_id,
        DATE '2015-01-01' + CAST(i % 3000 AS INTEGER) AS drug_exposure_start_date,
        DATE '2015-01-09' + CAST(i % 3000 AS INTEGER) AS drug_exposure_end_date, 32817 AS drug_type_concept_id,
        i % ({n} // 10) AS visit_occurrence_id, 'D' || hash(i) % 900 AS drug_source_value,
        hash(i) % 900 AS drug_source_concept_id FROM range({n} * 7 // 25) t(i)""",
    "death": "SELECT i * 20 AS person_id, DATE '2023-01-01' AS death_date FROM range({n} // 2000) t(i)",
    "concept": """SELECT i AS concept_id, 'S' AS standard_concept, '' AS invalid_reason, CASE i % 3 WHEN 0 THEN 'Condition'
        WHEN 1 THEN 'Drug' ELSE 'Measurement' END AS domain_id, 'Ingredient' AS concept_class_id FROM range(9000) t(i)""",
    "concept_ancestor": """SELECT i AS ancestor_concept_id, j AS descendant_concept_id
        FROM range(500) t(i), range(20) u(j)""",
}


def run(quick: bool = False) -> Result:
    """Records of the CDM checked a second by the whole list. `ONMARU_BENCH_SIZE`: how many records."""
    import duckdb

    size = int(os.environ.get("ONMARU_BENCH_SIZE", QUICK if quick else RECORDS))
    with tempfile.TemporaryDirectory(prefix="onmaru-bench-") as scratch:
        connection = duckdb.connect(":memory:", config={"threads": 2})
        for name, text in MADE.items():
            connection.execute(f"COPY ({text.format(n=size)}) TO '{scratch}/{name}.parquet' (FORMAT parquet)")
        parts: dict[str, Any] = {f"__{name}": ds.dataset(Path(scratch) / f"{name}.parquet") for name in MADE}
        there = {name: parts[f"__{name}"].schema.names for name in MADE}
        made = plan(checks(), there)

        @contextmanager
        def handed() -> Iterator[Handed]:
            yield Handed(parts, {name: f'SELECT * FROM "__{name}"' for name in MADE}, {})

        script = Script("bench", tuple(made.statements), tuple(MADE), ("found",), seconds=600)
        seconds = []
        for _ in range(1 if quick else RUNS):
            started = time.perf_counter()
            found = ScriptRun(script, handed).compute()["found"]
            seconds.append(time.perf_counter() - started)
        assert found.num_rows > 100
        rows = sum(one.count_rows() for one in parts.values())
        started = time.perf_counter()
        for name in MADE:
            columns = ", ".join(f'count("{column}")' for column in there[name])
            connection.execute(f"SELECT {columns} FROM '{scratch}/{name}.parquet'").fetchall()
        floor = time.perf_counter() - started
    return result("quality", seconds, rows / sorted(seconds)[len(seconds) // 2], rows / floor)
