"""Answers in parts, and answers that wait for those who follow the record."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize("path", ["/rooms/census/ward", "/api/audit"])
def test_what_follows_is_waited_for_and_not_for_ever(tmp_path: Path, path: str) -> None:
    route = Route("GET", "/ward", "user/Encounter.rs", lambda request, hall: Response(200, b"{}"))
    room = Room("census", routes=(route,), scopes=("user/Encounter.rs",))
    house = House(tmp_path, Settings(static=tmp_path, wait=0.05), [room])
    token = house.token("a", "data-manager")
    assert house.ask("GET", path, token=token).status == 200

    async def asked(done: bool) -> Any:
        house.making = asyncio.Event()
        if done:
            asyncio.get_running_loop().call_later(0.01, house.making.set)
        return await house.call("GET", path, token=token)

    assert asyncio.run(asked(True)).status == 200
    late = asyncio.run(asked(False))
    assert late.status == 503 and late.headers["retry-after"] == "5"
    house.close()
