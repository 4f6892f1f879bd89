"""Backend services, confidential apps and apps that register themselves, over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from tests.smart import APP, SCOPE, App, Hospital, assertion, hospital
from tests.unit.test_outbound import served, told

RSA = RSAKey.generate_key(2048, {"kid": "r"}, private=True)
EC = ECKey.generate_key("P-384", {"kid": "e"}, private=True)
JWKS = json.dumps(KeySet([RSA, EC]).as_dict(private=False))
JWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    with hospital(tmp_path_factory.mktemp("smart")) as made:
        yield made


@pytest.fixture(scope="module")
def service(house: Hospital) -> str:
    """A backend service registered at the command line."""
    keys = house.served.home / "jwks.json"
    keys.write_text(JWKS)
    status, (made,) = house.served.command(
        "client", "add", "Nightly", "--proof", "private_key_jwt", "--keys", str(keys), "--backend", "exporter",
        "--scope", "system/Patient.rs system/Observation.cruds",
    )  # fmt: skip
    assert status == 0, made
    return str(made["client_id"])


def ask(house: Hospital, proof: str, scope: str = "system/Patient.rs", **other: str) -> httpx.Response:
    given = {
        "grant_type": "client_credentials",
        "scope": scope,
        "client_assertion_type": JWT,
        "client_assertion": proof,
    }
    return house.post("token", **{**given, **other})


def proof(house: Hospital, client: str, key: RSAKey | ECKey = RSA, **other: Any) -> str:
    return assertion(key, client, f"{house.base}/oauth/token", int(time.time()), **other)


@pytest.mark.parametrize("key", [RSA, EC])
def test_a_service_that_signs_gets_a_short_token_for_what_it_may(house: Hospital, service: str, key: Any) -> None:
    told = ask(house, proof(house, service, key), "system/Patient.rs system/Encounter.rs").json()
    assert told["scope"] == "system/Patient.rs" and told["expires_in"] == 300 and "refresh_token" not in told
    assert house.get("Patient/p1", told["access_token"]).status_code == 200
    assert house.get("Observation", told["access_token"]).status_code == 403
    assert house.audit("oauth/token client_credentials")[0]["user"] == "exporter"


def test_an_assertion_is_taken_once_also_after_a_kill(house: Hospital, service: str) -> None:
    signed = proof(house, service)
    assert ask(house, signed).status_code == 200
    assert ask(house, signed).json()["error"] == "invalid_client"
    house.served.kill()
    house.served.start()
    assert ask(house, signed).json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    "other",
    [
        {"iss": "somebody"},
        {"sub": "somebody"},
        {"aud": "http://127.0.0.1/oauth/token"},
        {"aud": None},
        {"exp": int(time.time()) - 60},
        {"exp": int(time.time()) + 86_400},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 1e400},
        {"jti": None},
        {"jti": ""},
        {"nbf": int(time.time()) + 86_400},
    ],
)
def test_an_assertion_that_does_not_hold_is_refused(house: Hospital, service: str, other: dict[str, Any]) -> None:
    answer = ask(house, proof(house, service, **other), client_id=service)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_another_key_another_algorithm_and_no_signature_are_refused(house: Hospital, service: str) -> None:
    stranger = RSAKey.generate_key(2048, {"kid": "r"}, private=True)
    assert ask(house, proof(house, service, stranger)).status_code == 401
    head, body, _ = proof(house, service).split(".")
    assert ask(house, f"{head}.{body}.").status_code == 401
    for broken in ("a.b.c", "..", "a", "e30.e30.e30", "\x00"):
        assert ask(house, broken).status_code == 401
    claims = {
        "iss": service,
        "sub": service,
        "aud": f"{house.base}/oauth/token",
        "exp": int(time.time()) + 60,
        "jti": "1",
    }
    weaker = jwt.encode({"alg": "RS256", "kid": "r"}, claims, RSA, algorithms=["RS256"])
    assert ask(house, weaker).status_code == 401


@pytest.mark.parametrize("scope", ["", "system/Encounter.rs", "nonsense", "openid"])
def test_nothing_is_granted_for_nothing(house: Hospital, service: str, scope: str) -> None:
    assert ask(house, proof(house, service), scope).json()["error"] == "invalid_scope"


def test_a_patients_refusal_holds_for_a_service(house: Hospital, service: str) -> None:
    house.put({
        "resourceType": "Consent", "id": "c1", "status": "active", "scope": {"text": "x"}, "category": [{"text": "x"}],
        "patient": {"reference": "Patient/p2"}, "policyRule": {"text": "x"}, "provision": {"type": "deny"},
    })  # fmt: skip
    told = ask(house, proof(house, service)).json()
    assert house.get("Patient/p2", told["access_token"]).status_code == 404


def test_a_removed_client_has_nothing_left(house: Hospital) -> None:
    client, _ = house.client()
    with house.person() as browser:
        told = App(house, client, browser).tokens("kim")
    admin = {"authorization": f"Bearer {house.token('chief')}"}
    assert httpx.delete(f"{house.base}/api/clients/{client}", headers=admin).status_code == 204
    assert house.get("Patient/p1", told["access_token"]).status_code == 401
    assert house.post(
        "token", grant_type="refresh_token", refresh_token=told["refresh_token"], client_id=client
    ).json()["error"] == ("invalid_client")
    status, rows = house.served.command("client", "list")
    assert status == 0 and client not in [row["client_id"] for row in rows]


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_confidential_app_proves_itself_as_it_is_registered_and_in_no_other_way(house: Hospital, method: str) -> None:
    client, secret = house.client(token_endpoint_auth_method=method)
    with house.person() as browser:
        app = App(house, client, browser)
        code = app.code("kim")
    assert app.redeem(code).status_code == 401
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": APP, "code_verifier": app.verifier}
    address = f"{house.base}/oauth/token"
    basic, post = {"auth": (client, secret)}, {"client_id": client, "client_secret": secret}
    if method == "client_secret_basic":
        assert httpx.post(address, data={**form, **post}).status_code == 401
        assert httpx.post(address, data=form, auth=(client, "wrong")).status_code == 401
        assert httpx.post(address, data=form, **basic).status_code == 200
    else:
        assert httpx.post(address, data=form, **basic).status_code == 401
        assert httpx.post(address, data={**form, **post, "client_secret": "wrong"}).status_code == 401
        assert httpx.post(address, data={**form, **post}).status_code == 200


def test_apps_register_themselves_only_while_they_are_invited(house: Hospital) -> None:
    said = {"client_name": "Diary", "redirect_uris": ["https://diary.example/"], "token_endpoint_auth_method": "none",
            "scope": SCOPE, "software_id": "x", "grant_types": ["authorization_code", "refresh_token"]}  # fmt: skip
    known = f"{house.base}/fhir/.well-known/smart-configuration"
    address = f"{house.base}/oauth/register"
    assert "registration_endpoint" not in httpx.get(known).json()
    assert httpx.post(address, json=said).status_code == 401
    status, (invited,) = house.served.command("client", "invite")
    assert status == 0
    assert httpx.get(known).json()["registration_endpoint"] == address
    header = {"authorization": f"Bearer {invited['token']}"}
    made = httpx.post(address, json=said, headers=header)
    assert made.status_code == 201 and made.json()["client_id"] and "client_secret" not in made.json()
    secret = httpx.post(address, json={**said, "token_endpoint_auth_method": "client_secret_basic"}, headers=header)
    assert secret.json()["client_secret"]
    for wrong, error in (
        ({"redirect_uris": ["http://diary.example/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://diary.example/#x"]}, "invalid_redirect_uri"),
        ({"grant_types": ["client_credentials"], "user": "chief"}, "invalid_client_metadata"),
        ({"client_name": 3}, "invalid_client_metadata"),
        ({"jwks": {"keys": [RSA.as_dict(private=True)]}, "token_endpoint_auth_method": "private_key_jwt"},
         "invalid_client_metadata"),
    ):  # fmt: skip
        refused = httpx.post(address, json={**said, **wrong}, headers=header)
        assert (refused.status_code, refused.json()["error"]) == (400, error)
    assert house.get("Patient/p1", invited["token"]).status_code == 401


def test_a_tenants_clients_and_tokens_are_nobody_elses(house: Hospital) -> None:
    house.house.keys("other")  # makes the tenant
    client, _ = house.client()
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": client}
    answer = httpx.post(f"{house.base}/t/other/oauth/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert httpx.get(f"{house.base}/t/nowhere/oauth/jwks").status_code == 404
    with house.person() as browser:
        told = App(house, client, browser).tokens("kim")
    elsewhere = httpx.get(
        f"{house.base}/t/other/fhir/Patient", headers={"authorization": f"Bearer {told['access_token']}"}
    )
    assert elsewhere.status_code == 403


def test_keys_are_fetched_only_where_the_operator_and_the_tenants_list_allow(tmp_path: Path) -> None:
    with served(lambda handler: told(handler, JWKS.encode())) as port:
        allowed = f'outbound_local = "127.0.0.1:{port}"\n[outbound.main]\nhosts = ["127.0.0.1"]\n'
        for settings, status in ((allowed, 200), ("", 401), (allowed.replace("127.0.0.1", "localhost", 1), 401)):
            with hospital(tmp_path / str(len(settings)), settings) as house:
                client, _ = house.client(
                    redirect_uris=(), grant_types=("client_credentials",), token_endpoint_auth_method="private_key_jwt",
                    jwks=JWKS.encode(), user="robot", scope="system/*.rs",
                )  # fmt: skip
                made = house.logins.accounts.client("main", client)
                assert made is not None
                at = msgspec.structs.replace(made, keys="", keys_at=f"http://127.0.0.1:{port}/jwks")
                house.logins.accounts.save_client(at)
                assert ask(house, proof(house, client)).status_code == status
