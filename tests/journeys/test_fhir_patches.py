"""PATCH over HTTP: written as an update, guarded by its version, refused with nothing changed, and under the gate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.web_house import Answer, House

PATIENT = {"resourceType": "Patient", "identifier": [{"system": "urn:mrn", "value": "1"}], "name": [{"family": "Kim"}]}
ADD = [{"op": "add", "path": "/active", "value": True}]


class Client:
    """A house and tokens of its users."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder)
        self.token = self.house.token("loader", "system")

    def __call__(self, url: str, patch: Any, kind: str = "application/json-patch+json", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()} | {"content-type": kind}
        body = patch if isinstance(patch, bytes) else msgspec.json.encode(patch)
        return self.house.ask("PATCH", url, body, named, self.token)

    def get(self, url: str) -> Answer:
        return self.house.ask("GET", url, token=self.token)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    made = Client(tmp_path)
    yield made
    made.house.close()


@pytest.fixture
def url(client: Client) -> str:
    made = client.house.ask("POST", "/fhir/Patient", PATIENT, {}, client.token)
    return f"/fhir/Patient/{made.json['id']}"


def test_a_json_patch_makes_the_next_version(client: Client, url: str) -> None:
    done = client(url, ADD)
    assert (done.status, done.headers["etag"], done.json["active"]) == (200, 'W/"2"', True)
    assert client(url, ADD, if_match='W/"1"').status == 412
    assert client(url, ADD, if_match='W/"2"').status == 200


def test_a_fhirpath_patch_in_json_and_in_xml(client: Client, url: str) -> None:
    parts = [
        {"name": "type", "valueCode": "add"},
        {"name": "path", "valueString": "Patient"},
        {"name": "name", "valueString": "birthDate"},
        {"name": "value", "valueDate": "1970-01-02"},
    ]
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    assert client(url, parameters, "application/fhir+json").json["birthDate"] == "1970-01-02"
    xml = (
        '<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>'
        '<part><name value="type"/><valueCode value="delete"/></part>'
        '<part><name value="path"/><valueString value="Patient.birthDate"/></part></parameter></Parameters>'
    )
    assert "birthDate" not in client(url, xml.encode(), "application/fhir+xml").json


def test_a_conditional_patch_needs_one_match(client: Client, url: str) -> None:
    assert client("/fhir/Patient?identifier=urn:mrn|1", ADD).json["active"] is True
    assert client("/fhir/Patient?identifier=urn:mrn|2", ADD).status == 404
    client.house.ask("POST", "/fhir/Patient", PATIENT, {}, client.token)
    assert client("/fhir/Patient?identifier=urn:mrn|1", ADD).status == 412


@pytest.mark.parametrize(
    ("patch", "kind", "status"),
    [
        ([{"op": "replace", "path": "/id", "value": "other"}], "application/json-patch+json", 422),
        ([{"op": "add", "path": "/nonsense", "value": 1}], "application/json-patch+json", 422),
        ([{"op": "replace", "path": "", "value": [1]}], "application/json-patch+json", 422),
        ([*ADD, {"op": "test", "path": "/active", "value": False}], "application/json-patch+json", 422),
        (b"[[[[", "application/json-patch+json", 400),
        (b"[" * 5000, "application/json-patch+json", 400),
        (b"{", "application/fhir+json", 400),
        (ADD, "text/plain", 415),
    ],
)
def test_a_patch_that_is_refused_changes_nothing(client: Client, url: str, patch: Any, kind: str, status: int) -> None:
    before = client.get(url).body
    answer = client(url, patch, kind)
    assert answer.status == status and answer.json["resourceType"] == "OperationOutcome"
    assert client.get(url).body == before


def test_who_may_not_update_may_not_patch(client: Client, url: str) -> None:
    reader = client.house.token("reader", "physician", scopes="user/Patient.rs")
    answer = client.house.ask(
        "PATCH", url, msgspec.json.encode(ADD), {"content-type": "application/json-patch+json"}, reader
    )
    assert answer.status == 403


def test_what_nests_deeper_with_each_operation_is_refused(client: Client, url: str) -> None:
    value: Any = 1
    for _ in range(60):
        value = {"a": value}
    patch: list[dict[str, Any]] = [{"op": "add", "path": "/t", "value": value}]
    for _ in range(40):
        patch += [
            {"op": "add", "path": "/s", "value": value},
            {"op": "move", "from": "/t", "path": "/s" + "/a" * 60},
            {"op": "move", "from": "/s", "path": "/t"},
        ]
    assert client(url, patch).status == 413
    assert client.get(url).headers["etag"] == 'W/"1"'
