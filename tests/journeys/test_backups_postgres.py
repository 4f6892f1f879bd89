"""A record in PostgreSQL: backed up beside its workers, proved by restoring it, and brought back onto either engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from tests.journeys.test_backups import SECRET_NAME, World

from onmaru.app.house import House, Place, system
from onmaru.app.moving import move
from onmaru.app.rewriting import Bounds, Rewriting
from onmaru.app.running import Running
from onmaru.app.verifying import examined
from onmaru.engines.backup import reading
from onmaru.engines.postgres.schema import drop
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.accounts import User
from onmaru.kernel.record import Change

TENANT = "kept"


@pytest.fixture
def world(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(tmp_path, monkeypatch)
    made.house.close()
    monkeypatch.setenv("ONMARU_STORE", database)
    made.where = replace(made.where, store=database)
    made.house = House(made.where, rooms=())
    yield made
    made.house.close()
    drop(database, TENANT)


def _family(house: House, id: str) -> bytes:
    return house.hall(system(TENANT)).record.read("Patient", id).body or b""


def _restored(world: World, name: str, *args: str) -> House:
    world.run("restore", TENANT, "--to", str(world.folder / name), *args)
    return House(Place(world.folder / name, world.where.keys, world.where.witness), rooms=())


def test_a_record_in_postgresql_is_backed_up_part_by_part_and_comes_back_onto_either_engine(
    world: World, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "ROWS", 2)
    world.house.logins.keep_user(User(TENANT, "nurse", "간호사", ("nurse",)))
    blob = world.house.hall(system(TENANT)).blobs.put([b"pixels" * 3000], patient="p1")
    for id in ("p1", "p2", "p3"):
        world.write(id, tenant=TENANT)
    first = world.run("run", "--tenant", TENANT)[-1]
    assert first["proved"] and (first["position"], first["entries"], first["blobs"]) == (3, 3, 1)
    changed = world.write("p2", "바뀐이름", tenant=TENANT)
    home = world.house.seat(TENANT).home
    world.house.hall(system(TENANT)).record.write([Change("erase", "Patient", "p1")])
    home.wait(home.tip())
    second = world.run("run", "--tenant", TENANT)[-1]
    assert second["proved"] and (second["number"], second["entries"], second["line"]) == (2, 5, first["line"])
    assert second["erased"] == 1

    before = _restored(world, "before", "--position", str(changed - 1))
    assert SECRET_NAME.encode() in _family(before, "p2")
    with pytest.raises(Invalid):  # what was erased since is erased there too
        _family(before, "p1")
    before.close()
    again = _restored(world, "again")
    assert "바뀐이름".encode() in _family(again, "p2")
    with again.hall(system(TENANT)).blobs.open(blob) as file:
        assert file.read() == b"pixels" * 3000
    again.close()
    assert examined(again, TENANT, deep=True).ok

    world.house.close()  # the database is lost, and a new one is filled from the backup
    drop(database, TENANT)
    monkeypatch.setenv("ONMARU_HOME", str(world.folder / "again"))
    monkeypatch.delenv("ONMARU_STORE")
    moved = CliRunner().invoke(move, [TENANT, "--to", database, "--json"], standalone_mode=False)
    assert moved.exception is None, moved.output
    world.house = House(Place(world.folder / "again", world.where.keys, world.where.witness, database), rooms=())
    assert "바뀐이름".encode() in _family(world.house, "p2")
    assert [user.user for user in world.house.logins.accounts.users(TENANT)] == ["nurse"]
    monkeypatch.setenv("ONMARU_STORE", database)
    world.write("p4", tenant=TENANT)
    third = world.run("run", "--tenant", TENANT)[-1]
    assert third["proved"] and third["entries"] == 6


def test_an_unusual_share_of_rewriting_raises_the_alarm_there_too(world: World) -> None:
    async def watched() -> list[str]:
        running = Running(world.house)
        motion = running.motion(TENANT)
        await motion.opened()
        rewriting = Rewriting(running, Bounds(60, 3, 50))
        for number in range(8):
            if number == 4:
                await rewriting.look(motion)
                assert not rewriting.lines(TENANT)
            world.write(f"p{number % 4}", tenant=TENANT)
        await rewriting.look(motion)
        await rewriting.close()
        found = [str(one["state"]) for one in rewriting.lines(TENANT)]
        await running.close()
        return found

    assert asyncio.run(watched()) == ["alarm"]
