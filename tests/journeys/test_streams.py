"""A ward's devices stream into a real embedded house: nothing lost, nothing on the wrong patient, nothing old made young."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from onmaru.adapters.door import Door
from onmaru.app.fresh import new_id
from onmaru.app.house import MAIN, House, Place, now, system
from onmaru.app.rooms import open_room
from onmaru.app.running import Running
from onmaru.app.streams.station import Station
from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.record import Change
from onmaru.kernel.room import Request, Response
from onmaru.rooms.monitor.live import SECOND
from onmaru.rooms.monitor.stream.summary import instant
from onmaru.rooms.monitor.wall import events, live, stream

Json = dict[str, Any]
HOUR = 3600 * SECOND


def ward(began: int) -> list[Json]:
    """Two patients in two beds of one ward; each bed has its monitor."""
    made: list[Json] = [{"resourceType": "Location", "id": "ward", "name": "71"}]
    for n in ("1", "2"):
        made += [
            {"resourceType": "Patient", "id": f"p{n}", "identifier": [{"system": "urn:mrn", "value": f"mrn{n}"}]},
            {"resourceType": "Location", "id": f"bed{n}", "name": f"71-{n}", "partOf": {"reference": "Location/ward"},
             "physicalType": {"coding": [{"code": "bd"}]}},
            {"resourceType": "Device", "id": f"d{n}", "identifier": [{"value": f"mon-{n}"}],
             "location": {"reference": f"Location/bed{n}"}},
            {"resourceType": "Encounter", "id": f"e{n}", "status": "in-progress", "class": {"code": "IMP"},
             "subject": {"reference": f"Patient/p{n}"}, "period": {"start": instant(began)},
             "location": [{"location": {"reference": f"Location/bed{n}"}, "status": "active"}]},
        ]  # fmt: skip
    return made


def said(device: str, at: int, heart: Any = 72, **more: Any) -> bytes:
    values = {"8867-4": [heart, "/min"], "59408-5": [97, "%"]}
    return json.dumps({"device": device, "at_us": at, "values": values, **more}).encode()


def put(house: House, *bodies: Json) -> int:
    changes = [Change("update", one["resourceType"], one["id"], json.dumps(one).encode()) for one in bodies]
    return house.hall(system(MAIN)).record.write(changes)[-1].version.t


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "home", tmp_path / "keys", tmp_path / "witness")
    house = House(made, (open_room("monitor"),))
    house.seat(MAIN).home.wait(put(house, *ward(now() - HOUR)))
    house.close()
    return made


@asynccontextmanager
async def standing(place: Place) -> AsyncIterator[tuple[House, Station]]:
    house = House(place, (open_room("monitor"),))
    running = Running(house)
    station = Station(running, MAIN)
    await station.start()
    try:
        yield house, station
    finally:
        await station.close()
        await running.close()


def run(place: Place, work: Callable[[House, Station], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        async with standing(place) as (house, station):
            await work(house, station)

    asyncio.run(whole())


async def posted(house: House, *messages: bytes) -> list[str]:
    request = Request("POST", "", {}, [], {}, b"\n".join(messages))
    body = stream(request, house.hall(system(MAIN), "monitor")).body
    assert isinstance(body, AsyncIterator)
    return list(json.loads(b"".join([part async for part in body]))["fates"])


def beds(house: House, **query: str) -> dict[str, Json]:
    request = Request("GET", "", {}, list(query.items()), {}, b"")
    body = live(request, house.hall(system(MAIN), "monitor")).body
    assert isinstance(body, bytes)
    return {bed["id"]: bed for one in json.loads(body)["wards"] for bed in one["beds"]}


def shown(bed: Json, measure: str = "heart-rate") -> Any:
    return next((one["value"] for one in bed["numerics"] if one["measure"] == measure), None)


def letters(house: House) -> list[tuple[str, list[Json]]]:
    """Reason and messages of every dead letter of streams."""
    hall = house.hall(system(MAIN))
    found = []
    for version in hall.record.search(search.parse(("Task",), [("_count", "100")])).matches:
        task = json.loads(version.body or b"{}")
        kept = {one["type"]["text"]: one["valueString"] for one in task["input"]}
        lines = hall.blobs.open(kept["blob"]).read().split(b"\n")
        found.append((kept["reason"], [json.loads(line) for line in lines]))
    return found


def test_what_two_monitors_say_is_live_in_their_beds_and_a_double_counts_once(place: Place) -> None:
    async def work(house: House, station: Station) -> None:
        at = now()
        fates = await posted(house, said("mon-1", at, 81), said("mon-2", at, 92), said("mon-1", at, 81))
        assert fates == ["stored", "stored", "duplicate"]
        found = beds(house)
        assert (shown(found["bed1"]), shown(found["bed2"])) == ("81", "92")
        assert found["bed1"]["state"] == "live" and found["bed1"]["patient"] == "p1"
        assert found["bed1"]["devices"] == [
            {"id": "mon-1", "state": "live", "last": found["bed1"]["devices"][0]["last"]}
        ]
        assert beds(house, patient="p2").keys() == {"bed2"}
        feed = station.board.feeds["HTTP"]
        assert (feed.received, feed.stored, feed.duplicates, feed.dead) == (3, 2, 1, 0)

    run(place, work)


def test_a_device_moved_to_another_bed_speaks_for_nobody_twice_nor_for_the_wrong_one(place: Place) -> None:
    async def work(house: House, station: Station) -> None:
        motion = station._running.motion(MAIN)
        bodies = {one["id"]: one for one in ward(now() - HOUR)}
        before = now()
        moved = put(house, {**bodies["d1"], "location": {"reference": "Location/bed2"}})
        await motion.durable(moved)
        while station._position < moved:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        after = now()
        fates = await posted(house, said("mon-1", before, 81), said("mon-1", after, 99), said("mon-9", after, 50))
        assert fates == ["stored", "stored", "dead"]
        assert [shown(one) for one in beds(house).values()] == ["81", "99"]
        two = [said("mon-2", after, 55, bed="bed1"), said("mon-2", after, 55, mrn="mrn1")]
        assert await posted(house, *two) == ["dead", "dead"]
        await station.charting.write_letters(every=True)
        assert sorted((reason, len(lines)) for reason, lines in letters(house)) == [
            ("more than one patient could be meant", 2),
            ("nobody is known to be at this device at that time", 1),
        ]

    run(place, work)


def test_a_clock_that_is_an_hour_wrong_and_broken_messages_are_letters_to_the_last_one(place: Place) -> None:
    async def work(house: House, station: Station) -> None:
        at = now()
        broken = [b"{", b"\xff\xfe", b'{"device":"mon-1"}', said("mon-1", at, "fast"), b"[" * 10_000, b'{"device":1}']
        wrong = [said("mon-1", at + HOUR), said("mon-1", at - HOUR)]
        assert set(await posted(house, *broken, *wrong)) == {"dead"}
        await station.charting.write_letters(every=True)
        kept = [line for _, lines in letters(house) for line in lines]
        assert len(kept) == len(broken) + len(wrong)
        assert shown(beds(house)["bed1"]) is None
        sender = station.board.senders["mon-1"]
        assert (sender.matter, sender.patient) == ("clock", "")

    run(place, work)


def test_what_is_the_matter_with_a_device_is_told_at_every_bed_that_it_may_be_at(place: Place) -> None:
    def devices(found: dict[str, Json]) -> dict[str, list[tuple[str, str]]]:
        return {name: [(one["id"], one["state"]) for one in bed["devices"]] for name, bed in found.items()}

    async def work(house: House, station: Station) -> None:
        at = now()
        await station._running.durable(
            MAIN, put(house, {"resourceType": "Device", "id": "d3", "identifier": [{"value": "mon-3"}]})
        )
        await posted(house, said("mon-1", at))
        assert devices(beds(house)) == {"bed1": [("mon-1", "live")], "bed2": []}
        # Its clock is wrong: where it is now is where its numbers are missing
        await posted(house, said("mon-1", at - HOUR))
        assert devices(beds(house)) == {"bed1": [("mon-1", "clock")], "bed2": []}
        # Somebody carried it to the other bed and told only the device
        await posted(house, said("mon-1", at + 1, bed="bed2"))
        assert devices(beds(house)) == {"bed1": [("mon-1", "ambiguous")], "bed2": [("mon-1", "ambiguous")]}
        while not station.bindings.device("mon-3"):
            await asyncio.sleep(0.01)
        # Of what is nobody's only a device of the chart is named: another name might be somebody's number
        assert await posted(house, said("mon-3", at), said("8001011234567", at)) == ["dead", "dead"]
        request = Request("GET", "", {}, [], {}, b"")
        body = live(request, house.hall(system(MAIN), "monitor")).body
        assert isinstance(body, bytes) and b"8001011234567" not in body
        assert [(one["id"], one["state"]) for one in json.loads(body)["devices"]] == [("mon-3", "unbound")]
        await posted(house, said("mon-1", at + 2))
        assert devices(beds(house)) == {"bed1": [("mon-1", "live")], "bed2": []}

    run(place, work)


def test_a_house_that_was_killed_knows_what_it_had_acknowledged_and_drops_its_journal_once_charted(
    place: Place,
) -> None:
    at = (now() // (60 * SECOND) - 3) * 60 * SECOND

    async def before(house: House, station: Station) -> None:
        position = put(house, {
            "resourceType": "DeviceUseStatement", "id": "u1", "status": "active", "device": {"reference": "Device/d1"},
            "subject": {"reference": "Patient/p1"}, "timingPeriod": {"start": instant(at)},
        })  # fmt: skip
        await station._running.durable(MAIN, position)
        while station._position < position:
            await asyncio.sleep(0.01)
        fates = await posted(house, *(said("mon-1", at + n * SECOND, 70 + n) for n in range(5)), b"broken")
        assert fates == ["stored"] * 5 + ["dead"]

    async def after(house: House, station: Station) -> None:
        assert await posted(house, said("mon-1", at, 70)) == ["duplicate"]
        assert shown(beds(house)["bed1"]) == "74"
        await station.charting.write_minutes()
        record = house.hall(system(MAIN)).record
        [made] = record.search(search.parse(("Observation",), [])).matches
        body = json.loads(made.body or b"")
        assert body["subject"] == {"reference": "Patient/p1"}
        assert [one["valueQuantity"]["value"] for one in body["component"]] == [72, 97]
        station.charting.minutes.until = now() // (60 * SECOND) + 2
        await station.sealed()
        [document] = record.search(search.parse(("DocumentReference",), [])).matches
        assert json.loads(document.body or b"")["subject"] == {"reference": "Patient/p1"}
        assert len(letters(house)) == 1
        assert [path.stem for path in (house.folder(MAIN) / "streams").iterdir()] == [
            f"{station.intake.journal.number:012}"
        ]

    run(place, before)
    run(place, after)


def test_a_charted_value_counts_at_once_and_is_taken_back_when_it_was_an_error(place: Place) -> None:
    pulse: Json = {
        "resourceType": "Observation", "id": "o1", "status": "final", "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "valueQuantity": {"value": 140, "code": "/min"}, "effectiveDateTime": instant(now() - SECOND),
    }  # fmt: skip

    async def work(house: House, station: Station) -> None:
        async def followed(position: int) -> None:
            await station._running.durable(MAIN, position)
            while station._position < position:
                await asyncio.sleep(0.01)

        await followed(put(house, pulse))
        assert shown(beds(house)["bed1"]) == "140"
        await followed(put(house, {**pulse, "status": "entered-in-error"}))
        assert shown(beds(house)["bed1"]) is None

    run(place, work)


def test_a_page_hears_whole_beds_that_changed(place: Place) -> None:
    async def work(house: House, station: Station) -> None:
        request = Request("GET", "", {}, [], {}, b"")
        heard: Response = events(request, house.hall(system(MAIN), "monitor"))
        assert isinstance(heard.body, AsyncIterator)
        assert (await anext(heard.body)).startswith(b"retry:")
        await posted(house, said("mon-2", now(), 66))
        while b"event: live" not in (told := await anext(heard.body)):
            pass
        data = json.loads(told.split(b"data: ")[1])
        assert [(bed["id"], shown(bed)) for bed in data["beds"]] == [("bed2", "66")]

    run(place, work)


def test_only_a_systems_account_speaks_for_devices(place: Place) -> None:
    async def work(house: House, station: Station) -> None:
        nurse = replace(system(MAIN), user="n", roles=frozenset({"nurse"}), purpose="TREAT")
        with pytest.raises(Invalid) as refused:
            stream(Request("POST", "", {}, [], {}, b"{}"), house.hall(nurse, "monitor"))
        assert refused.value.status == 403

    run(place, work)


def test_a_letter_is_taken_once_the_chart_says_whose_its_messages_are(place: Place) -> None:
    async def work(house: House, station: Station) -> None:
        at = now() - 120 * SECOND
        assert await posted(house, said("mon-1", at, 61), said("mon-1", at + SECOND, 62)) == ["dead", "dead"]
        await station.charting.write_letters(every=True)
        door = Door(now, new_id)
        door.streams = station.replayed
        hall = house.hall(system(MAIN))
        [letter] = door.letters.page(hall, "open")["items"]
        assert door.letters.replay(hall, letter["id"])["state"] == "open"
        use = {"resourceType": "DeviceUseStatement", "id": "u1", "status": "active", "device": {"reference": "Device/d1"},
               "subject": {"reference": "Patient/p1"}, "timingPeriod": {"start": instant(at)}}  # fmt: skip
        position = put(house, use)
        await station._running.durable(MAIN, position)
        while station._position < position:
            await asyncio.sleep(0.01)
        assert door.letters.replay(hall, letter["id"])["state"] == "replayed"
        assert shown(beds(house)["bed1"]) == "62"

    run(place, work)


def test_nothing_of_an_erased_person_stays_in_memory_journal_or_blobs(place: Place) -> None:
    async def work(house: House, station: Station) -> None:
        at = now()
        assert await posted(house, said("mon-1", at), said("mon-2", at)) == ["stored", "stored"]
        gone = [Change("erase", "Encounter", "e1"), Change("erase", "Patient", "p1")]
        await station._running.durable(MAIN, house.hall(system(MAIN)).record.write(gone)[-1].version.t)
        while "p1" in station.board.states:
            await asyncio.sleep(0.01)
        journal = f"{station.intake.journal.number - 1:012}"
        station.charting.minutes.until = now() // (60 * SECOND) + 2
        await station.sealed()
        record = house.hall(system(MAIN)).record
        found = record.search(search.parse(("DocumentReference",), [])).matches
        assert [json.loads(one.body or b"")["subject"]["reference"] for one in found] == ["Patient/p2"]
        assert len(list((house.folder(MAIN) / "blobs").glob("??/*"))) == 1
        assert journal not in {path.stem for path in (house.folder(MAIN) / "streams").iterdir()}

    run(place, work)


def test_an_erased_person_of_whom_no_number_was_ever_shown_leaves_nothing_either(place: Place) -> None:
    async def work(house: House, station: Station) -> None:
        unknown = json.dumps({"device": "mon-1", "at_us": now(), "values": {"vendor-code": 5}}).encode()
        assert await posted(house, unknown) == ["stored"]
        gone = [Change("erase", "Encounter", "e1"), Change("erase", "Patient", "p1")]
        erased = house.hall(system(MAIN)).record.write(gone)[-1].version.t
        await station._running.durable(MAIN, erased)
        while station._position < erased:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        station.charting.minutes.until = now() // (60 * SECOND) + 2
        await station.sealed()
        assert not house.hall(system(MAIN)).record.search(search.parse(("DocumentReference",), [])).matches
        assert not list((house.folder(MAIN) / "blobs").glob("??/*"))

    run(place, work)


def test_who_was_erased_while_no_house_ran_does_not_come_back_from_the_journal(place: Place) -> None:
    at = (now() // (60 * SECOND) - 3) * 60 * SECOND

    async def before(house: House, station: Station) -> None:
        two = [said(f"mon-{n}", at, patient=f"p{n}") for n in (1, 2)]
        assert await posted(house, *two) == ["stored", "stored"]

    async def after(house: House, station: Station) -> None:
        assert "p2" in station.board.states and "p1" not in station.board.states
        station.charting.minutes.until = now() // (60 * SECOND) + 2
        await station.sealed()
        record = house.hall(system(MAIN)).record
        found = record.search(search.parse(("DocumentReference",), [])).matches
        assert [json.loads(one.body or b"")["subject"]["reference"] for one in found] == ["Patient/p2"]

    run(place, before)
    house = House(place, (open_room("monitor"),))
    gone = [Change("erase", "Encounter", "e1"), Change("erase", "Patient", "p1")]
    house.seat(MAIN).home.wait(house.hall(system(MAIN)).record.write(gone)[-1].version.t)
    house.close()
    run(place, after)


def test_a_letter_mended_to_be_of_tomorrow_charts_nothing(place: Place) -> None:
    async def work(house: House, station: Station) -> None:
        for received in (now() + HOUR, 2**60, 0, -1):
            payload = said("mon-1", max(received, 1), patient="p1").decode()
            line = json.dumps({"received": received, "payload": payload}).encode()
            assert station.replayed(line).ack == "AE"
        assert not station.board.states and not station.charting.people

    run(place, work)


def test_more_messages_than_one_request_may_bring_are_refused_before_any_is_read(place: Place) -> None:
    async def work(house: House, station: Station) -> None:
        with pytest.raises(Invalid) as refused:
            await posted(house, *[b"{"] * 10_002)
        assert refused.value.status == 413 and not station.intake.waiting

    run(place, work)
