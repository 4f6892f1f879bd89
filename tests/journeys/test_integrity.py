"""Referential integrity by tenant: dangling references, and deletions of what is referred to, told or refused; no oracle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.journeys.test_gate_matrix import DENIAL
from tests.web_house import Answer, House

from onmaru.kernel.integrity import Integrity
from onmaru.kernel.rules import Rules


def observation(patient: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"},
            "subject": {"reference": patient}, **more}  # fmt: skip


class Ward:
    def __init__(self, folder: Path, engine: str) -> None:
        self.house = House(folder, engine=engine)
        self.token = self.house.token("loader", "system")
        for one in ({"resourceType": "Patient", "id": "p1"}, {"resourceType": "Patient", "id": "p2"}, DENIAL):
            assert self("PUT", f"{one['resourceType']}/{one['id']}", one).status == 201

    def level(self, level: Integrity) -> None:
        tenant = self.house.tenants["main"]
        self.house.tenants["main"] = msgspec.structs.replace(tenant, rules=Rules("off", integrity=level))

    def __call__(self, method: str, url: str, body: Any = b"", token: str = "", **headers: str) -> Answer:
        return self.house.ask(method, f"/fhir/{url}", body, headers, token or self.token)


@pytest.fixture(scope="module", params=["sqlite"])
def ward(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Ward]:
    made = Ward(tmp_path_factory.mktemp("bonds"), request.param)
    yield made
    made.house.close()


def test_a_reference_that_leads_nowhere_is_refused_with_its_path(ward: Ward) -> None:
    ward.level("refuse")
    refused = ward("POST", "Observation", observation("Patient/none", performer=[{"reference": "Practitioner/none"}]))
    assert refused.status == 422
    assert {one["expression"][0] for one in refused.issues} == {
        "Observation.subject.reference", "Observation.performer[0].reference"}  # fmt: skip
    assert b"none" not in refused.body
    escaped = (
        b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient\\/none"}}'
    )
    assert ward("POST", "Observation", escaped, **{"content-type": "application/json"}).status == 422
    for one in ("Patient/p1", "Patient/p1/_history/1", "http://elsewhere/fhir/Patient/none", "#c"):
        more = {"contained": [{"resourceType": "Patient", "id": "c"}]} if one == "#c" else {}
        assert ward("POST", "Observation", observation(one, **more)).status == 201, one


def test_what_a_transaction_makes_stands_and_what_it_deletes_does_not(ward: Ward) -> None:
    ward.level("refuse")

    def entry(method: str, url: str, **more: Any) -> dict[str, Any]:
        return {"request": {"method": method, "url": url}, **more}

    both = [entry("POST", "Patient", resource={"resourceType": "Patient"}, fullUrl="urn:uuid:a"),
            entry("PUT", "Observation/t1", resource={**observation("urn:uuid:a"), "id": "t1"})]  # fmt: skip
    assert ward("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": both}).status == 200
    gone = [entry("DELETE", "Patient/p2"), entry("POST", "Observation", resource=observation("Patient/p2"))]
    assert ward("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": gone}).status == 422
    patient = ward("GET", "Observation/t1").json["subject"]["reference"]
    assert ward("DELETE", patient).status == 409
    together = [entry("DELETE", patient), entry("DELETE", "Observation/t1")]
    assert ward("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": together}).status == 200


def test_what_is_referred_to_is_not_deleted_and_a_standing_fault_is_no_new_one(ward: Ward) -> None:
    ward.level("off")
    kept = {**observation("Patient/lost"), "id": "old"}
    assert ward("PUT", "Observation/old", kept).status == 201
    ward("PUT", "Patient/p3", {"resourceType": "Patient", "id": "p3"})
    ward("PUT", "Observation/o3", {**observation("Patient/p3"), "id": "o3"})
    ward.level("refuse")
    assert ward("PUT", "Observation/old", {**kept, "issued": "2026-01-01T00:00:00Z"}).status == 200
    refused = ward("DELETE", "Patient/p3")
    assert refused.status == 409 and refused.issues[0]["expression"] == ["Observation.subject.reference"]
    assert ward("DELETE", "Observation/o3").status == 204 and ward("DELETE", "Patient/p3").status == 204


def test_a_warning_is_told_and_nothing_refused(ward: Ward) -> None:
    ward.level("warn")
    made = ward("PUT", "Observation/w1", {**observation("Patient/none"), "id": "w1"}, prefer="return=OperationOutcome")
    assert made.status == 201 and made.headers["x-onmaru-warnings"] == "1"
    assert [one["severity"] for one in made.issues] == ["warning", "information"]
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [
        {"resource": observation("Patient/none"), "request": {"method": "POST", "url": "Observation"}}]}  # fmt: skip
    done = ward("POST", "", batch).json["entry"][0]["response"]
    assert done["outcome"]["issue"][0]["severity"] == "warning"
    ward("PUT", "Patient/p4", {"resourceType": "Patient", "id": "p4"})
    ward("PUT", "Observation/o4", {**observation("Patient/p4"), "id": "o4"})
    assert ward("DELETE", "Patient/p4").headers["x-onmaru-warnings"] == "1"


def test_what_is_hidden_is_refused_exactly_as_what_is_not_there(ward: Ward) -> None:
    """The physician whom p1's Consent bars, and an app that may not read patients at all."""
    ward.level("refuse")
    ward("PUT", "Observation/hid", {**observation("Patient/p1"), "id": "hid"})
    ward("PUT", "Location/l1", {"resourceType": "Location", "id": "l1"})
    visit = {"resourceType": "Encounter", "id": "e9", "status": "planned", "class": {"code": "IMP"}}
    visit |= {"subject": {"reference": "Patient/p1"}, "location": [{"location": {"reference": "Location/l1"}}]}
    ward("PUT", "Encounter/e9", visit)
    barred = ward.house.token("barred", "physician")

    def judged(target: str, token: str) -> tuple[int, bytes]:
        body = {
            "resourceType": "Basic",
            "code": {"text": "x"},
            "extension": [{"url": "urn:x", "valueReference": {"reference": target}}],
        }
        answer = ward("POST", "Basic", body, token)
        return answer.status, answer.body if answer.status != 201 else b""

    assert judged("Observation/hid", barred) == judged("Observation/none", barred)
    assert judged("Patient/p1", barred) == judged("Patient/none", barred)
    blind = ward.house.token("app", "system", scopes="user/Basic.c")
    assert judged("Patient/p1", blind) == judged("Patient/none", blind) == (201, b"")
    scoped = ward.house.token("janitor", "system", scopes="user/Location.rud")
    assert ward("DELETE", "Location/l1", token=scoped).status == 204, "who refers to it is not known to this caller"
