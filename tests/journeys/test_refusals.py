"""Every kind of bad request is refused by name, as an OperationOutcome on /fhir, and none of them is a failure of ours."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.web_house import Answer, House

from onmaru.web.doors import Settings

PATIENT: dict[str, Any] = {"resourceType": "Patient"}
GZIP = {"content-encoding": "gzip", "content-type": "application/json"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, Settings(body=10_000, url=300, static=tmp_path))
    made.user("loader", "system")
    yield made
    made.close()


@pytest.fixture
def token(house: House) -> str:
    return house.token("loader", "system")


CASES: list[tuple[str, str, str, Any, dict[str, str], int]] = [
    ("a body over the limit", "POST", "/fhir/Patient", b" " * 10_001, {}, 413),
    ("a body over the limit, by its own word", "POST", "/fhir/Patient", b"{}", {"content-length": "99999999999"}, 413),
    ("a body over the limit, without a word", "POST", "/fhir/Patient", b" " * 10_001, {"content-length": "x"}, 413),
    ("a gzip bomb", "POST", "/fhir/Patient", gzip.compress(b" " * 10_000_000)[:9_990], GZIP, 413),
    ("broken gzip", "POST", "/fhir/Patient", b"\x1f\x8b nonsense", GZIP, 400),
    ("cut gzip", "POST", "/fhir/Patient", gzip.compress(b"{}")[:-4], GZIP, 400),
    ("another encoding", "POST", "/fhir/Patient", b"{}", {"content-encoding": "br"}, 415),
    ("an address over the limit", "GET", "/fhir/Patient?name=" + "x" * 300, b"", {}, 414),
    ("xml that is no FHIR", "POST", "/fhir/Patient", b"<Patient/>", {"content-type": "application/fhir+xml"}, 400),
    ("turtle", "POST", "/fhir/Patient", b"", {"content-type": "text/turtle"}, 415),
    ("another charset", "POST", "/fhir/Patient", b"{}", {"content-type": "application/json; charset=euc-kr"}, 415),
    ("turtle wanted", "GET", "/fhir/Patient", b"", {"accept": "application/fhir+turtle"}, 406),
    ("turtle wanted by _format", "GET", "/fhir/Patient?_format=ttl", b"", {}, 406),
    ("no JSON", "POST", "/fhir/Patient", b"{", {}, 400),
    ("an empty body", "POST", "/fhir/Patient", b"", {}, 400),
    ("an array", "POST", "/fhir/Patient", b"[]", {}, 422),
    ("a number", "POST", "/fhir/Patient", b"7", {}, 422),
    ("no type", "POST", "/fhir/Patient", b"{}", {}, 422),
    ("not UTF-8", "POST", "/fhir/Patient", b'{"resourceType":"Patient","language":"\xff"}', {}, 400),
    ("a member twice", "POST", "/fhir/Patient", b'{"resourceType":"Patient","id":"a","id":"b"}', {}, 400),
    ("too deep", "POST", "/fhir/Patient", b'{"a":' * 1_500 + b"1" + b"}" * 1_500, {}, 400),
    ("another type", "POST", "/fhir/Patient", b'{"resourceType":"Group"}', {}, 422),
    ("an unknown element", "POST", "/fhir/Patient", b'{"resourceType":"Patient","colour":1}', {}, 422),
    ("an unknown type", "GET", "/fhir/Colour", b"", {}, 404),
    ("an unknown address", "GET", "/fhir/patient/_what/else", b"", {}, 404),
    ("an operation", "POST", "/fhir/Patient/$graph", b"{}", {}, 404),
    ("an unlawful id", "GET", "/fhir/Patient/a%20b", b"", {}, 404),
    ("an unlawful id to write", "PUT", "/fhir/Patient/a_b", PATIENT, {}, 404),
    ("a method", "POST", "/fhir/Patient/x", b"{}", {}, 405),
    ("a method on a compartment", "PUT", "/fhir/Patient/x/Observation", b"{}", {}, 405),
    ("a method on history", "POST", "/fhir/Patient/x/_history", b"{}", {}, 405),
    ("a method on the metadata", "POST", "/fhir/metadata", b"{}", {}, 405),
    ("an unknown parameter", "GET", "/fhir/Patient?colour=1", b"", {}, 400),
    ("an unknown modifier", "GET", "/fhir/Patient?name:colour=1", b"", {}, 400),
    ("a bad date", "GET", "/fhir/Patient?birthdate=1999-99-99", b"", {}, 400),
    ("a bad percent", "GET", "/fhir/Patient?name=%ff", b"", {}, 400),
    ("a bad count", "GET", "/fhir/Patient?_count=-1", b"", {}, 400),
    ("a bad cursor", "GET", "/fhir/Patient?_cursor=!!!", b"", {}, 400),
    ("a cursor from elsewhere", "GET", "/fhir/Patient?_cursor=k80D6AAA", b"", {}, 400),
    ("a cursor that is no ASCII", "GET", "/fhir/Patient?_cursor=%ED%95%9C", b"", {}, 400),
    ("a bad summary", "GET", "/fhir/Patient?_summary=most", b"", {}, 400),
    ("a version that is no number", "GET", "/fhir/Patient/x/_history/one", b"", {}, 404),
    ("a huge version", "GET", "/fhir/Patient/x/_history/" + "9" * 30, b"", {}, 404),
    ("a bad If-Match", "DELETE", "/fhir/Patient/x", b"", {"if-match": "*"}, 400),
    ("a purpose not allowed", "GET", "/fhir/Patient", b"", {"x-onmaru-purpose": "HRESCH"}, 403),
]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_a_bad_request_is_refused_by_name(
    house: House, token: str, case: tuple[str, str, str, Any, dict[str, str], int]
) -> None:
    _, method, url, body, headers, status = case
    answer = house.ask(method, url, body, headers, token)
    assert answer.status == status, answer.body
    assert answer.issues[0]["severity"] == "error" and answer.issues[0]["diagnostics"]
    assert answer.headers["x-request-id"]
    if status == 405:
        assert "GET" in answer.headers["allow"]
    if status == 413:
        assert "$import" in answer.issues[0]["diagnostics"]


def test_a_gzip_body_is_opened(house: House, token: str) -> None:
    packed = gzip.compress(json.dumps(PATIENT).encode())
    assert house.ask("POST", "/fhir/Patient", packed, GZIP, token).status == 201


def test_a_request_without_a_grant_that_stands_is_refused_before_anything_is_told(house: House) -> None:
    for headers in ({}, {"authorization": "Bearer nonsense"}, {"authorization": "Basic eDp5"}, {"cookie": "onmaru=x"}):
        for url in (
            "/fhir/Patient",
            "/fhir/Nonsense",
            "/api/users",
            "/api/nonsense",
            "/rooms/any",
            "/t/none/fhir/Patient",
        ):
            answer = house.ask("GET", url, headers=headers)
            assert answer.status == 401 and answer.headers["www-authenticate"].startswith("Bearer"), url
    assert {row.reason for row in house.rows()} == {"unauthenticated"}


def test_a_request_id_of_the_client_is_kept_when_it_is_sound(house: House, token: str) -> None:
    assert (
        house.ask("GET", "/fhir/Patient", headers={"x-request-id": "abc-1"}, token=token).headers["x-request-id"]
        == "abc-1"
    )
    assert house.rows()[-1].request == "abc-1"
    broken = house.ask("GET", "/fhir/Patient", headers={"x-request-id": "a b\r\n"}, token=token)
    assert broken.headers["x-request-id"] != "a b\r\n"


def test_a_made_up_host_is_not_repeated_in_links(house: House, token: str) -> None:
    answer = house.ask("GET", "/fhir/Patient", headers={"host": 'evil"example'}, token=token)
    assert b"evil" not in answer.body and b"http://localhost/fhir/Patient" in answer.body


def test_a_defect_of_ours_is_told_without_its_text(house: House, token: str, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("김온마 700101-1234567")

    house.hall = broken  # type: ignore[method-assign,assignment]
    house.application = house._build(house.settings)
    answer = house.ask("GET", "/fhir/Patient/x", token=token)
    assert answer.status == 500 and answer.issues[0]["code"] == "exception"
    assert "김온마" not in answer.body.decode() + caplog.text and "ZeroDivisionError" in caplog.text


SEEDS = [
    b'{"resourceType":"Patient","id":"1","identifier":[{"value":"1"}],"active":true}',
    b'{"resourceType":"Patient","name":[{"family":"x"}],"birthDate":"1970-01-01"}',
    b'{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":'
    b'"Patient"},"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=1"}}]}',
    b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient?identifier=1"}}',
]
METHODS = ("GET", "GET", "GET", "POST", "POST", "POST", "PUT", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS")
PIECES = (
    "Patient",
    "_history",
    "_search",
    "1",
    "Observation",
    "*",
    "..",
    "$x",
    "",
    "%00",
    "한글",
    "metadata",
    "x" * 70,
)
PATHS = (
    *("Patient", "Patient", "Observation", "Observation", "Patient/1", "Patient/1/_history", "Patient/1/_history/1"),
    *("Patient/_search", "Patient/_history", "_history", "", "Patient/1/Observation", "Patient/1/*"),
)
PARAMETERS = [
    "name",
    "name:exact",
    "_id",
    "_lastUpdated",
    "birthdate",
    "_sort",
    "_include",
    "_revinclude",
    "_has:Observation:patient:code",
    "_count",
    "_summary",
    "organization.name",
    "_elements",
    "_total",
    "_cursor",
    "_format",
    "_type",
    "identifier:missing",
    "_since",
    "_at",
    "code-value-quantity",
    "value-quantity",
    "general-practitioner:x.y",
]
VALUES = [
    "1",
    "a|b",
    "|",
    "a|b|c",
    "ge2020",
    "1e999",
    "true",
    "-1",
    "$",
    "a$b",
    ",",
    "\\",
    "\\,",
    "한글",
    "Patient:organization",
    "*",
    "1970-01-01T00:00:00Z",
    "2020-13",
    "gt1e-400||mg",
    "NaN",
    "0x10",
    "²",
    "",
    "9" * 400,
    "x" * 60,
]


def _random_request(chance: random.Random) -> tuple[str, str, bytes, dict[str, str]]:
    path = "/".join(chance.choice(PIECES) for _ in range(chance.randrange(5)))
    if chance.random() < 0.7:
        path = chance.choice(PATHS)
    query = "&".join(f"{chance.choice(PARAMETERS)}={chance.choice(VALUES)}" for _ in range(chance.randrange(3)))
    body = bytearray(chance.choice(SEEDS))
    for _ in range(chance.choice([0, 0, 1, 2, 5])):
        body[chance.randrange(len(body))] = chance.randrange(256)
    if chance.random() < 0.2:
        del body[chance.randrange(len(body)) :]
    kinds = ["application/fhir+json", "application/fhir+json", "application/x-www-form-urlencoded", "x"]
    headers = {"content-type": chance.choice(kinds)}
    for name in (
        "if-match",
        "if-none-match",
        "if-none-exist",
        "prefer",
        "accept",
        "x-onmaru-position",
        "if-modified-since",
    ):
        if chance.random() < 0.07:
            headers[name] = chance.choice(VALUES)
    surface = chance.choice([*["/fhir"] * 14, "/api", "/rooms", "/t/main/fhir", "/t/other/fhir", ""])
    return chance.choice(METHODS), f"{surface}/{path}?{query}", bytes(body), headers


def _sound(answer: Answer, what: object) -> None:
    assert 200 <= answer.status < 500 or answer.status == 503, (answer.status, answer.body[:300], what)
    if answer.status >= 400 and answer.body:
        assert answer.json.get("resourceType") == "OperationOutcome" or "error" in answer.json, what


def test_random_requests_never_make_the_server_fail(tmp_path: Path) -> None:
    house = House(tmp_path, Settings(wait=0.01, static=tmp_path))
    token = house.token("loader", "system")
    chance = random.Random(20261122)

    async def run() -> None:
        for _ in range(1500):
            method, url, body, headers = _random_request(chance)
            _sound(await house.call(method, url, body, headers, token), (method, url, headers, body))

    asyncio.run(run())
    house.close()


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40), st.binary(max_size=60))
def test_any_text_in_the_address_and_any_bytes_in_the_body_are_answered(path: str, query: str, body: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder))
        token = house.token("loader", "system")
        for method in ("GET", "POST", "PUT", "DELETE"):
            answer = house.ask(method, f"/fhir/{path}?{query}", body, token=token)
            _sound(answer, (method, path, query, body))
        house.close()


def test_the_operator_may_allow_less_depth(tmp_path: Path) -> None:
    house = House(tmp_path, Settings(depth=4))
    token = house.token("loader", "system")
    deep = {"resourceType": "Patient", "contact": [{"name": {"extension": [{"url": "urn:x", "valueString": "x"}]}}]}
    refused = house.ask("POST", "/fhir/Patient", deep, token=token)
    assert (refused.status, refused.issues[0]["code"]) == (400, "too-costly")
    assert house.ask("POST", "/fhir/Patient", {"resourceType": "Patient", "contact": [{}]}, token=token).status == 422
    house.close()
