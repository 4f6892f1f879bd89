"""The columnar store: following equals rebuilding, a kill neither skips nor doubles, what is gone is in no file."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest
from hypothesis import given
from hypothesis import strategies as st

from columnar_log import KEY, Recorded, Words, fact, follow_all, some, standing, words
from onmaru.engines.duck import follow
from onmaru.engines.duck.tables import ColumnarTables
from onmaru.kernel.log import Version
from onmaru.kernel.projection import Row, Table


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


def test_queries_in_other_threads_and_following_do_not_disturb_each_other(store: ColumnarTables) -> None:
    log = Recorded()
    for number in range(60):
        log.add("Observation", f"o{number % 10}", "erase" if number % 17 == 16 else "update", fact(f"w{number}"))
    stop, faults, answers = threading.Event(), [], []

    def ask() -> None:
        while not stop.is_set():
            try:
                answers.append(len(words(store)))
            except Exception as error:  # noqa: BLE001 - any fault in the thread fails the test below
                faults.append(error)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    follow_all(store, log, [1] * 60)
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == [] and answers and max(answers) <= 10
    assert store._followed["words"].vault.names() == store._followed["words"].manifest.names()


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
