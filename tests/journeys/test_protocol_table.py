"""What a tester of the protocol tries, a line each: the status, and where it matters a header or a part of the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.web_house import House

PATIENT = {"resourceType": "Patient", "id": "p1", "name": [{"family": "김"}], "birthDate": "1990-01-01"}
JSON_PATCH = {"content-type": "application/json-patch+json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
GONE = {"resourceType": "Patient", "id": "gone"}

# method, address below /fhir, body, headers, status, what the answer's headers or body hold
TABLE: list[tuple[str, str, Any, dict[str, str], int, str]] = [
    ("HEAD", "Patient/p1", b"", {}, 200, 'W/"2"'),
    ("GET", "Patient/p1", b"", {"if-none-match": 'W/"2"'}, 304, 'W/"2"'),
    ("GET", "Patient/p1", b"", {"if-none-match": '"9", "2"'}, 304, 'W/"2"'),
    ("GET", "Patient/p1", b"", {"if-none-match": 'W/"1"'}, 200, '"p1"'),
    ("GET", "Patient/p1", b"", {"if-modified-since": "Fri, 31 Dec 2100 00:00:00 GMT"}, 304, 'W/"2"'),
    ("GET", "Patient/p1?_format=xml", b"", {}, 200, "application/fhir+xml"),
    ("GET", "Patient/p1?_format=application/fhir%2Bxml", b"", {"accept": "application/json"}, 200, "fhir+xml"),
    ("GET", "Patient/p1?_format=ttl", b"", {}, 406, "OperationOutcome"),
    ("GET", "Patient/p1", b"", {"accept": "application/fhir+json;q=0.1, application/xml"}, 200, "fhir+xml"),
    ("GET", "Patient/p1", b"", {"accept": "application/fhir+xml;q=0, */*"}, 200, "application/fhir+json; charset=utf-8"),
    ("GET", "Patient/", b"", {}, 200, "searchset"),
    ("GET", "metadata/", b"", {}, 200, "CapabilityStatement"),
    ("GET", "Patient?_summary=count", b"", {}, 200, '"total":1'),
    ("GET", "Patient?_total=accurate&_count=1", b"", {}, 200, '"total":1'),
    ("GET", "Patient?_elements=birthDate", b"", {}, 200, "SUBSETTED"),
    ("GET", "Patient?telecom:missing=true", b"", {}, 200, '"total":1'),
    ("GET", "Patient/gone", b"", {}, 410, "deleted"),
    ("GET", "Patient/gone/_history/2", b"", {}, 410, "deleted"),
    ("GET", "Patient/gone/_history/1", b"", {}, 200, '"gone"'),
    ("GET", "Patient/p1/_history?_since=2100-01-01", b"", {}, 200, '"total":0'),
    ("GET", "Patient/p1/_history?_count=1", b"", {}, 200, '"relation":"next"'),
    ("GET", "Patient/p1/_history", b"", {}, 200, "201 Created"),
    ("GET", "Patient/p1/_history?_at=ge2020", b"", {}, 200, '"total":2'),
    ("GET", "Patient/p1/_history?_at=lt2020", b"", {}, 200, '"total":0'),
    ("GET", "Patient/p1/_history?_at=le2100", b"", {}, 200, '"total":2'),
    ("GET", "Patient/p1/_history?_at=gt2100", b"", {}, 200, '"total":1'),
    ("GET", "Patient/p1/_history?_at=ap2020", b"", {}, 400, "_at"),
    ("POST", "Patient/_search", b"birthdate=1990", FORM, 200, '"total":1'),
    ("PATCH", "Patient/p1", b"[]", {"content-type": "text/plain"}, 415, "not-supported"),
    ("PATCH", "Patient?gender:missing=true", b'[{"op":"test","path":"/id","value":"x"}]', JSON_PATCH, 412, "several"),
    ("DELETE", "Patient?gender:missing=true", b"", {}, 412, "more than one"),
    ("PUT", "Patient/p1", PATIENT, {"if-match": 'W/"77"'}, 412, "If-Match"),
    ("POST", "Patient", PATIENT, {"content-type": "application/fhir+json; charset=iso-8859-1"}, 415, "UTF-8"),
    ("POST", "Patient", PATIENT, {}, 201, "http://hospital.example/fhir/Patient/id-"),
]  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("protocol"))
    token = made.token("k", "data-manager")
    for body in (PATIENT, PATIENT, GONE):
        made.ask("PUT", f"/fhir/Patient/{body['id']}", body, {}, token)
    made.ask("DELETE", "/fhir/Patient/gone", b"", {}, token)
    yield made
    made.close()


@pytest.mark.parametrize(("method", "path", "body", "headers", "status", "holds"), TABLE)
def test_what_testers_try_is_answered_as_r4_says(
    house: House, method: str, path: str, body: Any, headers: dict[str, str], status: int, holds: str
) -> None:
    token = house.token("k", "data-manager")
    if "gender:missing" in path:
        house.ask("PUT", "/fhir/Patient/p2", {"resourceType": "Patient", "id": "p2"}, {}, token)
    answer = house.ask(method, f"/fhir/{path}", body, headers, token)
    assert answer.status == status, answer.body[:300]
    assert holds in f"{answer.headers} {answer.body.decode()}"
    assert method != "HEAD" or not answer.body


def test_the_pages_of_a_search_of_several_types_are_of_these_types(house: House) -> None:
    token = house.token("k", "data-manager")
    for type, id in (("Basic", "b1"), ("Basic", "b2"), ("Organization", "o1")):
        body = {"resourceType": type, "id": id, **({"code": {"text": "x"}} if type == "Basic" else {"name": "x"})}
        house.ask("PUT", f"/fhir/{type}/{id}", body, {}, token)
    found, url = [], "/fhir?_type=Basic,Patient&_count=1"
    while url:
        page = house.ask("GET", url, b"", {}, token).json
        assert "_type=Basic,Patient" in page["link"][0]["url"]
        found += [entry["resource"]["resourceType"] for entry in page["entry"]]
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        url = following[0].removeprefix("http://hospital.example") if following else ""
    assert set(found) == {"Basic", "Patient"} and len(found) == page["total"]


def test_the_reads_of_a_batch_bear_tags_and_know_what_the_client_has(house: House) -> None:
    def get(url: str, **more: str) -> dict[str, Any]:
        return {"request": {"method": "GET", "url": url, **more}}

    asked = [
        get("Patient/p1"), get("Patient/p1", ifNoneMatch='W/"2"'), get("Patient/p1", ifNoneMatch='W/"1"'),
        get("Patient/p1/_history/1", ifNoneMatch='W/"1"'), get("Patient/none"), get("Patient?_id=p1", ifNoneMatch='W/"2"'),
    ]  # fmt: skip
    body = {"resourceType": "Bundle", "type": "batch", "entry": asked}
    entries = house.ask("POST", "/fhir", body, {}, house.token("k", "data-manager")).json["entry"]
    told = [(one["response"]["status"][:3], one["response"].get("etag"), "resource" in one) for one in entries]
    assert told == [
        ("200", 'W/"2"', True), ("304", 'W/"2"', False), ("200", 'W/"2"', True), ("304", 'W/"1"', False),
        ("404", None, False), ("200", None, True),
    ]  # fmt: skip
    assert entries[0]["response"]["lastModified"] == entries[0]["resource"]["meta"]["lastUpdated"]
