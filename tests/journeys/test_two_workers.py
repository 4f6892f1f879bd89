"""Two workers of one house on one database: what one made durable the other answers with, at once where it is asked to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.test_record import patient

from onmaru.app.house import House, Place, system
from onmaru.app.running import Running
from onmaru.engines.postgres.schema import drop
from onmaru.engines.sqlite.home import Taken
from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.record import Change
from onmaru.rooms.journey import room as journey

TENANT = "shared"
NURSE = Caller(TENANT, "n1", frozenset({"nurse"}), "TREAT", (Scope("user", "*", frozenset("rs")),))
DENY = {
    "resourceType": "Consent",
    "id": "c1",
    "status": "active",
    "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
    "category": [{"text": "x"}],
    "patient": {"reference": "Patient/p1"},
    "dateTime": "2026-01-01",
    "policyRule": {"text": "x"},
    "provision": {"type": "deny"},
}


@pytest.fixture
def houses(tmp_path: Path, database: str) -> Iterator[tuple[House, House]]:
    places = (Place(tmp_path / name, tmp_path / "keys", tmp_path / "witness", database) for name in ("one", "two"))
    one, two = (House(place, rooms=(journey,)) for place in places)
    yield one, two
    drop(database, TENANT)


async def put(house: House, running: Running, type: str, id: str, body: bytes) -> int:
    written = house.hall(system(TENANT)).record.write([Change("update", type, id, body)])
    await running.durable(TENANT, 0)
    return written[0].version.t


def test_a_position_presented_to_the_other_worker_is_waited_for(houses: tuple[House, House]) -> None:
    async def run() -> None:
        one, two = (Running(house) for house in houses)
        for running in (one, two):
            await running.motion(TENANT).opened()
        async with asyncio.timeout(20):
            sides = ((houses[0], one), (houses[1], two))
            for number in range(1, 11):
                (here, mine), (there, theirs) = sides if number % 2 else reversed(sides)
                name = f"name{number}."
                t = await put(here, mine, "Patient", "p1", patient(id="p1", name=[{"family": name}]))
                await theirs.durable(TENANT, t)
                record = there.hall(system(TENANT)).record
                assert record.read("Patient", "p1").t == t
                assert [v.t for v in record.search(search.parse(("Patient",), [("name", name)])).matches] == [t]
                assert not record.search(search.parse(("Patient",), [("name", f"name{number - 1}.")])).matches
            head = houses[0].seat(TENANT).home.head()
            await two.motion(TENANT).reached(head)
            assert head == 10 and two.motion(TENANT).followed == head
        for running in (one, two):
            await running.close()

    asyncio.run(run())


def test_a_consent_written_at_one_worker_holds_at_the_other(houses: tuple[House, House]) -> None:
    async def run() -> None:
        one, two = (Running(house) for house in houses)
        for running in (one, two):
            await running.motion(TENANT).opened()
        async with asyncio.timeout(20):
            t = await put(houses[0], one, "Patient", "p1", patient(id="p1"))
            await two.durable(TENANT, t)
            record = houses[1].hall(NURSE).record
            assert record.read("Patient", "p1").t == t
            t = await put(houses[0], one, "Consent", "c1", json.dumps(DENY).encode())
            await two.durable(TENANT, t)
            with pytest.raises(Invalid):
                record.read("Patient", "p1")
        for running in (one, two):
            await running.close()

    asyncio.run(run())


def test_a_home_is_one_workers(houses: tuple[House, House]) -> None:
    houses[0].seat(TENANT)
    again = House(houses[0].where, rooms=())
    with pytest.raises(Taken):
        again.seat(TENANT)
    again.close()
    houses[0].close()
