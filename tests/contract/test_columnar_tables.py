"""The columnar store: following equals rebuilding, a kill neither skips nor doubles, what is gone is in no file."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onmaru.engines.duck import follow
from onmaru.engines.duck.sql import dollars
from onmaru.engines.duck.tables import ColumnarTables
from onmaru.kernel.gate import ALL, Sight
from onmaru.kernel.lake import View
from onmaru.kernel.log import Version
from onmaru.kernel.projection import Row, Table

KEY = b"k" * 32
FACT = Table("fact", (("word", "text"), ("n", "int"), ("day", "date"), ("moment", "timestamp")))
PERSON = Table("person", (("word", "text"),))
HOT = Table("warm", (("word", "text"),), "hot")
ROWS = View(
    "rows", "SELECT _source, _version, _t, _patient, word, n, day, moment FROM fact ORDER BY _source, n", ("fact",)
)


class Words:
    """Each Observation stands for as many facts as its body says, each Patient for one person."""

    name = "words"
    types = frozenset({"Observation", "Patient"})

    def __init__(self, version: int = 1, tables: tuple[Table, ...] = (FACT, PERSON, HOT)) -> None:
        self.version = version
        self.tables = tables

    def apply(self, batch: Sequence[Version]) -> Iterable[tuple[Version, Sequence[Row]]]:
        for version in batch:
            yield version, tuple(self._rows(version)) if version.body is not None else ()

    def _rows(self, version: Version) -> Iterator[Row]:
        body = msgspec.json.decode(version.body or b"")
        if version.type == "Patient":
            yield Row("person", version.id, "", (body["word"],))
            return
        yield Row("warm", body["of"], "", (body["word"],))
        for n in range(body["n"]):
            yield Row("fact", body["of"], "", (f"{self.version}:{body['word']}", n, 7, 86_400_000_000))


class Recorded:
    """As much of the Log door as a follower needs; an erasure takes the bodies before it, as the log's does."""

    def __init__(self) -> None:
        self.versions: list[Version] = []

    def add(self, type: str, id: str, op: str, body: Any = None) -> None:
        number = 1 + sum(1 for one in self.versions if (one.type, one.id) == (type, id))
        if op == "erase":
            same = [(one.type, one.id) == (type, id) for one in self.versions]
            self.versions = [
                msgspec.structs.replace(one, body=None) if hit else one
                for one, hit in zip(self.versions, same, strict=True)
            ]
        raw = None if body is None else msgspec.json.encode(body)
        self.versions.append(Version(len(self.versions) + 1, type, id, number, op, 0, raw))  # type: ignore[arg-type]

    def read(self, after: int, limit: int) -> Sequence[Version]:
        return self.versions[after : after + limit]


def fact(word: str, of: str = "p1", n: int = 1) -> dict[str, Any]:
    return {"word": word, "of": of, "n": n}


def some() -> Recorded:
    log = Recorded()
    for number in range(40):
        log.add("Observation", f"o{number % 13}", "update", fact(f"w{number}", f"p{number % 3}", number % 4))
    log.add("Observation", "o3", "delete")
    log.add("Patient", "p1", "create", {"word": "secretword"})
    return log


def follow_all(store: ColumnarTables, log: Any, sizes: Iterable[int] = (1000,)) -> None:
    waiting = list(sizes)
    projection = store.projections[0]
    while store.catch_up(projection, log, waiting.pop(0) if waiting else 1000):
        pass


def standing(store: ColumnarTables, sight: Sight = ALL) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = store.query(ROWS, {}, sight).to_pylist()
    return found


def words(store: ColumnarTables, sight: Sight = ALL) -> list[str]:
    return [row["word"] for row in standing(store, sight)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ColumnarTables]:
    made = ColumnarTables(tmp_path, KEY, [Words()])
    yield made
    made.close()


def everything_in(store: ColumnarTables) -> str:
    """All that any file of the folder holds, whether the manifest names it or not."""
    vault = store._followed["words"].vault
    found = []
    for name in vault.names():
        opened = pe.create_decryption_properties(footer_key=vault._key_of(name), aad_prefix=name.encode())
        found.append(str(pq.read_table(vault._path(name), decryption_properties=opened).to_pylist()))
    return "\n".join(found)


@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 5), st.sampled_from(["update", "update", "update", "delete", "erase"]), st.integers(0, 3)
        ),
        max_size=40,
    ),
    sizes=st.lists(st.integers(1, 9), max_size=40),
)
def test_following_in_any_batch_size_equals_rebuilding(steps: list[tuple[int, str, int]], sizes: list[int]) -> None:
    log = Recorded()
    folder = Path(tempfile.mkdtemp())
    followed, rebuilt = (ColumnarTables(folder / name, KEY, [Words()]) for name in ("followed", "rebuilt"))
    try:
        for number, (id, op, n) in enumerate(steps):
            log.add("Observation", f"o{id}", op, fact(f"w{number}", n=n) if op == "update" else None)
            if sizes:
                followed.catch_up(followed.projections[0], log, sizes.pop())
        follow_all(followed, log)
        follow_all(rebuilt, log)
        assert standing(followed) == standing(rebuilt)
        assert followed.position(followed.projections[0]) == len(log.versions)
    finally:
        followed.close()
        rebuilt.close()
        shutil.rmtree(folder)


