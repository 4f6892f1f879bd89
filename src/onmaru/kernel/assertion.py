"""A client proves itself by a signed JWT (RFC 7523, SMART "Client Authentication: Asymmetric"), each only once."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.util import urlsafe_b64decode

from onmaru.kernel.accounts import Accounts
from onmaru.kernel.authorization import OAuthError
from onmaru.kernel.clients import Client

KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# SMART App Launch 2, "Registering a client (communicating public keys)": what servers support
ALGORITHMS = ("RS384", "ES384")
# Seconds: how long an assertion may stand, and how far clocks may differ
LONGEST, SLACK = 300, 5
SECOND = 1_000_000


def issuer(token: str) -> str:
    """Whose assertion it says it is, before anything is believed: the key to look it up by. "" when unreadable."""
    try:
        claims = msgspec.json.decode(urlsafe_b64decode(token.split(".")[1].encode()))
        return str(claims["iss"]) if isinstance(claims, dict) else ""
    except (IndexError, KeyError, ValueError, UnicodeError, RecursionError):
        return ""


def prove(token: str, client: Client, keys: KeySet, audience: str, accounts: Accounts, now: int) -> None:
    """Check signature, iss, sub, aud, exp and jti; `invalid_client` with the part that does not hold. `now` in µs."""
    try:
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise _refused("its signature by a registered key, RS384 or ES384") from error
    if claims.get("iss") != client.id or claims.get("sub") != client.id:
        raise _refused("iss and sub")
    if claims.get("aud") not in (audience, [audience]):
        raise _refused("aud, which is the address of this endpoint")
    ends = _times(claims, now // SECOND)
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= 200:
        raise _refused("jti")
    name = sha256("\0".join((client.tenant, client.id, jti)).encode("utf-8", "surrogatepass")).digest()
    if not accounts.once(name, (ends + SLACK + 1) * SECOND, now):
        raise _refused("jti, which was used before")


def _times(claims: dict[str, Any], now: int) -> int:
    """The second at which the assertion ends."""
    for name in ("exp", "nbf", "iat"):
        value = claims.get(name, 0 if name != "exp" else None)
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if not whole or isinstance(value, bool):
            raise _refused(name)
    ends = int(claims["exp"])
    if not now - SLACK < ends <= now + LONGEST + SLACK:
        raise _refused("exp, at most five minutes from now")
    if max(claims.get("nbf", 0), claims.get("iat", 0)) > now + SLACK:
        raise _refused("nbf or iat, which are in the future")
    return ends


def _refused(part: str) -> OAuthError:
    return OAuthError("invalid_client", f"the client assertion does not hold: {part}", 401)
