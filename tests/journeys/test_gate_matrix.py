"""Every route × every kind of caller gives the expected answer, denials are audited, what is hidden leaves no trace."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests import keeper_rows
from tests.web_house import Answer, House

from onmaru.app.rooms import open_room
from onmaru.kernel.caller import ROLES
from onmaru.kernel.room import Hall, Request, Response, Room, Route
from onmaru.web import answers
from onmaru.web.api.surface import ROUTES
from onmaru.web.doors import Settings

FORM = {"content-type": "application/x-www-form-urlencoded"}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "identifier": [{"system": "urn:lab", "value": "1"}],
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "8310-5"}]},
    "subject": {"reference": "Patient/p1"},
}
O1 = {**OBSERVATION, "id": "o1"}
# p1's, though only what it refers to says so
VISIT = {
    "resourceType": "Encounter",
    "id": "e1",
    "status": "finished",
    "class": {"code": "IMP"},
    "subject": O1["subject"],
}
O2 = {"resourceType": "Observation", "id": "o2", "status": "final", "code": O1["code"],
      "encounter": {"reference": "Encounter/e1"}}  # fmt: skip
ORIGIN = {"resourceType": "Provenance", "id": "v1", "target": [{"reference": "Observation/o1"}],
          "recorded": "2026-01-01T00:00:00Z", "agent": [{"who": {"display": "검사실"}}]}  # fmt: skip
PROBE = {**O2, "derivedFrom": [{"reference": "Observation/o1"}]}
FORM_DONE = {"resourceType": "QuestionnaireResponse", "status": "completed", "subject": {"reference": "Patient/p1"}}
LISTENER = {"resourceType": "Subscription", "id": "s1", "status": "off", "reason": "검사", "criteria": "Slot",
            "channel": {"type": "rest-hook", "endpoint": "https://app.example/"}}  # fmt: skip
DENIAL = {
    "resourceType": "Consent",
    "id": "c1",
    "status": "active",
    "scope": {"coding": [{"code": "patient-privacy"}]},
    "category": [{"text": "개인정보"}],
    "patient": {"reference": "Patient/p1"},
    "policyRule": {"text": "거부"},
    "provision": {
        "type": "permit",
        "provision": [
            {"type": "deny", "actor": [{"role": {"text": "이용자"}, "reference": {"reference": "Practitioner/barred"}}]}
        ],
    },
}
BEDS = {"resourceType": "CodeSystem", "id": "beds", "url": "urn:beds", "status": "active", "content": "complete",
        "concept": [{"code": "a"}]}  # fmt: skip
IN_USE = "system=http://hl7.org/fhir/account-status&code=active"

# Who asks. wrong: a token of the data manager for Slots only. other: the other tenant's system user. stranger: a patient
# asking for another patient. barred: a physician whom the patient's Consent denies. Those who may not come before those
# who may, so that a denied write would be seen.
COLUMNS = ["none", "expired", "revoked", "wrong", "other", "stranger", "barred", *ROLES]
# Rooms whose routes are asked here too
OPENED = ("cohort", "equity", "insight", "quality", "monitor", "remote")


class Row(NamedTuple):
    """One request and what each of COLUMNS gets."""

    name: str
    method: str
    url: str
    body: Any
    headers: Mapping[str, str]
    expected: str


# Door (none, expired, revoked), wrong, other, stranger, barred, then the roles: physician nurse registrar researcher
# data-manager board-member patient admin system
FOUND = "401 401 401 403 403 404 404  200 200 403 403 200 403 200 403 200"
LISTED = "401 401 401 403 403 200 200  200 200 403 403 200 403 200 403 200"
EVERYBODY = "401 401 401 200 403 200 200  200 200 200 200 200 200 200 200 200"
SHARED = "401 401 401 403 403 404 200  200 200 403 403 200 403 404 403 200"
MADE = "401 401 401 403 403 403 403  201 201 403 403 201 403 403 403 201"
UNNAMED = "401 401 401 403 403 404 404  200 200 403 403 200 403 404 403 200"
FILLED = "401 401 401 403 403 403 403  201 201 403 403 201 403 201 403 201"
CHANGED = "401 401 401 403 403 403 404  200 200 403 403 200 403 403 403 200"
MATCHED = "401 401 401 403 403 403 403  200 200 403 403 200 403 403 403 200"
# It is read first: what cannot be seen is not there
PATCHED = "401 401 401 403 403 404 404  200 200 403 403 200 403 403 403 200"
REMOVED = "401 401 401 403 403 403 204  204 204 403 403 204 403 403 403 204"
CARRIED = "401 401 401 403 403 403 403  200 200 403 403 200 403 403 403 200"
GLASS = "401 401 401 403 403 403 200  200 200 403 403 403 403 403 403 403"
WARD = "401 401 401 403 403 200 200  200 200 200 403 200 403 200 403 200"
ANYBODY = "401 401 401 204 403 204 204  204 204 204 204 204 204 204 204 204"

LAUNCHES = "401 401 401 403 403 404 404  404 404 404 404 404 404 404 404 404"
ERASERS = "401 401 401 403 403 403 403  403 403 403 403 403 403 403 {} {}"
KEPT = "401 401 401 403 403 403 403  403 403 403 403 200 403 403 403 200"
STANDS = "401 401 401 403 403 404 200  200 200 403 403 200 403 404 403 200"
TOLD = "401 401 401 403 403 404 403  403 403 403 403 403 403 404 403 403"
BULK = "401 401 401 404 403 403 403  403 403 403 403 404 403 403 403 404"
NO_JOB = "401 401 401 404 403 404 404  404 404 404 404 404 404 404 404 404"

CLOSURE = {"resourceType": "Parameters", "parameter": [{"name": "name", "valueString": "표"}]}
SAME = [{"op": "test", "path": "/status", "value": "final"}]
JSON_PATCH = {"content-type": "application/json-patch+json"}


def purging(*, dry: bool) -> dict[str, Any]:
    said = [{"name": "reason", "valueString": "본인의 요청"}, {"name": "dryRun", "valueBoolean": dry}]
    return {"resourceType": "Parameters", "parameter": said}


ROWS = [
    Row("read", "GET", "/fhir/Observation/o1", b"", {}, FOUND),
    Row("head", "HEAD", "/fhir/Observation/o1", b"", {}, FOUND),
    Row("vread", "GET", "/fhir/Observation/o1/_history/1", b"", {}, FOUND),
    Row("history of an instance", "GET", "/fhir/Observation/o1/_history", b"", {}, FOUND),
    Row("read of what names an encounter only", "GET", "/fhir/Observation/o2", b"", {}, UNNAMED),
    Row("vread of an origin", "GET", "/fhir/Provenance/v1/_history/1", b"", {}, UNNAMED),
    Row("history of an origin", "GET", "/fhir/Provenance/v1/_history", b"", {}, UNNAMED),
    Row("search of origins", "GET", "/fhir/Provenance?target=Observation/o1", b"", {}, LISTED),
    Row("count of origins", "GET", "/fhir/Provenance?_summary=count", b"", {}, LISTED),
    Row("search with origins", "GET", "/fhir/Observation?_revinclude=Provenance:target&_include=*", b"", {}, LISTED),
    Row("search by encounter", "GET", "/fhir/Observation?encounter.status=finished", b"", {}, LISTED),
    Row("search by having an origin", "GET", "/fhir/Observation?_has:Provenance:target:recorded=2026", b"", {}, LISTED),
    Row("create about what is hidden", "POST", "/fhir/Observation", PROBE, {}, MADE),
    Row("update of what names an encounter only", "PUT", "/fhir/Observation/o2", O2, {}, CHANGED),
    Row("delete of what names an encounter only", "DELETE", "/fhir/Observation/o2", b"", {}, REMOVED),
    Row("transaction about what is hidden", "POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": [
        {"resource": PROBE, "request": {"method": "POST", "url": "Observation"}}]}, {}, CARRIED),
    Row("history of a type", "GET", "/fhir/Observation/_history", b"", {}, LISTED),
    Row("history of everything", "GET", "/fhir/_history", b"", {}, EVERYBODY),
    Row("search", "GET", "/fhir/Observation?subject=Patient/p1", b"", {}, LISTED),
    Row("search by code", "GET", "/fhir/Observation?code=8310-5&_include=*", b"", {}, LISTED),
    Row("search by chain", "GET", "/fhir/Observation?subject:Patient.birthdate=1970", b"", {}, LISTED),
    Row("search by having", "GET", "/fhir/Patient?_has:Observation:subject:code=8310-5", b"", {},
        "401 401 401 403 403 200 200  200 200 200 403 200 403 200 403 200"),
    Row("count", "GET", "/fhir/Observation?_summary=count", b"", {}, LISTED),
    Row("search posted", "POST", "/fhir/Observation/_search", b"subject=Patient/p1", FORM, LISTED),
    Row("compartment", "GET", "/fhir/Patient/p1/Observation", b"", {}, LISTED),
    Row("compartment posted", "POST", "/fhir/Patient/p1/Observation/_search", b"", FORM, LISTED),
    Row("compartment of an encounter", "GET", "/fhir/Encounter/e1/Observation", b"", {}, LISTED),
    Row("search of a list", "GET", "/fhir/Observation?_list=l1", b"", {}, LISTED),
    Row("include iterated", "GET", "/fhir/Observation?_include:iterate=*&_revinclude:iterate=*", b"", {}, LISTED),
    Row("search of types", "GET", "/fhir?_type=Observation", b"", {}, LISTED),
    Row("search of everything", "GET", "/fhir?_id=o1", b"", {}, EVERYBODY),
    Row("search of types posted", "POST", "/fhir/_search", b"_type=Observation", FORM, LISTED),
    Row("create", "POST", "/fhir/Observation", OBSERVATION, {}, MADE),
    Row("create a form", "POST", "/fhir/QuestionnaireResponse", FORM_DONE, {}, FILLED),
    Row("conditional create", "POST", "/fhir/Observation", OBSERVATION, {"if-none-exist": "identifier=urn:lab|9"}, MADE),
    Row("update", "PUT", "/fhir/Observation/o1", O1, {}, CHANGED),
    Row("conditional update", "PUT", "/fhir/Observation?identifier=urn:lab|1", OBSERVATION, {}, MATCHED),
    Row("patch", "PATCH", "/fhir/Observation/o1", SAME, JSON_PATCH, PATCHED),
    Row("conditional patch", "PATCH", "/fhir/Observation?identifier=urn:lab|1", SAME, JSON_PATCH, PATCHED),
    Row("delete", "DELETE", "/fhir/Observation/o1", b"", {}, REMOVED),
    Row("conditional delete", "DELETE", "/fhir/Observation?identifier=urn:lab|1", b"", {}, REMOVED),
    Row("transaction", "POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": [
        {"resource": OBSERVATION, "request": {"method": "POST", "url": "Observation"}}]}, {}, CARRIED),
    Row("batch", "POST", "/fhir", {"resourceType": "Bundle", "type": "batch", "entry": [
        {"request": {"method": "GET", "url": "Observation/o1"}}]}, {}, EVERYBODY),
    Row("closure table", "POST", "/fhir/$closure", CLOSURE, {}, KEPT),
    Row("audit/purge", "POST", "/api/audit/purge", {"reason": "기한 경과"}, {}, ERASERS.format(200, 200)),
    Row("weights of matching", "POST", "/fhir/Patient/$match-estimate", b"", {}, KEPT),
    Row("purge planned", "POST", "/fhir/Patient/p1/$purge", purging(dry=True), {}, ERASERS.format(200, 200)),
    Row("purge", "POST", "/fhir/Patient/p2/$purge", purging(dry=False), {}, ERASERS.format(200, 410)),
    Row("purge of what a law keeps", "POST", "/fhir/Patient/p1/$purge", purging(dry=False), {}, ERASERS.format(409, 409)),
    # Who may not is told so; who may finds a house here that does nothing in the background
    Row("export", "GET", "/fhir/$export", b"", {"prefer": "respond-async"}, BULK),
    Row("export of patients", "POST", "/fhir/Patient/$export", b"", {"prefer": "respond-async"}, BULK),
    Row("export of a group", "GET", "/fhir/Group/g1/$export", b"", {"prefer": "respond-async"}, BULK),
    Row("import", "POST", "/fhir/$import", {"input": []}, {"prefer": "respond-async"}, BULK),
    Row("job", "GET", "/fhir/$job/1", b"", {}, NO_JOB),
    Row("job cancelled", "DELETE", "/fhir/$job/1", b"", {}, NO_JOB),
    Row("file of a job", "GET", "/fhir/$job/1/Patient.0.ndjson", b"", {}, NO_JOB),
    Row("FHIRPath", "POST", "/fhir/$fhirpath", {"resourceType": "Parameters", "parameter": [
        {"name": "expression", "valueString": "subject.resolve() | subject.reference.resolve()"},
        {"name": "resource", "resource": {"resourceType": "Basic", "subject": {"reference": "Observation/o1"}}}]},
        {}, EVERYBODY),
    Row("a code looked up", "GET", f"/fhir/CodeSystem/$lookup?{IN_USE}", b"", {}, LISTED),
    Row("a code looked up by POST", "POST", f"/fhir/CodeSystem/$lookup?{IN_USE}", b"", {}, LISTED),
    Row("a code of a stored system", "GET", "/fhir/CodeSystem/beds/$validate-code?code=a", b"", {}, SHARED),
    Row("a code of a stored system by POST", "POST", "/fhir/CodeSystem/beds/$validate-code?code=a", b"", {}, SHARED),
    Row("validate", "POST", "/fhir/Observation/$validate", OBSERVATION, {}, EVERYBODY),
    Row("validate what is stored", "GET", "/fhir/Observation/o1/$validate", b"", {}, FOUND),
    Row("validate a next version", "POST", "/fhir/Observation/o1/$validate", b"", {}, FOUND),
    Row("how a subscription stands", "GET", "/fhir/Subscription/s1/$status", b"", {}, STANDS),
    Row("how a subscription stands", "POST", "/fhir/Subscription/s1/$status", b"", {}, STANDS),
    Row("how subscriptions stand", "GET", "/fhir/Subscription/$status", b"", {}, LISTED),
    Row("how subscriptions stand", "POST", "/fhir/Subscription/$status", b"", {}, LISTED),
    Row("what a subscription told", "GET", "/fhir/Subscription/s1/$events", b"", {}, TOLD),
    Row("what a subscription told", "POST", "/fhir/Subscription/s1/$events", b"", {}, TOLD),
    Row("a socket's token", "GET", "/fhir/Subscription/s1/$get-ws-binding-token", b"", {}, TOLD),
    Row("a socket's token", "POST", "/fhir/Subscription/s1/$get-ws-binding-token", b"", {}, TOLD),
    Row("a socket's token for some", "GET", "/fhir/Subscription/$get-ws-binding-token?id=s1", b"", {}, TOLD),
    Row("a socket's token for some", "POST", "/fhir/Subscription/$get-ws-binding-token?id=s1", b"", {}, TOLD),
    Row("me", "GET", "/api/me", b"", {}, EVERYBODY),
    Row("logout", "POST", "/api/logout", b"", {}, ANYBODY),
    Row("break-glass", "POST", "/api/break-glass", {"patient": "p1", "reason": "심정지 응급 상황입니다"}, {}, GLASS),
    Row("launch", "POST", "/api/launch", {"client": "none", "patient": "p1"}, {}, LAUNCHES),
    Row("why", "GET", "/api/why?resource=Observation/o1", b"", {}, EVERYBODY),
    Row("why of another", "GET", "/api/why?resource=Observation/o1&user=barred", b"", {},
        "401 401 401 403 403 403 200  403 403 403 403 200 403 403 200 403"),
    Row("a room's route", "GET", "/rooms/census/ward", b"", {}, WARD),
]  # fmt: skip
ROWS += [Row(*row) for row in keeper_rows.ROWS]


def ward(request: Request, hall: Hall) -> Response:
    return answers.json({"by": hall.caller.user})


ROOM = Room("census", routes=(Route("GET", "/ward", "user/Encounter.rs", ward),), scopes=("user/Encounter.rs",))


class Gatehouse:
    """A house with patient p1, whose Consent bars one physician, patient p2, and a token for every column."""

    def __init__(self, folder: Path, engine: str, *, hidden: bool = True) -> None:
        folder.mkdir(exist_ok=True)
        self.house = House(folder, Settings(static=folder), [ROOM, *map(open_room, OPENED)], engine)
        loader = self.house.token("loader", "system")
        for patient in ("p1", "p2"):
            body = {"resourceType": "Patient", "id": patient, "birthDate": "1970-01-01"}
            assert self.house.ask("PUT", f"/fhir/Patient/{patient}", body, token=loader).status == 201
        assert self.house.ask("PUT", "/fhir/CodeSystem/beds", BEDS, token=loader).status == 201
        assert self.house.ask("PUT", "/fhir/Consent/c1", DENIAL, token=loader).status == 201
        assert self.house.ask("PUT", "/fhir/Subscription/s1", LISTENER, token=loader).status == 201
        if hidden:
            for one in (O1, VISIT, O2, ORIGIN):
                assert (
                    self.house.ask("PUT", f"/fhir/{one['resourceType']}/{one['id']}", one, token=loader).status == 201
                )
        self.tokens = {"none": "", **{role: self._role(role) for role in ROLES}}
        self.tokens["expired"] = self._ended("expired")
        self.tokens["revoked"] = self._ended("revoked")
        self.tokens["wrong"] = self.house.token("keeper", "data-manager", scopes="user/Slot.rs")
        self.tokens["other"] = self.house.token("outsider", "system", tenant="other")
        self.tokens["stranger"] = self.house.token("stranger", "patient", patient="p2")
        self.tokens["barred"] = self.house.token("barred", "physician")

    def _role(self, role: str) -> str:
        return self.house.token(f"a-{role}", role, patient="p1" if role == "patient" else "")

    def _ended(self, how: str) -> str:
        user = self.house.user(how, "system")
        secret, grant = self.house.logins.issue(user, "", lasts=1 if how == "expired" else 0)
        if how == "revoked":
            self.house.logins.revoke(grant)
        return secret

    def ask(self, row: Row, column: str) -> Answer:
        headers = {"content-type": "application/fhir+json" if "/fhir" in row.url else "application/json", **row.headers}
        return self.house.ask(row.method, row.url, row.body, headers, self.tokens[column])

    def judge(self, row: Row) -> None:
        """Every caller gets the expected answer to what writes nothing, and every denial is audited."""
        got = {}
        self.house.rows()
        for column in COLUMNS:
            head = self.house.tenants["main"].log.head()
            answer = self.ask(row, column)
            got[column] = str(answer.status)
            added = self.house.added()
            if answer.status in (401, 403):
                assert any(not one.allowed and one.reason for one in added), column
            assert self.house.tenants["main"].log.head() == head, column
        assert got == dict(zip(COLUMNS, row.expected.split(), strict=True))


class Street:
    """Gatehouses, each for one row after the other until one of them has changed something in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._built: dict[tuple[str, bool], tuple[Gatehouse, object]] = {}
        self._count = 0

    def gate(self, engine: str, *, hidden: bool = True) -> Gatehouse:
        """A gatehouse that is as it was built."""
        kind = engine, hidden
        found = self._built.get(kind)
        if found and found[1] == _written(found[0]):
            return found[0]
        if found:
            found[0].house.close()
        self._count += 1
        made = Gatehouse(self._folder / str(self._count), engine, hidden=hidden)
        self._built[kind] = made, _written(made)
        return made

    def close(self) -> None:
        for one, _ in self._built.values():
            one.house.close()


