"""The JSON API, the event stream and the pages."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.web_house import Answer, House

from onmaru.kernel import password, scope
from onmaru.kernel.login import MINUTE
from onmaru.kernel.room import Hall, Request, Response, Room, Route
from onmaru.web import answers
from onmaru.web.doors import Settings


def census(request: Request, hall: Hall) -> Response:
    return answers.json({"ward": request.params["ward"], "path": request.path, "by": hall.caller.user})


def drawing(request: Request, hall: Hall) -> Response:
    return Response(200, lambda: str(threading.get_ident()).encode(), "text/plain")


def reach(request: Request, hall: Hall) -> Response:
    return answers.json({"scopes": scope.text(hall.caller.scopes)})


def paper(request: Request, hall: Hall) -> Response:
    return Response(200, (part for part in (b"%PDF-", b"1.7")), "application/pdf")


DENIAL = {
    "resourceType": "Consent",
    "id": "c",
    "status": "active",
    "scope": {"coding": [{"code": "patient-privacy"}]},
    "category": [{"text": "개인정보"}],
    "patient": {"reference": "Patient/p1"},
    "policyRule": {"text": "거부"},
    "provision": {"type": "deny"},
}
KEPT = password.hash_of("correct horse")
ROOM = Room(
    "census",
    routes=(
        Route("GET", "/wards/{ward}", "user/Encounter.rs", census),
        Route("GET", "/wards/print", "user/Encounter.rs", paper),
        Route("POST", "/wards/{ward}", "user/Encounter.u", census),
        Route("GET", "/drawing", "user/Encounter.r", drawing),
        Route("GET", "/reach", "user/Encounter.r", reach),
    ),
    scopes=("user/Encounter.rus",),
)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    static = tmp_path / "static" / "assets"
    static.mkdir(parents=True)
    (static.parent / "index.html").write_text("<!doctype html><title>온마루</title>")
    (static / "app-a1b2.js").write_text("export {}")
    made = House(tmp_path, Settings(static=static.parent, heartbeat=0.02), [ROOM])
    for user, role in (("doctor", "physician"), ("boss", "admin"), ("clerk", "registrar")):
        made.logins.keep_password(made.user(user, role), KEPT)
    yield made
    made.close()


class Browser:
    """Keeps the cookie and the CSRF token as the interface does."""

    def __init__(self, house: House, user: str) -> None:
        self.house = house
        answer = house.ask("POST", "/api/login", {"user": user, "password": "correct horse"})
        assert answer.status == 200, answer.body
        self.me = answer.json
        self.set_cookie, self.set_mark = answer.cookies
        self.cookie = self.set_cookie.partition(";")[0]
        self.mark = self.set_mark.partition(";")[0]

    def __call__(self, method: str, url: str, body: Any = b"", *, csrf: bool = True) -> Answer:
        headers = {"cookie": f"other=1; {self.cookie}"}
        if csrf and method != "GET":
            headers["x-csrf-token"] = self.me["csrf"]
        return self.house.ask(method, url, body, headers)


def test_a_log_in_gives_a_cookie_that_scripts_and_other_sites_cannot_use(house: House) -> None:
    browser = Browser(house, "doctor")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in browser.set_cookie.split(";")}
    assert {k: v for k, v in browser.me.items() if k != "csrf"} == {
        "user": "doctor", "name": "doctor", "roles": ["physician"], "tenant": "main", "language": "ko",
    }  # fmt: skip
    assert browser("GET", "/api/me").json == browser.me
    assert browser("GET", "/fhir/Patient").status == 200
    assert "correct horse" not in str(house.rows()) and browser.cookie.partition("=")[2] not in str(house.rows())


def test_a_patient_is_told_which_record_is_theirs(house: House) -> None:
    house.logins.keep_password(house.user("person", "patient", patient="p7"), KEPT)
    assert Browser(house, "person").me["patient"] == "p7"


def test_a_write_with_a_cookie_needs_the_csrf_token(house: House) -> None:
    browser = Browser(house, "doctor")
    assert browser("POST", "/fhir/Observation", {"resourceType": "Observation"}, csrf=False).status == 403
    assert house.rows()[-1].reason == "csrf"
    assert browser("POST", "/api/logout", csrf=False).status == 403
    assert browser("POST", "/api/logout").status == 204
    assert browser("GET", "/api/me").status == 401


def test_wrong_passwords_are_refused_alike_and_then_slowed_down(house: House) -> None:
    wrong = [house.ask("POST", "/api/login", {"user": u, "password": "no"}) for u in ("doctor", "nobody")]
    assert [a.status for a in wrong] == [401, 401] and wrong[0].json == wrong[1].json
    for _ in range(4):
        house.ask("POST", "/api/login", {"user": "doctor", "password": "no"})
    blocked = house.ask("POST", "/api/login", {"user": "doctor", "password": "correct horse"})
    assert blocked.status == 429 and int(blocked.headers["retry-after"]) > 0
    assert [row.reason for row in house.rows()][-1] == "rate-limit"
    house.clock.now += 16 * MINUTE
    assert house.ask("POST", "/api/login", {"user": "doctor", "password": "correct horse"}).status == 200
    assert house.rows()[-1].action == "login" and house.rows()[-1].allowed


def test_wrong_passwords_of_others_never_lock_a_known_device(house: House) -> None:
    browser = Browser(house, "doctor")
    assert {"HttpOnly", "SameSite=Strict", "Path=/api/login"} <= {p.strip() for p in browser.set_mark.split(";")}
    wrong, right = {"user": "doctor", "password": "no"}, {"user": "doctor", "password": "correct horse"}
    tries = [house.ask("POST", "/api/login", wrong, peer=f"10.0.{n}.1").status for n in range(24) for _ in range(2)]
    assert tries.count(401) == 21 and tries.count(429) == 27
    assert house.ask("POST", "/api/login", right, peer="10.9.9.9").status == 429
    assert house.ask("POST", "/api/login", right, {"cookie": browser.mark}, peer="10.0.0.1").status == 200
    assert house.ask("POST", "/api/login", {**right, "user": "boss"}, {"cookie": browser.mark}).status == 200
    stolen = browser.mark.partition("=")[2]
    slot = house.logins.devices.slot("main", "boss")
    for _ in range(5):
        house.ask("POST", "/api/login", {"user": "boss", "password": "no"}, peer="10.7.7.7")
    forged = {"cookie": f"onmaru-{slot}={stolen}"}
    assert house.ask("POST", "/api/login", {**right, "user": "boss"}, forged, peer="10.7.7.7").status == 429
    own = {"password": "another horse", "current": "correct horse"}
    assert browser("POST", "/api/users/doctor/password", own).status == 204


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"user":1,"password":"x"}', b'{"user":"x"}', b'{"user":"x","password":"y","z":1}']
)
def test_a_log_in_that_is_no_log_in_is_refused_without_repeating_it(house: House, body: bytes) -> None:
    answer = house.ask("POST", "/api/login", body, {"content-type": "application/json"})
    assert answer.status == 400 and set(answer.json["error"]) == {"code", "text"}
    assert house.ask("POST", "/api/login", body, {"content-type": "text/plain"}).status == 415
    assert house.ask("GET", "/api/login").status == 405


def test_a_broken_glass_opens_one_patient_and_is_audited_with_its_reason(house: House) -> None:
    token = house.token("loader", "system")
    house.ask("PUT", "/fhir/Patient/p1", {"resourceType": "Patient", "id": "p1"}, token=token)
    assert house.ask("PUT", "/fhir/Consent/c", DENIAL, token=token).status == 201
    browser = Browser(house, "doctor")
    assert browser("GET", "/fhir/Patient/p1").status == 404
    glass = {"patient": "p1", "reason": "unconscious in the emergency room"}
    assert browser("POST", "/api/break-glass", {**glass, "reason": "why not"}).status == 422
    assert browser("POST", "/api/break-glass", {**glass, "patient": "p 1"}).status == 400
    assert Browser(house, "clerk")("POST", "/api/break-glass", glass).status == 403
    assert browser("POST", "/api/break-glass", glass).status == 200
    row = house.rows()[-1]
    assert (row.purpose, row.patients, row.reason) == ("BTG", ("p1",), glass["reason"])
    assert browser("GET", "/fhir/Patient/p1").status == 200
    assert house.rows()[-1].purpose == "BTG"


def test_an_admin_keeps_the_users(house: House) -> None:
    boss = Browser(house, "boss")
    new = {"user": "kim", "name": "김의사", "roles": ["physician"], "password": "correct horse"}
    assert boss("POST", "/api/users", new).status == 201
    assert boss("POST", "/api/users", new).status == 409
    assert boss("POST", "/api/users", {**new, "user": "x y"}).status == 422
    assert boss("POST", "/api/users", {**new, "user": "lee", "roles": ["wizard"]}).status == 400
    assert boss("POST", "/api/users", {**new, "user": "lee", "roles": ["patient"]}).status == 422
    assert boss("POST", "/api/users", {**new, "user": "lee", "password": "short"}).status == 422
    listed = boss("GET", "/api/users").json["users"]
    assert [u["user"] for u in listed] == ["boss", "clerk", "doctor", "kim"]
    assert "password" not in str(listed) and "argon2" not in str(listed)
    kim = Browser(house, "kim")
    assert kim("GET", "/api/users").status == 403 and house.rows()[-1].reason == "role"
    assert boss("PATCH", "/api/users/kim", {"disabled": True}).json["disabled"] is True
    assert kim("GET", "/api/me").status == 401
    assert boss("PATCH", "/api/users/nobody", {"disabled": True}).status == 404
    assert boss("PATCH", "/api/users/boss", {"roles": ["nurse"]}).status == 409


def test_a_user_changes_their_own_password_with_the_current_one(house: House) -> None:
    doctor = Browser(house, "doctor")
    url = "/api/users/doctor/password"
    assert doctor("POST", url, {"password": "new horse 1"}).status == 403
    assert doctor("POST", "/api/users/clerk/password", {"password": "new horse 1"}).status == 403
    assert doctor("POST", url, {"password": "new horse 1", "current": "correct horse"}).status == 204
    assert doctor("GET", "/api/me").status == 401
    assert Browser(house, "boss")("POST", "/api/users/clerk/password", {"password": "new horse 1"}).status == 204


def test_the_audit_trail_is_read_in_pages_by_those_who_may(house: House) -> None:
    token = house.token("loader", "system")
    for number in range(60):
        house.ask("GET", f"/fhir/Patient/{number}", token=token)
    assert Browser(house, "doctor")("GET", "/api/audit").status == 403
    boss = Browser(house, "boss")
    first = boss("GET", "/api/audit?user=loader").json
    assert len(first["items"]) == 50 and first["items"][0]["path"] == "Patient/59"
    second = boss("GET", f"/api/audit?user=loader&cursor={first['cursor']}").json
    assert [row["path"] for row in second["items"]][-1] == "Patient/0" and second["cursor"] == ""
    assert set(first["items"][0]) == {
        "at", "user", "roles", "purpose", "action", "path", "patients", "outcome", "reason", "address",
    }  # fmt: skip
    assert boss("GET", "/api/audit?to=2000-01-01").json["items"] == []
    assert boss("GET", "/api/audit?from=2000-01-01&user=boss").json["items"][0]["path"] == "audit"
    for wrong in ("from=yesterday", "cursor=x", "to=2020-01-01T00:00:00", "colour=1"):
        assert boss("GET", f"/api/audit?{wrong}").status == 400


def test_a_room_route_checks_its_scope_first_and_audits_the_denial(house: House) -> None:
    clerk = house.token("clerk2", "registrar")
    assert house.ask("GET", "/rooms/census/wards/3", token=clerk).json == {
        "ward": "3", "path": "/wards/3", "by": "clerk2",
    }  # fmt: skip
    printed = house.ask("GET", "/rooms/census/wards/print", token=clerk)
    assert (printed.body, printed.headers["content-type"]) == (b"%PDF-1.7", "application/pdf")
    researcher = house.token("researcher", "researcher")
    assert house.ask("GET", "/rooms/census/wards/3", token=researcher).status == 403
    assert house.rows()[-1].reason == "scope" and house.rows()[-1].target == "GET /rooms/census/wards/3"
    assert house.ask("DELETE", "/rooms/census/wards/3", token=clerk).headers["allow"] == "GET, POST"
    assert house.ask("GET", "/rooms/census/nothing", token=clerk).status == 404
    assert house.ask("GET", "/rooms/nothing", token=clerk).status == 404


def test_a_logged_out_token_opens_nothing_and_doors_answer_for_their_roles(house: House) -> None:
    token = house.token("keeper", "data-manager")
    assert house.ask("GET", "/api/doors", token=token).json == {"doors": []}
    assert house.ask("GET", "/api/dead-letters?state=open", token=token).json == {"items": [], "total": 0}
    assert house.ask("GET", "/api/dead-letters/1", token=token).status == 404
    assert house.ask("PUT", "/api/dead-letters/1", {"text": "x"}, token=token).status == 404
    assert house.ask("POST", "/api/dead-letters/1/replay", token=token).status == 404
    assert house.ask("POST", "/api/logout", token=token).status == 204
    assert house.ask("GET", "/api/doors", token=token).status == 401


def test_pages_carry_strict_headers_and_unknown_paths_are_the_page(house: House) -> None:
    page = house.ask("GET", "/patients/p1")
    assert page.status == 200 and "온마루" in page.body.decode()
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "script-src" not in policy
    assert page.headers["cache-control"] == "no-cache" and page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cross-origin-opener-policy"] == "same-origin"
    script = house.ask("GET", "/assets/app-a1b2.js")
    assert "immutable" in script.headers["cache-control"] and script.headers["content-type"].startswith(
        "text/javascript"
    )
    for path in ("/assets/none.js", "/../accounts.db", "/%2e%2e/accounts.db", "/assets/../../accounts.db"):
        assert house.ask("GET", path).status == 404, path
    assert house.ask("POST", "/").status == 405


def test_events_tell_what_changed_beat_while_nothing_does_and_end_with_the_grant(house: House) -> None:
    token = house.token("loader", "system")
    grant = house.accounts.grants("main", "loader")[0]

    async def run() -> Answer:
        stream = asyncio.create_task(house.call("GET", "/api/events", token=token))
        await asyncio.sleep(0.06)
        await house.call("POST", "/fhir/Patient", {"resourceType": "Patient"}, token=token)
        await asyncio.sleep(0.06)
        house.logins.revoke(grant)
        return await asyncio.wait_for(stream, 2)

    answer = asyncio.run(run())
    assert answer.headers["content-type"] == "text/event-stream"
    text = answer.body.decode()
    assert ": still here" in text and 'id: 1\nevent: change\ndata: {"t":1,"patients":[],"types":["Patient"]}' in text


def test_a_user_has_only_so_many_event_streams(house: House) -> None:
    token = house.token("loader", "system")
    house.application = house._build(msgspec.structs.replace(house.settings, streams=1))

    async def run() -> int:
        stream = asyncio.create_task(house.call("GET", "/api/events", token=token))
        await asyncio.sleep(0.05)
        second = await house.call("GET", "/api/events", token=token)
        stream.cancel()
        return second.status

    assert asyncio.run(run()) == 429
    assert house.ask("GET", "/api/events", headers={"last-event-id": "x"}, token=token).status == 400
    assert house.ask("POST", "/api/events", token=token).status == 405


def test_many_tries_sent_at_once_are_slowed_down_too(house: House) -> None:
    async def burst() -> list[int]:
        tries = [house.call("POST", "/api/login", {"user": "doctor", "password": f"no {n}"}) for n in range(12)]
        return sorted(answer.status for answer in await asyncio.gather(*tries))

    assert asyncio.run(burst()).count(401) <= 6


def test_a_password_typed_into_the_field_for_the_user_is_not_kept(house: House) -> None:
    house.ask("POST", "/api/login", {"user": "correct horse", "password": ""})
    assert "correct horse" not in str(house.rows()) and house.rows()[-1].reason == "password"


def test_a_room_reaches_no_further_than_it_declares(house: House) -> None:
    doctor = house.token("doctor2", "physician")
    reached = house.ask("GET", "/rooms/census/reach", token=doctor).json["scopes"]
    assert reached == "user/Encounter.rus"
    patient = house.token("kim", "patient", patient="p1")
    assert house.ask("GET", "/rooms/census/reach", token=patient).json["scopes"] == "patient/Encounter.rs"


def test_long_computing_runs_beside_the_loop(house: House) -> None:
    token = house.token("doctor2", "physician")
    assert int(house.ask("GET", "/rooms/census/drawing", token=token).body) != threading.get_ident()
