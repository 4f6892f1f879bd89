"""Subscriptions by mail through a real relay, and as FHIR messages to a real receiver."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from receiver import Receiver, until, value
from relay import Relay
from subscribing_house import Served, topic, topical

PATIENTS = "http://topics.example/patients"


@pytest.mark.parametrize("open", [False, True])
def test_a_mail_tells_of_no_patient_unless_the_tenant_lets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open: bool
) -> None:
    relay = Relay()
    settings = f'mail_server = "smtp://127.0.0.1:{relay.port}"\nmail_from = "emr@hospital.example"\n'
    house = Served(tmp_path, monkeypatch, relay.port, more=settings)
    file = tmp_path / "home" / "onmaru.toml"
    file.write_text(f'{file.read_text()}mail = ["hospital.example"]\nmail_content = {str(open).lower()}\n')
    house.stop()
    house.start()
    house.ask("POST", "/Basic", topic(PATIENTS, "Patient", "create"))
    asked = topical(PATIENTS, "mailto:ward@hospital.example", content="full-resource")
    asked["channel"] |= {"type": "email", "payload": "text/plain;attach=application/fhir+json"}
    id = house.subscribe(asked)
    until(lambda: house.state(id)[0] == "active")
    relay.shut = True
    patient = house.patient("Kim")
    until(lambda: "the mail relay did not take it" in house.state(id)[1])
    relay.shut = False
    until(lambda: len(relay.taken) == 2)
    mail = relay.taken[1]
    assert (mail["to"], mail["from"]) == ("ward@hospital.example", "emr@hospital.example")
    text, attached = mail.iter_parts()  # type: ignore[attr-defined]  # an EmailMessage by its policy
    assert patient not in text.get_content() and "Kim" not in text.get_content()
    bundle = json.loads(attached.get_content())
    assert (len(bundle["entry"]) == 2) is open and ("Kim" in json.dumps(bundle)) is open
    for elsewhere in ("mailto:a@evil.example", "mailto:a@hospital.example?cc=b@evil.example", "mailto:a"):
        asked["channel"]["endpoint"] = elsewhere
        refused = house.subscribe(asked)
        until(lambda refused=refused: house.state(refused)[0] == "error")  # type: ignore[misc]  # bound now
    house.stop()
    relay.close()


def test_a_message_carries_the_notification_to_process_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver()
    house = Served(tmp_path, monkeypatch, receiver.port)
    house.ask("POST", "/Basic", topic(PATIENTS, "Patient", "create"))
    asked = topical(PATIENTS, f"http://127.0.0.1:{receiver.port}/fhir")
    asked["channel"]["type"] = "message"
    id = house.subscribe(asked)
    until(lambda: house.state(id)[0] == "active")
    house.patient()
    until(lambda: len(receiver.taken) == 2)
    (_, path, headers, body) = receiver.taken[1]
    message = json.loads(body)
    assert path == "/fhir/$process-message" and headers["Content-Type"] == "application/fhir+json"
    head, told = (entry["resource"] for entry in message["entry"])
    assert message["type"] == "message" and head["eventUri"] == PATIENTS
    assert head["focus"][0]["reference"] == message["entry"][1]["fullUrl"]
    assert value(told, "type") == "event-notification" and value(told, "events-since-subscription-start") == "1"
    house.ask("POST", "/Bundle/$validate", message)
    house.stop()
    receiver.close()
