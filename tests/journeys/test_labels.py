"""Security labels and partial consents over HTTP: reading, writing, breaking the glass, withdrawing, explaining."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web_house import Answer, House

CONF = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def house(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("house")
    made = House(folder, engine=request.param)
    yield made
    made.close()


def observation(id: str, *labels: tuple[str, str], patient: str = "p1", **more: Any) -> dict[str, Any]:
    security = [{"system": system, "code": code} for system, code in labels]
    body = {"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "x"}, **more}
    return {
        **body,
        "subject": {"reference": f"Patient/{patient}"},
        **({"meta": {"security": security}} if labels else {}),
    }


def put(house: House, body: dict[str, Any], role: str = "system", user: str = "") -> Answer:
    kind = {"content-type": "application/fhir+json"}
    return house.ask("PUT", f"/fhir/{body['resourceType']}/{body['id']}", body, kind, house.token(user or role, role))


def get(house: House, url: str, role: str, purpose: str = "") -> Answer:
    told = {"x-onmaru-purpose": purpose} if purpose else {}
    return house.ask("GET", url, b"", told, house.token(role, role))


def total(house: House, url: str, role: str, purpose: str = "") -> int:
    return int(get(house, f"{url}&_total=accurate&_summary=count", role, purpose).json["total"])


def test_a_label_hides_on_every_path_of_reading(house: House) -> None:
    put(house, {"resourceType": "Patient", "id": "p1"})
    for body in (observation("a1"), observation("a2", (CONF, "V")), observation("a3", (ACT, "OPIOIDUD"))):
        assert put(house, body).status in (200, 201)
    asked = "/fhir/Observation?_id=a1,a2,a3"
    assert [total(house, asked, *who) for who in (("physician",), ("data-manager", "HRESCH"), ("data-manager",))] == [
        2,
        1,
        3,
    ]
    assert get(house, "/fhir/Observation/a2", "physician").status == 404
    assert get(house, "/fhir/Observation/a2/_history", "physician").status == 404
    shown = get(house, "/fhir/Observation/_history?_count=100", "physician").json["entry"]
    assert not [one for one in shown if one["fullUrl"].endswith("/a2")]
    assert total(house, f"/fhir/Observation?_security={CONF}|V", "physician") == 0
    assert total(house, "/fhir/Patient?_has:Observation:patient:_id=a2", "physician") == 0


def test_a_label_put_on_later_hides_the_versions_before_it_and_what_is_deleted(house: House) -> None:
    assert put(house, observation("b1")).status == 201
    assert get(house, "/fhir/Observation/b1/_history/1", "physician").status == 200
    assert put(house, observation("b1", (CONF, "V"))).status == 200
    assert get(house, "/fhir/Observation/b1/_history/1", "physician").status == 404
    house.ask("DELETE", "/fhir/Observation/b1", b"", {}, house.token("system", "system"))
    assert get(house, "/fhir/Observation/b1", "data-manager").status == 410
    assert get(house, "/fhir/Observation/b1", "physician").status == 404


def test_a_label_is_lowered_by_who_may_and_raised_by_who_writes(house: House) -> None:
    put(house, observation("c1", (CONF, "R")))
    assert put(house, observation("c1"), "physician").status == 403
    refused = put(house, observation("c1", (CONF, "N")), "physician")
    assert refused.status == 403 and refused.issues[0]["expression"] == ["meta.security"]
    assert put(house, observation("c1", (CONF, "R"), (ACT, "HIV")), "physician").status == 200
    assert put(house, observation("c1", (CONF, "V"), (ACT, "HIV")), "physician").status == 200
    assert put(house, observation("c1", (CONF, "V"), (ACT, "HIV")), "physician").status == 404
    assert put(house, observation("c1"), "data-manager").status == 200
    assert get(house, "/fhir/Observation/c1", "physician").status == 200


def test_a_label_that_was_deleted_is_not_lowered_by_writing_again(house: House) -> None:
    put(house, observation("d1", (CONF, "R")))
    house.ask("DELETE", "/fhir/Observation/d1", b"", {}, house.token("system", "system"))
    assert put(house, observation("d1"), "physician").status in (403, 404)
    assert put(house, observation("d1", (CONF, "R")), "system").status == 201


def test_a_patient_with_a_label_is_hidden_whole_until_the_glass_is_broken(house: House) -> None:
    vip = {"resourceType": "Patient", "id": "vip", "meta": {"security": [{"system": CONF, "code": "V"}]}}
    put(house, vip)
    put(house, observation("e1", patient="vip"))
    put(house, observation("e2", (CONF, "V"), patient="vip"))
    assert get(house, "/fhir/Patient/vip", "physician").status == 404
    assert get(house, "/fhir/Observation/e1", "physician").status == 404
    assert total(house, "/fhir/Observation?patient=vip", "physician") == 0
    token = house.token("opener", "physician")
    broken = house.ask("POST", "/api/break-glass", {"patient": "vip", "reason": "의식 없음, 응급실 도착"}, {}, token)
    assert broken.status == 200
    for url in ("/fhir/Patient/vip", "/fhir/Observation/e1", "/fhir/Observation/e2"):
        assert house.ask("GET", url, token=token).status == 200
    assert house.ask("GET", "/fhir/Observation/a2", token=token).status == 404
    assert [row for row in house.rows() if row.purpose == "BTG" and "vip" in row.patients]
    put(house, {"resourceType": "Patient", "id": "vip"}, "data-manager")
    assert get(house, "/fhir/Observation/e1", "physician").status == 200


def test_a_consent_hides_its_part_from_the_next_request_and_no_longer_once_withdrawn(house: House) -> None:
    put(house, {"resourceType": "Patient", "id": "p2"})
    put(house, observation("f1", patient="p2"))
    put(house, {"resourceType": "Condition", "id": "f2", "subject": {"reference": "Patient/p2"}})
    part = {"type": "deny", "class": [{"code": "Condition"}]}
    consent = {
        "resourceType": "Consent",
        "id": "f3",
        "status": "active",
        "scope": {"coding": [{"code": "patient-privacy"}]},
        "category": [{"text": "x"}],
        "policy": [{"uri": "urn:x"}],
        "patient": {"reference": "Patient/p2"},
        "provision": {"type": "permit", "provision": [part]},
    }
    assert put(house, consent).status == 201
    assert get(house, "/fhir/Condition/f2", "nurse").status == 404
    assert get(house, "/fhir/Observation/f1", "nurse").status == 200
    assert total(house, "/fhir/Condition?patient=p2", "nurse") == 0
    new = {"resourceType": "Condition", "id": "f2", "subject": {"reference": "Patient/p2"}}
    assert put(house, new, "physician").status == 404
    made = house.ask(
        "POST", "/fhir/Condition", {k: v for k, v in new.items() if k != "id"}, {}, house.token("a", "physician")
    )
    assert made.status == 403
    why = "/api/why?resource=Condition/f2&user=nurse"
    step = next(one for one in get(house, why, "data-manager").json["steps"] if one["rule"] == "consent")
    assert (step["verdict"], step["by"]) == ("deny", ["Consent/f3: deny"])
    assert put(house, {**consent, "status": "inactive"}).status == 200
    assert get(house, "/fhir/Condition/f2", "nurse").status == 200


def test_why_names_the_label_that_hides(house: House) -> None:
    put(house, observation("g1", (CONF, "V")))
    answer = get(house, "/api/why?resource=Observation/g1&user=physician", "data-manager").json
    step = next(one for one in answer["steps"] if one["rule"] == "label")
    assert (step["verdict"], step["by"]) == ("deny", [f"{CONF}|V"]) and not answer["allowed"]


def test_a_confidentiality_that_there_is_not_is_refused(house: House) -> None:
    refused = put(house, observation("i1", (CONF, "secret")))
    assert refused.status == 422 and refused.issues[0]["expression"] == ["Observation.meta.security"]


def test_a_consent_with_too_many_provisions_is_refused(house: House) -> None:
    consent = {
        "resourceType": "Consent",
        "id": "h1",
        "status": "active",
        "scope": {"text": "x"},
        "category": [{"text": "x"}],
        "policy": [{"uri": "urn:x"}],
        "provision": {"provision": [{"type": "deny"}] * 600},
    }
    refused = put(house, consent)
    assert refused.status == 422 and refused.issues[0]["expression"] == ["Consent.provision"]
