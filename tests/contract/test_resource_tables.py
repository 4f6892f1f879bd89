"""The resource tables: any batches give one answer, any past is as the log says, a kill neither skips nor doubles."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from columnar_log import KEY, Recorded
from onmaru.engines.duck.nested import compaction, followed
from onmaru.engines.duck.nested.followed import Resources
from onmaru.engines.duck.tables import ColumnarTables
from onmaru.kernel.gate import ALL, Sight
from onmaru.kernel.lake import View
from resource_log import STANDING, follow, nested, observation, rows, stood, tables
from resource_log import observation as coded


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ColumnarTables]:
    made = tables(tmp_path)
    yield made
    made.close()


def contents(store: ColumnarTables) -> str:
    """All that the files hold, of every past too."""
    assert nested(store).vault.names() == nested(store).manifest.names()
    found = (kept.to_table() if hasattr(kept, "to_table") else kept for _, kept in nested(store).contents())
    return "\n".join(str(one.to_pylist()) for one in found)


CODED = View(
    "coded",
    "SELECT id, _version, _t, code FROM Coding WHERE type = 'Observation' AND system IS NULL ORDER BY id",
    ("Coding",),
)
COUNTED = View(
    "counted",
    """SELECT type, system, code, unit, _patient, count(*), min(occurred), max(occurred),
    min(TRY_CAST(value AS DOUBLE)) FILTER (length(value) < 9), max(TRY_CAST(value AS DOUBLE)) FILTER (length(value) < 9)
    FROM Coding GROUP BY ALL ORDER BY ALL""",
    ("Coding",),
)
SUMMED = View(
    "summed",
    """SELECT type, system, code, unit, _patient, sum(n), min(first), max(last), min(least), max(most)
    FROM Coded GROUP BY ALL ORDER BY ALL""",
    ("Coded",),
)
STEPS = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(["update", "update", "update", "delete", "erase"])), max_size=30
)


@given(
    steps=STEPS,
    sizes=st.lists(st.integers(1, 9), max_size=30),
    few=st.sampled_from([0, 4096]),
    moments=st.lists(st.integers(0, 30), min_size=3, max_size=3),
)
@settings(max_examples=8)
def test_any_batches_give_one_answer_and_any_past_is_as_the_log_says(
    steps: list[tuple[int, str]], sizes: list[int], few: int, moments: list[int]
) -> None:
    log, folder = Recorded(), Path(tempfile.mkdtemp())
    log.add("Observation", "first", "create", observation("first"))
    before, compaction.FEW = compaction.FEW, few
    store, rebuilt = tables(folder / "followed"), tables(folder / "rebuilt")
    try:
        for number, (id, op) in enumerate(steps):
            code = {"coding": [{"code": f"s{number}"}, {"system": "s", "code": f"x{number % 3}"}]}
            value = {"value": number % 4 + 0.5, "unit": "mg"} if number % 5 else {"value": 10**400}
            times = {"issued": f"2020-01-0{number % 9 + 1}T00:00:00Z"} if number % 2 else {}
            said = observation(f"o{id}", f"s{number}", f"p{id % 2}", code=code, valueQuantity=value, **times)
            log.add("Observation", f"o{id}", op, said if op == "update" else None)
            if sizes:
                store.catch_up(store.projections[0], log, sizes.pop())  # type: ignore[arg-type]
        follow(store, log)
        follow(rebuilt, log)
        for t in {min(moment, len(log.versions)) for moment in moments}:
            assert rows(store, t) == stood(log, t)
            assert rows(store, t, view=CODED) == [row for row in stood(log, t) if row[0] != "first"]
            assert rows(store, t, view=SUMMED) == rows(store, t, view=COUNTED)
        assert rows(store) == rows(rebuilt) == stood(log, len(log.versions))
        assert rows(store, view=CODED) == rows(rebuilt, view=CODED) == rows(store)[1:]
        assert rows(store, view=SUMMED) == rows(rebuilt, view=SUMMED) == rows(store, view=COUNTED)
    finally:
        compaction.FEW = before
        store.close()
        rebuilt.close()
        shutil.rmtree(folder)


@pytest.mark.parametrize("moment", ["before the manifest", "after the manifest"])
def test_a_kill_neither_skips_nor_doubles(moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, save, calls = Recorded(), followed.manifests.save, 0
    for number in range(23):
        id = f"o{number % 7}"
        log.add("Observation", id, "update", observation(id, f"s{number}"))
    log.add("Observation", "o3", "erase")

    def killed(folder: Path, manifest: Any) -> None:
        nonlocal calls
        calls += 1
        if calls % 2 == 0 and moment == "before the manifest":
            raise KeyboardInterrupt
        save(folder, manifest)
        if calls % 2 == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(followed.manifests, "save", killed)
    while True:
        store = tables(tmp_path)
        assert nested(store).vault.names() == nested(store).manifest.names()
        try:
            follow(store, log, [3] * 100)
        except KeyboardInterrupt:
            store.close()
            continue
        break
    assert calls > 4
    assert [rows(store, t) for t in range(1, 24, 8)] == [stood(log, t) for t in range(1, 24, 8)]
    assert rows(store) == stood(log, 24)
    store.close()


def test_many_batches_leave_few_files_and_what_ended_lies_apart(
    store: ColumnarTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "FEW", 6)
    log = Recorded()
    for number in range(48):
        id = f"o{number % 15}"
        log.add("Observation", id, "update", observation(id, f"s{number}"))
    follow(store, log, [1] * 48)
    kept = nested(store).manifest.of("Observation")
    assert len(kept.standing) <= 7 and len(kept.past) <= 9 and sum(file.rows for file in kept.ends) <= 7
    assert sum(file.rows for file in kept.standing) <= 24
    assert rows(store) == stood(log, 48)


def test_an_element_that_appears_later_is_null_in_older_files(store: ColumnarTables) -> None:
    log = Recorded()
    log.add("Observation", "a", "create", observation("a"))
    follow(store, log)
    more = {"valueQuantity": {"value": 1.50, "unit": "mg"}, "code": {"coding": [{"code": "c"}], "text": "x"}}
    log.add("Observation", "b", "create", observation("b") | more)
    follow(store, log)
    sql = 'SELECT id, valueQuantity.unit AS unit, code.coding[1].code AS code FROM "Observation" ORDER BY id'
    assert rows(store, view=View("v", sql, ("Observation",))) == [("a", None, None), ("b", "mg", "c")]
    assert rows(store, 1, view=View("v", sql, ("Observation",))) == [("a", None, None)]
    assert store.layout("Observation").columns.names[:4] == ["_source", "id", "status", "code"]


def test_the_erased_are_in_no_file_and_in_no_past(store: ColumnarTables) -> None:
    log = Recorded()
    for id, status in (("mrn77", "secretword"), ("kept", "plainword"), ("mrn77", "secretword two")):
        log.add("Observation", id, "update", observation(id, status, code={"coding": [{"code": status}]}))
    follow(store, log, [1, 1, 1])
    assert "secretword" in contents(store) and rows(store, 1) == [("mrn77", 1, 1, "secretword")]
    log.add("Observation", "mrn77", "erase")
    follow(store, log)
    left = contents(store)
    assert "secretword" not in left and "mrn77" not in left and "plainword" in left
    assert [rows(store, t) for t in range(1, 5)] == [[], *[[("kept", 1, 2, "plainword")]] * 3]


@pytest.mark.parametrize("view", [STANDING, CODED], ids=["resources", "codings"])
def test_the_gate_filters_rows_of_now_and_of_the_past(store: ColumnarTables, view: View) -> None:
    log = Recorded()
    observation = partial(coded, code={"coding": [{"code": "x"}]})
    label = {"meta": {"security": [{"system": "urn:s", "code": "R"}]}}
    log.add("Observation", "a", "create", observation("a", "one", "p1"))
    log.add("Observation", "b", "create", observation("b", "two", "p2", performer=[{"reference": "Patient/p1"}]))
    log.add("Observation", "c", "create", observation("c", "open", "p3"))
    log.add("Observation", "c", "update", observation("c", "closed", "p3", **label))
    log.add("Observation", "d", "create", observation("d", "nobody's", ""))
    follow(store, log)

    def seen(sight: Sight, t: int | None = None) -> list[str]:
        return [row[0] for row in rows(store, t, sight, view)]

    for t in (None, 5):
        assert seen(Sight(None, None, frozenset({"p1"})), t) == ["c", "d"]
        assert seen(Sight(None, frozenset({"p1"}), frozenset()), t) == ["a", "b"]
        assert seen(Sight(frozenset({"Patient"}), None, frozenset()), t) == []
        masked = Sight(None, None, frozenset(), masked=frozenset({("urn:s", "R")}))
        assert seen(masked, t) == ["a", "b", "d"]
    assert seen(masked, 3) == ["a", "b"], "a label put on later hides the past"
    lifted = Sight(None, None, frozenset(), masked=frozenset({("urn:s", "R")}), lifted=frozenset({"p3"}))
    assert seen(lifted, 3) == ["a", "b", "c"] and seen(lifted) == ["a", "b", "c", "d"]
    assert seen(Sight(None, None, frozenset({"p9"}), frozenset({"Observation/d"}))) == ["a", "b", "c"]
    assert seen(Sight(None, None, frozenset({"p9"}), concealed_at=frozenset({3})), 3) == ["a", "b"]
    count = View("count", f"SELECT count(*) AS n FROM ({view.sql})", view.tables)
    assert rows(store, None, Sight(None, None, frozenset({"p1"})), count) == [(2,)]


def test_who_had_a_code_is_told_through_the_gate_by_sums_or_by_counting(store: ColumnarTables) -> None:
    log = Recorded()
    label = {"meta": {"security": [{"system": "urn:s", "code": "R"}]}}
    for id, of, value, more in (("a", "p1", 1, {}), ("b", "p1", 9, label), ("c", "p2", 3, {}), ("d", "p2", 3, {})):
        quantity = {"value": value, "unit": "mg"}
        log.add(
            "Observation",
            id,
            "create",
            coded(id, of=of, code={"coding": [{"code": "x"}]}, valueQuantity=quantity, **more),
        )
    log.add("Condition", "e", "create", {
        "resourceType": "Condition", "id": "e", "code": {"coding": [{"code": "x"}]}, "subject": {"reference": "Patient/p1"},
    })  # fmt: skip
    follow(store, log)
    who = View(
        "who", "SELECT _patient, sum(n), max(most) FROM Coded WHERE unit = 'mg' GROUP BY ALL ORDER BY ALL", ("Coded",)
    )
    every = View("every", "SELECT sum(n) FROM Coded", ("Coded",))

    def seen(sight: Sight, view: View = who) -> list[tuple[str, int, float]]:
        return [
            (row[0], *map(int, row[1:])) if view is who else int(row[0] or 0) for row in rows(store, None, sight, view)
        ]

    for _ in range(2):
        assert seen(ALL) == [("p1", 2, 9), ("p2", 2, 3)] and seen(ALL, every) == [5]
        assert seen(Sight(None, None, frozenset({"p1"}))) == [("p2", 2, 3)]
        assert seen(Sight(None, frozenset({"p1"}), frozenset())) == [("p1", 2, 9)]
        assert seen(Sight(frozenset({"Condition"}), None, frozenset()), every) == [1]
        masked = Sight(None, None, frozenset(), masked=frozenset({("urn:s", "R")}))
        assert seen(masked) == [("p1", 1, 1), ("p2", 2, 3)]
        hidden = Sight(None, None, frozenset({"p9"}), frozenset({"Observation/b", "Condition/e"}))
        assert seen(hidden) == [("p1", 1, 1), ("p2", 2, 3)] and seen(hidden, every) == [3]
        assert seen(Sight(frozenset(), None, frozenset()), every) == [0]
        # Now with something that ended, so that codings are counted
        again = coded("c", of="p2", code={"coding": [{"code": "x"}]}, valueQuantity={"value": 3, "unit": "mg"})
        log.add("Observation", "c", "update", again)
        follow(store, log)
    assert nested(store).manifest.codings["Observation"].ends


def test_a_label_of_a_version_without_codings_hides_those_of_the_past(store: ColumnarTables) -> None:
    log = Recorded()
    log.add("Observation", "a", "create", coded("a", code={"coding": [{"code": "x"}]}))
    log.add("Observation", "a", "update", coded("a", meta={"security": [{"system": "urn:s", "code": "R"}]}))
    follow(store, log)
    assert len(rows(store, 1, view=CODED)) == 1 and rows(store, view=CODED) == []
    assert rows(store, 1, Sight(None, None, frozenset(), masked=frozenset({("urn:s", "R")})), CODED) == []


def test_an_older_version_serves_resources_meanwhile_and_no_codings(tmp_path: Path) -> None:
    log, older = Recorded(), tables(tmp_path)
    log.add("Observation", "a", "create", coded("a", code={"coding": [{"code": "x"}]}))
    follow(older, log)
    older.close()
    (folder,) = (tmp_path / "lake" / "resources").iterdir()
    folder.rename(folder.with_name("1"))
    store = tables(tmp_path)
    assert len(rows(store)) == 1 and store.reached(("Observation",)) == 1
    assert rows(store, view=CODED) == [] and store.reached(("Coding",)) == store.reached(("Observation", "Coding")) == 0
    follow(store, log)
    assert len(rows(store, view=CODED)) == 1 and store.reached(("Observation", "Coding")) == 1
    store.close()


def test_codings_are_flat_with_their_time_and_value_and_lie_by_code(store: ColumnarTables) -> None:
    log, two = Recorded(), {"coding": [{"system": "s", "code": "z", "display": "Zed"}, {"code": "a"}, {"system": "s"}]}
    component = [{"code": two, "valueQuantity": {"value": 1.50, "unit": "mm[Hg]"}}, {"code": {"text": "none"}}]
    more = {"code": {"coding": [{"code": "m"}]}, "component": component}
    log.add("Observation", "o", "create", coded("o", issued="2020-01-02T03:04:05Z", **more))
    other = {"resourceType": "Encounter", "id": "e", "class": {"code": "AMB"}, "subject": {"reference": "Patient/p1"}}
    log.add("Encounter", "e", "create", {**other, "period": {"start": "2020"}})
    log.add("Patient", "p1", "create", {"resourceType": "Patient", "id": "p1"})
    follow(store, log)
    sql = "SELECT _source, type, system, code, display, occurred, value, unit, _patient FROM Coding ORDER BY type, code"
    day = "2020-01-02T03:04:05Z"
    assert rows(store, view=View("all", sql, ("Coding",))) == [
        ("Encounter/e", "Encounter", None, "AMB", None, "2020", None, None, "p1"),
        ("Observation/o", "Observation", None, "a", None, day, "1.5", "mm[Hg]", "p1"),
        ("Observation/o", "Observation", None, "m", None, day, None, None, "p1"),
        ("Observation/o", "Observation", "s", "z", "Zed", day, "1.5", "mm[Hg]", "p1"),
    ]
    layout = store.layout("Coding")
    assert (layout.files, layout.t, layout.columns.names[:3]) == (2, 3, ["_source", "type", "id"])


def test_nothing_on_disk_is_in_clear_and_another_key_opens_nothing(tmp_path: Path, store: ColumnarTables) -> None:
    log = Recorded()
    log.add("Observation", "mrn77", "create", observation("mrn77", "secretword"))
    follow(store, log)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) >= 2
    assert [path.name for path in files if b"secretword" in path.read_bytes() or b"mrn77" in path.read_bytes()] == []
    other = ColumnarTables(tmp_path, b"z" * 32, [Resources()])
    assert KEY != b"z" * 32
    with pytest.raises(Exception, match=r"(?i)decrypt|tag|crypt"):
        rows(other)
    other.close()


def test_a_table_that_nothing_was_written_to_is_empty_and_has_an_id(store: ColumnarTables) -> None:
    view = View("v", 'SELECT count(id) AS n FROM "Coverage"', ("Coverage",))
    assert rows(store, view=view) == rows(store, 0, view=view) == [(0,)]
    assert store.layout("Coverage").files == 0 and store.layout("Coverage").columns.names[:2] == ["_source", "id"]


def test_a_resource_table_joins_a_site_table(store: ColumnarTables) -> None:
    import pyarrow as pa

    log = Recorded()
    log.add("Observation", "a", "create", observation("a"))
    follow(store, log)
    store.publish("ward", pa.table({"status": ["final"], "name": ["W5"]}))
    sql = 'SELECT o.id, w.name FROM "Observation" o JOIN ward w USING (status)'
    view = View("v", sql, ("Observation", "ward"))
    assert rows(store, view=view) == rows(store, 1, view=view) == [("a", "W5")]
