"""One public address behind a proxy with TLS, and whose word about a client's address counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.web_house import House

from onmaru.kernel import password
from onmaru.web.doors import Settings

KEPT = password.hash_of("correct horse")


def test_behind_a_proxy_with_tls_everything_follows_the_public_address(tmp_path: Path) -> None:
    settings = Settings(base="https://emr.example.org", proxies=("10.0.0.0/24",))
    made = House(tmp_path, settings)
    made.logins.keep_password(made.user("doctor", "physician"), KEPT)
    try:
        token = made.token("loader", "system")
        for number in range(3):
            made.ask("PUT", f"/fhir/Patient/p{number}", {"resourceType": "Patient", "id": f"p{number}"}, token=token)
        login = made.ask("POST", "/api/login", {"user": "doctor", "password": "correct horse"})
        assert len(login.cookies) == 2 and all("; Secure" in one for one in login.cookies)
        assert "strict-transport-security" in login.headers
        statement = made.ask("GET", "/fhir/metadata").json
        assert statement["implementation"]["url"] == "https://emr.example.org/fhir"
        page = made.ask("GET", "/fhir/Patient?_count=2", token=token, headers={"host": "evil.example"}).json
        addresses = [one["url"] for one in page["link"]] + [one["fullUrl"] for one in page["entry"]]
        assert len(addresses) == 4 and all(one.startswith("https://emr.example.org/fhir") for one in addresses)
        born = made.ask("POST", "/fhir/Patient", {"resourceType": "Patient"}, token=token)
        assert born.headers["location"].startswith("https://emr.example.org/fhir/Patient/")
        other = made.ask("GET", "/t/other/fhir/metadata").json
        assert other["implementation"]["url"] == "https://emr.example.org/t/other/fhir"
    finally:
        made.close()


@pytest.mark.parametrize(
    ("peer", "told", "address"),
    [
        ("192.0.2.9", "203.0.113.5", "192.0.2.9"),
        ("10.0.0.7", "203.0.113.5", "203.0.113.5"),
        ("10.0.0.7", "1.1.1.1, 203.0.113.5, 10.0.0.8", "203.0.113.5"),
        ("10.0.0.7", "1.1.1.1, nonsense", "10.0.0.7"),
        ("10.0.0.7", "", "10.0.0.7"),
        ("10.0.0.7", "203.0.113.5:4711", "203.0.113.5"),
        ("10.0.0.7", "[2001:db8::5]:4711", "2001:db8::5"),
        ("[::ffff:10.0.0.7]", "2001:db8::5", "2001:db8::5"),
    ],
)
def test_only_a_named_proxy_is_believed_about_the_client(tmp_path: Path, peer: str, told: str, address: str) -> None:
    made = House(tmp_path, Settings(proxies=("10.0.0.0/24",)))
    try:
        made.ask("GET", "/api/me", headers={"x-forwarded-for": told}, peer=peer)
        assert made.rows()[-1].address == address
    finally:
        made.close()
