"""Transactions happen whole or not at all; batches entry by entry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web_house import Answer, House

from onmaru.web.doors import Settings

PATIENT: dict[str, Any] = {"resourceType": "Patient", "identifier": [{"system": "urn:mrn", "value": "1"}]}


def observation(reference: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "체온"},
        "subject": {"reference": reference},
    }


def entry(method: str, url: str, resource: Any = None, full_url: str = "", **more: str) -> dict[str, Any]:
    made: dict[str, Any] = {"request": {"method": method, "url": url, **more}}
    if resource is not None:
        made["resource"] = resource
    if full_url:
        made["fullUrl"] = full_url
    return made


class Client:
    def __init__(self, folder: Path, settings: Settings | None = None, engine: str = "memory") -> None:
        self.house = House(folder, settings, engine=engine)
        self.token = self.house.token("loader", "system")

    def post(self, kind: str, *entries: dict[str, Any], **headers: str) -> Answer:
        return self.house.ask(
            "POST", "/fhir", {"resourceType": "Bundle", "type": kind, "entry": list(entries)}, headers, self.token
        )

    def get(self, url: str) -> Answer:
        return self.house.ask("GET", url, token=self.token)

    def head(self) -> int:
        return self.house.tenants["main"].log.tip()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def client(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Client]:
    engine = request.getfixturevalue("database") if request.param == "postgres" else request.param
    made = Client(tmp_path, engine=engine)
    yield made
    made.house.close()


def test_references_to_a_urn_uuid_point_at_the_resource_made(client: Client) -> None:
    urn = "urn:uuid:11111111-1111-4111-8111-111111111111"
    answer = client.post(
        "transaction", entry("POST", "Observation", observation(urn)), entry("POST", "Patient", PATIENT, urn)
    )
    assert answer.status == 200, answer.body
    told = answer.json
    assert told["type"] == "transaction-response"
    assert [e["response"]["status"] for e in told["entry"]] == ["201 Created", "201 Created"]
    made = client.get("/fhir/Observation").json["entry"][0]["resource"]
    assert "Patient/" + client.get("/fhir/Patient").json["entry"][0]["resource"]["id"] == made["subject"]["reference"]
    assert told["entry"][1]["response"]["location"].startswith("http://hospital.example/fhir/Patient/")
    assert answer.headers["x-onmaru-position"] == "2"


def test_relative_references_follow_the_full_url_they_are_relative_to(client: Client) -> None:
    base = "http://elsewhere.example/fhir"
    answer = client.post(
        "transaction",
        entry("POST", "Patient", {**PATIENT, "id": "77"}, f"{base}/Patient/77"),
        entry("POST", "Observation", observation("Patient/77"), f"{base}/Observation/1"),
        entry("POST", "Observation", observation(f"{base}/Patient/77"), f"{base}/Observation/2"),
    )
    assert answer.status == 200, answer.body
    id = client.get("/fhir/Patient").json["entry"][0]["resource"]["id"]
    for found in client.get("/fhir/Observation").json["entry"]:
        assert found["resource"]["subject"]["reference"] == f"Patient/{id}"


def test_one_bad_entry_leaves_nothing_and_every_problem_is_told_by_its_entry(client: Client) -> None:
    answer = client.post(
        "transaction",
        entry("POST", "Observation", {"resourceType": "Observation", "status": "final"}),
        entry("PUT", "Patient/x", {**PATIENT, "id": "x", "colour": "blue"}),
        entry("POST", "Patient", PATIENT),
    )
    assert answer.status == 422
    places = [issue["expression"][0] for issue in answer.issues]
    assert any(place.startswith("Bundle.entry[0].resource") for place in places), places
    assert any(place.startswith("Bundle.entry[1].resource") for place in places), places
    assert client.head() == 0


def test_conditional_references_need_exactly_one_match(client: Client) -> None:
    question = entry("POST", "Observation", observation("Patient?identifier=urn:mrn|1"))
    none = client.post("transaction", question)
    assert none.status == 412 and none.issues[0]["expression"] == ["Bundle.entry[0].resource"]
    client.post("transaction", entry("POST", "Patient", PATIENT))
    assert client.post("transaction", question).status == 200
    id = client.get("/fhir/Patient").json["entry"][0]["resource"]["id"]
    made = client.get("/fhir/Observation").json["entry"][0]["resource"]
    assert made["subject"]["reference"] == f"Patient/{id}"
    client.post("transaction", entry("POST", "Patient", PATIENT))
    assert client.post("transaction", question).status == 412


def test_a_conditional_reference_may_mean_an_entry_of_the_same_transaction(client: Client) -> None:
    criteria = "identifier=urn:mrn|1"
    whole = [
        entry("POST", "Patient", PATIENT, "urn:uuid:11111111-1111-4111-8111-111111111111", ifNoneExist=criteria),
        entry("POST", "Observation", observation(f"Patient?{criteria}")),
    ]
    for _ in range(2):
        answer = client.post("transaction", *whole)
        assert answer.status == 200, answer.body
    assert client.get("/fhir/Patient").json["total"] == 1
    subjects = {e["resource"]["subject"]["reference"] for e in client.get("/fhir/Observation").json["entry"]}
    assert subjects == {"Patient/" + client.get("/fhir/Patient").json["entry"][0]["resource"]["id"]}


def test_the_same_target_twice_is_refused(client: Client) -> None:
    mine = {**PATIENT, "id": "x"}
    answer = client.post("transaction", entry("PUT", "Patient/x", mine), entry("DELETE", "Patient/x"))
    assert answer.status in (400, 409) and client.head() == 0
    urn = "urn:uuid:11111111-1111-4111-8111-111111111111"
    twice = client.post("transaction", *(entry("POST", "Patient", PATIENT, urn) for _ in range(2)))
    assert twice.status == 400 and twice.issues[0]["expression"] == ["Bundle.entry[1].fullUrl"]


def test_deletes_updates_conditions_and_reads_work_within_one_transaction(client: Client) -> None:
    client.post(
        "transaction",
        entry("PUT", "Patient/a", {**PATIENT, "id": "a"}),
        entry("PUT", "Patient/b", {"resourceType": "Patient", "id": "b"}),
    )
    answer = client.post(
        "transaction",
        entry("GET", "Patient?_summary=count"),
        entry("GET", "Patient/gone"),
        entry("PUT", "Patient?identifier=urn:mrn|1", {**PATIENT, "active": True}, ifMatch='W/"1"'),
        entry("DELETE", "Patient/b"),
    )
    assert answer.status == 200, answer.body
    told = answer.json["entry"]
    assert told[0]["resource"]["total"] == 1 and told[0]["response"]["status"] == "200 OK"
    assert told[1]["response"]["status"] == "404 Not Found"
    assert told[1]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert told[2]["response"]["etag"] == 'W/"2"' and told[3]["response"]["status"] == "204 No Content"
    stale = client.post("transaction", entry("PUT", "Patient/a", {**PATIENT, "id": "a"}, ifMatch='W/"1"'))
    assert stale.status == 412


def test_a_batch_carries_out_what_it_can(client: Client) -> None:
    answer = client.post(
        "batch",
        entry("POST", "Patient", PATIENT),
        entry("POST", "Patient", {"resourceType": "Patient", "colour": "blue"}),
        entry("GET", "Patient"),
        entry("PATCH", "Patient/x", PATIENT),
        entry("DELETE", "Patient/never"),
    )
    told = [e["response"]["status"].split()[0] for e in answer.json["entry"]]
    assert told == ["201", "422", "200", "400", "204"] and answer.json["type"] == "batch-response"
    assert answer.json["entry"][2]["resource"]["total"] == 1


def test_too_many_entries_are_refused_and_the_way_out_is_named(tmp_path: Path) -> None:
    client = Client(tmp_path, Settings(entries=3))
    answer = client.post("transaction", *(entry("POST", "Patient", PATIENT) for _ in range(4)))
    assert answer.status == 413 and "$import" in answer.issues[0]["diagnostics"]
    assert client.post("transaction", *(entry("POST", "Patient", PATIENT) for _ in range(3))).status == 200
    client.house.close()


@pytest.mark.parametrize(
    ("bundle", "status"),
    [
        ({"resourceType": "Bundle", "type": "collection"}, 400),
        ({"resourceType": "Patient"}, 400),
        ({"resourceType": "Bundle", "type": "transaction"}, 200),
        ({"resourceType": "Bundle", "type": "batch", "entry": []}, 422),
        ({"resourceType": "Bundle", "type": "transaction", "entry": [{}]}, 422),
        ({"resourceType": "Bundle", "type": "transaction", "entry": [{"request": {"method": "GET", "url": ""}}]}, 422),
        ([], 422),
        ("x", 422),
        ({"resourceType": "Bundle", "type": "transaction", "entry": 5}, 422),
        ({"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": 5, "request": 5}]}, 422),
    ],
)
def test_what_is_no_transaction_is_refused(client: Client, bundle: Any, status: int) -> None:
    answer = client.house.ask("POST", "/fhir", bundle, token=client.token)
    assert answer.status == status, answer.body
    if status != 200:
        assert answer.issues


def test_a_representation_is_returned_when_preferred(client: Client) -> None:
    answer = client.post("transaction", entry("POST", "Patient", PATIENT), prefer="return=representation")
    assert answer.json["entry"][0]["resource"]["identifier"] == PATIENT["identifier"]


def test_a_large_transaction_lets_others_be_answered_in_between(client: Client) -> None:
    from onmaru.kernel import bundle

    entries = [entry("POST", "Patient", PATIENT, f"urn:uuid:11111111-1111-4111-8111-{n:012d}") for n in range(300)]
    raw = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()
    standing = client.house.logins.standing(client.token)
    assert standing is not None
    caller = client.house.logins.caller(standing, "", "r", "a")
    record = client.house.hall(caller, "", "ko").record
    running = bundle.steps(record, raw, bundle.Limits(), bundle.Style())
    seen = []
    for _ in running:
        seen.append(client.head())
        if len(seen) == 5:
            # Somebody else writes meanwhile: what was prepared is decided again, and nothing is lost
            client.house.ask("POST", "/fhir/Patient", PATIENT, token=client.token)
    assert len(seen) > 10 and set(seen) == {0, 1, 301}, "all of it appears at once"
    client.house.tenants["main"].log.wait(301)
    assert client.get("/fhir/Patient?_summary=count").json["total"] == 301


def test_what_was_prepared_for_one_target_is_not_written_to_another(client: Client) -> None:
    from onmaru.kernel import bundle

    urn = "urn:uuid:11111111-1111-4111-8111-111111111111"
    entries = [
        entry("POST", "Patient", PATIENT, urn, ifNoneExist="identifier=urn:mrn|1"),
        *(entry("POST", "Observation", observation(urn)) for _ in range(100)),
    ]
    raw = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()
    standing = client.house.logins.standing(client.token)
    assert standing is not None
    record = client.house.hall(client.house.logins.caller(standing, "", "r", "a"), "", "ko").record
    running = bundle.steps(record, raw, bundle.Limits(), bundle.Style())
    for number, _ in enumerate(running):
        if number == 5:
            client.house.ask("PUT", "/fhir/Patient/first", {**PATIENT, "id": "first"}, token=client.token)
    client.house.tenants["main"].log.wait(101)
    assert client.get("/fhir/Patient").json["total"] == 1
    found = client.get("/fhir/Observation?_count=200").json["entry"]
    assert {one["resource"]["subject"]["reference"] for one in found} == {"Patient/first"}


def test_a_conditional_update_that_matches_nothing_takes_the_id_it_brings(client: Client) -> None:
    wanted = entry("PUT", "Patient?identifier=urn:mrn|1", {**PATIENT, "id": "mine"})
    assert client.post("transaction", wanted).json["entry"][0]["response"]["status"] == "201 Created"
    assert client.get("/fhir/Patient/mine").status == 200
    assert client.post("transaction", wanted).json["entry"][0]["response"]["status"] == "200 OK"
    other = entry("PUT", "Patient?identifier=urn:mrn|1", {**PATIENT, "id": "other"})
    assert client.post("transaction", other).status == 400


POSTED = '{"method":"POST","url":"Patient"}'


@pytest.mark.parametrize(
    ("entry", "status", "place"),
    [
        (f'{{"resource":{{"resourceType":"Patient"}},"request":{POSTED},"colour":1}}', 422, ".colour"),
        (f'{{"resource":{{"resourceType":"Patient"}},"request":{POSTED},"request":{POSTED}}}', 400, ".request"),
        (f'{{"resource":{{"resourceType":"Patient"}},"resource":{{}},"request":{POSTED}}}', 400, ".resource"),
        (f'{{"resource":{{"resourceType":"Patient","id":"a","id":"b"}},"request":{POSTED}}}', 400, ".resource.id"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_an_envelope_is_as_strict_as_a_resource(client: Client, kind: str, entry: str, status: int, place: str) -> None:
    raw = f'{{"resourceType":"Bundle","type":"{kind}","entry":[{entry}]}}'.encode()
    answer = client.house.ask("POST", "/fhir", raw, {"content-type": "application/fhir+json"}, client.token)
    if place == ".resource.id" and kind == "batch":  # the envelope is sound: only this entry is refused
        assert answer.json["entry"][0]["response"]["status"].startswith(str(status))
    else:
        assert (answer.status, answer.issues[0]["expression"]) == (status, [f"Bundle.entry[0]{place}"])
    assert client.house.ask("GET", "/fhir/Patient?_summary=count", token=client.token).json["total"] == 0


def test_operations_and_the_statement_are_answered_in_get_entries(client: Client) -> None:
    client.post("transaction", entry("PUT", "Patient/p", {**PATIENT, "id": "p"}))
    asked = [
        "metadata",
        "ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender",
        "CodeSystem/$lookup?system=http://hl7.org/fhir/administrative-gender&code=male",
        "Patient/p/$everything",
        "Patient/p/$meta",
        "ValueSet/$expand?url=urn:none",
        "Patient/$match",
        "ViewDefinition/$run",
    ]
    told = client.post("batch", *(entry("GET", url) for url in asked)).json["entry"]
    statuses = [one["response"]["status"][:3] for one in told]
    assert statuses == ["200", "200", "200", "200", "200", "404", "405", "400"]
    kinds = [one["resource"]["resourceType"] for one in told[:5]]
    assert kinds == ["CapabilityStatement", "ValueSet", "Parameters", "Bundle", "Parameters"]
    assert [one["code"] for one in told[1]["resource"]["expansion"]["contains"]] == [
        "male",
        "female",
        "other",
        "unknown",
    ]
    assert told[3]["resource"]["entry"][0]["resource"]["id"] == "p"


def test_a_transaction_waits_for_its_get_entries_and_they_see_it(client: Client) -> None:
    told = client.post(
        "transaction", entry("GET", "Patient/q/$everything"), entry("PUT", "Patient/q", {**PATIENT, "id": "q"})
    )
    assert told.status == 200 and told.json["entry"][0]["resource"]["entry"][0]["resource"]["id"] == "q"


def test_the_answers_to_one_bundle_are_bounded(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onmaru.web.fhir.posted.MOST", 10)
    told = client.post("batch", entry("GET", "Patient"), entry("GET", "Patient")).json["entry"]
    assert [one["response"]["status"][:3] for one in told] == ["200", "413"]
