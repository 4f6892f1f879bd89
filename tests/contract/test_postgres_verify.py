"""Whatever is altered in a tenant's rows in PostgreSQL, `verify` names the first wrong entry, and else it is silent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.test_record import observation, patient

from onmaru.app.house import House, Place, system
from onmaru.app.verifying import examined
from onmaru.engines.postgres.link import Link
from onmaru.engines.postgres.schema import drop, schema_of
from onmaru.fhir import search
from onmaru.kernel.chart import Chart
from onmaru.kernel.record import Change

TENANT = "verified"


@pytest.fixture(scope="module")
def place(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("verified")
    yield Place(folder / "home", folder / "keys", folder / "witness", database)
    drop(database, TENANT)


@pytest.fixture(scope="module")
def link(place: Place) -> Iterator[Link]:
    """A store of 20 entries and some audit rows, one person of it erased."""
    house = House(place, rooms=())
    home = house.seat(TENANT).home
    chart = Chart(house.seat(TENANT).tenant, system(TENANT))
    ids = []
    for number in range(10):
        body = patient(name=[{"family": f"Name{number}"}])
        (one,) = chart.write([Change("create", "Patient", body=body)])
        chart.write([Change("create", "Observation", body=observation(f"Patient/{one.version.id}"))])
        home.wait(home.tip())
        chart.search(search.parse(("Patient",), [("name", "name")]))
        ids.append(one.version.id)
        if number == 4:
            chart.write([Change("erase", "Patient", ids[3])])
    home.wait(home.tip())
    assert home.emptied()
    house.hall(system(TENANT)).blobs.put([b"a scan"], patient=ids[0])
    house.close()
    opened = Link(place.store, schema_of(TENANT))
    yield opened
    opened.close()


@pytest.fixture
def house(place: Place) -> Iterator[House]:
    made = House(place, rooms=())
    yield made
    made.close()


def test_a_sound_store_verifies_deeply_and_counts_what_it_saw(link: Link, house: House) -> None:
    report = examined(house, TENANT, deep=True)
    assert report.ok, report.wrong
    assert (report.entries, report.bodies, report.erased, report.blobs, report.witnessed) == (21, 20, 1, 1, 1)
    assert report.audit_rows == 10 and report.index_rows > 100


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        ("UPDATE entry SET caller = 'other' WHERE t = 5", ("entry", 5)),
        ("UPDATE entry SET at = at + 1 WHERE t = 6", ("entry", 6)),
        ("UPDATE entry SET com = seal WHERE t = 9", ("entry", 9)),
        ("UPDATE body SET z = set_byte(z, 40, get_byte(z, 40) # 32) WHERE t = 9", ("entry", 9)),
        ("UPDATE body SET z = (SELECT z FROM body WHERE t = 12) WHERE t = 9", ("entry", 9)),
        ("DELETE FROM body WHERE t = 12", ("entry", 12)),
        ("DELETE FROM entry WHERE t = 13", ("entry", 13)),
        ("DELETE FROM entry WHERE t > 18; DELETE FROM body WHERE t > 18", ("entry", 19)),
        ("UPDATE block SET rows = set_byte(rows, 20, get_byte(rows, 20) # 1) WHERE n = 4", ("block", 4)),
        ("DELETE FROM block WHERE n = 2", ("block", 2)),
        ("UPDATE head SET t = t - 1", ("head", 1)),
        ("UPDATE tail SET n = n - 1", ("tail", 1)),
        ("DELETE FROM toks WHERE t = 3", ("index", 3)),
        ("UPDATE str SET norm = 'somebody' WHERE norm = 'name5'", ("index", 12)),
    ],
)
def test_what_was_altered_is_found_where_it_was(link: Link, house: House, harm: str, found: tuple[str, int]) -> None:
    link.script("BEGIN")
    try:
        link.script(harm)
        link.script("COMMIT")
        report = examined(house, TENANT, deep=True)
        assert not report.ok and (report.wrong[0].file, report.wrong[0].entry) == found
    finally:
        _mended(link)


def _mended(link: Link) -> None:
    """Put every row back as it was."""
    for table in ("entry", "body", "block", "head", "tail", "toks", "str"):
        link.script(f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table}")


@pytest.fixture(autouse=True, scope="module")
def kept(link: Link) -> None:
    for table in ("entry", "body", "block", "head", "tail", "toks", "str"):
        link.script(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")


def test_no_body_and_no_audit_row_lies_in_clear(link: Link) -> None:
    for table in ("body", "block"):
        rows = link.execute(f"SELECT * FROM {table}")
        assert rows and not any(b"Name" in value for row in rows for value in row if isinstance(value, bytes))


def test_a_home_with_another_key_does_not_open_the_tenant(link: Link, database: str, tmp_path: Path) -> None:
    other = House(Place(tmp_path / "home", tmp_path / "keys", tmp_path / "witness", database), rooms=())
    report = examined(other, TENANT)
    assert not report.ok and report.wrong[0].file == "tenant.key"
    other.close()
