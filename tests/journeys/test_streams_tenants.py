"""Streams of several tenants of one house: each has its own station, and a message that is nobody's is read by nobody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from onmaru.adapters.mqtt import NOT_AUTHORIZED, Broker
from onmaru.app.doorway import Doorway
from onmaru.app.house import MAIN, House, Place, now, system
from onmaru.app.rooms import open_room
from onmaru.app.running import Running
from onmaru.app.streams.beside import nothing, subscribed
from onmaru.app.streams.intake import NOBODYS
from onmaru.app.streams.stations import Message, Source, Stations
from onmaru.app.streams.watched import Watched, left, watched
from onmaru.fhir import search
from onmaru.kernel.record import Change
from onmaru.kernel.tenancy import Tenancy
from onmaru.rooms.monitor.live import SECOND
from onmaru.rooms.monitor.stream.summary import instant

HILL = "hill"


def ward(patient: str) -> list[dict[str, Any]]:
    """One patient with a monitor; in every tenant of the same name."""
    began = instant(now() - 3600 * SECOND)
    return [
        {"resourceType": "Patient", "id": patient},
        {"resourceType": "Location", "id": "bed", "physicalType": {"coding": [{"code": "bd"}]}},
        {"resourceType": "Device", "id": "d", "identifier": [{"value": "mon-1"}]},
        {"resourceType": "DeviceUseStatement", "id": "u", "status": "active", "timingPeriod": {"start": began},
         "device": {"reference": "Device/d"}, "subject": {"reference": f"Patient/{patient}"}},
        {"resourceType": "Encounter", "id": "e", "status": "in-progress", "class": {"code": "IMP"},
         "subject": {"reference": f"Patient/{patient}"}, "period": {"start": began},
         "location": [{"location": {"reference": "Location/bed"}, "status": "active"}]},
    ]  # fmt: skip


def said(heart: int) -> bytes:
    return json.dumps({"device": "mon-1", "at_us": now(), "values": {"8867-4": [heart, "/min"]}}).encode()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "home", tmp_path / "keys", tmp_path / "witness")
    house = House(made, (open_room("monitor"),))
    for tenant, patient in ((MAIN, "here"), (HILL, "there")):
        record = house.hall(system(tenant)).record
        bodies = ward(patient)
        record.write([Change("update", one["resourceType"], one["id"], json.dumps(one).encode()) for one in bodies])
        house.seat(tenant).home.wait(house.seat(tenant).home.tip())
    house.close()
    return made


@asynccontextmanager
async def standing(place: Place, *, alone: bool = True) -> AsyncIterator[tuple[House, Stations]]:
    house = House(place, (open_room("monitor"),))
    running = Running(house)
    stations = Stations(Doorway(running, ()), alone=alone)
    try:
        yield house, stations
    finally:
        await stations.close()
        await running.close()


def run(place: Place, work: Callable[[House, Stations], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        async with standing(place) as (house, stations):
            await work(house, stations)

    asyncio.run(whole())


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


def hearts(stations: Stations, tenant: str) -> dict[str, str]:
    """Heart rates by patient."""
    return {
        name: one.newest["heart-rate"].value
        for name, one in stations[tenant].board.states.items()
        if "heart-rate" in one.newest
    }


def test_a_topic_names_the_tenant_and_one_that_names_none_is_a_letter_that_is_read_by_nobody(place: Place) -> None:
    async def work(house: House, stations: Stations) -> None:
        broker = Broker("mqtt://127.0.0.1:1", "onmaru/stream/{tenant}/#")
        take = subscribed(stations, house, broker, MAIN)._take
        done: list[str] = []
        for tenant, heart in ((HILL, 81), (MAIN, 71), ("valley", 61)):
            take(f"onmaru/stream/{tenant}/bed", said(heart), lambda reason=0, tenant=tenant: done.append(tenant))
        await until(lambda: len(done) == 3)
        assert (hearts(stations, MAIN), hearts(stations, HILL)) == ({"here": "71"}, {"there": "81"})
        await stations[MAIN].charting.write_letters(every=True)
        hall = house.hall(system(MAIN))
        [letter] = hall.record.search(search.parse(("Task",), [])).matches
        kept = {one["type"]["text"]: one["valueString"] for one in json.loads(letter.body or b"")["input"]}
        assert kept["reason"] == NOBODYS
        # Read again it would be the heart of somebody here, whose monitor has the same name
        receipt = stations[MAIN].replayed(hall.blobs.open(kept["blob"]).read())
        assert (receipt.ack, receipt.reason) == ("AE", NOBODYS)
        assert hearts(stations, MAIN) == {"here": "71"}

    run(place, work)


def test_a_suspended_tenants_messages_are_refused_neither_read_nor_kept(place: Place) -> None:
    async def work(house: House, stations: Stations) -> None:
        broker = Broker("mqtt://127.0.0.1:1", "onmaru/stream/{tenant}/#")
        take = subscribed(stations, house, broker, MAIN)._take
        told: list[tuple[str, int]] = []

        def send(tenant: str, heart: int) -> None:
            take(f"onmaru/stream/{tenant}/bed", said(heart), lambda reason=0: told.append((tenant, reason)))

        send(HILL, 80)
        await until(lambda: len(told) == 1)
        journal = stations[HILL].intake.journal
        before = sum(file.stat().st_size for file in stations[HILL].folder.glob("*.journal"))
        house.tenancies.save(Tenancy(HILL, "suspended", reason="x"))
        send(HILL, 81)
        send(MAIN, 71)
        # A server that keeps what it was not answered is not answered
        unanswered: list[str] = []
        kept = Message(said(82), lambda: unanswered.append("done"), nothing)
        stations.take(HILL, Source("nats", "nats"), kept)
        await until(lambda: len(told) == 3)
        await asyncio.sleep(0.1)
        assert told == [(HILL, 0), (HILL, NOT_AUTHORIZED), (MAIN, 0)] and unanswered == []
        assert hearts(stations, HILL) == {"there": "80"} and journal.left == []
        assert sum(file.stat().st_size for file in stations[HILL].folder.glob("*.journal")) == before
        house.tenancies.save(Tenancy(HILL, "open"))
        send(HILL, 83)
        await until(lambda: len(told) == 4)
        assert told[-1] == (HILL, 0) and hearts(stations, HILL) == {"there": "83"}

    run(place, work)


def test_a_tenant_has_a_station_from_its_first_message_on_and_at_the_next_start(place: Place) -> None:
    async def first(house: House, stations: Stations) -> None:
        assert list(left(house)) == []
        running = stations._running
        await running.motion(HILL).opened()
        memory = house.hall(system(HILL), "monitor").memory
        assert "board" not in memory
        assert await asyncio.gather(memory["take"](said(90)), memory["take"](b"broken")) == ["stored", "dead"]
        assert hearts(stations, HILL) == {"there": "90"}
        watching = Watched(running)
        await until(lambda: list(watched(house)) == [HILL])
        await watching.close()
        await stations.end(HILL)
        # Closed, it begins again with the next message
        assert await house.hall(system(HILL), "monitor").memory["take"](said(91)) == "stored"

    async def second(house: House, stations: Stations) -> None:
        assert list(left(house)) == [HILL] and list(watched(house)) == [HILL]
        await stations.of(HILL)
        assert hearts(stations, HILL) == {"there": "91"}

    run(place, first)
    run(place, second)


def test_what_a_worker_left_is_charted_though_another_one_may_hold_the_tenant(place: Place) -> None:
    async def first(house: House, stations: Stations) -> None:
        assert await (await stations.of(HILL)).taken(said(90)) == "stored"

    async def second() -> None:
        async with standing(place, alone=False) as (house, stations):
            stations.chart(HILL)
            assert stations.charting == {HILL}
            await until(lambda: not stations.charting)
            record = house.hall(system(HILL)).record
            for type in ("Observation", "DocumentReference"):
                [made] = record.search(search.parse((type,), [])).matches
                assert json.loads(made.body or b"")["subject"] == {"reference": "Patient/there"}
            # Nobody is served from here meanwhile: another worker is asked
            assert "board" not in house.hall(system(HILL), "monitor").memory
            sizes = [path.stat().st_size for path in (house.folder(HILL) / "streams").iterdir()]
            assert sizes == [32]

    run(place, first)
    asyncio.run(second())
