"""A house in motion brings its followers up between requests, and who needs one of them whole can wait for it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.contract.test_record import patient
from tests.web_house import House as WebHouse

from onmaru.app import running as moving
from onmaru.app.hearing import Ear
from onmaru.app.house import MAIN, House, Place, now, system
from onmaru.app.running import Running
from onmaru.kernel.audit import access
from onmaru.kernel.record import Change
from onmaru.kernel.room import Response, Room, Route
from onmaru.web.doors import Settings


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A house that nobody has followed yet: 300 patients, 1,200 audit rows."""
    made = Place(tmp_path / "home", tmp_path / "keys", tmp_path / "witness")
    house = House(made)
    home, record = house.seat(MAIN).home, house.hall(system(MAIN)).record
    for number in range(300):
        name = [{"family": f"Name{number}"}]
        id = record.write([Change("create", "Patient", body=patient(name=name))])[0].version.id
        for _ in range(4):
            home.trail.add(access(system(MAIN), "read", f"Patient/{id}", now(), patients=[id]))
        if number % 20 == 19:
            home.wait(home.tip())
    house.close()
    return made


def test_opening_a_tenant_holds_up_nobody_and_its_tables_are_whole_when_ready(place: Place) -> None:
    async def run() -> None:
        running = Running(House(place))
        motion = running.motion(MAIN)
        hot, home = motion.seat.hot, motion.seat.home
        assert {hot.position(one) for one in hot.projections} == {0}
        waiting = running.ready(MAIN, "rooms")
        assert waiting is not None
        turns = 0
        while not motion.ready.is_set():
            await asyncio.sleep(0)
            turns += 1
        assert turns > 2, "others had their turn meanwhile"
        await waiting
        await motion.opened()
        assert {hot.position(one) for one in hot.projections} == {home.head()}
        assert running.ready(MAIN, "rooms") is None
        await running.close()

    asyncio.run(run())


def test_the_audit_index_is_brought_up_when_somebody_waits_for_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "PATIENCE", 60.0)

    async def run() -> None:
        house = House(place)
        assert house.seat(MAIN).home.trail.lag == 1200
        running = Running(house)
        motion = running.motion(MAIN)
        motion.pump._crowd, motion.pump._crowded = 99, asyncio.get_running_loop().time() + 3600  # a crowd that stays
        waiting = running.ready(MAIN, "audit")
        assert waiting is not None
        async with asyncio.timeout(10):
            await waiting
        assert running.ready(MAIN, "audit") is None
        rows = house.seat(MAIN).home.trail.page(count=1)
        assert rows[0][0] == 1200
        motion.pump._crowded = 0.0
        await running.close()

    asyncio.run(run())


def test_a_run_of_messages_lets_research_tables_wait_but_nobody_who_waits_for_them(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("PATIENCE", 60.0), ("RUN_SECONDS", 3600.0), ("GATHER", (100, 8 << 20))):
        monkeypatch.setattr(moving, name, value)

    async def run() -> None:
        running = Running(House(place))
        motion = running.motion(MAIN)
        for _ in range(moving.RUN):
            motion.arrived()
        await motion.opened()
        await asyncio.sleep(1)
        columnar, head = motion.seat.columnar, motion.seat.home.head()
        assert any(columnar.position(one) < head for one in columnar.projections)
        async with asyncio.timeout(20):
            await motion.reached(head)
        assert all(columnar.position(one) == head for one in columnar.projections)
        await running.close()

    asyncio.run(run())


def test_during_a_run_of_messages_rows_are_made_beside_and_are_the_same(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "RUN_SECONDS", 3600.0)

    async def run(*, beside: bool) -> list[Any]:
        for file in place.home.rglob("rows.db*"):
            file.unlink()
        ear = Ear()
        if beside:
            await ear.start()
            await asyncio.wait_for(ear.ready(), 60)
        running = Running(House(place))
        motion = running.motion(MAIN)
        if beside:
            motion.ear = ear
            for _ in range(moving.RUN):
                motion.arrived()
        await motion.opened()
        assert (ear._answers > 0) == beside
        hot = motion.seat.hot
        made = [hot.db.execute(f'SELECT * FROM "{one}"').fetchall() for _, one in sorted(hot.tables.values(), key=str)]
        assert any(len(rows) == 300 for rows in made)
        await ear.close()
        await running.close()
        return made

    assert asyncio.run(run(beside=True)) == asyncio.run(run(beside=False))


def test_a_fault_while_following_is_told_to_who_opens(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        running = Running(House(place))
        motion = running.motion(MAIN)
        monkeypatch.setattr(motion.seat.hot, "take", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await motion.opened()
        await running.close()

    asyncio.run(run())


@pytest.mark.parametrize("path", ["/rooms/census/ward", "/api/audit"])
def test_what_follows_is_waited_for_and_not_for_ever(tmp_path: Path, path: str) -> None:
    route = Route("GET", "/ward", "user/Encounter.rs", lambda request, hall: Response(200, b"{}"))
    room = Room("census", routes=(route,), scopes=("user/Encounter.rs",))
    house = WebHouse(tmp_path, Settings(static=tmp_path, wait=0.5), [room])
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
