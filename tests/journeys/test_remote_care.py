"""Care at home on the real embedded engine: from a plan to who is unreachable, and from a patient's entry to the chart."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest

from journey_ward import patient
from onmaru.app.house import House, Place, system
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.caller import Caller, Role
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.journey import room as journey
from onmaru.rooms.monitor import room as monitor
from onmaru.rooms.monitor.projection import rows
from onmaru.rooms.remote import listing, mine, room, writing
from onmaru.rooms.remote.moments import DAY, HOUR, MINUTE
from onmaru.rooms.remote.reaction import Reactor
from onmaru.rooms.remote.readings import ENTRY
from remote_plan import FORM, WEIGHT, measured, questionnaire, wanted


class Clinic:
    """A house with patients at home, and the reaction as the running house drives it."""

    def __init__(self, folder: Any) -> None:
        self.house = House(Place(folder / "home", folder / "keys", folder / "witness"), (journey, monitor, room))
        self.put(questionnaire(), *(patient(f"h{n}", f"재택{n}", f"H-{n}") for n in range(1, 8)))
        self.begin()

    def begin(self) -> None:
        """As after a start, or a restart."""
        self.reactor = Reactor(self.hall(), time.time_ns() // 1000)
        self.position = 0

    def put(self, *bodies: Mapping[str, Any]) -> None:
        changes = [Change("update", one["resourceType"], one["id"], msgspec.json.encode(one)) for one in bodies]
        self.house.hall(system("main")).record.write(changes)
        self.settle()

    def settle(self) -> None:
        home = self.house.seat("main").home
        home.wait(home.tip())
        self.house.catch_up("main")

    def hall(self, user: str = "", role: Role = "nurse", whose: str = "") -> Hall:
        if not user:
            return self.house.hall(system("main"), "remote")
        held = self.house.logins.table[role]
        caller = Caller("main", user, frozenset({role}), held.purposes[0], held.scopes, whose)
        return self.house.hall(caller, "remote")

    def beat(self) -> None:
        """Take what was written and do what is due, then what comes of that."""
        for _ in range(2):
            head = self.house.seat("main").home.head()
            self.reactor.take(self.house.seat("main").home.index.touched(self.position, head))
            self.position = head
            self.reactor.act(self.hall(), time.time_ns() // 1000)
            self.settle()

    def plan(self, who: str, began: int, **more: Any) -> str:
        id: str = said(writing.add(request(wanted(who, began, **more)), self.hall("nurse-1")))["id"]
        self.settle()
        return id

    def line(self, id: str) -> Any:
        return next(one for one in said(listing.plans(request(), self.hall("nurse-1")))["plans"] if one["id"] == id)

    def called(self, id: str, *, answered: bool) -> None:
        writing.contact(
            request({"how": "phone", "answered": answered, "note": "두 번 걸었음"}, id=id), self.hall("nurse-1")
        )
        self.settle()


def request(body: Any = None, id: str = "", **query: str) -> Request:
    return Request("GET", "", {"id": id}, list(query.items()), {}, b"" if body is None else msgspec.json.encode(body))


def said(response: Response) -> Any:
    assert isinstance(response.body, bytes)
    return msgspec.json.decode(response.body)


def now() -> int:
    return time.time_ns() // 1000


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    made = Clinic(tmp_path_factory.mktemp("remote"))
    yield made
    made.house.close()


def test_silence_and_calls_that_nobody_answered_make_a_patient_unreachable(clinic: Clinic) -> None:
    id = clinic.plan("h1", now() - 3 * DAY - 2 * HOUR)
    assert (clinic.line(id)["state"], clinic.line(id)["attention"]) == ("silent", [])
    clinic.called(id, answered=False)
    clinic.beat()
    assert clinic.line(id)["state"] == "silent"
    clinic.called(id, answered=False)
    clinic.beat()
    found = clinic.line(id)
    assert (found["state"], found["failed"], [one["reason"] for one in found["attention"]]) == (
        "unreachable",
        2,
        ["unreachable"],
    )
    (asks,) = found["attention"]
    flag = clinic.house.hall(system("main")).record.read("Flag", asks["id"])
    assert b'"active"' in (flag.body or b"")
    # A restart asks for nobody twice
    head = clinic.house.seat("main").home.head()
    clinic.begin()
    clinic.beat()
    assert clinic.house.seat("main").home.head() == head
    # When something comes the state says so, and the case stays until somebody closes it
    clinic.put(measured("h1-w", "h1", 70, now() - MINUTE))
    clinic.beat()
    assert (clinic.line(id)["state"], len(clinic.line(id)["attention"])) == ("late", 1)
    assert said(listing.plans(request(), clinic.hall("nurse-1")))["plans"][0]["id"] == id
    writing.close(request({"take": True}, id=asks["id"]), clinic.hall("nurse-1"))
    clinic.settle()
    assert clinic.line(id)["attention"][0]["owner"] == "nurse-1"
    writing.close(request({"note": "보호자와 통화함"}, id=asks["id"]), clinic.hall("nurse-1"))
    clinic.settle()
    assert clinic.line(id)["attention"] == []
    with pytest.raises(Invalid) as refused:
        writing.close(request({"note": "again"}, id=asks["id"]), clinic.hall("nurse-1"))
    assert refused.value.status == 409
    flag = clinic.house.hall(system("main")).record.read("Flag", asks["id"])
    assert b'"inactive"' in (flag.body or b"")


def test_a_crossed_limit_asks_once_until_somebody_said_what_came_of_it(clinic: Clinic) -> None:
    id = clinic.plan("h2", now() - 2 * DAY)
    clinic.put(measured("h2-a", "h2", 79.9, now() - DAY), measured("h2-g", "h2", 80100, now() - HOUR, "g"))
    clinic.beat()
    clinic.put(measured("h2-b", "h2", 81, now() - MINUTE))
    clinic.beat()
    (asks,) = clinic.line(id)["attention"]
    assert (asks["reason"], asks["key"], asks["text"]) == ("threshold", WEIGHT, "80100 g")
    writing.close(request({"note": "이뇨제 조절"}, id=asks["id"]), clinic.hall("nurse-1"))
    clinic.settle()
    clinic.beat()
    assert clinic.line(id)["attention"] == []
    # One that was measured before and came after is new to whoever closed it
    clinic.put(measured("h2-late", "h2", 82, now() - 2 * HOUR))
    clinic.beat()
    assert [one["text"] for one in clinic.line(id)["attention"]] == ["82 kg"]
    told = said(listing.one(request(id=id), clinic.hall("nurse-1")))
    series = told["activities"][0]["series"][0]
    assert [one["crossed"] for one in series["readings"]] == ["", "high", "high", "high"]
    assert (series["limits"], len(told["attention"])) == ({"low": None, "high": 80.0, "unit": "kg"}, 2)


def test_a_value_in_a_unit_that_is_none_is_neither_received_nor_normal(clinic: Clinic) -> None:
    id = clinic.plan("h3", now() - 2 * DAY)
    clinic.put(measured("h3-a", "h3", 70, now() - DAY - HOUR, "%"), measured("h3-b", "h3", 70, now() + HOUR))
    clinic.beat()
    found = clinic.line(id)
    assert (found["unusable"], found["came"], found["last"], found["state"]) == (2, 0, 0, "silent")


def test_a_ward_score_does_not_count_what_was_measured_at_home() -> None:
    pulse = measured("x", "p", 180, now(), "/min", code={"coding": [{"system": "http://loinc.org", "code": "8867-4"}]})
    assert list(rows(msgspec.json.encode(pulse))) == []
    assert len(list(rows(msgspec.json.encode({**pulse, "category": []})))) == 1


def test_a_patient_enters_a_value_and_a_form_and_both_are_the_patients_word(clinic: Clinic) -> None:
    id = clinic.plan("h4", now() - DAY - HOUR)
    own = clinic.hall("person", "patient", "h4")
    (shown,) = said(mine.mine(request(), own))["plans"]
    weight, form = shown["activities"]
    assert (weight["unit"], weight["now"]["came"], [one["linkId"] for one in form["items"]][:2]) == (
        "kg",
        0,
        ["any", "breath"],
    )
    assert "limits" not in weight
    mine.enter(request({"values": [{"key": WEIGHT, "value": "080.50"}]}), own)
    mine.enter(request({"form": FORM, "answers": {"any": True, "breath": 3}}), own)
    clinic.settle()
    clinic.beat()
    record = clinic.house.hall(system("main")).record
    (made,) = [one for one in record.history("Observation").matches if b"Patient/h4" in (one.body or b"")]
    assert b'"value":80.50' in (made.body or b"") and b'"performer":[{"reference":"Patient/h4"}]' in (made.body or b"")
    assert {(one["key"], one["text"]) for one in clinic.line(id)["attention"]} == {
        (WEIGHT, "80.50 kg"),
        (f"{FORM}#breath", "3 1"),
    }
    # An app that says less than the page: no time, a foreign unit, things that no plan asks
    quantity = {"value": 1e3, "unit": "?"}
    items = [
        {"linkId": WEIGHT, "answer": [{"valueQuantity": quantity}]},
        {"linkId": "x|y", "answer": [{"valueQuantity": quantity}]},
    ]
    odd = {"resourceType": "QuestionnaireResponse", "id": "odd", "status": "completed", "questionnaire": ENTRY,
           "subject": {"reference": "Patient/h4"}, "item": items}  # fmt: skip
    clinic.put(odd)
    clinic.beat()
    assert clinic.line(id)["unusable"] == 1
    # A restart makes nothing twice
    clinic.begin()
    clinic.beat()
    assert len([one for one in record.history("Observation").matches if b"Patient/h4" in (one.body or b"")]) == 2
    # What staff say of the case is not the patient's page's to tell
    assert [(one["id"], one["attention"]) for one in said(listing.plans(request(), own))["plans"]] == [(id, [])]


@pytest.mark.parametrize(
    "body",
    [
        {}, {"values": [{"key": "x|y", "value": "1"}]}, {"values": [{"key": WEIGHT, "value": "-1"}]},
        {"values": [{"key": WEIGHT, "value": "1e5"}]}, {"values": [{"key": WEIGHT, "value": "."}]},
        {"values": [{"key": WEIGHT, "value": "1"}], "at": "2026-01-01T00:00:00Z"}, {"form": "http://x"},
        {"form": FORM, "answers": {}}, {"values": [{"key": WEIGHT, "value": "1"}], "form": FORM},
    ],
)  # fmt: skip
def test_an_entry_that_no_plan_asks_for_is_refused_at_once(clinic: Clinic, body: Any) -> None:
    if not any(one["patient"] == "h5" for one in said(listing.plans(request(), clinic.hall("nurse-1")))["plans"]):
        clinic.plan("h5", now() - HOUR)
    head = clinic.house.seat("main").home.tip()
    with pytest.raises(Invalid) as refused:
        mine.enter(request(body), clinic.hall("person", "patient", "h5"))
    assert refused.value.status == 422 and clinic.house.seat("main").home.tip() == head


@pytest.mark.parametrize(
    "change",
    [{"silence_hours": 0}, {"attempts": 0}, {"activities": []}, {"start": "2026-11-01"}, {"title": " "}, {"end": "x"}],
)
def test_a_plan_that_could_not_be_read_back_is_not_written(clinic: Clinic, change: Any) -> None:
    with pytest.raises(Invalid) as refused:
        clinic.plan("h6", now(), **change)
    assert refused.value.status == 422


def test_a_plan_ends_and_asks_for_nothing_more(clinic: Clinic) -> None:
    id = clinic.plan("h7", now() - 5 * DAY, end=instant(now() + DAY))
    writing.end(request(id=id), clinic.hall("nurse-1"))
    clinic.settle()
    clinic.called(id, answered=False)
    clinic.called(id, answered=False)
    clinic.beat()
    assert id not in {one["id"] for one in said(listing.plans(request(), clinic.hall("nurse-1")))["plans"]}
    ended = said(listing.plans(request(over="1"), clinic.hall("nurse-1")))["plans"]
    assert [(one["state"], one["attention"]) for one in ended if one["id"] == id] == [("ended", [])]
    with pytest.raises(Invalid) as refused:
        writing.end(request(id=id), clinic.hall("nurse-1"))
    assert refused.value.status == 409
    with pytest.raises(Invalid) as unknown:
        listing.one(request(id="none"), clinic.hall("nurse-1"))
    assert unknown.value.status == 404
