"""What a view sees of the columnar store: rows of the permitted, bound parameters, site tables, and no file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from columnar_log import KEY, Recorded, Words, fact, follow_all, some, standing, words
from onmaru.engines.duck.reader import Reader
from onmaru.engines.duck.sql import dollars
from onmaru.engines.duck.tables import ColumnarTables
from onmaru.fhir.views import DIALECTS
from onmaru.kernel.gate import ALL, Sight
from onmaru.kernel.lake import View


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ColumnarTables]:
    made = ColumnarTables(tmp_path, KEY, [Words()])
    yield made
    made.close()


def test_a_denied_patient_is_subtracted_before_anything_is_counted(store: ColumnarTables) -> None:
    log = Recorded()
    log.add("Observation", "a", "create", fact("one", "p1"))
    log.add("Observation", "b", "create", fact("two", "p2"))
    log.add("Observation", "c", "create", fact("both", "p2 p1"))
    follow_all(store, log)
    assert words(store, Sight(None, None, frozenset({"p1"}))) == ["1:two"]
    assert words(store, Sight(None, frozenset({"p1"}), frozenset())) == ["1:one"]
    assert words(store, Sight(frozenset({"Patient"}), None, frozenset())) == []
    count = View("count", "SELECT count(*) AS n FROM fact", ("fact",))
    assert store.query(count, {}, Sight(None, None, frozenset({"p1"}))).to_pylist() == [{"n": 1}]


def test_what_inherits_a_denied_patients_compartment_is_no_row_though_it_names_nobody(store: ColumnarTables) -> None:
    log = Recorded()
    log.add("Observation", "a", "create", fact("one", ""))
    log.add("Observation", "b", "create", fact("two", ""))
    follow_all(store, log)
    assert words(store, Sight(None, None, frozenset({"p1"}), frozenset({"Observation/a"}))) == ["1:two"]


def test_nothing_on_disk_is_in_clear(tmp_path: Path, store: ColumnarTables) -> None:
    follow_all(store, some())
    store.publish("concept", pa.table({"name": ["secretword"] * 9}))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) >= 4
    assert [
        path.name for path in files if b"secretword" in path.read_bytes() or b"Observation/" in path.read_bytes()
    ] == []


def test_another_key_opens_nothing(tmp_path: Path, store: ColumnarTables) -> None:
    follow_all(store, some())
    other = ColumnarTables(tmp_path, b"z" * 32, [Words()])
    with pytest.raises(Exception, match=r"(?i)decrypt|tag|crypt"):
        standing(other)
    other.close()


def test_a_site_table_is_published_replaced_and_joined(tmp_path: Path, store: ColumnarTables) -> None:
    follow_all(store, some())
    join = View("joined", "SELECT DISTINCT c.name FROM fact f JOIN concept c ON c.word = f.word", ("fact", "concept"))
    store.publish("concept", pa.table({"word": ["1:w39"], "name": ["old"]}))
    assert store.query(join, {}, ALL).to_pylist() == [{"name": "old"}]
    store.publish("concept", pa.table({"word": ["1:w39"], "name": ["new"]}))
    store.close()
    again = ColumnarTables(tmp_path, KEY, [Words()])
    assert again.query(join, {}, ALL).to_pylist() == [{"name": "new"}]
    assert again.tables["concept"][0].columns == (("word", "text"), ("name", "text"))
    assert len(again._site.vault.names()) == 1
    again.publish("concept", pa.table({"word": pa.array([], pa.string()), "name": pa.array([], pa.string())}))
    assert again.query(join, {}, ALL).to_pylist() == []
    with pytest.raises(LookupError):
        again.publish("fact", pa.table({"x": [1]}))
    with pytest.raises(ValueError, match="name"):
        again.publish("../x", pa.table({"x": [1]}))
    again.close()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM '/etc/passwd'",
    ],
)
def test_a_view_reaches_no_file(sql: str, store: ColumnarTables) -> None:
    with pytest.raises(Exception, match=r"(?i)permission|disabled|does not exist"):
        store.query(View("bad", sql, ("fact",)), {}, ALL)


def test_parameters_are_bound_and_those_that_the_view_does_not_name_are_left_out(store: ColumnarTables) -> None:
    follow_all(store, some())
    sql = "SELECT count(*) AS n, ':word' AS said, 1::BIGINT AS one FROM fact WHERE word = :word -- :nothing"
    view = View("by_word", sql, ("fact",))
    answer = store.query(view, {"word": "1:w39", "other": 1}, ALL).to_pylist()
    assert answer == [{"n": 3, "said": ":word", "one": 1}]
    assert store.query(view, {"word": "x' OR 1=1"}, ALL).to_pylist()[0]["n"] == 0


def test_colons_become_dollars_only_where_they_name_a_parameter() -> None:
    assert dollars("a = :b AND ':c' <> \":d\" AND e::INT = :f_1") == (
        "a = $b AND ':c' <> \":d\" AND e::INT = $f_1",
        frozenset({"b", "f_1"}),
    )


def test_a_view_that_begins_with_a_with_keeps_its_own_scopes(store: ColumnarTables) -> None:
    follow_all(store, some())
    view = View("w", "WITH few AS (SELECT word FROM fact LIMIT 2) SELECT count(*) AS n FROM few", ("fact",))
    assert store.query(view, {}, ALL).to_pylist() == [{"n": 2}]


def test_the_key_of_a_reference_is_the_same_whether_it_is_plain_or_taken_apart() -> None:
    keys = {
        "Patient/a.-1": "Patient/a.-1",
        "Patient/a/_history/2": "Patient/a",
        "https://x.example/fhir/Patient/a": "Patient/a",
        "Patient/a\n": None,
        "Patient/": None,
        f"Patient/{'a' * 65}": None,
        "Group/a": None,
        "#a": None,
        None: None,
    }
    plain = "Patient/[A-Za-z0-9.-]{1,64}"
    pattern = f"^(?:https?://[^?#]+/)?({plain})(?:/_history/[A-Za-z0-9.-]{{1,64}})?$"
    sql = f"SELECT {DIALECTS['duckdb'].key('r', plain, pattern)} AS k FROM rows"
    reader = Reader()
    try:
        found = reader.table(sql, {}, {"rows": pa.table({"r": pa.array(keys, pa.string())})})
    finally:
        reader.close()
    assert found.column("k").to_pylist() == list(keys.values())
