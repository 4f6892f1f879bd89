"""Log-in through the hospital's own OpenID provider (OpenID Connect Core 1.0): who its id_token says it is.

A token is believed only for this house, from this provider, for this very try.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from onmaru.fhir.outcome import Invalid, invalid
from onmaru.kernel.clients import origin

ALGORITHMS = ("RS256", "ES256")
SLACK = 60


class Provider(msgspec.Struct, frozen=True):
    """A tenant's provider. `claim` of its id_token is the name of the user here; `secret` "" for a public client."""

    issuer: str
    client: str
    secret: str = ""
    claim: str = "preferred_username"


class Endpoints(msgspec.Struct, frozen=True):
    """What of the provider's discovery document is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


def discovered(provider: Provider, document: bytes) -> Endpoints:
    """The provider's endpoints (OpenID Connect Discovery 1.0, 4.3); `Invalid` 502 when the document is not its own."""
    try:
        found = msgspec.json.decode(document, type=Endpoints)
        led = found.authorization_endpoint
        secure = urlsplit(led).scheme == "https" or origin(led) == origin(provider.issuer)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise _failed("its discovery document cannot be read") from error
    if found.issuer != provider.issuer:
        raise _failed("its discovery document names another issuer")
    if not secure:
        raise _failed("its log-in page is not under https")
    return found


def user_of(provider: Provider, answer: bytes, keys: bytes, nonce: str, now: int) -> str:
    """The name here of whoever the provider's answer is about (Core 3.1.3.7); `Invalid` 401. `now` in µs."""
    try:
        token = msgspec.json.decode(answer, type=_Answer).id_token
        claims = jwt.decode(token, KeySet.import_key_set(msgspec.json.decode(keys)), algorithms=ALGORITHMS).claims
    except (JoseError, msgspec.DecodeError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise _refused("its id_token is not signed by its keys") from error
    audience = claims.get("aud")
    alone = audience in (provider.client, [provider.client])
    several = isinstance(audience, list) and provider.client in audience and claims.get("azp") == provider.client
    if claims.get("iss") != provider.issuer or not (alone or several):
        raise _refused("its id_token is another issuer's or for another client")
    if not nonce or claims.get("nonce") != nonce:
        raise _refused("its id_token is of another try")
    _current(claims, now // 1_000_000)
    name = claims.get(provider.claim)
    if not isinstance(name, str) or not name:
        raise _refused("its id_token lacks the claim that names users here")
    return name


class _Answer(msgspec.Struct):
    id_token: str


def _current(claims: dict[str, Any], now: int) -> None:
    times = [claims.get("exp"), claims.get("iat")]
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in times):
        raise _refused("its id_token tells no times")
    if claims["exp"] <= now - SLACK or claims["iat"] > now + SLACK:
        raise _refused("its id_token does not stand now")


def _failed(why: str) -> Invalid:
    return invalid("transient", f"the provider cannot be used: {why}", status=502)


def _refused(why: str) -> Invalid:
    return invalid("login", f"the provider's answer is not believed: {why}", status=401)
