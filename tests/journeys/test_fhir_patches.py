"""PATCH over HTTP: written as an update, guarded by its version, refused with nothing changed, and under the gate."""

from __future__ import annotations

import base64
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


XML = '<diff xmlns="http://hl7.org/fhir"><add sel="Patient"><active value="true"/></add></diff>'


def test_an_xml_patch_makes_the_next_version(client: Client, url: str) -> None:
    done = client(url, XML.encode(), "Application/XML-Patch+xml")
    assert (done.status, done.headers["etag"], done.json["active"]) == (200, 'W/"2"', True)
    other = XML.replace(
        '<add sel="Patient"><active value="true"/></add>', '<replace sel="Patient/id/@value">b</replace>'
    )
    assert client(url, other.encode(), "application/xml-patch+xml").status == 422
    wrong = XML.replace('<active value="true"/>', '<active value="perhaps"/>')
    assert client(url, wrong.encode(), "application/xml-patch+xml").status == 422
    listed = client.get("/fhir/metadata").json["patchFormat"]
    assert {"application/json-patch+json", "application/xml-patch+xml"} <= set(listed)


def held(patch: bytes, kind: str) -> dict[str, Any]:
    return {"resourceType": "Binary", "contentType": kind, "data": base64.b64encode(patch).decode()}


def entry(url: str, resource: Any, **more: str) -> dict[str, Any]:
    return {"resource": resource, "request": {"method": "PATCH", "url": url.removeprefix("/fhir/"), **more}}


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_a_bundle_patches_with_any_kind_of_patch(client: Client, url: str, kind: str) -> None:
    parts = [{"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": "Patient.name"}]
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    json_patch = held(msgspec.json.encode(ADD), "application/json-patch+json")

    def run(*entries: Any) -> Answer:
        bundle = {"resourceType": "Bundle", "type": kind, "entry": list(entries)}
        return client.house.ask("POST", "/fhir", bundle, {"prefer": "return=representation"}, client.token)

    (one,) = run(entry(url, parameters)).json["entry"]
    assert one["response"]["etag"] == 'W/"2"' and "name" not in one["resource"]
    (one,) = run(entry("Patient?identifier=urn:mrn|1", json_patch, ifMatch='W/"2"')).json["entry"]
    assert one["response"]["etag"] == 'W/"3"' and one["resource"]["active"] is True
    removal = XML.replace('add sel="Patient"><active value="true"/></add', 'remove sel="Patient/active"/')
    assert run(entry(url, held(removal.encode(), "application/xml-patch+xml"))).status == 200
    for bad, status in (
        (entry(url, held(b"[]", "text/plain")), "400"),
        (entry(url, {"resourceType": "Patient"}), "400"),
        (entry(url, json_patch, ifMatch='W/"1"'), "412"),
        (entry("Patient/none", json_patch), "404"),
        (entry("Patient?identifier=none", json_patch), "404"),
        (entry(url, held(b'[{"op":"remove","path":"/none"}]', "application/json-patch+json")), "422"),
    ):
        answer = run(bad)
        told = str(answer.status) if kind == "transaction" else answer.json["entry"][0]["response"]["status"][:3]
        assert told == status, (bad, answer.body)


def test_a_transaction_with_a_patch_that_fails_leaves_nothing(client: Client, url: str) -> None:
    made = {"resource": PATIENT, "request": {"method": "POST", "url": "Patient"}}
    head = client.house.tenants["main"].log.head()
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [made, entry("Patient/none", held(b"[]", "x"))]}
    assert client.house.ask("POST", "/fhir", bundle, {}, client.token).status == 400
    bundle["entry"][1] = entry("Patient/none", held(msgspec.json.encode(ADD), "application/json-patch+json"))
    refused = client.house.ask("POST", "/fhir", bundle, {}, client.token)
    assert refused.status == 404 and refused.issues[0]["expression"][0].startswith("Bundle.entry[1]")
    assert client.house.tenants["main"].log.head() == head


def test_the_patches_of_a_bundle_are_bounded_together(
    client: Client, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onmaru.kernel.bundle.PATCHED", 100)
    patch = held(msgspec.json.encode(ADD), "application/json-patch+json")
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [entry(url, patch)] * 2}
    answer = client.house.ask("POST", "/fhir", bundle, {}, client.token)
    assert [one["response"]["status"][:3] for one in answer.json["entry"]] == ["200", "413"]
