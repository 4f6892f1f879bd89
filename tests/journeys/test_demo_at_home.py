"""The demo's patients at home: three courses that the room itself reads as crossed, receiving and unreachable."""

from __future__ import annotations

from pathlib import Path

import msgspec
from tests.journeys.test_alerts import request, said

from journey_ward import encounter, patient, place
from onmaru.app.demo.athome import cared_for
from onmaru.app.house import House, Place, now, system
from onmaru.app.rooms import open_room
from onmaru.kernel.record import Change
from onmaru.rooms.remote.listing import plans
from onmaru.rooms.remote.reaction import Reactor


def settle(house: House) -> None:
    house.seat("main").home.wait(house.seat("main").home.tip())
    house.catch_up("main")


def test_three_who_lie_nowhere_are_cared_for_once(tmp_path: Path) -> None:
    names = ("journey", "monitor", "remote")
    house = House(Place(tmp_path / "home", tmp_path / "keys", tmp_path / "witness"), tuple(map(open_room, names)))
    people = [patient(f"d{n}", "가상인", f"D-{n}", deceasedBoolean=False) for n in range(5)]
    bodies = [
        place("w", "wa", "병동"),
        *people,
        encounter("e", "d0", "w"),
        patient("dead", "고인", "D-9", deceasedBoolean=True),
    ]
    record = house.hall(system("main")).record
    record.write([Change("update", one["resourceType"], one["id"], msgspec.json.encode(one)) for one in bodies])
    settle(house)
    assert cared_for(house) > 0
    settle(house)
    assert cared_for(house) == 0
    reactor = Reactor(house.hall(system("main"), "remote"), now())
    reactor.act(house.hall(system("main"), "remote"), now())
    settle(house)
    found = {one["patient"]: one for one in said(plans(request(), house.hall(system("main"), "remote")))["plans"]}
    assert set(found) == {"d1", "d2", "d3"}
    assert [found[who]["state"] for who in ("d2", "d3")] == ["receiving", "unreachable"]
    assert [one["reason"] for one in found["d1"]["attention"]] == ["threshold"]
    assert [one["reason"] for one in found["d3"]["attention"]] == ["unreachable"]
    assert found["d2"]["attention"] == [] and 0.7 < found["d2"]["adherence"] <= 1
    house.close()
