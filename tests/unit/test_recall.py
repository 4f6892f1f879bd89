"""Rows of small files in memory: true until the file leaves, never more than their share, gone with their vault."""

from __future__ import annotations

import gc
from pathlib import Path

import pyarrow as pa
import pytest

from onmaru.engines.duck import recall
from onmaru.engines.duck.recall import Recall
from onmaru.engines.duck.vault import GONE, Vault


def rows(number: int) -> pa.Table:
    return pa.table({"n": pa.array(range(number), pa.int64())})


def test_what_is_remembered_is_of_one_vault_and_leaves_with_the_file() -> None:
    mine, other = Recall(), Recall()
    mine.keep("a", rows(3))
    assert mine.found("a") == rows(3)
    assert other.found("a") is None
    mine.forget("a")
    assert mine.found("a") is None


def test_the_longest_unasked_leaves_first_and_what_is_large_never_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "_shared", recall._Shared())
    monkeypatch.setattr(recall, "MOST", 1_000)
    monkeypatch.setattr(recall, "SMALL", 500)
    kept = Recall()
    for name in ("a", "b"):
        kept.keep(name, rows(50))
    kept.found("a")
    kept.keep("c", rows(50))
    kept.keep("large", rows(100))
    assert [name for name in ("a", "b", "c", "large") if kept.found(name)] == ["a", "c"]


def test_with_a_vault_all_that_it_remembered_goes() -> None:
    kept = Recall()
    kept.keep("a", rows(3))
    number = kept._number
    del kept
    gc.collect()
    assert recall._shared.found((number, "a")) is None


def test_a_vault_gives_the_same_rows_whether_it_remembers_them_or_not(tmp_path: Path) -> None:
    vault = Vault(tmp_path, b"k" * 32)
    batches = [[pa.array([f"A/{n}"]), pa.array([n], pa.int64())] for n in (1, 2, 3)]
    names = [vault.write([pa.RecordBatch.from_arrays(one, schema=GONE)], GONE)[0] for one in batches]
    wanted = {"_source": ["A/1", "A/2", "A/3"], "_t": [1, 2, 3]}
    assert vault.rows(names, GONE).to_pydict() == wanted
    vault._recall.forget(names[0])
    (tmp_path / f"{names[2]}.parquet").rename(tmp_path / "away")  # what is remembered is not read
    assert vault.rows(names, GONE).to_pydict() == wanted
    more = pa.schema([*GONE, ("n", pa.int64())])
    assert vault.rows(names[:2], more).to_table().to_pydict() == {
        **{k: v[:2] for k, v in wanted.items()},
        "n": [None, None],
    }
    vault.remove(names)
    assert all(vault._recall.found(name) is None for name in names)
