"""`$meta`, `$meta-add`, `$meta-delete`: sets, new versions, and labels that only a keeper takes away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.operation_rows import given
from tests.web_house import Answer, House

R = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
TAG = {"system": "urn:t", "code": "a", "display": "가"}
BASIC = {"resourceType": "Basic", "id": "b1", "code": {"text": "x"}}
KEPT = (
    b'{"resourceType":"Observation","id":"p1","meta":{"security":[%b]},"extension":[{"url":"urn:x","valueDecimal":1.50}],'
    b'"status":"final","code":{"text":"x"}}'
)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    body = KEPT % str(R).replace("'", '"').encode()
    made.ask("PUT", "/fhir/Observation/p1", body, {"content-type": "application/json"}, made.token("loader", "system"))
    yield made
    made.close()


def change(house: House, name: str, meta: Any, role: str = "physician", **headers: str) -> Answer:
    token = house.token(f"a-{role}", role)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return house.ask("POST", f"/fhir/Observation/p1/{name}", given(meta=("valueMeta", meta)), named, token)


def told(answer: Answer) -> Any:
    assert answer.status == 200, answer.body
    return answer.json["parameter"][0]["valueMeta"]


def test_tags_and_profiles_are_sets_and_each_change_is_a_version(house: House) -> None:
    added = told(change(house, "$meta-add", {"tag": [TAG, {**TAG, "display": "나"}], "profile": ["urn:p"]}))
    assert added["tag"] == [TAG | {"display": "나"}] and added["versionId"] == "2" and added["security"] == [R]
    again = change(
        house, "$meta-add", {"tag": [{"system": "urn:t", "code": "a", "version": "2"}], "profile": ["urn:p"]}
    )
    assert told(again)["versionId"] == "2" and again.headers["etag"] == 'W/"2"'
    less = change(house, "$meta-delete", {"tag": [{"system": "urn:t", "code": "a"}, {"code": "none"}]})
    assert told(less).keys() == {"versionId", "lastUpdated", "security", "profile"}
    token = house.token("reader", "physician")
    assert b'"valueDecimal":1.50' in house.ask("GET", "/fhir/Observation/p1", token=token).body
    assert "tag" in told(house.ask("GET", "/fhir/Observation/p1/_history/2/$meta", token=token))
    assert told(house.ask("GET", "/fhir/Observation/p1/$meta", token=token))["versionId"] == "3"


def test_a_label_is_added_by_who_writes_and_taken_away_by_who_keeps(house: House) -> None:
    v = {**R, "code": "V"}
    assert told(change(house, "$meta-add", {"security": [v]}))["security"] == [R, v]
    for role, status in (("physician", 404), ("nurse", 404), ("system", 403)):
        assert change(house, "$meta-delete", {"security": [R]}, role).status == status, (
            "V hides it from whom it is above"
        )
    assert told(change(house, "$meta-delete", {"security": [R, v]}, "data-manager")).keys() == {
        "versionId",
        "lastUpdated",
    }


def test_what_is_no_meta_of_the_current_version_is_refused(house: House) -> None:
    assert change(house, "$meta-add", {"tag": [TAG]}, if_match='W/"7"').status == 412
    token = house.token("a", "physician")
    for body in (
        b"",
        b"{}",
        {"resourceType": "Meta"},
        {"resourceType": "Parameters"},
        given(meta=("valueString", "x")),
    ):
        kind = {"content-type": "application/fhir+json"}
        assert house.ask("POST", "/fhir/Observation/p1/$meta-add", body, kind, token).status in (400, 422)
    for url in (
        "/fhir/Observation/none/$meta",
        "/fhir/Observation/p1/_history/9/$meta",
        "/fhir/Observation/p1/_history/x/$meta",
    ):
        assert house.ask("GET", url, token=token).status == 404
    assert house.ask("POST", "/fhir/Observation/p1/_history/1/$meta-add", given(), token=token).status == 404


def test_of_a_type_and_of_all_it_tells_what_is_in_use_as_far_as_the_caller_sees(house: House) -> None:
    token, kind = house.token("loader", "system"), {"content-type": "application/json"}
    for id, meta in (
        ("p2", {"tag": [TAG, {"system": "urn:t", "code": "b"}], "profile": ["urn:p|1"]}),
        ("p3", {"tag": [TAG, {"system": "urn:t", "code": "hidden"}], "security": [{**R, "code": "V"}]}),
        ("p4", {"tag": [{"system": "urn:t", "code": "gone"}]}),
    ):
        body = {"resourceType": "Observation", "id": id, "meta": meta, "status": "final", "code": {"text": "x"}}
        assert house.ask("PUT", f"/fhir/Observation/{id}", body, kind, token).status == 201
    assert house.ask("PUT", "/fhir/Basic/b1", {**BASIC, "meta": {"tag": [{"code": "c"}]}}, kind, token).status == 201
    assert house.ask("DELETE", "/fhir/Observation/p4", token=token).status in (200, 204)
    reader = house.token("reader", "physician")
    mine = told(house.ask("GET", "/fhir/Observation/$meta", token=reader))
    assert mine == {"profile": ["urn:p|1"], "security": [R], "tag": [TAG, {"system": "urn:t", "code": "b"}]}
    every = told(house.ask("GET", "/fhir/$meta", token=reader))
    assert every == {**mine, "tag": [{"code": "c"}, *mine["tag"]]}
    keeper = told(house.ask("GET", "/fhir/Observation/$meta", token=house.token("a-keeper", "data-manager")))
    assert {"system": "urn:t", "code": "hidden"} in keeper["tag"] and len(keeper["security"]) == 2
    assert told(house.ask("GET", "/fhir/Patient/$meta", token=reader)) == {}
    assert house.ask("GET", "/fhir/Observation/$meta?x=1", token=reader).status == 400
