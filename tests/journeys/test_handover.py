"""A ward handed over: what the record says of each patient since the shift began, given to and taken by somebody named."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from tests.journeys.test_alerts import WARD, Ward, request, said

from alert_history import MINUTE, observation
from journey_ward import encounter, place, vital
from onmaru.app.house import system
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.caller import Caller, Role
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall
from onmaru.rooms.journey.listing import items
from onmaru.rooms.monitor.alerts import budget, listing, roster
from onmaru.rooms.monitor.course import course
from onmaru.rooms.monitor.handover import keeping, sheet
from onmaru.rooms.monitor.review.routes import replay

HOUR = 60 * MINUTE
DENIAL: dict[str, Any] = {
    "resourceType": "Consent", "id": "c4", "status": "active", "category": [{"text": "개인정보"}],
    "scope": {"coding": [{"code": "patient-privacy"}]}, "patient": {"reference": "Patient/p4"},
    "policyRule": {"text": "거부"},
    "provision": {"type": "permit", "provision": [{"type": "deny", "actor": [
        {"role": {"text": "이용자"}, "reference": {"reference": "Practitioner/nurse-9"}}]}]},
}  # fmt: skip


class Shift(Ward):
    """The same ward; whoever is called a nurse is one."""

    def hall(self, user: str = "", role: Role = "nurse") -> Hall:
        found = super().hall(user, role)
        return replace(found, roles=lambda one: frozenset({role}) if one.startswith("nurse") else frozenset())

    def sheets(self, user: str = "nurse-1", **query: str) -> dict[str, Any]:
        found = said(sheet.handover(request(ward=WARD, **query), self.hall(user)))
        return {one["patient"]: one for one in found["patients"]} | {"": found}

    def give(self, user: str = "nurse-1", **body: Any) -> Any:
        asked = {
            "ward": WARD,
            "to": "nurse-2",
            "since": instant(self.clock - 6 * HOUR),
            "patients": [{"patient": "p1"}],
        }
        done = said(keeping.give(request({**asked, **body}), self.hall(user)))
        self.settle()
        return done

    def take(self, ids: list[str], user: str = "nurse-2") -> Any:
        done = said(keeping.take(request({"ids": ids}), self.hall(user)))
        self.settle()
        return done


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shift]:
    made = Shift(tmp_path_factory.mktemp("handover"))
    now = made.clock
    who = {"subject": {"reference": "Patient/p1"}}
    lab = {
        "category": [
            {"coding": [{"code": "laboratory", "system": "http://terminology.hl7.org/CodeSystem/observation-category"}]}
        ]
    }
    high = {"interpretation": [{"coding": [{"code": "H"}]}]}
    made.put(
        observation("early", "respiratory-rate", 14, now - 9 * HOUR, "p1"),
        vital("k", "p1", "2823-3", "Potassium", 6.1, "mmol/L", instant(now - HOUR), **lab, **high),
        vital("na", "p1", "2951-2", "Sodium", 140, "mmol/L", instant(now - HOUR), **lab),
        {"resourceType": "MedicationRequest", "id": "drug", "status": "active", "intent": "order", **who,
         "authoredOn": instant(now - HOUR), "medicationCodeableConcept": {"text": "칼슘글루코네이트"}},
        {"resourceType": "Condition", "id": "old", **who, "code": {"text": "고혈압"}, "onsetDateTime": "2019-04-01"},
        {"resourceType": "ServiceRequest", "id": "ct", "status": "active", "intent": "order", **who,
         "authoredOn": instant(now - 30 * HOUR), "code": {"text": "복부 CT"}},
        {"resourceType": "ServiceRequest", "id": "done", "status": "completed", "intent": "order", **who,
         "authoredOn": instant(now - 30 * HOUR), "code": {"text": "흉부 X선"}},
        {"resourceType": "Task", "id": "call", "status": "requested", "intent": "order",
         "for": {"reference": "Patient/p1"}, "code": {"text": "보호자에게 전화"}},
        place("r2", "ro", "7103호", "w1"), place("b2", "bd", "2", "r2"), encounter("e-p2", "p2", "b2"), DENIAL,
    )  # fmt: skip
    made.ill("p1")
    made.beat()
    yield made
    made.house.close()


def test_each_patient_has_what_the_shift_brought_and_what_is_to_be_done(ward: Shift) -> None:
    found = ward.sheets()
    assert set(found) == {"", "p1", "p2", "p3", "p4"} and found[""]["by"] == "hours"
    one = found["p1"]
    assert (one["bed"], one["number"], one["wardName"]) == ("1", "p1", "61병동")
    assert one["before"] == {"total": None, "least": 0, "most": 17, "level": "none", "points": {"respiration": 0}}
    assert (one["news2"]["level"], one["news2"]["least"]) == ("high", 8)
    rate = next(part for part in one["news2"]["parts"] if part["name"] == "respiration")
    assert (rate["value"], rate["points"], rate["at"] > ward.clock - MINUTE) == ("30", 3, True)
    assert [(alert["rule"], alert["owner"], alert["open"]) for alert in one["alerts"]] == [("news2-high", "", True)]
    # The sodium is normal and only counted; what began before the shift, and the house's own Tasks, are no change
    assert {line["source"]: line["flag"] for line in one["changes"]} == {
        "Observation/k": "H",
        "MedicationRequest/drug": "",
    }
    assert one["labs"] == 2
    assert [(line["source"], line["ko"]) for line in one["tasks"]] == [
        ("ServiceRequest/ct", "복부 CT"), ("Task/call", "보호자에게 전화"),
    ]  # fmt: skip
    quiet = found["p2"]
    assert (quiet["bed"], quiet["wardName"]) == ("7103호 2", "61병동")
    assert (quiet["news2"]["level"], quiet["alerts"], quiet["changes"], quiet["tasks"]) == ("", [], [], [])
    assert said(sheet.handover(request(), ward.hall("nurse-1")))["patients"] == []


def test_the_shift_begins_where_the_roster_or_the_asker_says(ward: Shift) -> None:
    start = ward.clock - 3 * HOUR
    for user, begins in (("nurse-1", start), ("nurse-2", ward.clock + HOUR)):
        times = {"start": instant(begins), "end": instant(ward.clock + 6 * HOUR)}
        roster.add(request({"user": user, "rung": "nurse", "ward": WARD, **times}), ward.hall("nurse-1"))
    ward.settle()
    found = ward.sheets()[""]
    assert (found["by"], found["since"], found["next"]) == ("roster", start, ["nurse-2"])
    asked = ward.sheets(**{"from": instant(ward.clock - 30 * MINUTE)})
    assert (asked[""]["by"], asked["p1"]["changes"]) == ("asked", [])
    for wrong in ("yesterday", instant(ward.clock - 80 * HOUR), instant(ward.clock + HOUR)):
        with pytest.raises(Invalid):
            ward.sheets(**{"from": wrong})


def test_a_patient_is_given_to_somebody_named_and_taken_by_nobody_else(ward: Shift) -> None:
    given = [{"patient": "p1", "note": "  칼륨 재검\n 14시 "}, {"patient": "p2"}]
    assert ward.give(patients=given)["given"] == 2
    ward.give(patients=given)
    handed = ward.sheets("nurse-2")["p1"]["handed"]
    assert (handed["giver"], handed["taker"], handed["taken"], handed["note"]) == (
        "nurse-1", "nurse-2", None, "칼륨 재검 14시",
    )  # fmt: skip
    rows = ward.house.hall(system("main")).record.history("Task", handed["id"]).matches
    assert [version.caller for version in rows] == ["nurse-1", "nurse-1"]
    with pytest.raises(Invalid) as refused:
        ward.take([handed["id"]], "nurse-3")
    assert refused.value.status == 403
    assert (ward.take([handed["id"]]), ward.take([handed["id"]])) == ({"taken": 1}, {"taken": 0})
    assert ward.sheets()["p1"]["handed"]["taken"] > ward.clock
    assert ward.sheets()["p2"]["handed"]["taken"] is None
    with pytest.raises(Invalid) as over:
        ward.give(patients=[{"patient": "p1"}])
    assert over.value.status == 409
    # A shift later it is another hand-over
    ward.give("nurse-2", to="nurse-1", since=instant(ward.clock - HOUR))
    assert ward.sheets()["p1"]["handed"]["giver"] == "nurse-2"


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"to": "nurse-1"}, "to"), ({"to": "stranger"}, "to"), ({"to": ""}, "to"), ({"since": "07:00"}, "since"),
        ({"patients": []}, "patients"), ({"patients": [{"patient": "nobody"}]}, "patients"), ({"ward": ""}, "patients"),
        ({"patients": [{"patient": "p1"}] * 2}, "patients"), ({"ward": "Location/other"}, "patients"),
        ({"patients": [{"patient": "p1", "note": "가" * 501}]}, "patients.note"),
    ],
)  # fmt: skip
def test_what_hands_nobody_over_is_refused_where_it_is_wrong(ward: Shift, wrong: dict[str, Any], where: str) -> None:
    head = ward.house.seat("main").home.tip()
    with pytest.raises(Invalid) as refused:
        ward.give(**wrong)
    assert (refused.value.status, refused.value.issues[0].expression) == (422, where)
    assert ward.house.seat("main").home.tip() == head


def test_a_task_in_anothers_name_hands_nobody_over(ward: Shift) -> None:
    change = keeping.kept(keeping.Handed("p3", WARD, "nurse-1", "nurse-2", ward.clock, ward.clock - HOUR))
    ward.hall("nurse-3").record.write([change])
    body = {**msgspec.json.decode(change.body), "status": "completed", "lastModified": instant(time.time_ns() // 1000)}
    ward.hall("nurse-3").record.write([Change("create", "Task", body=msgspec.json.encode(body))])
    ward.settle()
    assert ward.sheets()["p3"]["handed"] is None


def test_a_patient_reads_neither_alerts_nor_hand_overs_on_any_page_of_their_own(ward: Shift) -> None:
    ward.give("nurse-3", patients=[{"patient": "p1", "note": "보호자가 예민함"}])
    ward.beat()
    held = ward.house.logins.table["patient"]
    caller = Caller("main", "person", frozenset({"patient"}), held.purposes[0], held.scopes, "p1")
    own, chart = ward.house.hall(caller, "monitor"), ward.house.hall(caller, "journey")
    for ask in (listing.ward, listing.alerts, listing.one, budget.budget, sheet.handover, replay):
        with pytest.raises(Invalid) as refused:
            ask(request(id="p1"), own)
        assert refused.value.status == 403
    asked = request(id="p1", **{"from": instant(ward.clock - HOUR), "to": instant(ward.clock + HOUR)})
    assert {one["kind"] for one in said(course(asked, own))["events"]} == {"stay"}
    lines = said(items(request(id="p1"), chart))["items"]
    sources = {one["source"] for one in lines}
    assert {"ServiceRequest/ct", "Task/call"} <= sources
    assert not any(one.startswith(("Task/alert", "Communication/")) for one in sources)
    assert "보호자가 예민함" not in msgspec.json.encode(lines).decode()


def test_whoever_a_patient_is_hidden_from_hands_the_others_over(ward: Shift) -> None:
    assert set(ward.sheets("nurse-9")) == {"", "p1", "p2", "p3"}
    assert ward.give("nurse-9", patients=[{"patient": "p3"}])["given"] == 1
    with pytest.raises(Invalid):
        ward.give("nurse-9", patients=[{"patient": "p4"}])
