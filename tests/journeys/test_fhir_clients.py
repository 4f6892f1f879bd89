"""Public FHIR clients, as they are published, create, search and read histories here: PyPI `fhirpy` and `fhirclient`.

Each with the token of a backend service that proved itself by a signed assertion.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc.jwk import KeySet, RSAKey
from tests.smart import Hospital, assertion, hospital

KEY = RSAKey.generate_key(2048, {"kid": "k"}, private=True)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    with hospital(tmp_path_factory.mktemp("clients")) as made:
        yield made


@pytest.fixture(scope="module")
def token(house: Hospital) -> str:
    keys = KeySet([KEY]).as_dict(private=False)
    client, _ = house.client(
        redirect_uris=(), grant_types=("client_credentials",), token_endpoint_auth_method="private_key_jwt",
        jwks=json.dumps(keys).encode(), user="robot", scope="system/*.cruds",
    )  # fmt: skip
    proof = assertion(KEY, client, f"{house.base}/oauth/token", int(time.time()))
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    told = house.post(
        "token",
        grant_type="client_credentials",
        scope="system/*.cruds",
        client_assertion_type=kind,
        client_assertion=proof,
    )
    assert told.status_code == 200, told.text
    return str(told.json()["access_token"])


def test_fhirpy_creates_changes_searches_and_reads_the_history(house: Hospital, token: str) -> None:
    from fhirpy import SyncFHIRClient  # here, since every worker collects every file

    client = SyncFHIRClient(f"{house.base}/fhir", authorization=f"Bearer {token}")
    made: Any = client.resource("Patient", name=[{"family": "박", "given": ["새봄"]}], gender="female")
    made.save()
    made["birthDate"] = "1990-05-05"
    made.save()
    found = client.resources("Patient").search(family="박").fetch_all()
    assert [one.id for one in found] == [made.id]
    assert len(client.resources("Patient").search(birthdate__ge="1990-01-01").limit(10).fetch()) == 1
    history = client.execute(f"Patient/{made.id}/_history", method="GET")
    assert [entry["resource"]["meta"]["versionId"] for entry in history["entry"]] == ["2", "1"]
    bundle = client.resources("Observation").search(patient=made.id).include("Observation", "subject").fetch()
    assert bundle == []
    made.delete()


def test_fhirclient_creates_searches_and_reads_the_history(house: Hospital, token: str) -> None:
    from fhirclient.client import FHIRClient
    from fhirclient.models.humanname import HumanName
    from fhirclient.models.patient import Patient

    smart = FHIRClient(settings={"app_id": "test", "api_base": f"{house.base}/fhir"})
    smart.server.session.headers["Authorization"] = f"Bearer {token}"
    patient = Patient()
    name = HumanName()
    name.family, name.given = "최", ["가람"]
    patient.name = [name]
    id = patient.create(smart.server)["id"]
    read = Patient.read(id, smart.server)
    read.gender = "male"
    read.update(smart.server)
    found = list(Patient.where({"family": "최"}).perform_resources_iter(smart.server))
    assert [one.id for one in found] == [id] and found[0].gender == "male"
    history = smart.server.request_json(f"Patient/{id}/_history")
    assert [entry["resource"]["meta"]["versionId"] for entry in history["entry"]] == ["2", "1"]