def _written(gate: Gatehouse) -> object:
    """What any write moves: each tenant's log, and how many rows of accounts were ever changed."""
    logs = [tenant.log.tip() for tenant in gate.house.tenants.values()]
    return gate.house.accounts._base.total_changes(), logs


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    built = Street(tmp_path_factory.mktemp("street"))
    yield built
    built.close()


def _names(rows: list[Row]) -> list[str]:
    return [f"{row.method} {row.name}" for row in rows]


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
@pytest.mark.parametrize("row", ROWS, ids=_names(ROWS))
def test_every_caller_gets_the_expected_answer_and_every_denial_is_audited(
    street: Street, row: Row, engine: str
) -> None:
    gate = street.gate(engine)
    got: list[str] = []
    gate.house.rows()
    for column in COLUMNS:
        head = gate.house.tenants["main"].log.head()
        answer = gate.ask(row, column)
        got.append(str(answer.status))
        added = gate.house.added()
        # Criteria that nothing matches are a search, which is audited as one
        named = row.url.startswith("/fhir") and "?" not in row.url
        if answer.status in (401, 403) or (answer.status == 404 and named):
            assert any(not one.allowed and one.reason for one in added), f"{column}: the denial left no audit row"
            assert gate.house.tenants["main"].log.head() == head, f"{column}: denied, yet something was written"
        elif row.url.startswith("/fhir"):
            written = gate.house.tenants["main"].log.head() > head
            assert added or written, f"{column}: answered without an audit row or an entry"
        if column in ("stranger", "barred"):
            assert not any(name in answer.body for name in (b'"code":"8310-5"', b'"o1"', b'"o2"', b'"v1"'))
            for name in ("Observation/o1", "Observation/o2", "Provenance/v1"):
                assert gate.house.tenants["main"].index.latest(*name.split("/"), 10**6).version == 1
    assert dict(zip(COLUMNS, got, strict=True)) == dict(zip(COLUMNS, row.expected.split(), strict=True))


