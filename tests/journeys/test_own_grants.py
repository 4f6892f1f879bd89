"""What somebody is signed in by, listed and ended by themselves; and other credentials for an app."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.web_house import Answer, House

from onmaru.kernel.accounts import Grant
from onmaru.kernel.registration import Metadata, register
from onmaru.web.doors import Settings

KEYS = {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}  # fmt: skip  # RFC 7515, A.3.1


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("grants")
    made = House(folder, Settings(static=folder))
    yield made
    made.close()


def items(answer: Answer) -> list[tuple[str, str, bool]]:
    return [(one["kind"], one["name"], one["current"]) for one in answer.json["items"]]


def test_sessions_tokens_and_apps_are_listed_once_each_and_ended_one_by_one(house: House) -> None:
    token = house.token("doctor", "physician")
    secret, session = house.logins.open_session("main", "doctor")
    app, _ = register(house.logins, "main", Metadata("성장 곡선", ("https://a.example/",)), "test")
    now = house.logins.now()
    for kind in ("token", "refresh"):
        house.accounts.save_grant(
            Grant(
                kind.encode() * 8,
                kind,
                "main",
                "doctor",
                now,
                now + 10**10,
                "patient/*.rs",
                client=app.id,
                family="fam",
            )  # type: ignore[arg-type]
        )
    headers = {"cookie": f"onmaru={secret}", "x-csrf-token": session.csrf}
    listed = house.ask("GET", "/api/grants", b"", headers)
    assert items(listed) == [("app", "성장 곡선", False), ("session", "", True), ("token", "", False)]
    held = {one["kind"]: one for one in listed.json["items"]}
    assert held["app"]["scopes"] == "patient/*.rs" and token not in listed.body.decode()
    assert house.ask("DELETE", f"/api/grants/{held['app']['id']}", b"", headers).status == 204
    assert all(one.revoked for one in house.accounts.family("main", "fam"))
    assert house.ask("GET", "/api/me", token=token).status == 200
    assert house.ask("DELETE", f"/api/grants/{held['token']['id']}", b"", headers).status == 204
    assert house.ask("GET", "/api/me", token=token).status == 401
    assert items(house.ask("GET", "/api/grants", b"", headers)) == [("session", "", True)]
    assert any(row.target == f"grants {app.id} end" for row in house.rows())


def test_nobody_sees_or_ends_what_is_anothers(house: House) -> None:
    mine, other = house.token("one", "nurse"), house.token("two", "nurse")
    (theirs,) = house.ask("GET", "/api/grants", token=other).json["items"]
    assert theirs["id"] not in house.ask("GET", "/api/grants", token=mine).body.decode()
    assert house.ask("DELETE", f"/api/grants/{theirs['id']}", token=mine).status == 404
    assert house.ask("GET", "/api/me", token=other).status == 200


def test_a_new_secret_replaces_the_old_one_at_once(house: House) -> None:
    admin = house.token("chief", "admin")
    said: dict[str, object] = {
        "client_name": "앱",
        "redirect_uris": ["https://a.example/"],
        "token_endpoint_auth_method": "client_secret_basic",
    }
    made = house.ask("POST", "/api/clients", said, token=admin).json
    told = house.ask("POST", f"/api/clients/{made['client_id']}/credentials", {}, token=admin)
    assert told.status == 200 and told.json["client_secret"] != made["client_secret"]
    kept = house.accounts.client("main", made["client_id"])
    assert kept is not None and kept.secret == house.logins.hash(told.json["client_secret"])
    assert house.ask("POST", f"/api/clients/{kept.id}/credentials", {"jwks": {"keys": []}}, token=admin).status == 422


def test_keys_are_replaced_by_keys_that_can_be_read_and_what_has_none_gets_none(house: House) -> None:
    admin = house.token("boss", "admin")
    keyed = Metadata("앱", ("https://a.example/",), "private_key_jwt", jwks_uri="https://a.example/keys")
    app, _ = register(house.logins, "main", keyed, "test")
    told = house.ask("POST", f"/api/clients/{app.id}/credentials", {"jwks": {"keys": [KEYS]}}, token=admin)
    assert (told.status, told.json.get("jwks_uri"), "client_secret" in told.json) == (200, None, False)
    for body in ({}, {"jwks": {"keys": []}}, {"jwks_uri": "http://a.example/keys"}):
        assert house.ask("POST", f"/api/clients/{app.id}/credentials", body, token=admin).status == 422
    public, _ = register(house.logins, "main", Metadata("앱", ("https://a.example/",)), "test")
    assert house.ask("POST", f"/api/clients/{public.id}/credentials", {}, token=admin).status == 409
