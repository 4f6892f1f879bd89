"""`verify` tells a store that was never begun, a neighbour and a copy from one that was cut, replaced or exchanged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.contract.test_verify import altered, filled, first

from onmaru.app import house as clock
from onmaru.app.house import House, Place
from onmaru.app.refusal import Refusal
from onmaru.app.verifying import examined, verify
from onmaru.engines.sqlite.connection import connect
from onmaru.engines.sqlite.index import IndexFile
from onmaru.engines.sqlite.log import SqliteLog
from onmaru.engines.sqlite.trail import SqliteTrail
from onmaru.engines.witness import Head, sign


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "home", tmp_path / "keys", tmp_path / "witness")


@pytest.fixture
def house(place: Place) -> Iterator[House]:
    made = House(place, rooms=())
    yield made
    made.close()


def half_made(house: House, stage: int) -> None:
    """A tenant's folder as it lies when its home is killed while it makes its first files."""
    keys, _ = house.keys("main")
    folder = house.folder("main")
    if stage == 1:
        (folder / "log.db").touch()
    if stage >= 2:
        SqliteLog(folder, keys, clock.now).db.close()
    if stage == 3:
        connect(folder / "audit.db", keys.pages).close()
    if stage >= 4:
        SqliteTrail(folder, keys).close()
    if stage == 5:
        (folder / "idx.db").write_bytes(bytes(8192))
        (folder / "idx.db-journal").write_bytes(bytes(512))


@pytest.mark.parametrize("stage", range(6))
def test_a_store_that_was_killed_while_its_first_files_were_made_is_not_begun(
    place: Place, house: House, stage: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("home", "keys", "witness"):
        monkeypatch.setenv(f"ONMARU_{name.upper()}", str(getattr(place, name)))
    half_made(house, stage)
    told = CliRunner().invoke(verify, ["--deep", "--json"], standalone_mode=False)
    line = json.loads(told.output)
    assert (told.return_value, line["ok"], line["begun"]) == (0, True, False)
    assert "not begun" in line["told"]


@pytest.mark.parametrize("trace", ["entry", "row", "witness", "blob", "key"])
def test_a_half_made_store_that_holds_anything_is_an_alarm(place: Place, house: House, trace: str) -> None:
    half_made(house, 3)
    keys, _ = house.keys("main")
    folder = house.folder("main")
    if trace == "entry":
        altered(house, "main", "log.db", lambda db: db.execute("INSERT INTO body(t) VALUES(1)"))
    elif trace == "row":
        IndexFile(folder, keys).db.execute("INSERT INTO ver(t) VALUES(1)")
    elif trace == "witness":
        sign(place.witness, house.signer, Head("main", clock.now(), 0, keys.genesis("log").hex(), 0, ""))
    elif trace == "blob":
        (folder / "blobs").mkdir()
    else:
        (folder / "audit.db").write_bytes(bytes(range(256)) * 64)
    assert not examined(house, "main").ok


def test_houses_that_share_keys_and_witness_tell_nothing_of_each_other(
    place: Place, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = Place(tmp_path / "beside", place.keys, place.witness)
    monkeypatch.setenv("ONMARU_KEYS", str(place.keys))
    monkeypatch.setenv("ONMARU_WITNESS", str(place.witness))
    filled(place, patients=2)
    monkeypatch.setenv("ONMARU_HOME", str(beside.home))
    told = CliRunner().invoke(verify, ["--json"], standalone_mode=False)
    assert isinstance(told.exception, Refusal), "nothing of the other house is missed here"
    filled(beside, patients=3)
    for one in (place, beside):
        report = examined(House(one, rooms=()), "main", deep=True)
        assert report.ok and report.witnessed == 1, report.wrong
    copy = Place(tmp_path / "copy", place.keys, place.witness)
    shutil.copytree(place.home, copy.home)
    altered(House(copy, rooms=()), "main", "log.db", lambda db: db.execute("DELETE FROM entry WHERE t > 2"))
    assert first(House(copy, rooms=())) == ("log.db", 3), "the witness speaks of a store wherever it lies"


def test_another_sound_store_put_in_the_place_of_this_one_is_found(place: Place, house: House, tmp_path: Path) -> None:
    filled(place)
    filled(Place(tmp_path / "beside", place.keys, place.witness), patients=2)
    shutil.rmtree(place.home / "tenants" / "main")
    shutil.copytree(tmp_path / "beside" / "tenants" / "main", place.home / "tenants" / "main")
    assert first(house) == ("witness", 2)


@pytest.mark.parametrize("whole", [True, False], ids=["whole folders", "keys alone"])
def test_exchanged_folders_or_keys_of_two_tenants_are_found(place: Place, house: House, whole: bool) -> None:
    filled(place)
    filled(place, "second")
    one, other = (place.home / "tenants" / name for name in ("main", "second"))
    if not whole:
        one, other = one / "tenant.key", other / "tenant.key"
    aside = place.home / "aside"
    for source, target in ((one, aside), (other, one), (aside, other)):
        source.rename(target)
    for name in ("main", "second"):
        assert first(house, name) == ("tenant.key", 1)
