"""A lake filled with a simulated town: what the log would give, gone on with after a stop, and nothing written to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from columnar_log import KEY
from onmaru.app import cli, refusal
from onmaru.app.house import MAIN, House, system
from onmaru.app.refusal import Refusal
from onmaru.app.town import filling as town
from onmaru.app.town.alike import alike
from onmaru.app.town.command import ground
from onmaru.app.town.filling import Size
from onmaru.engines.duck import filling
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.lake import View
from onmaru.kernel.log import Version
from onmaru.kernel.record import Change
from resource_log import nested, rows, tables

COUNTED = View("counted", 'SELECT count(*) AS n FROM "Observation"', ("Observation",), secondary=True)
SIZE = Size(7, 6, 2)
GROUP = "GROUP BY type, system, code, unit, _patient ORDER BY ALL"
SUMMED = View(
    "summed", f"SELECT type, system, code, unit, _patient, CAST(sum(n) AS BIGINT) FROM Coded {GROUP}", ("Coded",)
)
BY_ROWS = View("by_rows", f"SELECT type, system, code, unit, _patient, count(*) FROM Coding {GROUP}", ("Coding",))


def filled(home: Path, size: Size = SIZE) -> House:
    house = House(ground(home))
    try:
        town.fill(house, size, 1, lambda amount: None)
    except BaseException:
        house.close()
        raise
    return house


def test_a_filled_town_is_the_lake_that_follows_its_log_row_for_row(tmp_path: Path) -> None:
    resources = sum(SIZE.town().size(part) for part in range(3))
    assert alike(SIZE, tmp_path, 1) > resources * 1.8  # the resource tables, and the room's for nearly each


def test_the_gate_answers_at_the_position_and_at_a_past_one_and_takes_no_write(tmp_path: Path) -> None:
    house = filled(tmp_path, Size(7, 6, 2, bare=True))
    try:
        hall = house.hall(system(MAIN))
        now = hall.lake.query(COUNTED, {})
        assert (now.t, now.behind) == (sum(SIZE.town().size(part) for part in range(3)), 0.0)
        assert 0 < hall.lake.at(100).query(COUNTED, {}).table["n"][0].as_py() < now.table["n"][0].as_py()
        with pytest.raises(Invalid) as refused:
            hall.record.write([Change("create", "Patient", body=b'{"resourceType":"Patient"}')])
        assert refused.value.status == 409
    finally:
        house.close()


def test_what_was_stopped_is_opened_by_nobody_and_goes_on_to_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, made = filling.fill, []

    def stopping(*args: Any) -> filling.Part:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(args)
        return real(*args)

    monkeypatch.setattr(filling, "fill", stopping)
    with pytest.raises(KeyboardInterrupt):
        filled(tmp_path)
    house = House(ground(tmp_path))
    with pytest.raises(Refusal):
        house.hall(system(MAIN))
    house.close()
    monkeypatch.setattr(filling, "fill", lambda *args: made.append(args) or real(*args))
    house = filled(tmp_path)
    assert len(made) == 3  # each of the three parts once
    whole = filled(tmp_path.with_name("whole"))
    try:
        counts = [one.hall(system(MAIN)).lake.query(COUNTED, {}).table.to_pylist() for one in (house, whole)]
        assert counts[0] == counts[1]
    finally:
        house.close()
        whole.close()


def test_sums_that_parts_have_together_stay_right_when_somebody_is_erased(tmp_path: Path) -> None:
    size, parts = Size(7, 6, 2), []
    for part, first in enumerate(town.firsts(size.town())[:-1]):
        span = (first, first + size.town().size(part) - 1)
        parts.append(filling.fill(tmp_path, KEY, [], town.versions(size.town(), part, first), span))
    last = filling.join(tmp_path, KEY, [], parts)
    store = tables(tmp_path)
    kept = nested(store).manifest.codings["Observation"]
    assert len(kept.standing) > 1 and len(kept.sums) == 1
    before = rows(store, view=SUMMED)
    assert before == rows(store, view=BY_ROWS)
    id = rows(store, view=View("some", "SELECT min(id) FROM Coding WHERE type = 'Observation'", ("Coding",)))[0][0]
    store.take(store.projections[0], [Version(last + 1, "Observation", id, 2, "erase", 0, None)], {})
    assert nested(store).manifest.codings["Observation"].sums != kept.sums
    after = rows(store, view=SUMMED)
    assert after == rows(store, view=BY_ROWS) and after != before
    assert nested(store).vault.names() == nested(store).manifest.names()
    store.close()


def test_the_command_fills_a_new_home_and_refuses_any_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["simulate", "--home", str(tmp_path / "town"), "--patients", "3", "--workers", "1", "--bare", "--json"]
    assert cli.run(argv) == refusal.DONE
    assert json.loads(capsys.readouterr().out)["resources"] >= 150
    assert cli.run([*argv[:4], "4", *argv[5:]]) != refusal.DONE
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    assert cli.run(["simulate", "--home", str(tmp_path / "other")]) != refusal.DONE
