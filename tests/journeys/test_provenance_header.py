"""X-Provenance: written with what it tells of, in one transaction, or neither."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web_house import Answer, House

ORIGIN = {"resourceType": "Provenance", "recorded": "2026-01-01T00:00:00Z", "agent": [{"who": {"display": "app"}}]}
PATIENT = {"resourceType": "Patient", "active": True}


class Client:
    def __init__(self, folder: Path) -> None:
        self.house = House(folder)
        self.token = self.house.token("loader", "system")

    def __call__(
        self, method: str, url: str, body: Any = b"", said: Any = ORIGIN, token: str = "", **more: str
    ) -> Answer:
        headers = {"x-provenance": said if isinstance(said, str) else json.dumps(said)}
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return self.house.ask(method, f"/fhir/{url}", body, {**headers, **named}, token or self.token)

    def origins(self, target: str) -> list[Any]:
        found = self.house.ask("GET", f"/fhir/Provenance?target={target}", token=self.token).json
        return [entry["resource"] for entry in found.get("entry", [])]

    @property
    def head(self) -> int:
        return self.house.tenants["main"].log.head()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    made = Client(tmp_path_factory.mktemp("provenance"))
    yield made
    made.house.close()


def test_a_create_an_update_and_a_patch_leave_their_provenance(client: Client) -> None:
    made = client("POST", "Patient", PATIENT)
    assert made.status == 201 and made.json["active"] is True and made.headers["location"]
    name = f"Patient/{made.json['id']}"
    (origin,) = client.origins(name)
    assert origin["target"] == [{"reference": name}] and origin["agent"] == ORIGIN["agent"]
    assert client("PUT", name, {**PATIENT, "id": made.json["id"], "active": False}).status == 200
    patch = {"content_type": "application/json-patch+json"}
    assert client("PATCH", name, [{"op": "remove", "path": "/active"}], **patch).status == 200
    assert len(client.origins(name)) == 3
    large = {**PATIENT, "extension": [{"url": "urn:x", "valueString": "y" * 300_000}]}
    assert len(client.origins(f"Patient/{client('POST', 'Patient', large).json['id']}")) == 1


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("", 400),
        ("{}", 400),
        ("[]", 400),
        ('{"resourceType":"Provenance","resourceType":"Provenance"}', 400),
        ({**ORIGIN, "resourceType": "Basic"}, 400),
        ({**ORIGIN, "target": [{"reference": "Patient/1"}]}, 400),
        ({**ORIGIN, "id": "x"}, 400),
        ({"resourceType": "Provenance"}, 422),
    ],
)
def test_a_bad_provenance_leaves_nothing_written(client: Client, said: Any, status: int) -> None:
    before = client.head
    refused = client("POST", "Patient", PATIENT, said)
    assert refused.status == status and client.head == before
    places = [one.get("expression", [""])[0] for one in refused.issues]
    assert places and all(place.startswith("X-Provenance") for place in places)


def test_a_bad_resource_leaves_no_provenance_and_is_told_by_its_own_path(client: Client) -> None:
    before = client.head
    refused = client("POST", "Patient", {**PATIENT, "gender": 1})
    assert refused.status == 422 and refused.issues[0]["expression"] == ["Patient.gender"] and client.head == before


def test_what_it_cannot_speak_of_is_refused_and_so_is_who_may_not_write_it(client: Client) -> None:
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": []}
    assert client("POST", "", bundle).status == client("DELETE", "Patient/none").status == 400
    assert client("DELETE", "Patient?identifier=x").status == 400
    assert client("POST", "Patient", PATIENT, if_none_exist="identifier=x").status == 400
    token = client.house.token("app", "system", scopes="user/Patient.c")
    before = client.head
    assert client("POST", "Patient", PATIENT, ORIGIN, token).status == 403 and client.head == before
