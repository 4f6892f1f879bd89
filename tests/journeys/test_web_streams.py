"""Answers in parts: refused while they can be, cut off after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web_house import House

from onmaru.fhir.search import parse
from onmaru.kernel.room import Hall, Request, Response, Room, Route
from onmaru.web.doors import Settings


def broken(request: Request, hall: Hall) -> Response:
    def parts() -> Iterator[bytes]:
        hall.record.read("Patient", "nobody")
        yield b"never"

    return Response(200, parts(), "text/plain")


def cut(request: Request, hall: Hall) -> Response:
    def parts() -> Iterator[bytes]:
        yield b"first "
        hall.record.search(parse(("Encounter",), []))
        yield b"second"
        raise ZeroDivisionError

    return Response(200, parts(), "text/plain")


ROOM = Room(
    "census",
    routes=(
        Route("GET", "/broken", "user/Encounter.r", broken),
        Route("GET", "/cut", "user/Encounter.r", cut),
    ),
    scopes=("user/Encounter.rus",),
)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, Settings(static=tmp_path), [ROOM])
    yield made
    made.close()


def test_a_streamed_answer_is_refused_while_it_can_be_and_cut_off_after(house: House) -> None:
    token = house.token("doctor2", "physician")
    assert house.ask("GET", "/rooms/census/broken", token=token).status == 403
    before = house.durables
    answer = house.ask("GET", "/rooms/census/cut", token=token)
    assert (answer.status, answer.body) == (200, b"first second")
    assert house.durables - before >= 3, "each part waits for the rows of what it discloses"
