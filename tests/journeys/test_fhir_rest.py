"""FHIR REST over the application, one interaction after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web_house import Answer, House

from onmaru.fhir import structure
from onmaru.web.doors import Settings

KIM: dict[str, Any] = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:mrn", "value": "1"}],
    "name": [{"text": "김온마", "family": "김", "given": ["온마"]}],
    "birthDate": "1970-01-02",
}


class Client:
    """A house and a token of its system user."""

    def __init__(self, folder: Path, settings: Settings | None = None, engine: str = "memory") -> None:
        self.house = House(folder, settings, engine=engine)
        self.token = self.house.token("loader", "system")

    def __call__(self, method: str, url: str, body: Any = b"", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.house.ask(method, url, body, named, self.token)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def client(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Client]:
    engine = request.getfixturevalue("database") if request.param == "postgres" else request.param
    made = Client(tmp_path, engine=engine)
    yield made
    made.house.close()


def patient(number: int) -> dict[str, Any]:
    return {**KIM, "identifier": [{"system": "urn:mrn", "value": str(number)}]}


def test_a_created_resource_is_read_back_with_its_tags(client: Client) -> None:
    made = client("POST", "/fhir/Patient", KIM)
    assert made.status == 201
    assert made.headers["location"].startswith("http://hospital.example/fhir/Patient/")
    assert made.headers["location"].endswith("/_history/1")
    assert made.headers["etag"] == 'W/"1"' and made.headers["x-onmaru-position"] == "1"
    id = made.json["id"]
    read = client("GET", f"/fhir/Patient/{id}")
    assert (read.status, read.body) == (200, made.body)
    assert read.headers["content-type"].startswith("application/fhir+json")
    assert read.headers["last-modified"].endswith("GMT")
    assert read.headers["cache-control"] == "no-store" and read.headers["x-request-id"]


def test_a_read_that_the_client_has_already_answers_304(client: Client) -> None:
    made = client("POST", "/fhir/Patient", KIM)
    url = f"/fhir/Patient/{made.json['id']}"
    assert client("GET", url, if_none_match='W/"1"').status == 304
    assert client("GET", url, if_none_match='W/"2"').status == 200
    assert client("GET", url, if_modified_since=made.headers["last-modified"]).status == 304
    assert client("GET", url, if_modified_since="Thu, 01 Jan 1970 00:00:00 GMT").status == 200
    assert client("GET", url, if_modified_since="not a date").status == 200


def test_an_update_makes_the_next_version_and_if_match_guards_it(client: Client) -> None:
    id = client("POST", "/fhir/Patient", KIM).json["id"]
    url = f"/fhir/Patient/{id}"
    changed = {**KIM, "id": id, "active": True}
    assert client("PUT", url, changed, if_match='W/"2"').status == 412
    second = client("PUT", url, changed, if_match='W/"1"')
    assert (second.status, second.headers["etag"], second.json["meta"]["versionId"]) == (200, 'W/"2"', "2")
    assert client("GET", f"{url}/_history/1").json.get("active") is None
    assert client("GET", f"{url}/_history/2").json["active"] is True
    assert client("GET", f"{url}/_history/3").status == 404
    assert client("PUT", url, {**changed, "id": "other"}).status == 400
    assert client("PUT", url, changed, if_match="2").status == 400


def test_an_update_may_make_the_resource_unless_the_site_forbids_it(client: Client, tmp_path: Path) -> None:
    assert client("PUT", "/fhir/Patient/mine", {**KIM, "id": "mine"}).status == 201
    (tmp_path / "strict").mkdir()
    strict = Client(tmp_path / "strict", Settings(update_create=False))
    assert strict("PUT", "/fhir/Patient/mine", {**KIM, "id": "mine"}).status == 404
    strict.house.close()


def test_a_deleted_resource_is_gone_and_deleting_is_idempotent(client: Client) -> None:
    id = client("POST", "/fhir/Patient", KIM).json["id"]
    assert client("DELETE", f"/fhir/Patient/{id}").status == 204
    assert client("GET", f"/fhir/Patient/{id}").status == 410
    assert client("DELETE", f"/fhir/Patient/{id}").status == 204
    assert client("DELETE", "/fhir/Patient/never").status == 204
    assert client("GET", "/fhir/Patient/never").status == 404


def test_prefer_chooses_what_a_write_answers(client: Client) -> None:
    assert client("POST", "/fhir/Patient", KIM, prefer="return=minimal").body == b""
    told = client("POST", "/fhir/Patient", KIM, prefer="return=OperationOutcome")
    assert told.status == 201 and told.issues[0]["severity"] == "information"
    assert client("POST", "/fhir/Patient", KIM, prefer="return=representation").json["resourceType"] == "Patient"


def test_a_conditional_create_makes_one_then_finds_it_then_refuses_two(client: Client) -> None:
    first = client("POST", "/fhir/Patient", KIM, if_none_exist="identifier=urn:mrn|1")
    again = client("POST", "/fhir/Patient", KIM, if_none_exist="identifier=urn:mrn|1")
    assert (first.status, again.status) == (201, 200) and first.json["id"] == again.json["id"]
    client("POST", "/fhir/Patient", KIM)
    assert client("POST", "/fhir/Patient", KIM, if_none_exist="identifier=urn:mrn|1").status == 412
    assert client("POST", "/fhir/Patient", KIM, if_none_exist="").status == 400
    assert client("POST", "/fhir/Patient", KIM, if_none_exist="nonsense=1").status == 400


def test_a_conditional_update_makes_updates_or_refuses(client: Client) -> None:
    url = "/fhir/Patient?identifier=urn:mrn|1"
    first = client("PUT", url, KIM)
    second = client("PUT", url, {**KIM, "active": True})
    assert (first.status, second.status) == (201, 200) and second.json["id"] == first.json["id"]
    assert client("PUT", url, {**KIM, "id": "someone-else"}).status == 400
    assert client("PUT", "/fhir/Patient?identifier=urn:mrn|9", {**patient(9), "id": first.json["id"]}).status == 409
    client("POST", "/fhir/Patient", KIM)
    assert client("PUT", url, KIM).status == 412
    assert client("PUT", "/fhir/Patient", KIM).status == 400


def test_a_conditional_delete_takes_one_or_where_allowed_all(client: Client, tmp_path: Path) -> None:
    for _ in range(2):
        client("POST", "/fhir/Patient", KIM)
    url = "/fhir/Patient?identifier=urn:mrn|1"
    assert client("DELETE", url).status == 412
    assert client("DELETE", "/fhir/Patient").status == 400
    assert client("DELETE", "/fhir/Patient?identifier=urn:mrn|none").status == 204
    (tmp_path / "many").mkdir()
    many = Client(tmp_path / "many", Settings(multiple_delete=True))
    for _ in range(2):
        many("POST", "/fhir/Patient", KIM)
    assert many("DELETE", url).status == 204
    assert many("GET", "/fhir/Patient").json["total"] == 0
    many.house.close()


def test_history_of_an_instance_a_type_and_everything_pages_and_never_repeats(client: Client) -> None:
    id = client("POST", "/fhir/Patient", KIM).json["id"]
    client("PUT", f"/fhir/Patient/{id}", {**KIM, "id": id, "active": True})
    client("DELETE", f"/fhir/Patient/{id}")
    client("POST", "/fhir/Organization", {"resourceType": "Organization", "name": "병원"})
    told = client("GET", f"/fhir/Patient/{id}/_history").json
    assert [e["request"]["method"] for e in told["entry"]] == ["DELETE", "PUT", "POST"]
    assert [e["response"]["etag"] for e in told["entry"]] == ['W/"3"', 'W/"2"', 'W/"1"']
    assert "resource" not in told["entry"][0] and told["entry"][1]["resource"]["active"] is True
    assert len(client("GET", "/fhir/Patient/_history").json["entry"]) == 3
    seen, url = [], "/fhir/_history?_count=3"
    while url:
        page = client("GET", url.removeprefix("http://hospital.example")).json
        seen += [(e["fullUrl"], e["response"]["etag"]) for e in page["entry"]]
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
        client("POST", "/fhir/Patient", KIM)
    assert len(seen) == len(set(seen)) == 4
    since = told["entry"][0]["response"]["lastModified"]
    assert client("GET", f"/fhir/Patient/{id}/_history?_since={since}").json["entry"][0] == told["entry"][0]
    at = told["entry"][1]["response"]["lastModified"]
    current = client("GET", f"/fhir/Patient/{id}/_history?_at={at}").json["entry"]
    assert [e["response"]["etag"] for e in current] == ['W/"2"']
    for wrong in ("_since=yesterday", "_count=x", "_at=2020-99-99", "_sort=_id", "_cursor=xx"):
        assert client("GET", f"/fhir/Patient/{id}/_history?{wrong}").status == 400, wrong


def test_search_pages_are_pinned_while_others_write(client: Client) -> None:
    for number in range(5):
        client("POST", "/fhir/Patient", patient(number))
    seen, url = [], "/fhir/Patient?_count=2&birthdate=1970-01-02"
    while url:
        page = client("GET", url.removeprefix("http://hospital.example")).json
        assert page["total"] == 5
        seen += [e["resource"]["identifier"][0]["value"] for e in page["entry"]]
        assert all(e["search"]["mode"] == "match" for e in page["entry"])
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
        client("POST", "/fhir/Patient", patient(9))
        client("DELETE", "/fhir/Patient?identifier=urn:mrn|0")
    assert sorted(seen) == ["0", "1", "2", "3", "4"]


def test_search_by_get_and_by_post_answer_the_same(client: Client) -> None:
    for number in range(3):
        client("POST", "/fhir/Patient", patient(number))
    got = client("GET", "/fhir/Patient?identifier=urn:mrn%7C1")
    form = {"content_type": "application/x-www-form-urlencoded"}
    posted = client("POST", "/fhir/Patient/_search", b"identifier=urn%3Amrn%7C1", **form)
    assert got.json["entry"] == posted.json["entry"] and got.json["total"] == 1
    assert got.json["link"][0]["relation"] == "self" and "identifier=urn:mrn|1" in got.json["link"][0]["url"]
    assert client("POST", "/fhir/Patient/_search", b"{}", content_type="application/json").status == 415
    assert client("POST", "/fhir/Patient/_search", b"name=%ff", **form).status == 400


def test_an_unknown_parameter_is_refused_unless_the_client_is_lenient(client: Client) -> None:
    refused = client("GET", "/fhir/Patient?colour=blue")
    assert refused.status == 400 and "colour" in refused.body.decode()
    lenient = client("GET", "/fhir/Patient?colour=blue", prefer="handling=lenient")
    assert lenient.status == 200 and "colour" not in lenient.json["link"][0]["url"]


def test_search_over_types_and_within_a_compartment(client: Client) -> None:
    one, two = (client("POST", "/fhir/Patient", patient(n)).json["id"] for n in (1, 2))
    for whose in (one, two, two):
        observation = {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "체온"},
            "subject": {"reference": f"Patient/{whose}"},
        }
        assert client("POST", "/fhir/Observation", observation).status == 201
    assert client("GET", "/fhir?_type=Patient,Observation").json["total"] == 5
    assert client("GET", "/fhir?_type=Nonsense").status == 400
    assert client("GET", f"/fhir/Patient/{two}/Observation").json["total"] == 2
    assert client("GET", f"/fhir/Patient/{two}/Observation?status=preliminary").json["total"] == 0
    assert client("GET", f"/fhir/Patient/{two}/*").json["total"] == 3
    assert client("GET", "/fhir/Patient/nobody/Observation").json["total"] == 0
    assert client("GET", f"/fhir/Patient/{two}/Practitioner").status == 404
    inside = client("GET", f"/fhir/Patient/{two}/Observation?_count=1").json
    following = next(link["url"] for link in inside["link"] if link["relation"] == "next")
    assert len(client("GET", following.removeprefix("http://hospital.example")).json["entry"]) == 1


def test_what_an_encounter_and_a_practitioner_have_in_their_compartments(client: Client) -> None:
    put = {
        "Practitioner/dr": {"resourceType": "Practitioner"},
        "Encounter/visit": {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}},
        "Observation/seen": {
            "status": "final", "code": {"text": "체온"}, "encounter": {"reference": "Encounter/visit"},
            "performer": [{"reference": "Practitioner/dr"}],
        },
        "Observation/else": {"status": "final", "code": {"text": "체온"}, "hasMember": [{"reference": "Observation/seen"}]},
        "List/worklist": {
            "status": "current", "mode": "working", "entry": [{"item": {"reference": "Observation/else"}}]
        },
    }  # fmt: skip
    for name, body in put.items():
        type_name, _, id = name.partition("/")
        assert client("PUT", f"/fhir/{name}", {"resourceType": type_name, "id": id} | body).status == 201

    def names(path: str) -> list[str]:
        found = client("GET", f"/fhir/{path}")
        assert found.status == 200
        return sorted(f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in found.json.get("entry", []))

    assert names("Encounter/visit/*") == ["Encounter/visit", "Observation/seen"]
    assert names("Encounter/visit/Observation") == ["Observation/seen"]
    assert names("Practitioner/dr/*") == ["Observation/seen", "Practitioner/dr"]
    assert names("Practitioner/dr/Observation?status=amended") == []
    assert names("Device/none/Observation") == []
    assert names("Observation?_list=worklist") == ["Observation/else"]
    assert client("GET", "/fhir/Encounter/visit/Organization").status == 404
    assert client("GET", "/fhir/Organization/visit/Encounter").status == 404
    assert client("GET", "/fhir/Observation?_list=$current-problems").status == 400


def test_included_resources_are_marked_and_counted_apart(client: Client) -> None:
    id = client("POST", "/fhir/Patient", KIM).json["id"]
    encounter = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": f"Patient/{id}"},
    }
    assert client("POST", "/fhir/Encounter", encounter).status == 201
    found = client("GET", "/fhir/Encounter?_include=Encounter:subject").json
    assert found["total"] == 1
    assert [e["search"]["mode"] for e in found["entry"]] == ["match", "include"]
    counted = client("GET", "/fhir/Encounter?_summary=count").json
    assert counted["total"] == 1 and "entry" not in counted


def test_head_answers_like_get_without_a_body(client: Client) -> None:
    id = client("POST", "/fhir/Patient", KIM).json["id"]
    head = client("HEAD", f"/fhir/Patient/{id}")
    assert (head.status, head.body, head.headers["etag"]) == (200, b"", 'W/"1"')


def test_the_capability_statement_tells_the_routes_and_parameters(client: Client) -> None:
    told = client.house.ask("GET", "/fhir/metadata").json
    rest = told["rest"][0]
    observation = next(r for r in rest["resource"] if r["type"] == "Observation")
    assert {i["code"] for i in observation["interaction"]} == {
        "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type",
    }  # fmt: skip
    assert "value-quantity" in {p["name"] for p in observation["searchParam"]}
    assert {i["code"] for i in rest["interaction"]} == {"transaction", "batch", "search-system", "history-system"}
    assert told["fhirVersion"] == "4.0.1"
    smart = client.house.ask("GET", "/fhir/.well-known/smart-configuration").json
    assert "permission-v2" in smart["capabilities"]
    assert smart["authorization_endpoint"] == "http://hospital.example/oauth/authorize"


def test_a_request_that_presents_a_position_waits_for_it(client: Client, tmp_path: Path) -> None:
    position = client("POST", "/fhir/Patient", KIM).headers["x-onmaru-position"]
    assert client("GET", "/fhir/Patient", x_onmaru_position=position).json["total"] == 1
    assert client("GET", "/fhir/Patient", x_onmaru_position="x").status == 400
    (tmp_path / "late").mkdir()
    late = Client(tmp_path / "late", Settings(wait=0.05))
    answer = late("GET", "/fhir/Patient", x_onmaru_position="7")
    assert answer.status == 503 and answer.issues[0]["code"] == "timeout" and answer.headers["retry-after"] == "1"
    late.house.close()


def test_everything_the_server_itself_writes_is_valid_r4(client: Client) -> None:
    id = client("POST", "/fhir/Patient", KIM).json["id"]
    client("DELETE", f"/fhir/Patient/{id}")
    client("POST", "/fhir/Patient", KIM)
    bundle = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [
            {"resource": KIM, "request": {"method": "POST", "url": "Patient"}},
            {"request": {"method": "GET", "url": "Patient/none"}},
            {"request": {"method": "GET", "url": "Patient?_count=1"}},
        ],
    }
    written = [
        client("GET", "/fhir/metadata"),
        client("GET", "/fhir/Patient?_count=1&name=김&_sort=-birthdate"),
        client("GET", "/fhir/Patient?_summary=count"),
        client("GET", "/fhir/Patient?_summary=true"),
        client("GET", "/fhir/Patient?_elements=name"),
        client("GET", "/fhir/_history"),
        client("POST", "/fhir", bundle),
        client("POST", "/fhir", {**bundle, "type": "transaction"}),
        client("POST", "/fhir/Patient", {**KIM, "colour": "blue"}),
        client("GET", "/fhir/nothing"),
    ]
    for answer in written:
        assert structure.decode(answer.body).resourceType, answer.body


def test_a_part_of_a_resource_is_marked_as_such(client: Client) -> None:
    id = client("POST", "/fhir/Patient", KIM).json["id"]
    part = client("GET", f"/fhir/Patient/{id}?_elements=birthDate").json
    assert part["birthDate"] == KIM["birthDate"] and "name" not in part
    assert part["meta"]["tag"][0]["code"] == "SUBSETTED"
    found = client("GET", "/fhir/Patient?_elements=birthDate").json["entry"][0]["resource"]
    assert found == part
    assert client("GET", f"/fhir/Patient/{id}?colour=blue").status == 400
    assert client("GET", f"/fhir/Patient/{id}?_summary=count").status == 400


def test_an_answer_that_is_not_on_the_disk_does_not_say_so(tmp_path: Path) -> None:
    client = Client(tmp_path)

    async def full(tenant: str, t: int) -> None:
        raise OSError(28, "No space left on device")

    client.house.durable = full  # type: ignore[method-assign]
    client.house.application = client.house._build(client.house.settings)
    answer = client("POST", "/fhir/Patient", KIM)
    assert answer.status == 503 and answer.issues[0]["code"] == "transient"
    client.house.close()


def test_a_transaction_over_the_time_limit_leaves_nothing(tmp_path: Path) -> None:
    client = Client(tmp_path, Settings(seconds=0.0))
    entries = [{"resource": KIM, "request": {"method": "POST", "url": "Patient"}} for _ in range(200)]
    answer = client("POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status == 503 and answer.issues[0]["code"] == "timeout"
    assert client.house.tenants["main"].log.tip() == 0
    client.house.close()
