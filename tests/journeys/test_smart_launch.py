"""SMART App Launch 2 over HTTP: a person logs in for an app, chooses a patient, consents; the app reads, refreshes, ends."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from tests.smart import APP, PASSWORD, SCOPE, App, Hospital, hospital


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    with hospital(tmp_path_factory.mktemp("smart")) as made:
        yield made


@pytest.fixture
def app(house: Hospital) -> Iterator[App]:
    with house.person() as browser:
        yield App(house, house.client()[0], browser)


def test_a_person_opens_an_app_on_one_patient_and_it_reads_that_record_alone(house: Hospital, app: App) -> None:
    told = app.tokens("doctor", "p1")
    assert told["token_type"] == "Bearer" and told["patient"] == "p1" and told["expires_in"] == 3600
    assert set(told["scope"].split()) == set(SCOPE.split())
    assert house.get("Patient/p1", told["access_token"]).status_code == 200
    assert house.get("Patient/p2", told["access_token"]).status_code == 404
    found = house.get("Observation", told["access_token"]).json()
    assert [entry["resource"]["id"] for entry in found["entry"]] == ["o1"]
    headers = {"authorization": f"Bearer {told['access_token']}", "content-type": "application/fhir+json"}
    assert httpx.post(f"{house.base}/fhir/Basic", content=b"{}", headers=headers).status_code == 403
    for page in ("/api/users", "/api/audit", "/api/clients"):
        assert httpx.get(house.base + page, headers=headers).status_code == 403
    assert house.audit("oauth/token authorization_code")[0]["patients"] == ["p1"]
    assert house.audit("oauth/authorize")[0]["user"] == "doctor"


def test_the_id_token_is_signed_by_the_published_key_and_names_the_practitioner(house: Hospital, app: App) -> None:
    told = app.tokens("doctor", "p1", nonce="n-1")
    discovered = httpx.get(f"{house.base}/oauth/.well-known/openid-configuration").json()
    assert discovered["issuer"] == f"{house.base}/oauth"
    keys = KeySet.import_key_set(httpx.get(discovered["jwks_uri"]).json())
    claims = jwt.decode(told["id_token"], keys, algorithms=["RS256"]).claims
    assert claims["aud"] == app.client and claims["sub"] == "doctor" and claims["nonce"] == "n-1"
    assert claims["iss"] == discovered["issuer"] and claims["exp"] > claims["iat"]
    assert claims["fhirUser"] == f"{house.base}/fhir/Practitioner/doctor"


def test_a_patient_needs_no_choice_and_opens_their_own_record(house: Hospital, app: App) -> None:
    told = app.tokens("kim")
    assert told["patient"] == "p1"
    assert house.get("Patient/p2", told["access_token"]).status_code == 404


def test_a_refresh_token_is_used_once_and_a_second_use_ends_the_family(house: Hospital, app: App) -> None:
    first = app.tokens("doctor", "p1")
    second = app.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert house.get("Patient/p1", second["access_token"]).status_code == 200
    stolen = app.refresh(first["refresh_token"])
    assert stolen.status_code == 400 and stolen.json()["error"] == "invalid_grant"
    assert house.get("Patient/p1", second["access_token"]).status_code == 401
    assert app.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"
    assert house.audit("oauth/token")[0]["reason"] == "invalid_grant"


def test_a_refresh_may_ask_for_less_and_not_for_more(house: Hospital, app: App) -> None:
    first = app.tokens("doctor", "p1")
    more = app.refresh(first["refresh_token"], scope="patient/*.cruds")
    assert more.json()["error"] == "invalid_scope"
    less = app.refresh(first["refresh_token"], scope="patient/Patient.r").json()
    assert "patient/Patient.r" in less["scope"].split()
    assert house.get("Observation", less["access_token"]).status_code == 403
    whole = app.refresh(less["refresh_token"]).json()
    assert "patient/*.rs" in whole["scope"].split()


def test_a_code_is_used_once_and_a_second_use_ends_what_it_gave(house: Hospital, app: App) -> None:
    code = app.code("doctor", "p1")
    told = app.redeem(code).json()
    assert app.redeem(code).json()["error"] == "invalid_grant"
    assert house.get("Patient/p1", told["access_token"]).status_code == 401


@pytest.mark.parametrize(
    "other",
    [
        {"code_verifier": "x" * 43},
        {"redirect_uri": APP + "other"},
        {"client_id": "somebody"},
    ],
)
def test_a_code_is_worth_nothing_to_who_did_not_ask_for_it(house: Hospital, app: App, other: dict[str, str]) -> None:
    code = app.code("doctor", "p1")
    assert app.redeem(code, **other).status_code in (400, 401)
    if "client_id" not in other:
        assert app.redeem(code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"aud": "https://elsewhere.example/fhir"}, "invalid_request"),
        ({"aud": None}, "invalid_request"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "launch patient/*.rs"}, "invalid_request"),
        ({"prompt": "none"}, "interaction_required"),
    ],
)
def test_a_request_that_is_not_sound_is_refused_to_the_app(app: App, other: dict[str, str | None], error: str) -> None:
    assert app.returned(app.begin(**other))["error"] == error


@pytest.mark.parametrize("other", [{"redirect_uri": "https://evil.example/"}, {"client_id": "nobody"},
                                   {"redirect_uri": APP + "?next=1"}, {"redirect_uri": None}])  # fmt: skip
def test_the_browser_goes_nowhere_for_an_unknown_app_or_address(app: App, other: dict[str, str | None]) -> None:
    answer = app.begin(**other)
    assert answer.status_code == 400 and "location" not in answer.headers and "evil" not in answer.text


def test_a_parameter_given_twice_sends_the_browser_nowhere(app: App) -> None:
    pairs = [*app.parameters().items(), ("redirect_uri", "https://evil.example/")]
    answer = app.browser.get("/oauth/authorize", params=pairs)
    assert answer.status_code == 400 and "location" not in answer.headers


def test_who_denies_gives_nothing_and_the_app_is_told(house: Hospital, app: App) -> None:
    page = app.step(app.begin(), "login", user="doctor", password=PASSWORD)
    assert app.returned(app.step(page, "decide", decision="deny"))["error"] == "access_denied"
    assert house.audit("oauth/authorize")[0]["reason"] == "access_denied"
    assert app.step(page, "decide", decision="allow", patient="p1").status_code == 401


def test_the_wrong_password_is_told_and_counted(app: App) -> None:
    page = app.step(app.begin(), "login", user="nobody", password="wrong horse")
    assert page.status_code == 401 and 'role="alert"' in page.text


def test_a_form_from_another_site_is_refused(house: Hospital, app: App) -> None:
    page = app.step(app.begin(), "login", user="doctor", password=PASSWORD)
    form = {"step": "decide", "decision": "allow", "patient": "p1", "request": "", "csrf": "x"}
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        assert app.browser.post("/oauth/authorize", data=form, headers=headers).status_code == 403
    forged = app.step(page, "decide", decision="allow", patient="p1", csrf="x")
    assert forged.status_code == 401 and "location" not in forged.headers


def test_a_patient_who_is_hidden_cannot_be_chosen_nor_found(house: Hospital, app: App) -> None:
    house.put({
        "resourceType": "Consent", "id": "c2", "status": "active",
        "scope": {"text": "개인정보"}, "category": [{"text": "개인정보"}],
        "patient": {"reference": "Patient/p2"}, "policyRule": {"text": "거부"}, "provision": {"type": "deny"},
    })  # fmt: skip
    page = app.step(app.begin(), "login", user="doctor", password=PASSWORD)
    page = app.step(page, "find", find="철수")
    assert 'value="p1"' in page.text and 'value="p2"' not in page.text
    refused = app.step(page, "decide", decision="allow", patient="p2")
    assert refused.status_code == 200 and 'role="alert"' in refused.text


def test_the_pages_are_plain_forms_under_a_strict_policy_in_both_languages(house: Hospital, app: App) -> None:
    page = app.begin()
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "form-action 'self' http://localhost:9797;" in policy
    assert "script" not in page.text and "style=" not in page.text and page.headers["x-frame-options"] == "DENY"
    assert '<html lang="en">' in page.text and '<label for="user">' in page.text
    with house.person("ko-KR,ko;q=0.9") as korean:
        assert "로그인" in App(house, app.client, korean).begin().text
    named, _ = house.client(client_name="<script>alert(1)</script>")
    assert "<script>" not in App(house, named, app.browser).begin().text


def test_an_app_is_opened_from_the_hospitals_pages_on_the_patient_at_hand(house: Hospital, app: App) -> None:
    client, _ = house.client(initiate_login_uri="http://localhost:9797/launch")
    doctor = {"authorization": f"Bearer {house.token('doctor')}"}
    given = {"client": client, "patient": "p1"}
    made = httpx.post(f"{house.base}/api/launch", json=given, headers=doctor).json()
    assert made["url"].startswith("http://localhost:9797/launch?iss=") and made["launch"] in made["url"]
    launched = App(house, client, app.browser)
    told = launched.tokens("doctor", scope="launch openid fhirUser patient/*.rs", launch=made["launch"])
    assert told["patient"] == "p1" and "refresh_token" not in told
    again = launched.step(
        launched.begin(scope="launch patient/*.rs", launch=made["launch"]), "login", user="doctor", password=PASSWORD
    )
    assert 'role="alert"' in again.text and "decision" in again.text and "Allow" not in again.text
    other = httpx.post(f"{house.base}/api/launch", json=given, headers=doctor).json()["launch"]
    with house.person() as browser:
        stranger = App(house, client, browser)
        page = stranger.step(
            stranger.begin(scope="launch patient/*.rs", launch=other), "login", user="kim", password=PASSWORD
        )
        assert 'role="alert"' in page.text and "Allow" not in page.text
    barred = httpx.post(f"{house.base}/api/launch", json={**given, "patient": "p2"}, headers=doctor)
    assert barred.status_code == 404


def test_a_token_is_introspected_and_revoked_by_clients_that_prove_themselves(house: Hospital, app: App) -> None:
    told = app.tokens("doctor", "p1")
    server, secret = house.client(token_endpoint_auth_method="client_secret_basic")
    asked = {"token": told["access_token"]}
    shown = httpx.post(f"{house.base}/oauth/introspect", data=asked, auth=(server, secret)).json()
    assert (
        shown["active"] and shown["client_id"] == app.client and shown["patient"] == "p1" and shown["sub"] == "doctor"
    )
    assert house.post("introspect", **asked, client_id=app.client).status_code == 401
    assert httpx.post(f"{house.base}/oauth/introspect", data=asked, auth=(server, "wrong")).status_code == 401
    assert house.post("revoke", token=told["access_token"], client_id=server).status_code == 401
    assert httpx.post(f"{house.base}/oauth/revoke", data=asked, auth=(server, secret)).status_code == 200
    assert house.get("Patient/p1", told["access_token"]).status_code == 200  # another client's is not theirs to end
    assert house.post("revoke", token=told["access_token"], client_id=app.client).status_code == 200
    assert house.get("Patient/p1", told["access_token"]).status_code == 401
    again = app.refresh(told["refresh_token"]).json()
    assert house.post("revoke", token=again["refresh_token"], client_id=app.client).status_code == 200
    assert house.get("Patient/p1", again["access_token"]).status_code == 401
    shown = httpx.post(f"{house.base}/oauth/introspect", data={"token": again["access_token"]}, auth=(server, secret))
    assert shown.json() == {"active": False}


def test_only_pages_of_registered_origins_may_read_answers(house: Hospital, app: App) -> None:
    asked = {"origin": "http://localhost:9797", "access-control-request-method": "GET"}
    for path in ("/fhir/Patient/p1", "/oauth/token"):
        allowed = httpx.options(house.base + path, headers=asked)
        assert allowed.status_code == 204 and allowed.headers["access-control-allow-origin"] == asked["origin"]
        assert "authorization" in allowed.headers["access-control-allow-headers"]
        refused = httpx.options(house.base + path, headers={**asked, "origin": "https://evil.example"})
        assert "access-control-allow-origin" not in refused.headers
    known = httpx.get(f"{house.base}/fhir/.well-known/smart-configuration", headers={"origin": asked["origin"]})
    assert known.headers["access-control-allow-origin"] == asked["origin"]
    assert "access-control-allow-credentials" not in known.headers
    assert (
        "access-control-allow-origin"
        not in httpx.get(f"{house.base}/api/me", headers={"origin": asked["origin"]}).headers
    )


def test_codes_launches_and_refresh_tokens_open_nothing_themselves(house: Hospital, app: App) -> None:
    code = app.code("doctor", "p1")
    assert house.get("Patient/p1", code).status_code == 401
    told = app.redeem(code).json()
    assert house.get("Patient/p1", told["refresh_token"]).status_code == 401


def test_what_was_granted_outlives_a_killed_server_and_no_secret_is_kept(house: Hospital, app: App) -> None:
    told = app.tokens("doctor", "p1")
    house.served.kill()
    house.served.start()
    assert house.get("Patient/p1", told["access_token"]).status_code == 200
    renewed = app.refresh(told["refresh_token"])
    assert renewed.status_code == 200
    written = b"".join(path.read_bytes() for path in house.served.home.rglob("*") if path.is_file())
    written += house.served.log.read_bytes()
    for secret in (told["access_token"], told["refresh_token"], renewed.json()["access_token"]):
        assert secret.encode() not in written


def test_an_app_is_not_told_why_its_person_may_see_what_it_may_not(house: Hospital, app: App) -> None:
    told = app.tokens("doctor", "p1")
    headers = {"authorization": f"Bearer {told['access_token']}"}
    own = httpx.get(f"{house.base}/api/why?resource=Observation/o2", headers=headers).json()
    assert own["allowed"] is False and own["patients"] == []
    wider = httpx.get(f"{house.base}/api/why?resource=Observation/o2&purpose=TREAT", headers=headers)
    assert wider.status_code == 403 and "p2" not in wider.text


def test_an_app_registered_for_both_that_asks_for_its_users_sight_is_bound_to_no_patient(
    house: Hospital, app: App
) -> None:
    told = app.tokens("doctor", scope="openid user/Patient.rs")
    assert set(told["scope"].split()) == {"openid", "user/Patient.rs"} and "patient" not in told
    assert house.get("Patient/p1", told["access_token"]).status_code == 200
