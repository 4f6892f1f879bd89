"""The stores that earlier releases left behind open, are proved, and say what they said. Each was made once and is kept."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from onmaru.app.house import House, Place, system
from onmaru.app.verifying import examined
from onmaru.fhir import search

STORES = sorted((Path(__file__).resolve().parents[1] / "fixtures").glob("store-*.tar.xz"))


def test_the_first_release_left_its_store() -> None:
    assert "store-0.1.0.tar.xz" in [path.name for path in STORES]


@pytest.mark.parametrize("store", STORES, ids=lambda path: path.name)
def test_a_store_of_an_earlier_release_opens_and_is_what_it_was(store: Path, tmp_path: Path) -> None:
    with tarfile.open(store) as archive:
        archive.extractall(tmp_path, filter="data")
    where = Place(tmp_path / "home", tmp_path / "keys", tmp_path / "witness")
    report = examined(House(where, rooms=()), "main", deep=True)
    assert report.ok and report.witnessed >= 1, report.wrong
    house = House(where)
    try:
        hall = house.hall(system("main"))
        patient = json.loads(hall.record.read("Patient", "p1").body or b"{}")
        assert patient["name"] == [{"text": "김가상"}] and patient["meta"]["versionId"] == "2"
        for pairs, ids in (
            ([("subject", "Patient/p1"), ("code", "8310-5"), ("_sort", "date")], ["o1", "o2", "o3", "o4"]),
            ([("date", "ge2026-01-03"), ("_sort", "date")], ["o3", "o4"]),
        ):
            found = hall.record.search(search.parse(("Observation",), pairs))
            assert [one.id for one in found.matches] == ids
        with pytest.raises(Exception, match="deleted"):
            hall.record.read("Patient", "p2")
        (blob,) = hall.blobs.of("p1")
        with hall.blobs.open(blob) as file:
            assert file.read() == b"made-up pixels" * 100
        assert house.logins.accounts.user("main", "nurse") is not None
        house.catch_up("main")
        assert len(house.seat("main").home.trail.page(patient="p1")) >= 1
    finally:
        house.close()
    assert examined(House(where, rooms=()), "main", deep=True).ok
