"""Web push: a text sealed for one browser (RFC 8291 over RFC 8188), with a token that says who sends it (RFC 8292)."""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from onmaru.fhir.outcome import invalid
from onmaru.kernel.outbound import Letter, Push

CURVE = ec.SECP256R1()
# RFC 8291, section 4: one record of at most 4096 octets
RECORD, MOST = 4096, 3000
POINT, SECRET, SALT = 65, 16, 16
# RFC 8292, section 2: a token is for 24 hours at most
LASTS = 12 * 3600


def made() -> bytes:
    """A private key to send by, as PEM."""
    key = ec.generate_private_key(CURVE)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # fmt: skip


class Sender:
    """Whoever holds one private key; a browser takes pushes from nobody else once it was given `public`."""

    def __init__(self, pem: bytes) -> None:
        key = serialization.load_pem_private_key(pem, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("not an elliptic curve's key")
        self._key = key
        self.public = coded(_point(key.public_key()))

    def letter(self, push: Push, now: int) -> Letter:
        """What to hand to the push service; `now` in µs. `Invalid` 422 for keys of a browser that are none."""
        headers = (
            ("Content-Encoding", "aes128gcm"),
            ("TTL", str(push.lasts)),
            ("Urgency", push.urgency),
            ("Topic", push.topic),
            ("Authorization", f"vapid t={self._token(push, now)}, k={self.public}"),
        )
        body = sealed(push.text, decoded(push.p256dh), decoded(push.auth))
        return Letter(push.endpoint, body, "application/octet-stream", headers=headers)

    def _token(self, push: Push, now: int) -> str:
        """RFC 8292, section 2, a JWT by ES256 (RFC 7518, section 3.4)."""
        place = urlsplit(push.endpoint)
        claims = {"aud": f"{place.scheme}://{place.netloc}", "exp": now // 1_000_000 + LASTS, "sub": push.contact}
        head = {"typ": "JWT", "alg": "ES256"}
        told = ".".join(coded(msgspec.json.encode(part)) for part in (head, claims))
        r, s = decode_dss_signature(self._key.sign(told.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{told}.{coded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def sealed(
    text: bytes, public: bytes, secret: bytes, salt: bytes = b"", own: ec.EllipticCurvePrivateKey | None = None
) -> bytes:
    """RFC 8291, section 3: `text` for the browser whose point is `public`; `salt` and `own` are made anew for each.

    `Invalid` 422 for a point that is not on the curve or a secret of another length.
    """
    if len(text) > MOST or len(secret) != SECRET or len(public) != POINT:
        raise invalid("value", "not the keys of a browser", "keys", 422)
    own, salt = own or ec.generate_private_key(CURVE), salt or os.urandom(SALT)
    try:
        shared = own.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, public))
    except (ValueError, UnsupportedAlgorithm):
        raise invalid("value", "not the keys of a browser", "keys", 422) from None
    mine = _point(own.public_key())
    first = _derived(shared, secret, b"WebPush: info\0" + public + mine, 32)
    key = _derived(first, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(first, salt, b"Content-Encoding: nonce\0", 12)
    # RFC 8188, section 2: 2 ends the last record
    hidden = AESGCM(key).encrypt(nonce, text + b"\x02", None)
    return salt + RECORD.to_bytes(4, "big") + bytes((POINT,)) + mine + hidden


def coded(raw: bytes) -> str:
    """Base64url without its padding (RFC 7515, section 2)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """What base64url stands for; b"" for what is none."""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""


def _derived(secret: bytes, salt: bytes, told: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, told).derive(secret)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
