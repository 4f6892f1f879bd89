"""Hot tables of a new projection version are built beside the ones that serve, and take over when they have come as far."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.columnar_log import HOT, Recorded, Words, some

from onmaru.engines.sqlite.rows import HotTables
from onmaru.kernel.gate import ALL
from onmaru.kernel.lake import View
from onmaru.kernel.projection import Row, Table

KEY = b"k" * 32
WORDS = View("words", "SELECT _source, word FROM warm ORDER BY _source", ("warm",))


class Versioned(Words):
    """Rows that say which version of the projection made them."""

    def apply(self, batch: Any) -> Any:
        for version, rows in super().apply(batch):
            yield version, tuple(Row(r.table, r.patient, "", (f"{self.version}:{r.values[0]}",)) for r in rows)


def opened(folder: Path, version: int, tables: tuple[Table, ...] = (HOT,)) -> HotTables:
    return HotTables(folder, KEY, [Versioned(version, tables)])


def follow(store: HotTables, log: Recorded, most: int = 1000) -> None:
    for _ in range(most):
        if not store.catch_up(store.projections[0], log, 7):  # type: ignore[arg-type]
            return


def words(store: HotTables) -> list[str]:
    return [str(word) for word in store.query(WORDS, {}, ALL).column("word").to_pylist()]


def names(store: HotTables) -> set[str]:
    found: Any = store.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {name for (name,) in found}


@pytest.fixture
def log() -> Recorded:
    return some()


def test_the_old_version_serves_until_the_new_one_has_come_as_far(tmp_path: Path, log: Recorded) -> None:
    old = opened(tmp_path, 1)
    follow(old, log)
    served = words(old)
    assert served and all(word.startswith("1:") for word in served)
    old.close()
    log.add("Observation", "late", "create", {"word": "late", "of": "p9", "n": 1})
    new = opened(tmp_path, 2)
    assert new.older == {"words": 1}
    follow(new, log, most=3)
    assert words(new) == served and new.reached(["warm"]) == len(log.versions) - 1
    follow(new, log)
    assert new.older == {} and new.reached(["warm"]) == len(log.versions)
    assert sorted(words(new)) == sorted(["2:late", *(f"2:{word[2:]}" for word in served)])
    assert names(new) == {"follow", "warm__2"}
    new.close()


def test_a_build_that_was_cut_short_goes_on_beside_the_old(tmp_path: Path, log: Recorded) -> None:
    old = opened(tmp_path, 1)
    follow(old, log)
    served = words(old)
    old.close()
    for most in (1, 2):
        part = opened(tmp_path, 2)
        follow(part, log, most)
        assert words(part) == served
        part.close()
    last = opened(tmp_path, 2)
    assert last.position(last.projections[0]) == 21
    follow(last, log)
    (tmp_path / "again").mkdir()
    fresh = opened(tmp_path / "again", 2)
    follow(fresh, log)
    assert words(last) == words(fresh)
    last.close()
    fresh.close()


def test_an_old_version_without_todays_columns_does_not_serve(tmp_path: Path, log: Recorded) -> None:
    old = opened(tmp_path, 1, (Table("warm", (("other", "text"),), "hot"),))
    follow(old, log)
    old.close()
    new = opened(tmp_path, 2)
    assert new.older == {} and words(new) == [] and names(new) == {"follow", "warm__2"}
    new.close()


def test_going_back_to_an_earlier_version_follows_anew(tmp_path: Path, log: Recorded) -> None:
    for version in (1, 2):
        store = opened(tmp_path, version)
        follow(store, log)
        store.close()
    back = opened(tmp_path, 1)
    assert back.position(back.projections[0]) == 0
    follow(back, log)
    assert words(back) and all(word.startswith("1:") for word in words(back))
    back.close()
