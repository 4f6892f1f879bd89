"""The feed of the wall from a real embedded house: every bed whole, waveforms without a hole."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.journeys.test_streams import HOUR, posted, put, run, said, ward

from onmaru.app.house import MAIN, House, Place, now, system
from onmaru.app.rooms import open_room
from onmaru.app.streams.station import Station
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.room import Request, Response
from onmaru.rooms.monitor import feed as feeding
from onmaru.rooms.monitor.live import SECOND

Json = dict[str, Any]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "home", tmp_path / "keys", tmp_path / "witness")
    house = House(made, (open_room("monitor"),))
    house.seat(MAIN).home.wait(put(house, *ward(now() - HOUR)))
    house.close()
    return made


def opened(house: House, **query: str) -> AsyncIterator[bytes]:
    request = Request("GET", "", {}, list(query.items()), {}, b"")
    response: Response = feeding.feed(request, house.hall(system(MAIN), "monitor"))
    assert response.type == "application/octet-stream"
    assert isinstance(response.body, AsyncIterator)
    return response.body


async def frame(stream: AsyncIterator[bytes]) -> tuple[int, bytes]:
    raw = await anext(stream)
    length, kind = struct.unpack_from("<IB", raw)
    assert len(raw) == 4 + length
    return kind, raw[5:]


async def told(stream: AsyncIterator[bytes]) -> tuple[int, bytes]:
    """The next frame that is no mere sign of life."""
    while True:
        kind, body = await frame(stream)
        if kind != feeding.CLOCK:
            return kind, body


async def beds(stream: AsyncIterator[bytes]) -> Json:
    kind, body = await told(stream)
    assert kind == feeding.BEDS
    found: Json = json.loads(body)
    return found


async def waves(stream: AsyncIterator[bytes]) -> list[tuple[str, str, float, list[float]]]:
    """(patient, code, hz, samples) of each piece."""
    kind, body = await told(stream)
    assert kind == feeding.WAVES
    (size,) = struct.unpack_from("<I", body)
    found, at = [], 4 + size
    for patient, code, _, hz, _, count, low, step in json.loads(body[4:at])["pieces"]:
        found.append((patient, code, hz, [round(low + step * one, 3) for one in body[at : at + count]]))
        at += count
    assert at == len(body)
    return found


def test_a_screen_is_told_every_bed_first_and_then_what_changed(place: Place) -> None:
    async def work(house: House, station: Station) -> None:
        await posted(house, said("mon-1", now(), 81))
        stream = opened(house)
        first = await beds(stream)
        assert first["whole"] and [one["id"] for one in first["beds"]] == ["bed1", "bed2"]
        one = first["beds"][0]
        assert (one["ward"], one["wardName"], one["name"]) == ("ward", "71", "71-1")
        assert [len(one["numerics"]) for one in first["beds"]] == [2, 0]
        assert "waves" not in one and first["feeds"][0]["name"] == "HTTP"
        await posted(house, said("mon-2", now(), 92))
        then = await beds(stream)
        assert not then["whole"] and [one["id"] for one in then["beds"]] == ["bed2"]

    run(place, work)


def test_pieces_of_a_waveform_come_each_once_and_again_to_a_screen_that_was_away(place: Place) -> None:
    async def work(house: House, station: Station) -> None:
        began = now()

        def piece(n: int, samples: list[float]) -> bytes:
            wave = {"code": "ecg-ii", "unit": "mV", "hz": 250, "samples": samples}
            return said("mon-1", began + n * SECOND, waves=[wave])

        stream = opened(house)
        await beds(stream)
        await posted(house, piece(0, [0, 0.5, 1]), piece(1, [2, 2, 2]))
        await beds(stream)
        drawn = [("p1", "ecg-ii", 250, [0.0, 0.502, 1.0]), ("p1", "ecg-ii", 250, [2.0, 2.0, 2.0])]
        assert await waves(stream) == drawn
        # Nothing to draw, or further apart than a number can be: kept with the message, never drawn
        assert await posted(house, piece(2, []), piece(3, [-1.7e308, 1.7e308]), piece(4, [7])) == ["stored"] * 3
        await beds(stream)
        assert await waves(stream) == [("p1", "ecg-ii", 250, [7.0])]
        again = opened(house)
        await beds(again)
        assert [samples for *_, samples in await waves(again)] == [drawn[0][3], drawn[1][3], [7.0]]

    run(place, work)


def test_a_feed_gives_a_sign_of_life_and_tells_anew_who_lies_where(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "SIGN", 0.0)
    monkeypatch.setattr(feeding, "ASKED_ANEW", 0.0)
    monkeypatch.setattr(feeding, "PACE", 0.01)

    async def work(house: House, station: Station) -> None:
        stream = opened(house, ward="ward")
        assert len((await beds(stream))["beds"]) == 2
        kind, body = await frame(stream)
        assert kind == feeding.CLOCK and json.loads(body)["at"] > 0
        gone = {**next(one for one in ward(now() - HOUR) if one["id"] == "e2"), "status": "finished"}
        await station._running.motion(MAIN).durable(put(house, gone))
        for _ in range(200):
            kind, body = await frame(stream)
            if kind == feeding.BEDS:
                break
        anew = json.loads(body)
        assert anew["whole"] and [one["id"] for one in anew["beds"]] == ["bed1"]

    run(place, work)


def test_another_question_than_ward_and_patient_is_refused_before_anything_is_sent(place: Place) -> None:
    async def work(house: House, station: Station) -> None:
        with pytest.raises(Invalid):
            await anext(opened(house, none="1"))
        station.board.end()
        with pytest.raises(StopAsyncIteration):
            await anext(opened(house))

    run(place, work)


def test_where_nothing_streams_there_is_no_feed(place: Place) -> None:
    house = House(place, (open_room("monitor"),))
    with pytest.raises(Invalid):
        asyncio.run(frame(opened(house)))
    house.close()
