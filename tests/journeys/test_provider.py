"""Log-in through a hospital's OpenID provider: here another house, with its own log-in and consent pages, over HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from tests.served import free_port
from tests.smart import PASSWORD, App, Hospital, hospital, unescaped

from onmaru.fhir.outcome import Invalid
from onmaru.kernel.provider import Provider, discovered, user_of


class Pair:
    """`here` logs people in at `there`, which knows it as a client."""

    def __init__(self, here: Hospital, there: Hospital) -> None:
        self.here, self.there = here, there


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("provider")
    with hospital(folder / "there") as there:
        port = free_port()
        client, secret = there.client(
            client_name="Ward pages", redirect_uris=(f"http://127.0.0.1:{port}/oauth/provider/callback",),
            token_endpoint_auth_method="client_secret_post", scope="openid profile",
        )  # fmt: skip
        (folder / "secret").write_text(secret)
        settings = (
            f'outbound_local = "127.0.0.1:{there.served.port}"\n[outbound.main]\nhosts = ["127.0.0.1"]\n'
            f'[oidc.main]\nissuer = "{there.base}/oauth"\nclient_id = "{client}"\nsecret_file = "{folder / "secret"}"\n'
        )
        with hospital(folder / "here", settings, port) as here:
            yield Pair(here, there)


def form_of(page: httpx.Response, step: str) -> dict[str, str]:
    form = next(form for form in re.findall(r"<form.*?</form>", page.text, re.S) if f'value="{step}"' in form)
    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
    return {name: unescaped(value) for name, value in hidden}


def proved(pair: Pair, browser: httpx.Client, user: str, start: str = "/oauth/provider") -> httpx.Response:
    """A person goes to the provider, logs in and allows; the answer of the callback."""
    away = browser.get(f"{pair.here.base}{start}")
    assert away.status_code == 303, away.text
    page = browser.get(away.headers["location"])
    own = {"origin": pair.there.base, "sec-fetch-site": "same-origin"}
    address = f"{pair.there.base}/oauth/authorize"
    page = browser.post(address, data={**form_of(page, "login"), "user": user, "password": PASSWORD}, headers=own)
    back = browser.post(address, data={**form_of(page, "decide"), "decision": "allow"}, headers=own)
    assert back.status_code == 303 and back.headers["location"].startswith(pair.here.base)
    return browser.get(back.headers["location"])


def test_a_person_known_at_the_provider_is_logged_in_here(pair: Pair) -> None:
    with httpx.Client(headers={"accept-language": "en"}) as browser:
        answer = proved(pair, browser, "doctor")
        assert answer.status_code == 200 and answer.headers["refresh"] == "0;url=/"
        me = browser.get(f"{pair.here.base}/api/me").json()
        assert me["user"] == "doctor" and me["roles"] == ["physician"]
        assert pair.here.audit("login")[0]["user"] == "doctor"


def test_the_way_back_is_good_once_and_only_in_the_browser_that_left(pair: Pair) -> None:
    with httpx.Client() as browser, httpx.Client() as other:
        answer = proved(pair, browser, "doctor")
        used = str(answer.request.url)
        assert browser.get(used).status_code == 401
        away = other.get(f"{pair.here.base}/oauth/provider")
        state = parse_qs(urlsplit(away.headers["location"]).query)["state"][0]
        for query in (f"code=x&state={state}", "code=x&state=forged", "code=x", f"error=access_denied&state={state}",
                      f"code=x&state={state}&iss=https://evil.example"):  # fmt: skip
            assert other.get(f"{pair.here.base}/oauth/provider/callback?{query}").status_code == 401
        assert other.get(f"{pair.here.base}/api/me").status_code == 401
        assert pair.here.audit("login")[0]["reason"] == "provider"


def test_who_is_no_user_here_stays_outside(pair: Pair) -> None:
    kim = pair.here.logins.accounts.user("main", "kim")
    assert kim is not None
    pair.here.logins.keep_user(msgspec.structs.replace(kim, disabled=True))
    with httpx.Client() as browser:
        assert proved(pair, browser, "kim").status_code == 401
        assert browser.get(f"{pair.here.base}/api/me").status_code == 401


def test_an_app_is_consented_to_after_log_in_at_the_provider(pair: Pair) -> None:
    with httpx.Client(base_url=pair.here.base, headers={"accept-language": "en"}) as browser:
        app = App(pair.here, pair.here.client()[0], browser)
        link = re.search(r'href="(/oauth/provider[^"]*)"', app.begin().text)
        assert link is not None
        answer = proved(pair, browser, "doctor", unescaped(link[1]))
        page = browser.get(answer.headers["refresh"].removeprefix("0;url="))
        page = app.step(page, "find", find="철수")
        assert app.returned(app.step(page, "decide", decision="allow", patient="p1"))["code"]


def test_a_tenant_without_a_provider_sends_nobody_away(pair: Pair) -> None:
    assert httpx.get(f"{pair.there.base}/oauth/provider").status_code == 404


KEY = RSAKey.generate_key(2048, {"kid": "k"}, private=True)
PROVIDER = Provider("https://id.example", "here")
GOOD: dict[str, Any] = {"iss": "https://id.example", "aud": "here", "nonce": "n", "iat": 1000, "exp": 1300,
                        "preferred_username": "doctor"}  # fmt: skip


def judged(claims: dict[str, Any], key: RSAKey = KEY) -> str:
    token = jwt.encode({"alg": "RS256", "kid": "k"}, claims, key, algorithms=["RS256"])
    keys = KeySet([KEY]).as_dict(private=False)
    answer = json.dumps({"id_token": token}).encode()
    return user_of(PROVIDER, answer, json.dumps(keys).encode(), "n", 1_100_000_000)


def test_an_id_token_for_this_house_and_try_names_its_user() -> None:
    assert judged(GOOD) == judged({**GOOD, "aud": ["here"]}) == judged({**GOOD, "aud": ["here", "x"], "azp": "here"})


@pytest.mark.parametrize(
    "other",
    [{"iss": "https://evil.example"}, {"aud": "there"}, {"aud": ["here", "there"]}, {"nonce": "m"}, {"nonce": None},
     {"exp": 1000}, {"exp": None}, {"iat": 5000}, {"preferred_username": None}, {"preferred_username": 3}],
)  # fmt: skip
def test_any_other_id_token_names_nobody(other: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        judged({**GOOD, **other})
    assert refused.value.status == 401


def test_a_foreign_signature_and_a_foreign_discovery_are_not_believed(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        judged(GOOD, RSAKey.generate_key(2048, {"kid": "k"}, private=True))
    sound = (
        '{"issuer":"%s","authorization_endpoint":"%s","token_endpoint":"https://id.example/t",'
        '"jwks_uri":"https://id.example/k"}'
    )
    assert discovered(PROVIDER, (sound % ("https://id.example", "https://id.example/a")).encode()).issuer
    for broken in (
        sound % ("https://evil.example", "https://id.example/a"),
        sound % ("https://id.example", "javascript:alert(1)"),
        "{}",
        "no",
    ):
        with pytest.raises(Invalid):
            discovered(PROVIDER, broken.encode())
