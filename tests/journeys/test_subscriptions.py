"""Subscriptions by rest-hook against a real receiver: every event arrives, in order, as the owner may see it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from receiver import Receiver, event_numbers, until, value
from subscribing_house import Served, classic, topic, topical

PATIENTS = "http://topics.example/patients"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        made = Served(tmp_path_factory.mktemp("subscriptions"), patch, receiver.port)
        made.ask("POST", "/Basic", topic(PATIENTS, "Patient", "create", "update", "delete"))
        yield made
        made.stop()


@pytest.fixture(autouse=True)
def _quiet(house: Served, receiver: Receiver) -> Iterator[None]:
    """Each test begins with a receiver that took nothing and without anybody else's subscriptions."""
    receiver.taken.clear()
    receiver.mood = 200
    yield
    for entry in house.ask("GET", "/Subscription?_count=100").get("entry", []):
        house.ask("DELETE", f"/Subscription/{entry['resource']['id']}")


def active(house: Served, id: str) -> None:
    until(lambda: house.state(id)[0] == "active")


def test_a_classic_one_is_told_of_what_meets_its_search(house: Served, receiver: Receiver) -> None:
    id = house.subscribe(classic("Patient?family=Ito", receiver.url, header=["Authorization: Bearer abc"]))
    active(house, id)
    house.patient("Kim")
    house.patient("Ito")
    (method, path, headers, body) = until(lambda: receiver.taken)[0]
    assert (method, path, body, headers["Authorization"]) == ("POST", "/hook", b"", "Bearer abc")
    assert headers["X-Onmaru-Event-Number"] == "1"


def test_a_classic_one_with_a_payload_is_sent_the_resource_by_put(house: Served, receiver: Receiver) -> None:
    id = house.subscribe(classic("Patient?family=Ito", receiver.url, payload="application/fhir+json"))
    active(house, id)
    patient = house.patient("Ito")
    method, path, _, body = until(lambda: receiver.taken)[0]
    assert (method, path) == ("PUT", f"/hook/Patient/{patient}")
    assert json.loads(body)["name"] == [{"family": "Ito"}]


def test_a_topic_begins_with_a_handshake_and_numbers_its_events(house: Served, receiver: Receiver) -> None:
    id = house.subscribe(topical(PATIENTS, receiver.url, "Patient?family=Ito", content="full-resource"))
    active(house, id)
    (shake,) = receiver.bundles("handshake")
    assert value(shake, "status") == "requested" and value(shake, "events-since-subscription-start") == "0"
    patient = house.patient("Ito")
    house.patient("Kim")
    house.ask("PUT", f"/Patient/{patient}", {"resourceType": "Patient", "id": patient, "name": [{"family": "Ito"}]})
    house.ask("DELETE", f"/Patient/{patient}")
    until(lambda: len(receiver.numbers()) == 3)
    assert receiver.numbers() == [1, 2, 3]
    methods = [one["entry"][1]["request"]["method"] for one in receiver.bundles()]
    assert methods == ["POST", "PUT", "DELETE"]
    assert "resource" not in receiver.bundles()[2]["entry"][1]


def test_what_a_receiver_that_was_down_missed_arrives_in_order_and_its_failures_are_seen(
    house: Served, receiver: Receiver
) -> None:
    id = house.subscribe(topical(PATIENTS, receiver.url, content="empty"))
    active(house, id)
    receiver.mood = 500
    for _ in range(5):
        house.patient()
    until(lambda: house.state(id)[1] == "nothing sound came from there: the receiver answered 500")
    status = house.ask("GET", f"/Subscription/{id}/$status")["entry"][0]["resource"]["parameter"]
    assert {"name": "error", "valueCodeableConcept": {"text": house.state(id)[1]}} in status
    receiver.mood = 200
    until(lambda: len(receiver.numbers()) >= 5)
    assert receiver.numbers() == [1, 2, 3, 4, 5]
    until(lambda: house.state(id) == ("active", ""))
    events = house.ask("GET", f"/Subscription/{id}/$events?eventsSinceNumber=2&eventsUntilNumber=3&content=id-only")
    assert event_numbers(events) == [2, 3] and value(events, "type") == "query-event"
