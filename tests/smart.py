"""A served house with a physician, two patients and SMART apps, and what an app and a person do there over HTTP."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from tests.served import Served

from onmaru.app.house import House, place
from onmaru.kernel import password
from onmaru.kernel.accounts import User
from onmaru.kernel.registration import Metadata, register

PASSWORD = "correct horse"
APP = "http://localhost:9797/app/"
SCOPE = "openid fhirUser launch/patient offline_access patient/*.rs"


def kim(id: str, family: str) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": id,
        "name": [{"family": family, "given": ["철수"]}],
        "birthDate": "1970-01-01",
    }


class Hospital:
    """The served house. `http` speaks to it and keeps cookies apart for each person."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.base = f"http://127.0.0.1:{served.port}"
        self.house = House(place(served.environ), rooms=())
        self.logins = self.house.logins
        kept = password.hash_of(PASSWORD)
        for name, role, patient in (("doctor", "physician", ""), ("kim", "patient", "p1"), ("chief", "admin", "")):
            user = User("main", name, "의사 하나" if name == "doctor" else name, (role,), kept, patient, "en")
            self.logins.keep_user(user)
        self.logins.keep_user(User("main", "robot", "robot", ("data-manager",)))

    def token(self, user: str) -> str:
        found = self.logins.accounts.user("main", user)
        assert found is not None
        return self.logins.issue(found, "")[0]

    def client(self, **said: Any) -> tuple[str, str]:
        """Register a client: its id and secret."""
        given = {"client_name": "Growth Chart", "redirect_uris": (APP,), "scope": f"{SCOPE} user/*.rs launch", **said}
        made, secret = register(self.logins, "main", Metadata(**given), "test")
        return made.id, secret

    def person(self, language: str = "en") -> httpx.Client:
        return httpx.Client(base_url=self.base, headers={"accept-language": language})

    def put(self, resource: Mapping[str, Any]) -> None:
        body = msgspec.json.encode(resource)
        path = f"{resource['resourceType']}/{resource['id']}"
        assert self.served.ask("PUT", path, body, self.served.token) in (200, 201)

    def audit(self, target: str) -> list[dict[str, Any]]:
        """Audit rows of a target, newest first."""
        _, found = self.served.get("/api/audit")
        return [row for row in found["items"] if row["path"].startswith(target)]

    def get(self, path: str, token: str) -> httpx.Response:
        return httpx.get(f"{self.base}/fhir/{path}", headers={"authorization": f"Bearer {token}"})

    def post(self, path: str, **form: str) -> httpx.Response:
        return httpx.post(f"{self.base}/oauth/{path}", data=form)


@contextmanager
def hospital(folder: Path, settings: str = "", port: int = 0) -> Iterator[Hospital]:
    """Serve until the block ends, on a port of its own or the one given."""
    waiting = Served(folder, settings)
    if port:
        waiting.port, waiting.environ["ONMARU_PORT"] = port, str(port)
    with waiting as served:
        made = Hospital(served)
        made.put(kim("p1", "김"))
        made.put(kim("p2", "이"))
        for number in ("1", "2"):
            made.put({
                "resourceType": "Observation", "id": f"o{number}", "status": "final", "code": {"text": "체온"},
                "subject": {"reference": f"Patient/p{number}"},
            })  # fmt: skip
        yield made


class App:
    """An app at its own address, in the browser of one person."""

    def __init__(self, hospital: Hospital, client: str, browser: httpx.Client) -> None:
        self.hospital = hospital
        self.client = client
        self.browser = browser
        self.verifier = secrets.token_urlsafe(48)
        self.state = secrets.token_urlsafe(8)

    def parameters(self, **other: str | None) -> dict[str, str]:
        digest = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client,
            "redirect_uri": APP,
            "scope": SCOPE,
            "state": self.state,
            "aud": f"{self.hospital.base}/fhir",
            "code_challenge": digest,
            "code_challenge_method": "S256",
            **other,
        }
        return {name: value for name, value in asked.items() if value is not None}

    def begin(self, **other: str | None) -> httpx.Response:
        return self.browser.get("/oauth/authorize", params=self.parameters(**other))

    def step(self, page: httpx.Response, step: str, **fields: str) -> httpx.Response:
        """Send one of the forms of a page, as the browser would."""
        form = next(form for form in re.findall(r"<form.*?</form>", page.text, re.S) if f'value="{step}"' in form)
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
        values = {name: unescaped(value) for name, value in hidden}
        action = re.search(r'action="([^"]*)"', form)
        assert action is not None
        headers = {"origin": self.hospital.base, "sec-fetch-site": "same-origin"}
        return self.browser.post(action[1], data={**values, **fields}, headers=headers)

    def code(self, user: str, patient: str = "", **other: str | None) -> str:
        """The whole way of a person to the app's code."""
        page = self.step(self.begin(**other), "login", user=user, password=PASSWORD)
        assert page.status_code == 200, page.text
        if patient:
            page = self.step(page, "find", find="철수")
        answer = self.step(page, "decide", decision="allow", **({"patient": patient} if patient else {}))
        return self.returned(answer)["code"]

    def returned(self, answer: httpx.Response) -> dict[str, str]:
        """What came back to the app's address."""
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"].startswith(APP)
        found = {name: one for name, (one,) in parse_qs(urlsplit(answer.headers["location"]).query).items()}
        assert found["state"] == self.state
        return found

    def redeem(self, code: str, **other: str) -> httpx.Response:
        given = {"grant_type": "authorization_code", "code": code, "redirect_uri": APP, "code_verifier": self.verifier,
                 "client_id": self.client}  # fmt: skip
        return self.hospital.post("token", **{**given, **other})

    def refresh(self, token: str, **other: str) -> httpx.Response:
        return self.hospital.post(
            "token", **{"grant_type": "refresh_token", "refresh_token": token, "client_id": self.client, **other}
        )

    def tokens(self, user: str, patient: str = "", **other: str | None) -> dict[str, Any]:
        answer = self.redeem(self.code(user, patient, **other))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def unescaped(text: str) -> str:
    from html import unescape

    return unescape(text)


def assertion(key: RSAKey | ECKey, client: str, audience: str, now: int, **other: Any) -> str:
    """A client's signed proof; members given as None are left out."""
    claims = {"iss": client, "sub": client, "aud": audience, "exp": now + 200, "jti": secrets.token_hex(8), **other}
    kept = {name: value for name, value in claims.items() if value is not None}
    algorithm = "RS384" if isinstance(key, RSAKey) else "ES384"
    return jwt.encode({"alg": algorithm, "kid": str(key.kid)}, kept, key, algorithms=[algorithm])
