"""The second step of a log-in: enrolled, asked for, right once, counted, recovered, ended."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from tests.smart import PASSWORD, App, hospital
from tests.web_house import Answer, House

from onmaru.kernel import password
from onmaru.kernel.second import STEP
from onmaru.web.doors import Settings

KEPT = password.hash_of("correct horse")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, Settings(static=tmp_path))
    made.logins.keep_user(msgspec.structs.replace(made.user("doctor", "physician"), password=KEPT))
    yield made
    made.close()


def log_in(house: House, code: str = "", secret: str = "correct horse") -> Answer:
    given = {"user": "doctor", "password": secret, **({"code": code} if code else {})}
    return house.ask("POST", "/api/login", given)


def code_of(secret: str, at: int) -> str:
    return HOTP(base64.b32decode(secret), 6, SHA1()).generate(at // STEP).decode()


def enrolled(house: House) -> tuple[str, list[str], dict[str, str]]:
    """The secret, the recovery codes, and headers of a session."""
    session = log_in(house)
    headers = {"cookie": session.cookies[0].split(";")[0], "x-csrf-token": session.json["csrf"]}
    begun = house.ask("POST", "/api/second-factor", {"current": "correct horse"}, headers).json
    assert begun["uri"].startswith("otpauth://totp/Onmaru")
    wrong = house.ask("POST", "/api/second-factor/confirm", {"code": "000000"}, headers)
    assert wrong.status == 422 and log_in(house).status == 200
    said = {"code": code_of(begun["secret"], house.clock.now)}
    made = house.ask("POST", "/api/second-factor/confirm", said, headers)
    assert made.status == 200
    house.clock.now += STEP
    return begun["secret"], made.json["recovery"], headers


def test_the_code_is_the_one_of_rfc_6238() -> None:
    secret = base64.b32encode(b"12345678901234567890").decode()
    # RFC 6238, appendix B, SHA-1: the last six of its eight digits
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
        assert code_of(secret, seconds * 1_000_000) == code


def test_once_confirmed_a_log_in_needs_password_and_code(house: House) -> None:
    secret, _, _ = enrolled(house)
    asked = log_in(house)
    assert asked.status == 401 and asked.json["error"]["code"] == "second-factor" and not asked.cookies
    assert log_in(house, "123456").status == 401
    assert log_in(house, code_of(secret, house.clock.now), "wrong horse").status == 401
    assert log_in(house, code_of(secret, house.clock.now)).status == 200


def test_a_code_is_right_once_and_only_near_its_time(house: House) -> None:
    secret, _, _ = enrolled(house)
    code = code_of(secret, house.clock.now)
    assert log_in(house, code).status == 200
    assert log_in(house, code).status == 401
    house.clock.now += 5 * STEP
    assert log_in(house, code_of(secret, house.clock.now - 3 * STEP)).status == 401
    assert log_in(house, code_of(secret, house.clock.now - STEP)).status == 200
    assert log_in(house, code_of(secret, house.clock.now - 2 * STEP)).status == 401


def test_a_recovery_code_is_right_once(house: House) -> None:
    _, recovery, headers = enrolled(house)
    assert len(set(recovery)) == 10
    assert log_in(house, recovery[0]).status == 200 and log_in(house, recovery[0]).status == 401
    assert house.ask("GET", "/api/second-factor", b"", headers).json == {"on": True, "recovery": 9}


def test_wrong_codes_are_counted_and_a_right_password_does_not_clear_them(house: House) -> None:
    secret, _, _ = enrolled(house)
    for _ in range(5):
        assert log_in(house, "123456").status == 401
        assert log_in(house).status in (401, 429)
    refused = log_in(house, code_of(secret, house.clock.now))
    assert refused.status == 429 and int(refused.headers["retry-after"]) > 0
    assert {row.reason for row in house.rows() if row.action == "login"} >= {"second-factor", "rate-limit"}


def test_it_ends_with_password_and_code_or_by_an_admin(house: House) -> None:
    secret, recovery, headers = enrolled(house)
    wrong: tuple[dict[str, Any], ...] = (
        {"current": "wrong horse", "code": recovery[0]},
        {"current": "correct horse", "code": "123456"},
    )
    for given in wrong:
        assert house.ask("DELETE", "/api/second-factor", given, headers).status == 403
    right = {"current": "correct horse", "code": code_of(secret, house.clock.now)}
    assert house.ask("DELETE", "/api/second-factor", right, headers).status == 204
    assert log_in(house).status == 200
    enrolled(house)
    admin = house.token("chief", "admin")
    assert house.ask("DELETE", "/api/users/doctor/second-factor", b"", token=admin).status == 204
    assert log_in(house).status == 200


def test_a_limited_token_and_a_wrong_password_enrol_nothing(house: House) -> None:
    doctor = house.logins.accounts.user("main", "doctor")
    assert doctor is not None
    limited, _ = house.logins.issue(doctor, "user/Patient.rs")
    assert house.ask("POST", "/api/second-factor", {"current": "correct horse"}, token=limited).status == 403
    whole, _ = house.logins.issue(doctor, "")
    assert house.ask("POST", "/api/second-factor", {"current": "wrong horse"}, token=whole).status == 403
    assert log_in(house).status == 200


def test_no_secret_of_it_comes_out_of_the_api_or_lies_in_clear_on_the_disk(house: House) -> None:
    secret, recovery, _ = enrolled(house)
    users = house.ask("GET", "/api/users", token=house.token("chief", "admin")).body
    written = b"".join(path.read_bytes() for path in house.folder.iterdir() if path.is_file())
    for one in (secret, *recovery):
        assert one.encode() not in users and one.encode() not in written
    assert base64.b32decode(secret) not in written


def test_an_app_is_consented_to_only_after_the_second_step(tmp_path: Path) -> None:
    with hospital(tmp_path) as served, served.person() as browser:
        app = App(served, served.client()[0], browser)
        kim = served.logins.accounts.user("main", "kim")
        assert kim is not None
        secret = base64.b32encode(b"12345678901234567890").decode()
        served.logins.keep_user(msgspec.structs.replace(kim, totp=base64.b32decode(secret)))
        page = app.step(app.begin(), "login", user="kim", password=PASSWORD)
        assert "Allow" not in page.text and 'name="code"' in page.text
        assert 'name="password"' in app.begin().text  # half a log-in is none
        wrong = app.step(page, "second", code="123456")
        assert wrong.status_code == 401 and 'role="alert"' in wrong.text
        page = app.step(wrong, "second", code=code_of(secret, time.time_ns() // 1000))
        assert app.returned(app.step(page, "decide", decision="allow"))["code"]
