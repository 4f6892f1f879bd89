"""What strangers and insiders tried at the web's door, each refused, bounded and on file."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from tests.contract.conftest import SYSTEM, sqlite
from tests.served import SRC
from tests.web_house import Answer, House

from onmaru.app.running import Motion
from onmaru.kernel import errand, password
from onmaru.kernel.caller import Caller
from onmaru.kernel.chart import Chart
from onmaru.kernel.consent import Consents
from onmaru.kernel.gate import Compartments, Gate
from onmaru.kernel.login import MINUTE
from onmaru.kernel.provision import Provision, Rule
from onmaru.kernel.record import Change
from onmaru.web import denials
from onmaru.web.body import take
from onmaru.web.doors import Settings

KEPT = password.hash_of("correct horse")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, Settings(static=tmp_path, heartbeat=0.02, seconds=0.05))
    yield made
    made.close()


def test_a_flood_of_requests_for_consent_and_tokens_shares_audit_rows(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(denials, "SECOND", 0.2)
    form = {"content-type": "application/x-www-form-urlencoded"}

    async def flood() -> list[Answer]:
        asked = [
            house.call("GET", "/oauth/authorize?client_id=x&redirect_uri=https://evil.example/") for _ in range(50)
        ]
        asked += [house.call("POST", "/oauth/token", b"grant_type=x&client_id=x", form) for _ in range(50)]
        return await asyncio.gather(*asked)

    assert {answer.status for answer in asyncio.run(flood())} == {400, 401}
    assert len(house.rows()) <= 2 * (denials.ALONE + 1)
    assert house.accounts.grants("main", "") == []


@pytest.mark.parametrize("tenant", ["nowhere", "A_B", "..", "main%2f"])
def test_a_log_in_at_a_tenant_that_nobody_has_is_refused_and_noted_in_the_default_trail(
    house: House, tenant: str
) -> None:
    answer = house.ask("POST", f"/t/{tenant}/api/login", {"user": "doctor", "password": "correct horse"})
    assert answer.status == 401
    assert [(row.action, row.reason) for row in house.rows()] == [("login", "password")]
    assert set(house.tenants) == {"main", "other"}


@pytest.mark.parametrize("url", ["/fhir/Patient", "/api/users", "/rooms/census/wards", "/t/nowhere/fhir"])
def test_no_body_is_taken_in_from_who_is_not_known(house: House, url: str) -> None:
    assert house.ask("POST", url, b"", {"content-length": str(2**30)}).status == 401
    assert house.ask("POST", url, b"\x1f\x8b never opened", {"content-encoding": "gzip"}).status == 401
    assert house.rows()[-1].reason == "unauthenticated"


def test_a_log_in_is_a_short_body(house: House) -> None:
    assert house.ask("POST", "/api/login", {"user": "a", "password": "b" * 20_000}).status == 413


def test_a_short_body_that_never_comes_is_given_up() -> None:
    async def silent() -> bytes:
        await asyncio.sleep(60)
        return b""

    async def attack() -> None:
        await take(silent, {"content-length": "10"}, 100, 0.05)  # type: ignore[arg-type]

    with pytest.raises(Exception, match="did not come in time"):
        asyncio.run(attack())


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/audit", None),
        ("GET", "/api/users", None),
        ("POST", "/api/users", {"user": "spy", "name": "spy", "roles": ["data-manager"]}),
        ("POST", "/api/users/other/password", {"password": "new horse 1"}),
        ("PATCH", "/api/users/other", {"roles": ["system"]}),
        ("GET", "/api/dead-letters", None),
        ("POST", "/api/break-glass", {"patient": "p1", "reason": "심정지 응급 상황입니다"}),
    ],
)
def test_a_token_limited_to_some_scopes_opens_no_page(house: House, method: str, path: str, body: Any) -> None:
    roles = ("admin", "data-manager", "physician")
    house.user("other", "nurse")
    limited = house.token("limited", *roles, scopes="user/Organization.rs")
    assert house.ask(method, path, body or b"", token=limited).status == 403
    assert house.rows()[-1].reason in ("scope", "role")
    whole = house.token("whole", *roles)
    assert house.ask(method, path, body or b"", token=whole).status < 300


def test_a_flood_of_strangers_is_counted_to_the_last_one_in_few_rows(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(denials, "SECOND", 0.2)

    async def flood() -> list[Answer]:
        return await asyncio.gather(*(house.call("GET", "/fhir/Patient", token="wrong") for _ in range(100)))

    assert {answer.status for answer in asyncio.run(flood())} == {401}
    reasons = [row.reason for row in house.rows()]
    assert reasons == ["unauthenticated"] * denials.ALONE + [f"unauthenticated x{100 - denials.ALONE}"]
    assert asyncio.run(house.call("GET", "/fhir/Patient")).status == 401
    assert house.rows()[-1].reason == "unauthenticated"


def test_the_shared_row_is_there_before_any_of_its_answers_and_when_the_first_has_left(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(denials, "SECOND", 5.0)

    async def flood() -> list[str]:
        for _ in range(denials.ALONE):
            await house.call("GET", "/fhir/Patient")
        first = asyncio.create_task(house.call("GET", "/fhir/Patient"))
        rest = [asyncio.create_task(house.call("GET", "/fhir/Patient")) for _ in range(3)]
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in (first, *rest))
        first.cancel()
        await asyncio.gather(*rest)
        return [row.reason for row in house.rows()]

    assert asyncio.run(flood())[-1] == "unauthenticated x4"


def test_a_user_disabled_while_their_new_password_is_hashed_stays_disabled(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor = house.user("doctor", "physician")
    house.logins.keep_password(doctor, KEPT)
    token = house.token("doctor", "physician")
    house.logins.keep_password(doctor, KEPT)

    def slow(given: str) -> str:
        house.accounts.save_user(msgspec.structs.replace(doctor, password=KEPT, disabled=True))
        return KEPT

    monkeypatch.setattr(password, "hash_of", slow)
    body = {"password": "new horse 1", "current": "correct horse"}
    assert house.ask("POST", "/api/users/doctor/password", body, token=token).status == 204
    found = house.accounts.user("main", "doctor")
    assert found is not None and found.disabled


async def _listen(house: House, headers: dict[str, str]) -> tuple[asyncio.Task[Answer], Answer]:
    """An open event stream and its answer so far."""
    from tests.web_house import _Protocol, _Scope

    protocol = _Protocol(b"")
    task = asyncio.create_task(house.application.__rsgi__(_Scope("GET", "/api/events", headers), protocol))  # type: ignore[arg-type]
    await asyncio.sleep(0.05)
    return task, protocol.answer  # type: ignore[return-value]


def test_an_event_stream_ends_with_the_broken_glass_that_it_was_opened_under(house: House) -> None:
    token = house.token("doctor", "physician")
    standing = house.logins.standing(token)
    assert standing is not None
    house.logins.break_glass(standing, "p1", "unconscious in the emergency room")

    async def wait() -> None:
        task, answer = await _listen(house, {"authorization": f"Bearer {token}"})
        assert answer.status == 200 and not task.done()
        house.clock.now += 61 * MINUTE
        assert house.logins.standing(token) is not None
        await asyncio.wait_for(task, 2)

    asyncio.run(wait())


def test_an_open_event_stream_does_not_keep_an_idle_session_alive(house: House) -> None:
    house.user("doctor", "physician")
    secret, _ = house.logins.open_session("main", "doctor")

    async def wait() -> None:
        task, _ = await _listen(house, {"cookie": f"onmaru={secret}"})
        for _ in range(7):
            house.clock.now += 5 * MINUTE
            await asyncio.sleep(0.05)
        await asyncio.wait_for(task, 2)

    asyncio.run(wait())
    assert house.logins.standing(secret) is None
    assert any(row.target == "events" and row.allowed for row in house.rows())


def test_a_revoked_token_gets_no_more_news(house: House) -> None:
    writer = house.token("loader", "system")
    token = house.token("doctor", "physician")
    standing = house.logins.standing(token)
    assert standing is not None

    async def wait() -> bytes:
        task, answer = await _listen(house, {"authorization": f"Bearer {token}"})
        house.logins.revoke(standing.grant)
        body = json.dumps({"resourceType": "Patient"}).encode()
        await house.call("POST", "/fhir/Patient", body, token=writer)
        await asyncio.wait_for(task, 2)
        return answer.body

    assert b"change" not in asyncio.run(wait())


def test_news_of_a_long_past_that_one_may_not_see_lets_others_be_answered() -> None:
    caller = Caller("main", "r", frozenset({"researcher"}), "HRESCH", ())
    past = [SimpleNamespace(t=t, type="Patient") for t in range(1, 5001)]
    reads: list[int] = []

    def touched(after: int, t: int) -> list[SimpleNamespace]:
        reads.append(after)
        return past[after:t]

    async def listen() -> None:
        index = SimpleNamespace(touched=touched, compartments=lambda version: Compartments(("p",)))
        home = SimpleNamespace(index=index)
        seat = SimpleNamespace(home=home, tenant=SimpleNamespace(gate=Gate("main", Consents(), lambda: 0)))
        motion = SimpleNamespace(seat=seat, followed=len(past), moved=asyncio.Condition())
        coming = asyncio.ensure_future(anext(Motion.changes(motion, caller, 1)))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        coming.cancel()

    asyncio.run(listen())
    assert len(reads) == 1


def test_news_tells_nobody_of_what_is_a_hidden_patients_by_what_it_refers_to(tmp_path: Path) -> None:
    tenant, home = sqlite(tmp_path / "main")
    chart = Chart(tenant, SYSTEM)
    tenant.gate.consents.take("c", Rule("p1", Provision(True, frozenset({"barred"}), frozenset(), 0, 2**62)))
    barred = msgspec.structs.replace(SYSTEM, user="barred", roles=frozenset({"physician"}))
    seat = SimpleNamespace(home=home, tenant=tenant)
    told: dict[str, list[tuple[list[str], list[str]]]] = {}

    async def listen(caller: Caller) -> None:
        motion = SimpleNamespace(seat=seat, followed=home.head(), moved=asyncio.Condition())
        news = await asyncio.wait_for(anext(Motion.changes(motion, caller, 1)), 2)  # type: ignore[arg-type]
        told[caller.user] = [(list(news.patients), list(news.types))]

    for patient, one in (("p1", "a"), ("p2", "b")):
        visit = {"resourceType": "Encounter", "id": one, "status": "finished", "class": {"code": "IMP"}}
        task = {"resourceType": "Task", "id": one, "status": "requested", "intent": "order"}
        aimed = {**task, "focus": {"reference": f"Encounter/{one}"}}
        for body in (aimed, {**visit, "subject": {"reference": f"Patient/{patient}"}}):
            chart.write([Change("update", body["resourceType"], one, json.dumps(body).encode())])
        if patient == "p1":
            chart.write([Change("delete", "Task", one)])
    tenant.log.wait(tenant.log.tip())
    try:
        for caller in (barred, SYSTEM):
            asyncio.run(listen(caller))
    finally:
        home.close()
    assert told == {
        "barred": [(["p2"], ["Encounter", "Task"])],
        "tester": [(["p1", "p2"], ["Encounter", "Task"])],
    }


def test_who_is_denied_a_patient_cannot_find_out_by_writing_which_of_their_numbers_exist(house: House) -> None:
    loader, headers = house.token("loader", "system"), {"content-type": "application/fhir+json"}
    visit = {"resourceType": "Encounter", "id": "e1", "status": "finished", "class": {"code": "IMP"}}
    denial = {
        "resourceType": "Consent",
        "id": "c1",
        "status": "active",
        "scope": {"coding": [{"code": "patient-privacy"}]},
        "category": [{"text": "개인정보"}],
        "policyRule": {"text": "거부"},
        "patient": {"reference": "Patient/p1"},
        "provision": {
            "type": "deny",
            "actor": [{"role": {"text": "x"}, "reference": {"reference": "Practitioner/bar"}}],
        },
    }
    for body in ({**visit, "subject": {"reference": "Patient/p1"}}, denial):
        assert house.ask("PUT", f"/fhir/{body['resourceType']}/{body['id']}", body, headers, loader).status == 201
    bar = house.token("bar", "physician", "data-manager")
    head = house.tenants["main"].log.head()

    def answers(name: str) -> list[Any]:
        origin = {
            "resourceType": "Provenance",
            "target": [{"reference": name}],
            "recorded": "2026-01-01T00:00:00Z",
            "agent": [{"who": {"display": "x"}}],
        }
        form = {"resourceType": "QuestionnaireResponse", "status": "completed", "encounter": {"reference": name}}
        entries = [
            {"resource": one, "request": {"method": "POST", "url": one["resourceType"]}} for one in (origin, form)
        ]
        told: list[Any] = []
        for url, body in (
            ("/fhir/Provenance", origin),
            ("/fhir/QuestionnaireResponse", form),
            ("/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": entries}),
            ("/fhir", {"resourceType": "Bundle", "type": "batch", "entry": entries}),
        ):
            answer = house.ask("POST", url, body, headers, bar)
            told.append((answer.status, answer.body))
        told.append(house.ask("GET", f"/fhir/Provenance?target={name}&_include=*", b"", token=bar).json["total"])
        return told

    hidden, absent = answers("Encounter/e1"), answers("Encounter/e2")
    assert hidden == absent
    assert [status for status, _ in hidden[:-1]] == [403, 403, 422, 200] and hidden[-1] == 0
    assert house.tenants["main"].log.head() == head
    assert [row.reason for row in house.rows() if row.user == "bar" and not row.allowed] == ["forbidden"] * 10


@pytest.mark.parametrize("bundled", [False, True])
def test_a_resource_with_more_to_search_by_than_the_index_can_take_at_once_is_refused(
    house: House, monkeypatch: pytest.MonkeyPatch, bundled: bool
) -> None:
    monkeypatch.setattr(errand, "MOST_KEYS", 100)
    writer = house.token("loader", "system")
    many: dict[str, Any] = {"resourceType": "Patient", "name": [{"family": f"n{n}"} for n in range(101)]}
    few = {**many, "name": many["name"][:10]}
    for resource, status in ((many, 422), (few, 201)):
        body, url = resource, "/fhir/Patient"
        if bundled:
            entry = {"resource": resource, "request": {"method": "POST", "url": "Patient"}}
            body, url = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}, "/fhir"
        answer = house.ask("POST", url, body, {"content-type": "application/fhir+json"}, writer)
        assert answer.status == (200 if bundled and status == 201 else status), answer.body


def test_what_a_command_makes_is_its_users_alone(tmp_path: Path) -> None:
    environ = {
        **os.environ,
        "PYTHONPATH": str(SRC),
        "ONMARU_HOME": str(tmp_path / "home"),
        "ONMARU_KEYS": str(tmp_path / "keys"),
        "ONMARU_WITNESS": str(tmp_path / "witness"),
    }
    argv = [
        sys.executable,
        "-c",
        "import os; os.umask(0); from onmaru.app.cli import main; main()",
        "user",
        "add",
        "kim",
    ]
    done = subprocess.run([*argv, "--role", "nurse"], env=environ, input="correct horse\n", text=True, check=True)
    assert done.returncode == 0
    made = [path for folder in ("home", "keys") for path in (tmp_path / folder, *(tmp_path / folder).rglob("*"))]
    assert len(made) > 4
    assert [path.name for path in made if path.stat().st_mode & 0o077] == []
