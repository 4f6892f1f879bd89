"""What a client of other servers takes for granted in HTTP: conditions, preferences, versions and links at their edges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.web_house import Answer, House

from onmaru.web.fhir.negotiation import Preference, prefer

Ask = Callable[..., Answer]
PATIENT: dict[str, Any] = {"resourceType": "Patient", "active": True}


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    house = House(tmp_path_factory.mktemp("edges"))
    token = house.token("engine", "system")

    def asked(method: str, url: str, body: Any = b"", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return house.ask(method, f"/fhir{url}", body, named, token)

    yield asked
    house.close()


def test_an_update_that_says_if_none_match_makes_and_never_writes_over(ask: Ask) -> None:
    body = {**PATIENT, "id": "once"}
    assert ask("PUT", "/Patient/once", body, if_none_match="*").status == 201
    refused = ask("PUT", "/Patient/once", {**body, "active": False}, if_none_match="*")
    assert (refused.status, refused.issues[0]["code"]) == (412, "conflict")
    assert ask("GET", "/Patient/once").json["active"] is True
    assert ask("PUT", "/Patient?_id=once", body, if_none_match="*").status == 412
    assert ask("PUT", "/Patient/once", body, if_none_match='W/"1"').status == 400
    ask("DELETE", "/Patient/once")
    assert ask("PUT", "/Patient/once", body, if_none_match="*").status == 201


def test_an_entry_that_says_if_none_match_makes_and_never_writes_over(ask: Ask) -> None:
    request = {"method": "PUT", "url": "Patient/entered", "ifNoneMatch": "*"}
    entry = {"resource": {**PATIENT, "id": "entered"}, "request": request}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    assert ask("POST", "/", bundle).status == 200
    assert ask("POST", "/", bundle).status == 412
    told = ask("POST", "/", {**bundle, "type": "batch"}).json["entry"][0]["response"]
    assert told["status"].startswith("412")


def test_a_reference_below_this_servers_address_is_found_however_either_wrote_it(ask: Ask) -> None:
    absolute = "http://hospital.example/fhir/Patient/whose"
    ask("PUT", "/Patient/whose", {**PATIENT, "id": "whose"})
    for id, reference in (("r1", "Patient/whose"), ("r2", absolute)):
        body = {"resourceType": "Basic", "id": id, "code": {"text": "x"}, "subject": {"reference": reference}}
        assert ask("PUT", f"/Basic/{id}", body).status == 201
    found = ask("GET", f"/Basic?subject={absolute}").json
    assert {one["resource"]["id"] for one in found["entry"]} == {"r1", "r2"}
    assert ask("GET", "/Basic?subject=http://other.example/fhir/Patient/whose").json["total"] == 0
    again = ask("POST", "/Basic", {"resourceType": "Basic", "code": {}}, if_none_exist=f"subject={absolute}&_id=r1")
    assert (again.status, again.json["id"]) == (200, "r1")


def test_the_parameters_of_every_type_are_told_as_they_are_defined(ask: Ask) -> None:
    for one in ask("GET", "/metadata").json["rest"][0]["resource"]:
        told = {each["name"]: each["type"] for each in one["searchParam"]}
        assert (told["_id"], told["_lastUpdated"]) == ("token", "date"), one["type"]


def test_a_binary_is_given_as_what_it_is_to_who_asks_for_that(ask: Ask) -> None:
    body = {"resourceType": "Binary", "id": "b", "contentType": "application/pdf", "data": "JVBERi0="}
    assert ask("PUT", "/Binary/b", body).status == 201
    for accept in ("application/pdf", "image/png, application/PDF;q=0.5", "application/pdf, */*"):
        given = ask("GET", "/Binary/b", accept=accept)
        assert (given.status, given.body, given.headers["content-type"]) == (200, b"%PDF-", "application/pdf")
        assert given.headers["content-disposition"] == "attachment" and given.headers["etag"] == 'W/"1"'
    for accept in ("", "*/*", "application/fhir+json", "application/*"):
        assert ask("GET", "/Binary/b", accept=accept).json["data"] == "JVBERi0="
    assert ask("GET", "/Binary/b", accept="text/html").status == 406
    assert ask("GET", "/Binary/b", accept="application/pdf", if_none_match='W/"1"').status == 304
    ask("PUT", "/Binary/odd", {**body, "id": "odd", "contentType": "a/b\nx: y"})
    assert ask("GET", "/Binary/odd", accept="a/b").status == 406


def test_another_version_of_fhir_is_neither_given_nor_taken(ask: Ask) -> None:
    for version, wanted in (("4.0", 200), ('"4.0"', 200), ("4.0.1", 200), ("5.0", 406), ("3.0", 406)):
        kind = f"application/fhir+json; fhirVersion={version}"
        assert ask("GET", "/Patient?_count=0", accept=kind).status == wanted
        assert ask("POST", "/Patient", PATIENT, content_type=kind).status == {200: 201, 406: 415}[wanted]
    assert ask("GET", "/Patient?_count=0", accept="application/fhir+json; fhirVersion=5.0, */*;q=0.1").status == 200


def test_an_id_that_cannot_be_one_is_told_as_such(ask: Ask) -> None:
    for method, body in (("GET", b""), ("PUT", {**PATIENT, "id": "a_1"})):
        told = ask(method, "/Patient/a_1", body)
        assert (told.status, told.issues[0]["diagnostics"]) == (404, "an id has 1 to 64 letters, digits, - and .")


class _Lines(dict[str, str]):
    """Headers of which one came on two lines."""

    def get_all(self, name: str) -> list[str]:
        return ["return=minimal", "handling=lenient, return=representation"] if name == "prefer" else []


def test_preferences_are_read_from_all_lines_and_what_is_said_twice_holds_as_said_first() -> None:
    assert prefer(_Lines(prefer="return=minimal")) == Preference("minimal", lenient=True)
    assert prefer({"prefer": "handling=lenient; return=minimal, handling=strict"}) == Preference(
        "minimal", lenient=True
    )


def test_a_preference_may_be_quoted_and_in_capitals(ask: Ask) -> None:
    assert ask("POST", "/Patient", PATIENT, prefer='Return="minimal"').body == b""
    assert ask("GET", "/Patient?unheard=1", prefer='handling = "lenient"').status == 200


def test_the_form_asked_for_holds_for_the_next_page(ask: Ask) -> None:
    for number in range(2):
        ask(
            "PUT", f"/Group/g{number}", {"resourceType": "Group", "id": f"g{number}", "type": "person", "actual": False}
        )
    for path in ("/Group", "/Group/_history"):
        links = ask("GET", f"{path}?_count=1&_format=application%2Ffhir%2Bjson&_pretty=true").json["link"]
        assert [one["relation"] for one in links] == ["self", "next"]
        assert all("_format=application/fhir%2Bjson&_pretty=true" in one["url"] for one in links)
        following = links[1]["url"].partition("/fhir")[2]
        assert ask("GET", following).json["entry"]


def test_an_entrys_criteria_may_hold_an_address(ask: Ask) -> None:
    body = {**PATIENT, "identifier": [{"system": "http://hospital.example/mrn", "value": "7"}]}
    url = "Patient?identifier=http://hospital.example/mrn|7"
    put, get = {"resource": body, "request": {"method": "PUT", "url": url}}, {"request": {"method": "GET", "url": url}}
    for kind, status in (("transaction", "201"), ("batch", "200")):
        told = ask("POST", "/", {"resourceType": "Bundle", "type": kind, "entry": [put, get]}).json["entry"]
        assert told[0]["response"]["status"].startswith(status) and told[1]["resource"]["total"] == 1
    away = {"request": {"method": "GET", "url": "http://other.example/fhir/Patient/1"}}
    told = ask("POST", "/", {"resourceType": "Bundle", "type": "batch", "entry": [away]}).json["entry"][0]["response"]
    assert told["status"].startswith("400")


def test_an_operation_in_steps_is_refused_within_a_bundle_as_it_is_by_itself(ask: Ask) -> None:
    entry = {"request": {"method": "GET", "url": "Patient/x/$everything"}}
    told = ask("POST", "/", {"resourceType": "Bundle", "type": "batch", "entry": [entry]}).json["entry"][0]["response"]
    assert told["outcome"]["issue"][0]["code"] == "not-found"
