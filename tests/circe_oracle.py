"""Circe by another hand: `ohdsi-circepy` makes the SQL, OHDSI's SqlRender translates it. It runs in a process of its own.

`python circe_oracle.py` reads expressions, one JSON a line, and prints a JSON string of SQL for each, or null and why.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

# What it needs, without the 450 MB that its own list brings along and that making SQL does not touch
PACKAGES = ("ohdsi-circepy==0.3.0", "ibis-framework", "sqlglot<30.18", "toolz", "atpublic", "parsy",
            "python-dateutil", "six", "tzdata", "pytz")  # fmt: skip
WITH_ALL = ("pydantic>=2", "jinja2", "PyYAML")


def installed(folder: Path) -> Path:
    """The packages in a folder of their own."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]
    subprocess.run([*pip, *WITH_ALL], check=True)
    subprocess.run([*pip, "--no-deps", *PACKAGES], check=True)
    return folder


def said(expressions: Sequence[Mapping[str, Any]], folder: Path) -> list[str]:
    """OHDSI SQL of each expression; "" where the other hand makes none."""
    lines = "\n".join(json.dumps(one) for one in expressions) + "\n"
    environ = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, __file__], input=lines, env=environ, check=True, capture_output=True, text=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def rows(text: str, tables: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The cohort that OHDSI SQL gives over Arrow tables, by SqlRender's own translation."""
    import duckdb
    from duckcdm.sqlrender import render, split_sql, translate

    connection = duckdb.connect(":memory:")
    for name, table in tables.items():
        connection.register(f"__{name}", table)
        connection.execute(f'CREATE VIEW "{name}" AS SELECT * FROM "__{name}"')
    connection.execute(
        "CREATE TABLE cohort (cohort_definition_id INT, subject_id BIGINT, cohort_start_date DATE, cohort_end_date DATE)"
    )
    for statement in split_sql(translate(render(text), "duckdb")):
        connection.execute(statement)
    found = connection.execute(
        "SELECT subject_id, cohort_start_date, cohort_end_date FROM cohort ORDER BY ALL"
    ).fetchall()
    connection.close()
    return found


def _made(line: str) -> str:
    from circe.api import build_cohort_query, cohort_expression_from_json  # type: ignore[import-not-found]
    from circe.cohortdefinition import BuildExpressionQueryOptions  # type: ignore[import-not-found]

    options = BuildExpressionQueryOptions()
    options.cdm_schema = options.vocabulary_schema = options.result_schema = "main"
    options.target_table, options.cohort_id, options.generate_stats = "main.cohort", 1, False
    return str(build_cohort_query(cohort_expression_from_json(line), options))


def _answers() -> Iterator[str]:
    for line in sys.stdin:
        try:
            yield json.dumps(_made(line))
        except Exception as error:  # noqa: BLE001  an oracle that cannot say anything says so
            yield json.dumps(f"-- {type(error).__name__}: {error}"[:300])


if __name__ == "__main__":
    for answer in _answers():
        sys.stdout.write(answer + "\n")
