"""Subscriptions by rest-hook against a real receiver: every event arrives, in order, as the owner may see it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from onmaru.app.house import House, place
from onmaru.app.subscriptions.disowned import NOBODYS
from onmaru.app.subscriptions.tuning import Tuning
from onmaru.kernel.subscribing import Owner
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


def bad(where: str, said: Any, house: Served) -> None:
    issue = house.ask("POST", "/Subscription", said, status=422)["issue"][0]
    assert issue["expression"] == [where], issue


@pytest.mark.parametrize(
    ("criteria", "filters", "where"),
    [
        ("Nothing?x=1", (), "Subscription.criteria"),
        ("Patient?nothing=1", (), "Subscription.criteria"),
        ("Observation?subject.name=a", (), "Subscription.criteria"),
        ("Patient?_sort=name", (), "Subscription.criteria"),
        ("Patient?_id=a&_id=b", (), "Subscription.criteria"),
        ("Patient?family=a&family:missing=true", (), "Subscription.criteria"),
        ("http://topics.example/none", (), "Subscription.criteria"),
        (PATIENTS, ("Observation?code=1",), "Subscription.criteria.extension[0]"),
        (PATIENTS, ("Patient?family=a", "Patient?nothing=1"), "Subscription.criteria.extension[1]"),
    ],
)
def test_what_can_never_fire_is_refused_with_its_place(
    house: Served, receiver: Receiver, criteria: str, filters: tuple[str, ...], where: str
) -> None:
    bad(where, topical(criteria, receiver.url, *filters), house)


@pytest.mark.parametrize("header", ["Host: x", "no colon", "content-length: 3", "X: a\r\nY: b"])
def test_a_header_that_is_the_connections_own_is_refused(house: Served, receiver: Receiver, header: str) -> None:
    bad("Subscription.channel.header[0]", classic("Patient", receiver.url, header=[header]), house)


@pytest.mark.parametrize(
    ("criteria", "where"),
    [
        ({"fhirPathCriteria": "%current.nothing() ="}, "fhirPathCriteria"),
        ({"current": "nothing=1"}, "queryCriteria.current"),
        ({"current": "Observation?status=final"}, "queryCriteria.current"),
    ],
)
def test_a_topic_that_can_never_fire_is_refused(house: Served, criteria: dict[str, Any], where: str) -> None:
    said = topic("http://topics.example/x", "Patient", "create", **criteria)
    issue = house.ask("POST", "/Basic", said, status=422)["issue"][0]
    assert issue["expression"] == [f"Basic.extension('resourceTrigger')[0].{where}"]
    deaf = topic("http://topics.example/x", "Patient", "delete", current="active=true")
    house.ask("POST", "/Basic", deaf, status=422)
    house.ask("POST", "/Basic", topic("http://topics.example/x", "Nothing"), status=422)


def test_a_topic_compares_before_and_after(house: Served, receiver: Receiver) -> None:
    finished = topic(
        "http://topics.example/finished", "Encounter", "create", "update",
        previous="status:not=finished", resultForCreate="test-passes", current="status=finished", requireBoth=True,
        fhirPathCriteria="(%previous.id.empty() or %previous.status != 'finished') and %current.status = 'finished'",
    )  # fmt: skip
    made = house.ask("POST", "/Basic", finished)["id"]
    id = house.subscribe(topical("http://topics.example/finished", receiver.url, content="id-only"))
    active(house, id)
    visit = {"resourceType": "Encounter", "class": {"code": "IMP"}}
    for name, states in (("a", ["planned", "finished", "finished"]), ("b", ["finished"]), ("c", ["planned"])):
        for state in states:
            house.ask("PUT", f"/Encounter/{name}", {**visit, "id": name, "status": state})
    until(lambda: len(receiver.numbers()) == 2)
    told = [one["entry"][1]["fullUrl"].rpartition("/")[2] for one in receiver.bundles()]
    assert told == ["a", "b"]
    house.ask("DELETE", f"/Basic/{made}")
    until(lambda: house.state(id) == ("error", "no such topic, or one that is retired"))


def test_the_owners_rights_of_the_moment_decide(house: Served, receiver: Receiver) -> None:
    house.token("nurse", "data-manager")
    house.token("doctor", "data-manager", "physician")
    grant = house.grant
    id = house.subscribe(topical(PATIENTS, receiver.url, content="full-resource"), by="doctor")
    other = house.subscribe(topical(PATIENTS, receiver.url + "/narrow", content="id-only"), by="nurse")
    active(house, id)
    active(house, other)
    hidden = house.patient("Hidden")
    until(lambda: len(receiver.numbers()) == 2)
    refusal = {
        "resourceType": "Consent", "status": "active", "scope": {"coding": [{"code": "patient-privacy"}]},
        "category": [{"text": "x"}], "patient": {"reference": f"Patient/{hidden}"}, "policyRule": {"text": "x"},
        "provision": {"type": "permit", "provision": [{"type": "deny", "actor": [
            {"role": {"text": "x"}, "reference": {"reference": "Practitioner/doctor"}}]}]},
    }  # fmt: skip
    house.ask("POST", "/Consent", refusal)
    house.ask("PUT", f"/Patient/{hidden}", {"resourceType": "Patient", "id": hidden, "name": [{"family": "Hidden"}]})
    house.patient("Open")
    until(lambda: len(receiver.numbers()) == 5)
    mine = [one for one in receiver.bundles() if id in value(one, "subscription")["reference"]]
    assert [event_numbers(one) for one in mine] == [[1], [2]], "no gap tells of what is hidden"
    assert mine[1]["entry"][1]["resource"]["name"] == [{"family": "Open"}]
    events = house.ask("GET", f"/Subscription/{id}/$events?content=full-resource", by="doctor")
    assert event_numbers(events) == [2] and b"Hidden" not in json.dumps(events).encode()
    house.ask("GET", f"/Subscription/{id}/$events", by="nurse", status=403)
    audited = house.client.get(
        f"/api/audit?patient={hidden}&user=doctor", headers={"authorization": f"Bearer {house.auditor()}"}
    ).json()["items"]
    assert any(row["path"] == f"Subscription/{id}" for row in audited)
    house.house.logins.revoke(grant)
    house.patient("Late")
    until(lambda: house.state(id)[0] == "error")
    assert len(receiver.numbers()) <= 6 and house.state(other)[0] == "active"


def test_what_is_deleted_meanwhile_is_not_brought_back(house: Served, receiver: Receiver) -> None:
    id = house.subscribe(topical(PATIENTS, receiver.url, content="full-resource"))
    active(house, id)
    receiver.mood = lambda handler: 503 if b"Gone" in handler.body else 200
    gone = house.patient("Gone")
    until(lambda: house.state(id)[1])
    house.ask("DELETE", f"/Patient/{gone}")
    until(lambda: receiver.numbers() == [1, 2])
    assert [one["entry"][1]["request"]["method"] for one in receiver.bundles()] == ["POST", "DELETE"]


def test_a_receiver_that_redirects_or_hangs_fails_and_the_house_goes_on(house: Served, receiver: Receiver) -> None:
    id = house.subscribe(topical(PATIENTS, receiver.url, timeout=1))
    active(house, id)
    receiver.mood = 307
    house.patient()
    until(lambda: "answered 307" in house.state(id)[1])
    receiver.mood = lambda handler: time.sleep(1.5) or 200
    tried = receiver.tried
    until(lambda: receiver.tried > tried + 1)
    receiver.mood = 200
    until(lambda: receiver.numbers()[-1:] == [1])
    assert all(path == "/hook" for _, path, _, _ in receiver.taken)


def test_nothing_leaves_to_where_the_operator_does_not_let_it(house: Served) -> None:
    for address in ("http://127.0.0.1:1/", "https://example.org/", "http://169.254.169.254/", "file:///etc/passwd"):
        id = house.subscribe(classic("Patient", address))
        until(lambda id=id: house.state(id)[0] == "error")  # type: ignore[misc]  # bound now
        assert "may not be sent there" in house.state(id)[1]


def test_a_heartbeat_comes_though_nothing_happens_and_the_end_is_kept(house: Served, receiver: Receiver) -> None:
    asked = topical(PATIENTS, receiver.url, heartbeat_period=1)
    ends = datetime.fromtimestamp(time.time() + 3, UTC).isoformat(timespec="milliseconds")
    id = house.subscribe({**asked, "end": ends})
    active(house, id)
    until(lambda: receiver.bundles("heartbeat"))
    until(lambda: house.state(id)[0] == "off")
    assert time.time() >= datetime.fromisoformat(ends).timestamp()


def test_many_events_go_together_where_that_is_asked_for(house: Served, receiver: Receiver) -> None:
    id = house.subscribe(topical(PATIENTS, receiver.url, max_count=10))
    active(house, id)
    receiver.mood = 500
    house.patient()
    until(lambda: house.state(id)[1])
    for _ in range(5):
        house.patient()
    receiver.mood = 200
    until(lambda: len(receiver.numbers()) == 6)
    assert len(receiver.bundles()) == 2 and receiver.numbers() == [1, 2, 3, 4, 5, 6]


def test_the_house_begins_again_where_it_was_stopped(house: Served, receiver: Receiver) -> None:
    id = house.subscribe(topical(PATIENTS, receiver.url))
    active(house, id)
    house.patient()
    until(lambda: receiver.numbers() == [1])
    receiver.mood = 500
    for _ in range(3):
        house.patient()
    house.stop()
    receiver.mood = 200
    house.start()
    house.patient()
    until(lambda: receiver.numbers()[-1:] == [5])
    assert receiver.numbers() == [1, 2, 3, 4, 5]


def test_after_too_many_tries_it_is_in_error_and_goes_on_when_written_again(house: Served, receiver: Receiver) -> None:
    house.stop()
    house.tuning = Tuning(tries=3, first=0.01, most=0.02, patrol=0.1, flush=0.05)
    house.start()
    asked = topical(PATIENTS, receiver.url)
    id = house.subscribe(asked)
    active(house, id)
    receiver.mood = 500
    for _ in range(3):
        house.patient()
    until(lambda: house.state(id)[0] == "error")
    house.patient()
    receiver.mood = 200
    house.ask("PUT", f"/Subscription/{id}", {**asked, "id": id})
    until(lambda: len(receiver.numbers()) == 4)
    assert receiver.numbers() == [1, 2, 3, 4]


def test_the_capability_statement_names_topics_and_where_sockets_are(house: Served) -> None:
    rest = house.ask("GET", "/metadata")["rest"][0]
    (own,) = (one for one in rest["resource"] if one["type"] == "Subscription")
    assert PATIENTS in [one["valueCanonical"] for one in own["extension"]]
    assert {"status", "events", "get-ws-binding-token"} <= {one["name"] for one in own["operation"]}
    assert rest["extension"][0]["valueUri"] == f"ws://127.0.0.1:{house.port}/subscriptions"
    assert house.client.get("/t/nobody/fhir/metadata").status_code in (200, 404)
    assert house.house.tenants() == ["main"]


def test_from_a_suspended_tenant_nothing_leaves_until_it_is_opened_again(house: Served, receiver: Receiver) -> None:
    id = house.subscribe(topical(PATIENTS, receiver.url, heartbeat_period=1))
    active(house, id)
    receiver.mood = 500
    house.patient()
    until(lambda: house.state(id)[1])
    house.suspend("suspended")
    time.sleep(0.5)  # what had left before may arrive
    receiver.mood, tried = 200, receiver.tried
    time.sleep(0.3)
    came = receiver.tried - tried
    house.suspend("open")
    assert not came
    until(lambda: receiver.numbers() == [1])


def test_who_may_read_less_than_made_it_is_told_less(house: Served, receiver: Receiver) -> None:
    house.token("narrow", "data-manager", scopes="user/Subscription.crus user/Patient.rs?gender=female")
    id = house.subscribe(topical(PATIENTS, receiver.url), by="narrow")
    active(house, id)
    house.patient(gender="male")
    shown = house.patient(gender="female")
    until(lambda: receiver.numbers() == [1])
    assert receiver.bundles()[0]["entry"][1]["fullUrl"].endswith(shown)


def test_the_first_word_to_a_house_that_has_just_begun_may_be_a_subscription(house: Served, receiver: Receiver) -> None:
    house.stop()
    house.start()
    id = house.subscribe(classic("Patient?family=First", receiver.url))
    active(house, id)
    house.patient("First")
    until(lambda: receiver.taken)


def test_whom_asking_for_events_discloses_is_in_the_audit_trail(house: Served, receiver: Receiver) -> None:
    id = house.subscribe(topical(PATIENTS, receiver.url))
    active(house, id)
    patient = house.patient()
    until(lambda: receiver.numbers() == [1])
    house.ask("GET", f"/Subscription/{id}/$events?content=full-resource")
    row = house.house.seat("main").home.trail.page(patient=patient, count=1)[0][1]
    assert (row.target, row.allowed) == (f"Subscription/{id}/$events", True)


def test_one_that_came_without_its_owner_says_so_and_tells_nobody(house: Served, receiver: Receiver) -> None:
    id = house.subscribe(classic("Patient?family=Ito", receiver.url))
    active(house, id)
    house.stop()
    ledger = House(place()).ledger("main")
    ledger.own(id, Owner(ledger.row(id)[0].version + 1, "system", NOBODYS))  # type: ignore[union-attr]  # it is there
    ledger.close()
    house.start()
    until(lambda: house.state(id)[0] == "error")
    assert "write it again" in house.state(id)[1] and not receiver.taken
