"""SQL on FHIR views over Parquet, two cores: resources a second of four views, beside the same columns by SQL of hand."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from _corpus import corpus
from onmaru.app.bench import Result, result
from onmaru.engines.duck.nested.flatten import flatten
from onmaru.engines.duck.reader import Reader
from onmaru.fhir.columnar import table
from onmaru.fhir.views import DIALECTS, compile, parse
from onmaru.kernel.views import tree_of

ROWS = 1_000_000


def _column(name: str, path: str, type: str) -> dict[str, str]:
    return {"name": name, "path": path, "type": type}


VALUE = _column("value", "value.ofType(Quantity).value", "decimal")
ID = _column("id", "id", "id")
SYSTOLIC = "component.where(code.coding.exists(code = '8480-6')).value.ofType(Quantity).value.first()"
LOINC = "code.coding.where(system = 'http://loinc.org').code.first()"
KEYS = [_column("id", "getResourceKey()", "string"), _column("patient", "subject.getReferenceKey(Patient)", "string")]
# Each view, and what somebody who knows the tables would write by hand for the same columns
VIEWS: tuple[tuple[list[dict[str, Any]], list[str], str], ...] = (
    (
        [{"column": [*KEYS, _column("code", LOINC, "code"), VALUE]}],
        [],
        "SELECT 'Observation/' || id, subject.reference, list_filter(code.coding, lambda c: c.system = 'http://loinc.org')[1].code,"
        " TRY_CAST(valueQuantity.value AS DECIMAL(38, 12)) FROM {}",
    ),
    (
        [{"column": [ID]}, {"forEach": "code.coding", "column": [_column("code", "code", "code")]}],
        [],
        "SELECT id, c.code FROM (SELECT id, unnest(code.coding) AS c FROM {})",
    ),
    (
        [{"column": [ID, _column("systolic", SYSTOLIC, "decimal")]}],
        [],
        "SELECT id, TRY_CAST(list_filter(component, lambda c: list_bool_or(list_transform(c.code.coding, lambda o:"
        " o.code = '8480-6')))[1].valueQuantity.value AS DECIMAL(38, 12)) FROM {}",
    ),
    (
        [{"column": [ID, VALUE]}],
        ["value.ofType(Quantity).value > 100", "status = 'final'"],
        "SELECT id, TRY_CAST(valueQuantity.value AS DECIMAL(38, 12)) AS v FROM {} WHERE v > 100 AND status = 'final'",
    ),
)


def run(quick: bool) -> Result:
    """Each view three times, turn about with its floor; the best of each counts. Rates are over all four views."""
    bodies = [body for type_name, _, body in corpus(full=False).resources if type_name == "Observation"]
    wanted = 100_000 if quick else ROWS
    rows, _ = flatten(table("Observation"), bodies[: 5_000 if quick else 20_000])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "observations.parquet"
        pq.write_table(pa.concat_tables([rows] * (wanted // rows.num_rows)), path, compression="zstd")
        many = pq.read_metadata(path).num_rows
        ours, floors = [], []
        for select, where, by_hand in VIEWS:
            mine, floor = _timed(path, select, where, by_hand)
            ours.append(mine)
            floors.append(floor)
    return result("view", ours, many / statistics.mean(ours), many / statistics.mean(floors))


def _timed(path: Path, select: list[dict[str, Any]], where: list[str], by_hand: str) -> tuple[float, float]:
    view = parse({"resource": "Observation", "select": select, "where": [{"path": one} for one in where]})
    sql = compile(view, tree_of("Observation", pq.read_schema(path)), DIALECTS["duckdb"], "kept").sql
    reader, plain = Reader(), duckdb.connect(config={"threads": 2})
    mine, floor = [], []
    for _ in range(3):
        began = time.perf_counter()
        reader.table(sql, {}, {"kept": ds.dataset(str(path))})
        mine.append(time.perf_counter() - began)
        began = time.perf_counter()
        plain.sql(by_hand.format(f"read_parquet('{path}')")).to_arrow_table()
        floor.append(time.perf_counter() - began)
    reader.close()
    return min(mine), min(floor)