def _plain(answer: Answer) -> tuple[int, str, dict[str, str]]:
    """An answer without what differs between any two requests: times, request ids, positions and fresh ids."""
    text = re.sub(
        r"\d{4}-\d\d-\d\dT[\d:.]+Z|id-\d+|\"cursor\":\"\d*\"|\"until\":\d+|_cursor=[\w-]+", "~", answer.body.decode()
    )
    dropped = {"x-request-id", "x-onmaru-position", "last-modified", "location"}
    return answer.status, text, {name: value for name, value in answer.headers.items() if name not in dropped}


@pytest.mark.parametrize("row", [row for row in ROWS if "/fhir" in row.url], ids=lambda row: f"{row.method} {row.name}")
def test_what_is_hidden_answers_as_if_it_were_not_there(street: Street, row: Row) -> None:
    present, absent = street.gate("sqlite"), street.gate("sqlite", hidden=False)
    for column in ("stranger", "barred"):
        assert _plain(present.ask(row, column)) == _plain(absent.ask(row, column)), column


def test_no_route_of_the_api_is_left_out_of_the_table() -> None:
    listed = {(row.method, row.name) for row in ROWS}
    assert {(method, path) for method, path, _, _ in ROUTES} <= listed


def test_no_interaction_is_left_out_of_the_table(tmp_path: Path) -> None:
    from tests.operation_rows import ROWS as OPERATIONS

    from onmaru.web.fhir.routes import shape_of

    house = House(tmp_path)
    asked = {
        (row.method, shape_of(row.url.removeprefix("/fhir").lstrip("/").partition("?")[0])[0])
        for row in [*ROWS, *OPERATIONS]
        if row.url.startswith("/fhir")
    }
    routes = house.application._fhir.routes
    assert {(method, shape) for shape, methods in routes.items() for method in methods} <= asked
    house.close()
