"""What of a typed statement is run: one SELECT over known tables; every other way to a row is refused before it runs."""

from __future__ import annotations

import pyarrow as pa
import pytest

from onmaru.engines.duck.asked import checked, told
from onmaru.engines.duck.reader import Reader
from onmaru.engines.duck.sql import behind
from onmaru.fhir.outcome import Invalid

KNOWN = ("Observation", "Patient")

PERMITTED = (
    ("SELECT count(*) FROM observation", ("Observation",)),
    ("select 1;", ()),
    ("WITH a AS (SELECT id FROM Patient), b AS (SELECT * FROM a) SELECT * FROM b -- end", ("Patient",)),
    ("WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT * FROM n", ()),
    ("SELECT c.code FROM Observation o, unnest(o.code.coding) AS u(c) WHERE o.id LIKE ':x'", ("Observation",)),
    ("SELECT (SELECT max(id) FROM Patient) FROM (VALUES (1)) v(x) JOIN range(3) r(i) ON true", ("Patient",)),
)
REFUSED = (
    "",
    "SELECT 1; SELECT 2",
    "DELETE FROM Observation",
    "COPY (SELECT 1) TO '/tmp/x'",
    "SELECT 1) UNION ALL SELECT * FROM (SELECT 2",
    'SELECT * FROM "__Observation"',
    'WITH "__Observation" AS (SELECT * FROM "__Observation") SELECT * FROM "__Observation"',
    "WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a",
    "SELECT (SELECT count(*) FROM __hidden)",
    "SELECT * FROM main.Observation",
    "SELECT * FROM Observation AT (VERSION => 3)",
    "SELECT * FROM duckdb_tables()",
    "SELECT * FROM duckdb_tables",
    "SELECT * FROM information_schema.tables",
    "FROM query('SELECT 1')",
    "FROM query_table('__Observation')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "FROM (SHOW TABLES)",
    "DESCRIBE Observation",
    "SUMMARIZE Observation",
    "PRAGMA database_list",
    "SELECT $__denied",
    "SELECT ?",
    "SELECT * FROM Patient WHERE id = :patient",
    "SELECT '" + "x" * 30_000 + "'",
)


@pytest.mark.parametrize(("sql", "tables"), PERMITTED)
def test_one_select_over_known_tables_is_permitted(sql: str, tables: tuple[str, ...]) -> None:
    assert checked(sql, KNOWN)[1] == tables


@pytest.mark.parametrize("sql", REFUSED)
def test_every_other_way_to_a_row_is_refused(sql: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(sql, KNOWN)
    assert refused.value.status == 400


def test_a_fault_in_the_values_tells_its_kind_and_no_value() -> None:
    reader = Reader(threads=1)
    with pytest.raises(Invalid) as refused, told():
        reader.table("SELECT CAST(x AS INTEGER) FROM (VALUES ('secretword')) v(x)", {}, {})
    assert "secretword" not in str(refused.value.issues) and "ConversionException" in refused.value.issues[0].text
    reader.close()


def test_of_names_that_differ_in_case_the_written_one_is_meant_and_both_at_once_are_refused() -> None:
    known = ["observation", "Observation", "Patient"]
    for name in ("observation", "Observation"):
        assert checked(f"SELECT * FROM {name}", known)[1] == (name,)
    assert checked("SELECT * FROM patient", known)[1] == ("Patient",)
    with pytest.raises(Invalid):
        checked("SELECT * FROM Observation, observation", known)


def test_what_a_table_is_narrowed_by_stands_beside_it_whatever_it_says() -> None:
    given = {"__at": 7, "__denied": ["o'x", '"; --'], "__only": []}
    select = 'SELECT * FROM "__x" WHERE _t <= $__at AND NOT list_contains($__denied, p) AND len($__only) = 0'
    views, data = behind({"X": select}, given)
    assert "_t <= 7" in views["X"] and "o'x" not in views["X"]
    reader = Reader(threads=1)
    found = reader.table('SELECT p FROM "X"', {}, {"__x": pa.table({"_t": [1, 2], "p": ["o'x", "p"]}), **data}, views)
    assert found.to_pylist() == [{"p": "p"}]
    reader.close()
