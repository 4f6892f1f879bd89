"""Tokens, keys and documents of strangers that are built to break their reader: each is refused as what it is."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import pytest
from joserfc.jwk import KeySet

from onmaru.fhir.outcome import Invalid
from onmaru.kernel import assertion
from onmaru.kernel.authorization import OAuthError
from onmaru.kernel.clients import keyset
from onmaru.kernel.provider import Provider, discovered, user_of

DEEP = b'{"a":' + b"[" * 3000
PROVIDER = Provider("https://login.example", "onmaru")


def part(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_a_deep_assertion_names_nobody_and_proves_nothing() -> None:
    assert assertion.issuer(f"a.{part(DEEP)}.c") == ""
    nobody: Any = None
    with pytest.raises(OAuthError) as refused:
        assertion.prove(f"{part(DEEP)}.{part(b'{}')}.c", nobody, KeySet([]), "aud", nobody, 0)
    assert refused.value.code == "invalid_client"


def test_a_deep_key_set_is_none() -> None:
    with pytest.raises(Invalid) as refused:
        keyset(DEEP.decode())
    assert refused.value.status == 422


@pytest.mark.parametrize(
    ("answer", "keys"),
    [
        (DEEP, b'{"keys":[]}'),
        (b'{"id_token":"x"}', DEEP),
        (b'{"id_token":"' + part(DEEP).encode() + b'.e30.c"}', b"{}"),
    ],
)
def test_a_deep_answer_of_a_provider_is_not_believed(answer: bytes, keys: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        user_of(PROVIDER, answer, keys, "nonce", 0)
    assert refused.value.status == 401


@pytest.mark.parametrize(
    "document",
    [
        DEEP,
        b'{"issuer":"https://login.example","authorization_endpoint":"https://[","token_endpoint":"","jwks_uri":""}',
    ],
)
def test_a_broken_discovery_document_is_a_failure_of_the_provider(document: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        discovered(PROVIDER, document)
    assert refused.value.status == 502
