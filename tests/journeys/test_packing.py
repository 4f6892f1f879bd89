"""gzip of large answers for who takes it, and media types in capitals."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
from tests.web_house import Answer, House

from onmaru.fhir.xml_form import to_json

GZIP = {"accept-encoding": "br, GZIP;q=0.5"}
LARGE = "/fhir/metadata"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("packing")
    (folder / "static" / "assets").mkdir(parents=True)
    (folder / "static" / "assets" / "app-1.js").write_bytes(b"console.log('onmaru');" * 100)
    made = House(folder)
    yield made
    made.close()


@pytest.fixture(scope="module")
def token(house: House) -> str:
    return house.token("loader", "system")


def unpacked(answer: Answer) -> bytes:
    assert answer.headers["content-encoding"] == "gzip" and answer.headers["vary"] == "accept-encoding"
    return gzip.decompress(answer.body)


def test_a_large_answer_is_packed_for_who_takes_gzip(house: House, token: str) -> None:
    plain = house.ask("GET", LARGE, b"", {}, token)
    assert unpacked(house.ask("GET", LARGE, b"", GZIP, token)) == plain.body
    long = {"resourceType": "Basic", "id": "long", "code": {"text": "가" * 9_000}}
    assert house.ask("PUT", "/fhir/Basic/long", long, GZIP, token).status == 201
    xml = house.ask("GET", "/fhir/Basic/long", b"", {**GZIP, "accept": "application/fhir+xml"}, token)
    assert to_json(unpacked(xml))["code"] == long["code"]


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "gzip; q=0.0", "br"])
def test_who_does_not_take_gzip_gets_none(house: House, token: str, accepted: str) -> None:
    assert "content-encoding" not in house.ask("GET", LARGE, b"", {"accept-encoding": accepted}, token).headers


def test_a_small_answer_and_one_without_a_bearer_token_are_never_packed(house: House, token: str) -> None:
    assert "content-encoding" not in house.ask("GET", "/fhir/Patient/none", b"", GZIP, token).headers
    secret, _ = house.logins.issue(house.user("by-cookie", "system"), "")
    for headers in ({}, {"cookie": f"onmaru={secret}"}):
        answer = house.ask("GET", LARGE, b"", {**GZIP, **headers})
        assert answer.status == 200 and len(answer.body) > 100_000 and "content-encoding" not in answer.headers


def test_a_file_of_the_interface_is_packed_once(house: House) -> None:
    packed = house.ask("GET", "/assets/app-1.js", b"", GZIP)
    assert unpacked(packed) == house.ask("GET", "/assets/app-1.js").body
    assert packed.headers["cache-control"].startswith("public")


def test_a_media_type_in_capitals_is_the_same(house: House, token: str) -> None:
    for accept in ("application/fhir+XML", "Application/FHIR+xml; q=0.9, application/json;q=0.1"):
        read = house.ask("GET", "/fhir/Patient/none", b"", {"accept": accept}, token)
        assert read.headers["content-type"].startswith("application/fhir+xml")
    body = b'<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>'
    made = house.ask("POST", "/fhir/Patient", body, {"content-type": "APPLICATION/FHIR+XML"}, token)
    assert made.status == 201 and made.json["active"] is True
