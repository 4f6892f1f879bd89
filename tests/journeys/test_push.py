"""A browser that takes pushes: subscribed by its user, told that an alert waits, dropped once its service lost it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from tests.journeys.test_alerts import Ward, request, said
from tests.unit.test_web_push import PUBLIC, SECRET

from onmaru.app.house import system
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.caller import Role
from onmaru.kernel.outbound import Push
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall
from onmaru.rooms.monitor.alerts import push, roster
from onmaru.rooms.monitor.alerts.alert import person
from onmaru.rooms.monitor.alerts.devices import task

HOUR = 3_600_000_000
BROWSER = {"endpoint": "https://push.example/1", "p256dh": PUBLIC, "auth": SECRET, "name": "간호사실 전화"}


class Pushed(Ward):
    """The same ward, whose site has set web push up."""

    contact = "mailto:it@hospital.example"

    def hall(self, user: str = "", role: Role = "nurse") -> Hall:
        found = super().hall(user, role)
        return replace(
            found, memory={**found.memory, "push": "KEY"}, settings={**found.settings, "push_contact": self.contact}
        )

    def subscribed(self, user: str = "nurse-1", **other: str) -> None:
        push.add(request({**BROWSER, **other}), self.hall(user))
        self.settle()

    def listed(self, user: str = "nurse-1") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = said(push.listed(request(), self.hall(user)))["devices"]
        return found

    def pushes(self, later: float = 0) -> list[Push]:
        return [one for one in self.beat(later) if isinstance(one, Push)]


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pushed]:
    made = Pushed(tmp_path_factory.mktemp("push"))
    shift = {"user": "nurse-1", "rung": "nurse", "start": instant(made.clock - HOUR), "end": instant(made.clock + HOUR)}
    roster.add(request(shift), made.hall("nurse-1"))
    made.settle()
    yield made
    made.house.close()


def test_whoever_is_on_duty_is_told_on_their_own_browsers_that_an_alert_waits(ward: Pushed) -> None:
    ward.subscribed()
    ward.subscribed()
    ward.subscribed("nurse-2", endpoint="https://push.example/2")
    (device,) = ward.listed()
    assert (device["name"], device["trouble"]) == ("간호사실 전화", "")
    ward.ill("p1")
    (one,) = ward.pushes()
    assert (one.endpoint, one.urgency, one.contact) == ("https://push.example/1", "high", ward.contact)
    assert msgspec.json.decode(one.text) == {"alert": ward.alerts("p1")[0]["id"], "urgency": "stat"}
    assert b"p1" not in one.text and "p1" not in one.topic
    ward.step(ward.alerts("p1")[0]["id"], step="outcome", text="acted")


def test_trouble_is_noted_once_and_a_browser_that_is_gone_is_dropped(ward: Pushed) -> None:
    ward.ill("p2")
    (one,) = ward.pushes()
    one.told(0, "this host is not on the tenant's list")
    one.told(0, "this host is not on the tenant's list")
    before = ward.house.seat("main").home.tip()
    ward.reactor.act(ward.hall(), ward.clock)
    assert ward.house.seat("main").home.tip() == before + 1
    ward.settle()
    assert ward.listed()[0]["trouble"] == "this host is not on the tenant's list"
    one.told(201, "")
    ward.beat()
    assert ward.listed()[0]["trouble"] == ""
    one.told(410, "the receiver answered 410")
    ward.beat()
    assert ward.listed() == [] and len(ward.listed("nurse-2")) == 1
    assert ward.pushes(later=2) == []
    ward.step(ward.alerts("p2")[0]["id"], step="outcome", text="acted")


def test_a_browser_is_taken_off_by_its_user_alone_and_has_one_user_at_a_time(ward: Pushed) -> None:
    (theirs,) = ward.listed("nurse-2")
    with pytest.raises(Invalid) as refused:
        push.remove(request(id=theirs["id"]), ward.hall("nurse-1"))
    assert refused.value.status == 404
    ward.subscribed("nurse-1", endpoint="https://push.example/2")
    assert ward.listed("nurse-2") == []
    (mine,) = ward.listed("nurse-1")
    push.remove(request(id=mine["id"]), ward.hall("nurse-1"))
    ward.settle()
    assert ward.listed("nurse-1") == []


def test_nobody_has_anothers_pushes_by_writing_a_task(ward: Pushed) -> None:
    body = task("nurse-1", "mine", {"endpoint": "https://evil.example", "p256dh": PUBLIC, "auth": SECRET}, ward.clock)
    held = ward.house.logins.table["nurse"]
    caller = replace(system("main"), user="nurse-9", roles=frozenset({"nurse"}), purpose="TREAT", scopes=held.scopes)
    ward.house.hall(caller).record.write([Change("create", "Task", body=msgspec.json.encode(body))])
    ward.settle()
    assert body["owner"] == person("nurse-1") and ward.listed("nurse-1") == []


@pytest.mark.parametrize(
    ("other", "where"),
    [
        ({"endpoint": "http://push.example"}, "endpoint"), ({"endpoint": "https://" + "x" * 1000}, "endpoint"),
        ({"p256dh": "AAAA"}, "p256dh"), ({"p256dh": "é" * 87}, "p256dh"), ({"auth": ""}, "auth"), ({"name": " "}, "name"),
    ],
)  # fmt: skip
def test_what_is_no_subscription_is_refused(ward: Pushed, other: dict[str, str], where: str) -> None:
    with pytest.raises(Invalid) as refused:
        ward.subscribed(**other)
    assert (refused.value.status, refused.value.issues[0].expression) == (422, where)


def test_without_a_contact_there_is_no_web_push(ward: Pushed) -> None:
    off = replace(ward.hall("nurse-1"), settings={**ward.hall("nurse-1").settings, "push_contact": ""})
    assert said(push.listed(request(), off))["key"] == ""
    with pytest.raises(Invalid):
        push.add(request(BROWSER), off)
