"""What DuckDB is handed for one query."""

from __future__ import annotations

import pyarrow as pa

from onmaru.engines.duck.reader import ANEW, Reader


def test_what_is_made_for_one_query_is_made_once_however_often_it_is_named() -> None:
    reader = Reader()
    views = {f"{ANEW}0": "SELECT x FROM base"}
    for n in range(1, 25):
        before = f'"{ANEW}{n - 1}"'
        views[f"{ANEW}{n}"] = f"SELECT a.x FROM {before} a JOIN {before} b USING (x)"
    found = reader.table(f'SELECT x FROM "{ANEW}24" ORDER BY x', {}, {"base": pa.table({"x": [1, 2]})}, views)
    assert found.to_pylist() == [{"x": 1}, {"x": 2}]
    again = reader.table(
        f'SELECT count(*) AS n FROM "{ANEW}0"', {}, {"base": pa.table({"x": [1]})}, {f"{ANEW}0": views[f"{ANEW}0"]}
    )
    assert again.to_pylist() == [{"n": 1}]
    reader.close()
