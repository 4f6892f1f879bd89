"""A tenant moved from the home into PostgreSQL and back is the same record, sealed as it was, with its accounts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from tests.contract.test_record import observation, patient

from onmaru.app.house import House, Place, now, system
from onmaru.app.moving import move
from onmaru.app.purging import purged, wish
from onmaru.app.refusal import Refusal
from onmaru.app.verifying import examined
from onmaru.engines.keyring import KeyLost
from onmaru.engines.postgres.schema import drop
from onmaru.engines.sqlite.connection import connect
from onmaru.fhir import search
from onmaru.kernel.accounts import User
from onmaru.kernel.audit import access
from onmaru.kernel.gate import ALL
from onmaru.kernel.record import Change
from onmaru.kernel.subscribing import Owner, Progress

TENANT = "moved"


@pytest.fixture
def place(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    for name in ("home", "keys", "witness"):
        monkeypatch.setenv(f"ONMARU_{name.upper()}", str(tmp_path / name))
    yield Place(tmp_path / "home", tmp_path / "keys", tmp_path / "witness")
    drop(database, TENANT)


def written(place: Place, count: int = 6) -> None:
    house = House(place, rooms=())
    record = house.hall(system(TENANT)).record
    for number in range(count):
        name = [{"family": f"Name{number}"}]
        (one,) = record.write([Change("create", "Patient", body=patient(name=name))])
        record.write([Change("create", "Observation", body=observation(f"Patient/{one.version.id}"))])
        record.search(search.parse(("Patient",), [("name", f"name{number}")]))
    record.write([Change("erase", "Patient", one.version.id)])
    house.logins.keep_user(User(TENANT, "nurse", "Nurse", ("nurse",)))
    ledger = house.seat(TENANT).book.ledger
    assert ledger.lead()
    ledger.own("s1", Owner(1, "nurse", b"g"))
    ledger.keep([("s1", Progress(1, 5, 2, 1, "active"))], [("s1", 1, 4), ("s1", 2, 5)])
    house.close()


def told(place: Place) -> Any:
    """All that can be said of the record, its chains and its people."""
    house = House(place, rooms=())
    seat = house.seat(TENANT)
    seat.home.wait(seat.home.tip())
    versions = list(seat.home.read(0, 1000))
    people = seat.tenant.index.find(search.parse(("Patient",), []), seat.home.head(), 0, 0, ALL)
    trail = [row for _, row in seat.home.trail.page(count=1000)]
    users = [user.user for user in house.logins.accounts.users(TENANT)]
    ledger = seat.book.ledger
    subscribed = [(id, ledger.row(id), list(ledger.events(id, 0, 9, 9))) for id, _ in ledger.rows()]
    assert len(subscribed) == 1
    said = (versions, [one.id for one in people.versions], trail, users, seat.home.ends(), subscribed)
    house.close()
    return said


def moved(goal: str) -> Any:
    answer = CliRunner().invoke(move, [TENANT, "--to", goal, "--json"], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.output)


def test_a_tenant_goes_to_the_database_and_back_and_stays_the_same(
    place: Place, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(place)
    before = told(place)
    assert moved(database)["entries"] == len(before[0]) == 13
    with pytest.raises(Refusal, match="ONMARU_STORE"):
        House(place, rooms=()).seat(TENANT)
    there = replace(place, store=database)
    assert told(there) == before
    written(there, 2)
    between = told(there)
    assert len(between[0]) == 18 and examined(House(there, rooms=()), TENANT, deep=True).ok
    monkeypatch.setenv("ONMARU_STORE", database)
    moved("home")
    assert told(place) == between
    assert examined(House(place, rooms=()), TENANT, deep=True).ok
    written(place, 2)
    assert examined(House(place, rooms=()), TENANT, deep=True).ok


def test_a_trail_that_was_purged_goes_both_ways_and_is_proven_on_each(
    place: Place, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(place, rooms=())
    seat, old = house.seat(TENANT), now() - 4 * 366 * 86_400_000_000
    for number in range(5):
        seat.home.trail.add(access(system(TENANT), "read", "Patient/p1", old + number, patients=["p1"]))
        seat.home.wait(seat.home.tip())
    house.witness()
    house.close()
    written(place)
    purged_here(place)
    before = told(place)
    moved(database)
    there = replace(place, store=database)
    assert told(there) == before
    # Purged once more where it is now, all that the first purge left and is old enough: nothing
    purged_here(there, nothing=True)
    written(there, 1)
    between = told(there)
    monkeypatch.setenv("ONMARU_STORE", database)
    moved("home")
    assert told(place) == between
    written(place, 1)
    purged_here(place, nothing=True)


def purged_here(place: Place, *, nothing: bool = False) -> None:
    """Purge the trail, and have the record proven deeply, with what went."""
    house = House(place, rooms=())
    done = purged(house, system(TENANT), wish(house, TENANT, None, "retention plan"), rehearse=False)
    assert done["purged"] is not nothing
    report = examined(house, TENANT, deep=True)
    house.close()
    assert report.ok and report.purged is not None and report.purged.rows == 5, report.wrong


def test_a_move_onto_a_record_that_is_there_is_refused(place: Place, database: str) -> None:
    written(place)
    house = House(replace(place, home=place.home / "other", store=database), rooms=())
    house.hall(system(TENANT)).record.write([Change("create", "Patient", body=patient())])
    house.close()
    with pytest.raises((Refusal, KeyLost)):
        CliRunner().invoke(move, [TENANT, "--to", database], catch_exceptions=False)
    assert examined(House(place, rooms=()), TENANT, deep=True).ok


def test_a_record_that_does_not_verify_is_not_moved(place: Place, database: str) -> None:
    written(place)
    house = House(place, rooms=())
    log = connect(house.folder(TENANT) / "log.db", house.keys(TENANT)[0].pages)
    log.execute("DELETE FROM body WHERE t = 3")
    log.close()
    with pytest.raises(Refusal, match=r"log\.db 3"):
        CliRunner().invoke(move, [TENANT, "--to", database], catch_exceptions=False)