def test_the_newest_version_wins_and_a_deletion_takes_the_rows_out(store: ColumnarTables) -> None:
    log = Recorded()
    log.add("Observation", "a", "create", fact("first", n=2))
    log.add("Observation", "b", "create", fact("other"))
    follow_all(store, log, [1, 1])
    log.add("Observation", "a", "update", fact("second"))
    log.add("Observation", "b", "delete")
    follow_all(store, log, [1, 1])
    (row,) = standing(store)
    assert (row["_source"], row["_version"], row["_t"], row["word"]) == ("Observation/a", 2, 3, "1:second")
    assert (row["day"].isoformat(), row["moment"].isoformat()) == ("1970-01-08", "1970-01-02T00:00:00")


@pytest.mark.parametrize("moment", ["before the manifest", "after the manifest"])
def test_a_kill_neither_skips_nor_doubles(moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, save = some(), follow.manifests.save
    whole = ColumnarTables(tmp_path / "whole", KEY, [Words()])
    follow_all(whole, log)
    calls = 0

    def killed(folder: Path, manifest: Any) -> None:
        nonlocal calls
        calls += 1
        if calls % 2 == 0:
            if moment == "after the manifest":
                save(folder, manifest)
            raise KeyboardInterrupt
        save(folder, manifest)

    monkeypatch.setattr(follow.manifests, "save", killed)
    while True:
        store = ColumnarTables(tmp_path / "killed", KEY, [Words()])
        assert store._followed["words"].vault.names() == store._followed["words"].manifest.names()
        try:
            follow_all(store, log, [3] * 100)
        except KeyboardInterrupt:
            store.close()
            continue
        break
    assert calls > 6 and standing(store) == standing(whole)
    store.close()
    whole.close()


def test_many_batches_leave_few_files(store: ColumnarTables) -> None:
    log = Recorded()
    for number in range(100):
        log.add("Observation", f"o{number % 30}", "update", fact(f"w{number}"))
    follow_all(store, log, [1] * 100)
    vault = store._followed["words"].vault
    assert len(vault.names()) <= 2 * 3 * 5
    assert words(store) == sorted((f"1:w{n}" for n in range(70, 100)), key=lambda w: f"o{int(w[3:]) % 30}")


def test_what_is_erased_is_in_no_file(store: ColumnarTables) -> None:
    log = Recorded()
    log.add("Observation", "mrn77", "create", fact("secretword"))
    log.add("Observation", "kept", "create", fact("plainword"))
    log.add("Observation", "mrn77", "update", fact("secretword two"))
    log.add("Patient", "mrn77", "create", {"word": "secretword"})
    follow_all(store, log, [1, 1, 1, 1])
    assert "secretword" in everything_in(store) and "mrn77" in everything_in(store)
    log.add("Observation", "mrn77", "erase")
    log.add("Patient", "mrn77", "erase")
    follow_all(store, log)
    left = everything_in(store)
    assert "secretword" not in left and "mrn77" not in left and "plainword" in left
    assert words(store) == ["1:plainword"]


def test_a_file_that_is_being_read_leaves_with_its_reader(store: ColumnarTables) -> None:
    log = some()
    follow_all(store, log, [5] * 9)
    with store._leases.reading():
        before = store._followed["words"].vault.names()
        log.add("Observation", "o1", "erase")
        follow_all(store, log)
        assert before <= store._followed["words"].vault.names()
    assert store._followed["words"].vault.names() == store._followed["words"].manifest.names()


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


def test_a_new_version_is_built_beside_the_old_one_which_serves_until_then(tmp_path: Path) -> None:
    log = some()
    old = ColumnarTables(tmp_path, KEY, [Words()])
    follow_all(old, log)
    old.close()
    new = ColumnarTables(tmp_path, KEY, [Words(2)])
    assert new.position(new.projections[0]) == 0 and new.reached(["fact"]) == len(log.versions)
    before = words(new)
    new.catch_up(new.projections[0], log, 10)
    assert words(new) == before and before[0].startswith("1:")
    follow_all(new, log)
    assert words(new) == [f"2{word[1:]}" for word in before]
    assert [path.name for path in (tmp_path / "lake" / "words").iterdir()] == ["2"]
    new.close()


def test_an_old_version_without_a_column_that_views_need_does_not_serve(tmp_path: Path) -> None:
    log = some()
    narrow = Table("fact", (("word", "text"),))
    old = ColumnarTables(tmp_path, KEY, [Narrow(1, (narrow,))])
    follow_all(old, log)
    old.close()
    new = ColumnarTables(tmp_path, KEY, [Words(2)])
    assert standing(new) == [] and new.reached(["fact"]) == 0
    new.close()


class Narrow(Words):
    def _rows(self, version: Version) -> Iterator[Row]:
        yield Row("fact", "", "", ("x",))


def test_an_erasure_ends_the_service_of_the_old_version(tmp_path: Path) -> None:
    log = some()
    old = ColumnarTables(tmp_path, KEY, [Words()])
    follow_all(old, log)
    old.close()
    log.add("Observation", "o1", "erase")
    log.versions.insert(0, log.versions.pop())  # the first thing the new version follows
    log.versions = [msgspec.structs.replace(one, t=n) for n, one in enumerate(log.versions, 1)]
    new = ColumnarTables(tmp_path, KEY, [Words(2)])
    new.catch_up(new.projections[0], log, 1)
    assert words(new) == []
    assert [path.name for path in (tmp_path / "lake" / "words").iterdir()] == ["2"]
    new.close()


def test_a_damaged_manifest_means_following_anew(tmp_path: Path) -> None:
    store = ColumnarTables(tmp_path, KEY, [Words()])
    follow_all(store, some())
    before = standing(store)
    store.close()
    (tmp_path / "lake" / "words" / "1" / "manifest.json").write_bytes(b"{")
    store = ColumnarTables(tmp_path, KEY, [Words()])
    assert standing(store) == []
    follow_all(store, some())
    assert standing(store) == before
    store.close()


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
