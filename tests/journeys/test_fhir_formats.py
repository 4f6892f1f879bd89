"""XML and pretty JSON over HTTP: XML in makes the same record, and every answer, a refusal too, has the form asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web_house import House

from onmaru.fhir.xml_form import to_json

XML = "application/fhir+xml"
PATIENT = (
    '<Patient xmlns="http://hl7.org/fhir"><active value="true"/><name><family value="김"/></name>'
    '<extension url="urn:x"><valueDecimal value="1.50"/></extension></Patient>'
).encode()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def test_xml_in_is_json_out_and_xml_again(house: House) -> None:
    token = house.token("loader", "system")
    made = house.ask("POST", "/fhir/Patient", PATIENT, {"content-type": XML}, token)
    assert made.status == 201 and made.headers["content-type"].startswith("application/fhir+json")
    assert b'"valueDecimal":1.50' in made.body
    url = f"/fhir/Patient/{made.json['id']}"
    for asked, headers in (
        (url, {"accept": XML}),
        (f"{url}?_format=xml", {}),
        (f"{url}?_format=application/fhir%2Bxml", {}),
    ):
        read = house.ask("GET", asked, b"", headers, token)
        assert read.status == 200 and read.headers["content-type"].startswith(XML)
        assert str(to_json(read.body)["extension"][0]["valueDecimal"]) == "1.50"
    again = house.ask("PUT", url, read.body, {"content-type": XML, "accept": XML}, token)
    assert again.status == 200 and to_json(again.body)["meta"]["versionId"] == "2"


def test_bundles_and_refusals_are_xml_too(house: House) -> None:
    token = house.token("loader", "system")
    for _ in range(2):
        house.ask("POST", "/fhir/Patient", PATIENT, {"content-type": XML}, token)
    found = house.ask("GET", "/fhir/Patient?_total=accurate", b"", {"accept": XML}, token)
    assert to_json(found.body)["total"] == 2
    refused = house.ask("GET", "/fhir/Patient/none", b"", {"accept": XML}, token)
    assert refused.status == 404 and to_json(refused.body)["resourceType"] == "OperationOutcome"
    stranger = house.ask("GET", "/fhir/Patient/none", b"", {"accept": XML}, "")
    assert stranger.status == 401 and to_json(stranger.body)["resourceType"] == "OperationOutcome"
    assert (
        to_json(house.ask("GET", "/fhir/metadata", b"", {"accept": XML}).body)["resourceType"] == "CapabilityStatement"
    )


@pytest.mark.parametrize(
    ("accept", "xml"),
    [("text/html,application/xml;q=0.9,*/*;q=0.8", True), ("application/fhir+json, application/fhir+xml;q=0.5", False)],
)
def test_what_is_wanted_most_is_given(house: House, accept: str, xml: bool) -> None:
    answer = house.ask("GET", "/fhir/metadata", b"", {"accept": accept})
    assert answer.headers["content-type"].startswith(XML) is xml


def test_pretty_json_has_the_same_tokens(house: House) -> None:
    token = house.token("loader", "system")
    made = house.ask("POST", "/fhir/Patient", PATIENT, {"content-type": XML}, token)
    pretty = house.ask("GET", f"/fhir/Patient/{made.json['id']}?_pretty=true", token=token)
    assert b"\n" in pretty.body and b"1.50" in pretty.body and pretty.json == made.json


def test_a_document_type_in_a_body_is_refused(house: House) -> None:
    body = b'<!DOCTYPE p [<!ENTITY a "b">]><Patient xmlns="http://hl7.org/fhir"/>'
    answer = house.ask("POST", "/fhir/Patient", body, {"content-type": XML}, house.token("loader", "system"))
    assert answer.status == 400 and "document type" in answer.json["issue"][0]["diagnostics"]
