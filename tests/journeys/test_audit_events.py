"""The audit trail as AuditEvents over FHIR, and alarms on unusual access, from the access to the data manager's page."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.served import Served
from tests.web_house import House

from onmaru.fhir import structure


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, engine="sqlite")
    loader = made.token("loader", "system")
    made.ask("PUT", "/fhir/Patient/p1", {"resourceType": "Patient", "id": "p1"}, {}, loader)
    for _ in range(3):
        made.ask("GET", "/fhir/Patient/p1", token=made.token("kim", "physician"))
    made.ask("GET", "/fhir/Patient?name=x", token=made.token("lee", "nurse"))
    made.ask("GET", "/fhir/Patient/p1", token=made.token("reg", "researcher"))
    yield made
    made.close()


def test_the_trail_is_searched_as_fhir_by_who_keeps_it(house: House) -> None:
    token = house.token("keeper", "data-manager")
    first = house.ask("GET", "/fhir/AuditEvent?agent-name=kim&_count=2", token=token)
    entries = first.json["entry"]
    assert len(entries) == 2 and first.json["link"][1]["relation"] == "next"
    for entry in entries:
        structure.admit(json.dumps(entry["resource"]).encode(), "AuditEvent")
        assert entry["resource"]["agent"][0]["altId"] == "kim" and entry["resource"]["action"] == "R"
    rest = house.ask("GET", first.json["link"][1]["url"].partition("/fhir")[2].join(["/fhir", ""]), token=token)
    assert len(rest.json["entry"]) == 1
    read = house.ask("GET", f"/fhir/AuditEvent/{entries[0]['resource']['id']}", token=token)
    assert read.json == entries[0]["resource"]
    denied = house.ask("GET", "/fhir/AuditEvent?agent-name=reg", token=token).json["entry"][0]["resource"]
    assert denied["outcome"] == "4"
    assert len(house.ask("GET", "/fhir/AuditEvent?patient=Patient/p1&date=ge2000", token=token).json["entry"]) >= 3
    assert "entry" not in house.ask("GET", "/fhir/AuditEvent?date=lt2000", token=token).json
    assert [row for row in house.rows() if row.user == "keeper" and row.target.startswith("AuditEvent")]


def test_the_trail_is_nobody_elses_and_what_it_is_not_kept_by_is_refused(house: House) -> None:
    for role in ("physician", "nurse"):
        answer = house.ask("GET", "/fhir/AuditEvent", token=house.token(role, role))
        assert answer.json.get("total", 0) == 0 and "entry" not in answer.json
        assert house.ask("GET", "/fhir/AuditEvent/row-1", token=house.token(role, role)).status == 404
    token = house.token("keeper", "data-manager")
    for query in ("entity=Patient/p1", "date=neulich", "date=ap2020", "_count=0", "_cursor=x", "_sort=agent"):
        assert house.ask("GET", f"/fhir/AuditEvent?{query}", token=token).status == 400
    for id in ("row-0", "row-x", "row-99999", "row-" + "9" * 40):
        assert house.ask("GET", f"/fhir/AuditEvent/{id}", token=token).status == 404
    limited = house.token("keeper", "data-manager", scopes="user/Patient.rs")
    assert house.ask("GET", "/fhir/AuditEvent", token=limited).status == 403


def test_an_alarm_reaches_the_data_manager_the_command_and_the_export(tmp_path: Path) -> None:
    with Served(tmp_path) as house:
        celebrity = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "CEL"}]}
        body = json.dumps({"resourceType": "Patient", "id": "star", "meta": celebrity}).encode()
        assert house.ask("PUT", "Patient/star", body, house.token) == 201
        assert house.get("/fhir/Patient/star")[0] == 200
        for _ in range(100):
            vip = [one for one in house.get("/api/alarms")[1]["items"] if one["rule"] == "vip"]
            if vip:
                break
            time.sleep(0.1)
        assert [(one["user"], one["patients"]) for one in vip] == [("keeper", ["star"])]
        read = house.get(f"/fhir/{vip[0]['access']}")[1]
        assert read["entity"][0]["what"]["reference"] == "Patient/star" and read["subtype"][0]["code"] == "read"
        assert (
            house.command("audit", "export", str(tmp_path / "a.ndjson"), "--patient", "star", "--from", "2020")[0] == 0
        )
    exported = [json.loads(line) for line in (tmp_path / "a.ndjson").read_text().splitlines()]
    assert {"110113", "rest"} <= {one["type"]["code"] for one in exported}
    shown = house.command("audit", "alarms", "--language", "ko")[1]
    assert "특별 보호 환자의 기록을 열람했습니다." in [one["text"] for one in shown]
