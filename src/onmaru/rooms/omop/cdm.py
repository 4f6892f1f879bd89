"""OMOP CDM 5.4, every table: columns, types and which must have a value, from data/cdm.toml.

Every integer is a bigint here, since our ids have 63 bits; the CDM's own DDL allows that for event keys only.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pyarrow as pa

from onmaru.kernel.projection import ColumnType, Table

_ARROW = {"n": pa.int64(), "x": pa.float64(), "d": pa.date32(), "t": pa.timestamp("us")}
_COLUMN: dict[str, ColumnType] = {"n": "int", "x": "float", "d": "date", "t": "timestamp"}
_SQL = {"n": "BIGINT", "x": "DOUBLE", "d": "DATE", "t": "TIMESTAMP"}
_TEXTS: dict[str, str] = tomllib.loads((files(__package__) / "data" / "cdm.toml").read_text("utf-8"))

COLUMNS: dict[str, tuple[tuple[str, str, bool], ...]] = {
    table: tuple(
        (name, kind.rstrip("!"), kind.endswith("!")) for name, _, kind in (c.partition(":") for c in text.split())
    )
    for table, text in _TEXTS.items()
}
# What a site loads from its Athena files, and what the cohort tools fill
VOCABULARY = (
    "concept",
    "vocabulary",
    "domain",
    "concept_class",
    "concept_relationship",
    "relationship",
    "concept_synonym",
    "concept_ancestor",
    "source_to_concept_map",
    "drug_strength",
)
RESULTS = ("cohort", "cohort_definition")
CLINICAL = tuple(table for table in COLUMNS if table not in (*VOCABULARY, *RESULTS))
# concept.domain_id → the table it belongs to; a domain that is not here leaves a row in its resource's usual table.
DOMAINS = {
    "Measurement": "measurement",
    "Observation": "observation",
    "Procedure": "procedure_occurrence",
    "Condition": "condition_occurrence",
    "Drug": "drug_exposure",
    "Device": "device_exposure",
}


def schema(table: str) -> pa.Schema:
    """The table's Arrow schema; a column that must have a value is not nullable."""
    return pa.schema([pa.field(n, _ARROW.get(kind, pa.string()), not must) for n, kind, must in COLUMNS[table]])


def kept(table: str) -> Table:
    """The table as the lake keeps it."""
    return Table(table, tuple((name, _COLUMN.get(kind, "text")) for name, kind, _ in COLUMNS[table]))


def cast(value: str, kind: str) -> str:
    """SQL that makes a value what a column of this kind takes; text is cut to what its varchar holds."""
    if kind.isdigit():
        return f"nullif(left(CAST({value} AS VARCHAR), {kind}), '')"
    return f"CAST({value} AS {_SQL.get(kind, 'VARCHAR')})"
