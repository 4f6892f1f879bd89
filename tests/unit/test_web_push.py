"""Web push against the example of RFC 8291 and with a browser of our own that opens what was sealed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from onmaru.app.pushing import Pushing
from onmaru.engines import push as engine
from onmaru.engines.push import coded, decoded
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.kernel.outbound import Letter, Push, Unaccepted

# RFC 8291, section 5 and appendix A
PUBLIC = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SECRET, SALT = "BTBZMqHH6r4Tts7J_aSIgg", "DGv6ra1nlYgDCS1FRnbzlw"
OWN = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A"
    "_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def push(**other: Any) -> Push:
    asked: dict[str, Any] = {
        "endpoint": "https://push.example:8443/v2/abc", "p256dh": PUBLIC, "auth": SECRET, "text": b"{}", "topic": "t",
        "urgency": "high", "lasts": 300, "contact": "mailto:it@hospital.example", "told": lambda answered, why: None,
    }  # fmt: skip
    return Push(**asked | other)


def test_a_text_is_sealed_as_in_the_example_of_the_standard() -> None:
    own = ec.derive_private_key(int.from_bytes(decoded(OWN), "big"), ec.SECP256R1())
    text = b"When I grow up, I want to be a watermelon"
    assert coded(engine.sealed(text, decoded(PUBLIC), decoded(SECRET), decoded(SALT), own)) == BODY


def test_the_same_text_is_never_sealed_the_same_twice() -> None:
    first, second = (engine.sealed(b"x", decoded(PUBLIC), decoded(SECRET)) for _ in range(2))
    assert first[:16] != second[:16] and first[21:86] != second[21:86]


def test_the_token_names_sender_service_and_end_and_is_signed_by_the_key_that_goes_with_it() -> None:
    sender = engine.Sender(engine.made())
    letter = sender.letter(push(), 1_000_000 * 1_800_000_000)
    headers = dict(letter.headers)
    assert (headers["TTL"], headers["Urgency"], headers["Topic"], headers["Content-Encoding"]) == (
        "300",
        "high",
        "t",
        "aes128gcm",
    )
    token, key = headers["Authorization"].removeprefix("vapid t=").split(", k=")
    head, claims, signature = token.split(".")
    assert key == sender.public and msgspec.json.decode(decoded(head)) == {"typ": "JWT", "alg": "ES256"}
    told = msgspec.json.decode(decoded(claims))
    assert told == {"aud": "https://push.example:8443", "exp": 1_800_043_200, "sub": "mailto:it@hospital.example"}
    raw = decoded(signature)
    r, s = (int.from_bytes(part, "big") for part in (raw[:32], raw[32:]))
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(key))
    public.verify(encode_dss_signature(r, s), f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(
    ("public", "secret"),
    [
        ("", SECRET),
        (PUBLIC, ""),
        (PUBLIC, "AAAA"),
        ("B" + "A" * 86, SECRET),
        (PUBLIC[:-4], SECRET),
        ("한글", SECRET),
        (PUBLIC, "=" * 22),
    ],
)
def test_what_is_no_browsers_key_is_refused(public: str, secret: str) -> None:
    with pytest.raises(Invalid) as refused:
        engine.Sender(engine.made()).letter(push(p256dh=public, auth=secret), 0)
    assert refused.value.status == 422


class Kept:
    """The one thing of Accounts that is asked, and a way out that answers as told."""

    def __init__(self) -> None:
        self.secrets: dict[str, bytes] = {}
        self.answer: Exception | None = None
        self.sent: list[tuple[str, Letter]] = []

    def kept(self, name: str, make: Any) -> bytes:
        return self.secrets.setdefault(name, make())

    def deliver(self, tenant: str, letter: Letter) -> None:
        self.sent.append((tenant, letter))
        if self.answer is not None:
            raise self.answer


def test_each_tenant_has_a_key_of_its_own_and_a_push_has_a_fate() -> None:
    kept: Any = Kept()
    pushing = Pushing(lambda: kept, kept, lambda: 0)
    assert pushing.public("a") == pushing.public("a") != pushing.public("b")
    assert pushing.hand_over("a", push()) == (201, "")
    kept.answer = Unaccepted(410)
    assert pushing.hand_over("a", push())[0] == 410
    kept.answer = invalid(
        "forbidden", "this server may not be sent there: this host is not on the tenant's list", status=403
    )
    assert pushing.hand_over("b", push())[0] == 0
    assert pushing.hand_over("b", push(auth=""))[0] == 0
    assert [tenant for tenant, _ in kept.sent] == ["a", "a", "b"] and Pushing(lambda: kept, kept, lambda: 0).public(
        "a"
    ) == pushing.public("a")
