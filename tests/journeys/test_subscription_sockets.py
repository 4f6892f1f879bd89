"""Subscriptions on a real websocket: bound by a token, told in order, and ended with the grant."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from onmaru.web import sockets
from receiver import event_numbers, until, value
from subscribing_house import Served, classic, topic, topical
from websocket import WebSocket

PATIENTS = "http://topics.example/patients"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sockets, "WATCH", 0.05)
        made = Served(tmp_path_factory.mktemp("sockets"), patch, 9)
        made.ask("POST", "/Basic", topic(PATIENTS, "Patient", "create"))
        yield made
        made.stop()


def listening(house: Served, id: str, by: str = "system") -> WebSocket:
    """A socket that was bound."""
    said = house.ask("GET", f"/Subscription/{id}/$get-ws-binding-token", by=by)
    parts = {one["name"]: next(v for k, v in one.items() if k != "name") for one in said["parameter"]}
    assert parts["websocket-url"] == f"ws://127.0.0.1:{house.port}/subscriptions" and parts["subscription"] == id
    line = WebSocket(house.port)
    line.send(f"bind-with-token {parts['token']}")
    return line


def heard(line: WebSocket) -> Any:
    said = line.receive()
    assert said is not None
    return json.loads(said)


def socketed(house: Served, *, by: str = "system", **more: Any) -> str:
    asked = topical(PATIENTS, "", content="id-only", **more)
    asked["channel"]["type"] = "websocket"
    del asked["channel"]["endpoint"]
    id = house.subscribe(asked, by=by)
    until(lambda: house.state(id)[0] == "active")
    return id


def test_who_comes_late_hears_everything_in_order(house: Served) -> None:
    id = socketed(house)
    for _ in range(3):
        house.patient()
    line = listening(house, id)
    assert value(heard(line), "type") == "handshake"
    assert [event_numbers(heard(line)) for _ in range(3)] == [[1], [2], [3]]
    house.patient()
    assert event_numbers(heard(line)) == [4]
    line.close()
    for _ in range(2):
        house.patient()
    again = listening(house, id)
    assert value(heard(again), "type") == "handshake"
    numbers: list[int] = []
    while 6 not in numbers:
        numbers += event_numbers(heard(again))
    assert numbers == list(range(numbers[0], 7)) and numbers[0] <= 5  # again what may have been lost with the line
    again.close()


def test_a_classic_one_hears_pings(house: Served) -> None:
    asked = classic("Patient?family=Ito", "", type="websocket")
    del asked["channel"]["endpoint"]
    id = house.subscribe(asked)
    until(lambda: house.state(id)[0] == "active")
    line = listening(house, id)
    assert line.receive() == f"bound {id}"
    house.patient("Ito")
    assert line.receive() == f"ping {id}"
    line.close()


def test_a_socket_ends_with_the_grant_that_asked_for_it(house: Served) -> None:
    house.token("ward", "data-manager")
    grant = house.grant
    id = socketed(house, by="ward")
    line = listening(house, id, by="ward")
    assert value(heard(line), "type") == "handshake"
    house.house.logins.revoke(grant)
    assert line.receive() is None
    until(lambda: house.state(id)[0] == "error")
    line.close()


@pytest.mark.parametrize("said", ["bind-with-token nothing", "bind x", "x" * 400])
def test_who_says_anything_else_is_shown_out(house: Served, said: str) -> None:
    line = WebSocket(house.port)
    assert line.status == 101
    line.send(said)
    assert line.receive() is None
    line.close()


def test_a_token_is_good_once_and_only_for_its_maker(house: Served) -> None:
    id = socketed(house)
    said = house.ask("POST", "/Subscription/$get-ws-binding-token?id=" + id)
    token = next(one["valueString"] for one in said["parameter"] if one["name"] == "token")
    for expected in ("handshake", None):
        line = WebSocket(house.port)
        line.send(f"bind-with-token {token}")
        if expected:
            assert value(heard(line), "type") == expected
        else:
            assert line.receive() is None
        line.close()
    house.token("other", "data-manager")
    house.ask("GET", f"/Subscription/{id}/$get-ws-binding-token", by="other", status=403)
    house.token("system", "system", scopes="system/Subscription.crs")  # its maker, with less than made it
    house.ask("GET", f"/Subscription/{id}/$get-ws-binding-token", status=403)
    line = WebSocket(house.port, "/elsewhere")
    assert line.status != 101
    line.close()
