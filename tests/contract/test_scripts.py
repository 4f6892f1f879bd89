"""A script sees what its caller may see and nothing else, leaves nothing behind, and ends when it is told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from columnar_log import KEY, Recorded, Words, fact, follow_all, some
from onmaru.engines.duck.tables import ColumnarTables
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.gate import ALL, Sight
from onmaru.kernel.lake import Script

WORDS = "CREATE TABLE words AS SELECT word, _patient FROM fact"
# Without an end: rows times rows times rows
LONG = "CREATE TABLE long AS SELECT count(*) AS n FROM range(1000000) a, range(1000000) b WHERE a.range < b.range"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ColumnarTables]:
    made = ColumnarTables(tmp_path, KEY, [Words()])
    log = Recorded()
    for id, patients in (("a", "p1"), ("b", "p2"), ("c", "p2 p1")):
        log.add("Observation", id, "create", fact(id, patients))
    follow_all(made, log)
    yield made
    made.close()


def script(*statements: str, seconds: float = 60.0) -> Script:
    return Script("test", statements, ("fact",), ("words",), seconds=seconds)


def seen(store: ColumnarTables, sight: Sight) -> int:
    return store.script(script(WORDS), {}, sight).compute()["words"].num_rows


def test_it_sees_what_the_sight_shows(store: ColumnarTables) -> None:
    assert seen(store, ALL) == 3
    assert seen(store, Sight(None, None, frozenset({"p1"}))) == 1
    assert seen(store, Sight(None, frozenset({"p1"}), frozenset())) == 1
    assert seen(store, Sight(frozenset({"Patient"}), None, frozenset())) == 0
    assert seen(store, Sight(None, None, frozenset(), frozenset({"Observation/a"}))) == 2
    assert seen(store, Sight(None, None, frozenset({"nobody"}), masked=frozenset({("s", "c")}))) == 3


def test_statements_follow_on_each_other_and_on_tables_that_were_given(store: ColumnarTables) -> None:
    given = {"wanted": pa.table({"id": ["p2"]})}
    joined = "CREATE TABLE joined AS SELECT w.word FROM words w JOIN wanted ON wanted.id = w._patient"
    asked = Script("test", (WORDS, joined), ("fact",), ("joined",))
    assert store.script(asked, given, ALL).compute()["joined"].num_rows == 2


@pytest.mark.parametrize(
    "statement",
    [
        'CREATE TABLE words AS SELECT word, _patient FROM "__fact"',
        "CREATE TABLE words AS SELECT word, _patient FROM __bound",
        "CREATE TABLE words AS SELECT view_name, sql FROM duckdb_views()",
        "CREATE TABLE words AS SELECT * FROM information_schema.tables",
        "CREATE TABLE words AS SELECT view_name, sql FROM 'duckdb_views'",
        "CREATE TABLE words AS SELECT s.* FROM fact, 'SQLite_Master' s",
        "CREATE TABLE words AS SELECT * FROM (SHOW ALL TABLES)",
        "CREATE TABLE words AS SELECT * FROM query_table('__fact')",
        "CREATE TABLE words AS SELECT * FROM \"query\" ('SELECT 1')",
    ],
)
def test_what_lies_behind_its_tables_has_no_name_that_it_could_say(store: ColumnarTables, statement: str) -> None:
    hidden = Sight(None, frozenset({"p1"}), frozenset())
    with pytest.raises(Invalid, match="statement 1 failed"):
        store.script(script(statement), {}, hidden).compute()


def test_words_of_a_catalogue_within_a_text_are_no_names(store: ColumnarTables) -> None:
    said = "CREATE TABLE words AS SELECT word, 'show duckdb_views()' AS query, 1 AS \"show\" FROM fact"
    assert store.script(script(said), {}, ALL).compute()["words"].num_rows == 3


def test_a_run_leaves_nothing_to_the_next(store: ColumnarTables) -> None:
    store.script(script(WORDS), {}, ALL).compute()
    with pytest.raises(Invalid, match="statement 1 failed: CatalogException"):
        store.script(script("INSERT INTO words VALUES ('x', 'y')"), {}, ALL).compute()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE words AS SELECT * FROM read_text('/etc/hostname')",
        "COPY fact TO '/tmp/out.csv'",
        "ATTACH '/tmp/x.db' AS x",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "CREATE TABLE words AS SELECT * FROM '/etc/passwd'",
    ],
)
def test_it_reaches_nothing_outside(store: ColumnarTables, statement: str) -> None:
    with pytest.raises(Invalid, match="statement 1 failed") as refused:
        store.script(script(statement), {}, ALL).compute()
    assert "/etc" not in str(refused.value) and not Path("/tmp/out.csv").exists()


def test_what_takes_too_long_is_ended_and_says_so(store: ColumnarTables) -> None:
    began = time.monotonic()
    with pytest.raises(Invalid, match=r"took longer than 0\.2 s") as refused:
        store.script(script(LONG, WORDS, seconds=0.2), {}, ALL).compute()
    assert refused.value.status == 422 and time.monotonic() - began < 10


@pytest.mark.parametrize("early", [True, False], ids=["before it began", "while it computes"])
def test_it_is_cancelled(store: ColumnarTables, early: bool) -> None:
    run = store.script(script(LONG, WORDS), {}, ALL)
    clock = threading.Timer(0 if early else 0.2, run.cancel)
    clock.start()
    if early:
        clock.join()
    with pytest.raises(Invalid, match="was cancelled") as refused:
        run.compute()
    assert refused.value.status == 409


def test_too_many_statements_are_refused(store: ColumnarTables) -> None:
    with pytest.raises(Invalid, match="statements"):
        store.script(script(*[WORDS] * 5001), {}, ALL)


def test_more_memory_than_there_is_for_it_is_refused(store: ColumnarTables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onmaru.engines.duck.script.MEMORY", "20MB")
    large = "CREATE TABLE words AS SELECT range AS n, md5(range::VARCHAR) AS h FROM range(3000000)"
    with pytest.raises(Invalid, match="needs more than 20MB of memory"):
        store.script(script(large), {}, ALL).compute()


def test_two_runs_do_not_meet(tmp_path: Path) -> None:
    store = ColumnarTables(tmp_path / "two", KEY, [Words()])
    follow_all(store, some())
    found: list[int] = []
    runs = [store.script(script(WORDS), {}, ALL) for _ in range(2)]
    threads = [threading.Thread(target=lambda run=run: found.append(run.compute()["words"].num_rows)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1 and found[0] > 0
    store.close()
