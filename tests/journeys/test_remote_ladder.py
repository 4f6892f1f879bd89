"""What asks for somebody at home climbs the ward's own ladder, by its roster, until it is taken or closed on either page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from tests.journeys.test_alerts import Ward, request, said

from journey_ward import patient
from onmaru.app.house import system
from onmaru.fhir.verbatim import instant
from onmaru.kernel.caller import Caller
from onmaru.kernel.room import Hall
from onmaru.rooms import remote
from onmaru.rooms.monitor.alerts import budget, listing, roster
from onmaru.rooms.remote import writing
from onmaru.rooms.remote.listing import plans
from onmaru.rooms.remote.moments import DAY, HOUR
from onmaru.rooms.remote.reaction import Reactor
from remote_plan import measured, wanted

MINUTE = 60_000_000


class Clinic(Ward):
    """The same house with care at home: both reactions as the running house drives them."""

    rooms = (*Ward.rooms, remote.room)
    told_by = ""

    def __init__(self, folder: Any) -> None:
        super().__init__(folder)
        self.put(patient("h1", "재택하나", "H-1"), patient("h2", "재택둘", "H-2"))

    def begin(self) -> None:
        super().begin()
        self.home = Reactor(self.away(), self.clock)
        self.seen = 0

    def away(self, user: str = "") -> Hall:
        caller = system("main")
        if user:
            held = self.house.logins.table["nurse"]
            caller = Caller("main", user, frozenset({"nurse"}), held.purposes[0], held.scopes)
        return replace(self.house.hall(caller, "remote"), settings={"ward": self.told_by})

    def beat(self, later: float = 0) -> list[Any]:
        for _ in range(2):
            head = self.house.seat("main").home.head()
            self.home.take(self.house.seat("main").home.index.touched(self.seen, head))
            self.seen = head
            self.home.act(self.away(), time.time_ns() // 1000)
            self.settle()
        return super().beat(later)

    def flag(self, id: str) -> str:
        body = msgspec.json.decode(self.house.hall(system("main")).record.read("Flag", id).body or b"{}")
        return str(body["status"])

    def plan(self, who: str, began: int) -> str:
        id: str = said(writing.add(request(wanted(who, began)), self.away("nurse-1")))["id"]
        self.settle()
        return id

    def case(self, id: str) -> Any:
        return next(one for one in said(plans(request(), self.away("nurse-1")))["plans"] if one["id"] == id)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    made = Clinic(tmp_path_factory.mktemp("ladder"))
    for rung in ("nurse", "charge-nurse"):
        shift = {"user": f"home-{rung}", "rung": rung, "ward": "Location/w1"}
        times = {"start": instant(made.clock - HOUR), "end": instant(made.clock + HOUR)}
        roster.add(request({**shift, **times}), made.hall("nurse-1"))
    made.settle()
    made.told_by = "Location/w1"
    yield made
    made.house.close()


def test_a_crossed_limit_climbs_the_roster_and_is_closed_at_home_or_on_the_ward(clinic: Clinic) -> None:
    plan = clinic.plan("h1", clinic.clock - 3 * DAY)
    clinic.put(measured("w1", "h1", 83, clinic.clock - MINUTE))
    clinic.beat()
    (alert,) = clinic.alerts("h1", ward="Location/w1")
    assert (alert["rule"], alert["urgency"], alert["text"]) == ("home-threshold", "asap", "83 kg")
    assert clinic.flag(alert["id"]) == "active"
    clinic.beat(later=16)
    told = said(listing.one(request(id=alert["id"]), clinic.hall("nurse-1")))["told"]
    assert {(one["rung"], one["users"]) for one in told} == {
        ("nurse", "home-nurse"), ("charge-nurse", "home-charge-nurse"),
    }  # fmt: skip
    # Nobody's page showed it: that is an alert of its own
    assert {one["rule"] for one in clinic.alerts("h1")} == {"home-threshold", "unreached"}
    writing.close(request({"take": True}, id=alert["id"]), clinic.away("nurse-1"))
    clinic.settle()
    clinic.begin()
    clinic.beat(later=40)
    (taken,) = (one for one in clinic.alerts("h1") if one["id"] == alert["id"])
    assert (taken["owner"], taken["acknowledged"] is not None, taken["rung"]) == ("nurse-1", True, "")
    writing.close(request({"note": "이뇨제를 늘렸음"}, id=alert["id"]), clinic.away("nurse-1"))
    clinic.settle()
    assert alert["id"] not in {one["id"] for one in clinic.alerts("h1")}
    # What is crossed again asks again, and may be closed as the alert that it is
    clinic.put(measured("w2", "h1", 84, time.time_ns() // 1000 - MINUTE))
    clinic.begin()
    clinic.beat()
    (again,) = (one for one in clinic.alerts("h1") if one["rule"] == "home-threshold")
    clinic.step(again["id"], step="outcome", text="acted 전화로 확인")
    assert clinic.case(plan)["attention"] == []
    clinic.beat()
    assert (clinic.flag(alert["id"]), clinic.flag(again["id"])) == ("inactive", "inactive")
    assert said(budget.budget(request(), clinic.hall("nurse-1")))["alerts"] == 0


def test_whoever_becomes_unreachable_is_an_alert(clinic: Clinic) -> None:
    plan = clinic.plan("h2", clinic.clock - 20 * DAY)
    clinic.beat()
    assert clinic.case(plan)["state"] == "silent" and clinic.alerts("h2") == []
    for _ in range(2):
        writing.contact(request({"how": "phone", "answered": False}, id=plan), clinic.away("nurse-1"))
        clinic.settle()
    clinic.beat()
    (alert,) = clinic.alerts("h2", ward="Location/w1")
    assert (alert["rule"], alert["urgency"], alert["ward"]) == ("home-unreachable", "asap", "Location/w1")
