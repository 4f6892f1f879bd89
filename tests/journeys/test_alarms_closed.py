"""Alarms that were looked into are closed with a reason, and denials are found among all that was allowed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.web_house import House

from onmaru.kernel.audit import Access
from onmaru.web.api import scanning


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp(str(request.param)), engine=str(request.param))
    for number in range(3):
        made.tenants["main"].trail.add(raised(made, f"vip-{number}", "kim" if number else "keeper"))
    yield made
    made.close()


def raised(house: House, rule: str, user: str) -> Access:
    return Access(house.clock(), user, ("nurse",), "TREAT", "execute", f"alarm/{rule}", ("p1",), True, "", "1", "::1")


def test_an_alarm_is_closed_once_by_somebody_else_and_stays_in_the_trail(house: House) -> None:
    token, reason = house.token("keeper", "data-manager"), {"reason": "담당 간호사로 확인"}
    items = house.ask("GET", "/api/alarms?state=open", token=token).json["items"]
    assert [one["rule"] for one in items] == ["vip-2", "vip-1", "vip-0"] and items[0]["closed"] is None
    two, one, own = (item["number"] for item in items)
    assert house.ask("POST", f"/api/alarms/{own}/close", reason, token=token).status == 403
    assert house.ask("POST", f"/api/alarms/{two}/close", {"reason": " ok "}, token=token).status == 422
    done = house.ask("POST", f"/api/alarms/{two}/close", reason, token=token)
    assert (done.status, done.json["closed"]["user"], done.json["closed"]["reason"]) == (
        200,
        "keeper",
        "담당 간호사로 확인",
    )
    assert house.ask("POST", f"/api/alarms/{two}/close", reason, token=token).status == 409
    for wrong in (0, 99_999, "x", "²", "9" * 30):
        assert house.ask("POST", f"/api/alarms/{wrong}/close", reason, token=token).status in (400, 404)
    states = {
        state: [one["number"] for one in house.ask("GET", f"/api/alarms?state={state}", token=token).json["items"]]
        for state in ("open", "closed", "")
    }
    assert states == {"open": [one, own], "closed": [two], "": [two, one, own]}
    assert house.ask("GET", "/api/alarms?state=new", token=token).status == 400
    (row,) = (row for row in house.rows() if row.target == f"alarm-closed/{two}")
    assert (row.user, row.reason, row.patients) == ("keeper", "담당 간호사로 확인", ())


def test_denials_are_found_though_thousands_of_rows_lie_between(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "SLICE", 20)
    monkeypatch.setattr(scanning, "MOST", 60)
    trail, token = house.tenants["main"].trail, house.token("boss", "admin")
    trail.add(
        Access(house.clock(), "lee", ("nurse",), "TREAT", "read", "Patient/far", (), False, "consent", "r", "::1")
    )
    for _ in range(200):
        trail.add(
            Access(house.clock(), "lee", ("nurse",), "TREAT", "read", "Patient/p1", ("p1",), True, "", "r", "::1")
        )
    found, cursor, asked = [], "", 0
    while asked < 20:
        told = house.ask("GET", f"/api/audit?user=lee&outcome=denied&cursor={cursor}", token=token).json
        found, cursor, asked = [*found, *told["items"]], told["cursor"], asked + 1
        if not cursor:
            break
    assert [(one["path"], one["outcome"], one["reason"]) for one in found] == [("Patient/far", "denied", "consent")]
    assert 3 <= asked < 10, "some requests find nothing yet, and say where to go on"
    assert house.ask("GET", "/api/audit?outcome=success", token=token).status == 400
