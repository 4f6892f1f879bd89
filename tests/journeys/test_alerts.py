"""Alerts on the real embedded engine: from readings to whoever is told, what they do, and what a killed house still does."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from alert_history import MINUTE, observation
from journey_ward import encounter, patient, place
from onmaru.app.house import House, Place, system
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.caller import Caller, Role
from onmaru.kernel.outbound import Letter
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall, Request, Response, Room
from onmaru.rooms.journey import room as journey
from onmaru.rooms.monitor import room
from onmaru.rooms.monitor.alerts import acting, budget, listing, roster, what_if
from onmaru.rooms.monitor.alerts.reaction import Reactor
from onmaru.rooms.monitor.board import Board
from onmaru.rooms.monitor.live import Fresh, Streamed

WARD = "Location/w1"


class Ward:
    """A house with a ward, and the reaction as the running house drives it."""

    rooms: tuple[Room, ...] = (journey, room)

    def __init__(self, folder: Any) -> None:
        self.house = House(Place(folder / "home", folder / "keys", folder / "witness"), self.rooms)
        self.put(place("w1", "wa", "61병동"), place("b1", "bd", "1", "w1"))
        for one in ("p1", "p2", "p3", "p4"):
            self.put(patient(one, "김환자", one), encounter(f"e-{one}", one, "b1"))
        self.clock = time.time_ns() // 1000
        self.begin()

    def begin(self) -> None:
        """As after a start, or a restart: everything from the record."""
        self.board = Board(Fresh(12 * 60 * MINUTE, 5 * MINUTE))
        self.reactor = Reactor(self.hall(), self.clock)
        self.position = 0

    def put(self, *bodies: Mapping[str, Any]) -> None:
        changes = [Change("update", one["resourceType"], one["id"], msgspec.json.encode(one)) for one in bodies]
        self.house.hall(system("main")).record.write(changes)
        self.settle()

    def settle(self) -> None:
        home = self.house.seat("main").home
        home.wait(home.tip())
        self.house.catch_up("main")

    def hall(self, user: str = "", role: Role = "nurse") -> Hall:
        caller = system("main")
        if not user:
            return replace(self.house.hall(caller, "monitor"), memory={"board": self.board})
        held = self.house.logins.table[role]
        caller = Caller("main", user, frozenset({role}), held.purposes[0], held.scopes)
        return self.house.hall(caller, "monitor")

    def beat(self, later: float = 0) -> list[Letter]:
        """Take what was written, then do what is due so many minutes from now."""
        index, letters = self.house.seat("main").home.index, []
        for _ in range(3):
            head = self.house.seat("main").home.head()
            self.reactor.take(index.touched(self.position, head))
            self.position = head
            letters += self.reactor.act(self.hall(), time.time_ns() // 1000 + int(later * MINUTE))
            self.settle()
        return letters

    def ill(self, who: str, rate: float = 30) -> None:
        self.begin()  # a beat of later has gone ahead of the clock
        now = time.time_ns() // 1000
        self.put(
            observation(f"rr-{who}", "respiratory-rate", rate, now, who),
            observation(f"bp-{who}", "systolic", 85, now, who),
            observation(f"hr-{who}", "heart-rate", 120, now, who),
        )

    def alerts(self, who: str, **query: str) -> list[dict[str, Any]]:
        found = said(listing.alerts(request(**query), self.hall("nurse-1")))["alerts"]
        return [one for one in found if one["patient"] == who]

    def step(self, id: str, user: str = "nurse-1", **body: Any) -> Any:
        done = said(acting.step(request(body, id=id), self.hall(user)))
        self.settle()
        return done["alert"]


def request(body: Any = None, id: str = "", **query: str) -> Request:
    raw = b"" if body is None else msgspec.json.encode(body)
    return Request("GET", "", {"id": id}, list(query.items()), {}, raw)


def said(response: Response) -> Any:
    assert isinstance(response.body, bytes)
    return msgspec.json.decode(response.body)


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    made = Ward(tmp_path_factory.mktemp("alerts"))
    yield made
    made.house.close()


def test_a_nurses_path_from_the_reading_to_the_outcome(ward: Ward) -> None:
    ward.ill("p1")
    ward.beat()
    (alert,) = ward.alerts("p1", ward=WARD)
    assert (alert["rule"], alert["urgency"], alert["ward"], alert["rung"]) == ("news2-high", "stat", WARD, "nurse")
    flag = ward.house.hall(system("main")).record.read("Flag", alert["id"].replace("alert-", "flag-"))
    assert b'"active"' in (flag.body or b"")
    assert ward.step(alert["id"], step="acknowledge")["owner"] == "nurse-1"
    assert ward.step(alert["id"], step="act", text="called-physician")["status"] == "in-progress"
    closed = ward.step(alert["id"], step="outcome", text="acted went well")
    assert [step["code"] for step in closed["steps"]] == ["acknowledge", "act", "outcome"]
    with pytest.raises(Invalid) as refused:
        ward.step(alert["id"], step="acknowledge")
    assert refused.value.status == 409
    ward.beat()
    assert ward.alerts("p1", ward=WARD) == []
    assert [one["id"] for one in ward.alerts("p1", ward=WARD, hours="1")] == [alert["id"]]


def test_what_a_killed_house_had_to_do_is_done_once_after_it_opens(ward: Ward) -> None:
    ward.ill("p2")
    ward.begin()
    ward.beat()
    (alert,) = ward.alerts("p2")
    head = ward.house.seat("main").home.head()
    ward.begin()
    ward.beat()
    assert [one["id"] for one in ward.alerts("p2")] == [alert["id"]]
    assert ward.house.seat("main").home.head() == head
    ward.beat(later=2.5)
    told = said(listing.one(request(id=alert["id"]), ward.hall("nurse-1")))["told"]
    assert [one["rung"] for one in told] == ["nurse", "nurse", "charge-nurse"]
    ward.begin()
    ward.beat(later=2.5)
    assert len(said(listing.one(request(id=alert["id"]), ward.hall("nurse-1")))["told"]) == 3
    ward.step(alert["id"], step="outcome", text="missed")


def test_an_alert_that_no_page_showed_is_an_alert_to_everybody(ward: Ward) -> None:
    ward.ill("p3")
    ward.beat()
    ward.beat(later=2)
    unreached, alert = sorted(ward.alerts("p3"), key=lambda one: one["rule"], reverse=True)
    assert (unreached["rule"], unreached["about"], unreached["urgency"]) == ("unreached", alert["id"], "stat")
    ward.beat(later=2)
    assert len(ward.alerts("p3")) == 2
    for one in (unreached, alert):
        ward.step(one["id"], step="outcome", text="acted")


def test_a_shown_alert_has_reached_somebody_and_a_snooze_puts_it_off(ward: Ward) -> None:
    ward.ill("p4")
    ward.beat()
    (alert,) = ward.alerts("p4")
    shown = said(acting.seen(request({"alerts": [alert["id"]]}), ward.hall("nurse-1")))
    ward.settle()
    assert shown == {"reached": 1}
    ward.beat(later=1.5)
    assert [one["rule"] for one in ward.alerts("p4")] == ["news2-high"]
    with pytest.raises(Invalid):
        ward.step(alert["id"], step="snooze", seconds=86_400, text="for a day")
    put_off = ward.step(alert["id"], step="snooze", seconds=300, text="in the bath")
    assert put_off["status"] == "on-hold"
    ward.beat(later=4)
    told = said(listing.one(request(id=alert["id"]), ward.hall("nurse-1")))["told"]
    ward.beat(later=6)
    assert len(said(listing.one(request(id=alert["id"]), ward.hall("nurse-1")))["told"]) > len(told)
    handed = ward.step(alert["id"], step="hand-over", to="nurse-2")
    assert (handed["owner"], handed["status"]) == ("nurse-2", "requested")
    ward.step(alert["id"], "nurse-2", step="outcome", text="not-needed")


def test_the_ladder_tells_whoever_is_on_duty_and_the_letter_names_nobody(ward: Ward) -> None:
    now = time.time_ns() // 1000
    shift = {"user": "charge", "rung": "charge-nurse", "ward": WARD}
    times = {"start": instant(now - MINUTE), "end": instant(now + 60 * MINUTE)}
    roster.add(request({**shift, **times}), ward.hall("charge"))
    ward.settle()
    found = said(roster.listed(request(), ward.hall("charge")))
    assert [(one["user"], one["rung"], one["wardName"]) for one in found["shifts"]] == [
        ("charge", "charge-nurse", "61병동")
    ]
    assert "charge-nurse" not in {one["rung"] for one in found["empty"]}
    ward.put(patient("p5", "이환자", "p5"), encounter("e-p5", "p5", "b1"))
    ward.ill("p5")
    ward.reactor._url = "https://receiver.example/alerts"
    ward.beat()
    letters = ward.beat(later=2.1)
    unreached, alert = sorted(ward.alerts("p5"), key=lambda one: one["rule"], reverse=True)
    mine = [one for one in map(msgspec.json.decode, (one.body for one in letters)) if one["alert"] == alert["id"]]
    assert [one["rung"] for one in mine] == ["nurse", "charge-nurse"]
    assert set(mine[0]) == {"alert", "urgency", "rung", "ward", "at"}
    told = said(listing.one(request(id=alert["id"]), ward.hall("nurse-1")))["told"]
    assert [(one["rung"], one["users"]) for one in told][-1] == ("charge-nurse", "charge")
    for one in (unreached, alert):
        ward.step(one["id"], step="outcome", text="acted")
    roster.remove(request(id=found["shifts"][0]["id"].partition("/")[2]), ward.hall("charge"))
    ward.settle()
    assert said(roster.listed(request(), ward.hall("charge")))["shifts"] == []


def test_the_ward_shows_the_worst_bed_first_with_the_age_of_its_values(ward: Ward) -> None:
    ward.put(patient("p6", "박환자", "p6"), encounter("e-p6", "p6", "b1"))
    now = time.time_ns() // 1000
    ward.put(*(observation(f"r{n}", "respiratory-rate", 14, now - n * 5 * MINUTE, "p6") for n in range(3)))
    found = said(listing.ward(request(ward=WARD), ward.hall("nurse-1")))
    assert found["wards"] == [{"id": WARD, "name": "61병동", "patients": 6}]
    assert [bed["level"] for bed in found["beds"]] == ["high"] * 5 + ["none"]
    (value,) = found["beds"][-1]["values"]
    assert (value["measure"], value["value"], value["every"]) == ("respiratory-rate", "14", 5 * MINUTE)
    assert "saturation" in found["beds"][-1]["missing"]


def test_the_budget_counts_what_was_judged_and_what_waits(ward: Ward) -> None:
    ward.ill("p6")
    ward.beat()
    told = said(budget.budget(request(ward=WARD, days="1"), ward.hall("nurse-1")))
    assert (told["alerts"], told["acted"], told["notNeeded"], told["missed"], told["waiting"]) == (6, 3, 1, 1, 1)
    assert (told["ppv"], told["unreached"], told["beds"], told["perBedDay"]) == (0.75, 3, 6, 1.0)


def replayed(at: Ward, **body: Any) -> Any:
    parts = what_if.what_if(request(body), at.hall("nurse-1")).body
    assert not isinstance(parts, bytes) and not callable(parts)
    return msgspec.json.decode(b"".join(parts))  # type: ignore[arg-type]  # it is a plain iterator


def test_a_ward_is_followed_again_under_changed_rules(ward: Ward) -> None:
    same = replayed(ward, ward=WARD, days=1, rules=[])
    assert same["now"] == same["then"]
    assert (same["patients"], same["now"]["alerts"], same["now"]["keeps"]) == (6, 6, same["acted"])
    off = [{"name": name, "on": False} for name in ("news2-high", "news2-medium", "news2-single")]
    none = replayed(ward, days=1, rules=off)["then"]
    assert (none["alerts"], none["keeps"]) == (0, 0)
    one = replayed(ward, ward=WARD, days=1, rules=[*off[1:], {"name": "news2-high", "least": 20}])["then"]
    assert (one["alerts"], one["byRule"]) == (0, {})


def test_a_value_that_was_corrected_counts_as_it_was_until_then(ward: Ward) -> None:
    ward.put(patient("p7", "최환자", "p7"), place("w2", "wa", "62병동"), encounter("e-p7", "p7", "w2"))
    now = time.time_ns() // 1000
    ward.put(observation("typo", "respiratory-rate", 40, now, "p7"))
    ward.put(observation("typo", "respiratory-rate", 14, now, "p7"))
    found = replayed(ward, ward="Location/w2", days=1, rules=[])
    assert (found["patients"], found["versions"], found["now"]["byRule"]) == (1, 2, {"news2-single": 1})


def test_what_a_device_sends_raises_the_alert_that_the_record_would(ward: Ward) -> None:
    ward.put(patient("p8", "강환자", "p8"), encounter("e-p8", "p8", "w2"))
    ward.begin()
    ward.beat()
    now = time.time_ns() // 1000
    sent = (("respiratory-rate", "30", "/min"), ("systolic", "85", "mm[Hg]"), ("heart-rate", "120", "/min"))
    ward.board.take([Streamed("p8", *one, now, now, "Device/m1", 1_000_000) for one in sent], now)
    ward.beat()
    assert [one["rule"] for one in ward.alerts("p8")] == ["news2-high"]
    # Its minute in the record, and a restart, are not another alert
    ward.ill("p8")
    ward.beat()
    assert len(ward.alerts("p8")) == 1


@pytest.mark.parametrize(
    "rules", [[{"name": "x"}], [{"name": "news2-high"}] * 2, [{"name": "news2-high", "hold": -1}], 1]
)
def test_rules_that_are_none_are_refused(ward: Ward, rules: Any) -> None:
    with pytest.raises(Invalid) as refused:
        what_if.what_if(request({"rules": rules}), ward.hall("nurse-1"))
    assert refused.value.status in (400, 422)


@pytest.mark.parametrize(
    "body",
    [
        {"step": "erase"}, {"step": "outcome"}, {"step": "outcome", "text": "fine"}, {"step": "act", "text": "x"},
        {"step": "snooze", "seconds": 100, "text": ""}, {"step": "hand-over"}, {"step": "acknowledge", "x": 1}, [],
    ],
)  # fmt: skip
def test_a_step_that_is_none_is_refused(ward: Ward, body: Any) -> None:
    (alert,) = ward.alerts("p6")
    with pytest.raises(Invalid) as refused:
        acting.step(request(body, id=alert["id"]), ward.hall("nurse-1"))
    assert refused.value.status in (400, 422)


def test_only_clinicians_act_and_only_alerts_are_acted_on(ward: Ward) -> None:
    (alert,) = ward.alerts("p6")
    body = {"step": "acknowledge"}
    with pytest.raises(Invalid) as refused:
        acting.step(request(body, id=alert["id"]), ward.hall("clerk", "data-manager"))
    assert refused.value.status == 403
    task = {"resourceType": "Task", "id": "other", "status": "requested", "intent": "order"}
    ward.put(task)
    with pytest.raises(Invalid) as unknown:
        acting.step(request(body, id="other"), ward.hall("nurse-1"))
    assert unknown.value.status == 404
