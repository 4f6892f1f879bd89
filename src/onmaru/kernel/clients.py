"""Apps that may ask for tokens: what each may do was said when it was registered, and nothing is guessed from a request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel import scope
from onmaru.kernel.caller import Scope

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

Method = Literal["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]
Flow = Literal["authorization_code", "refresh_token", "client_credentials"]
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,63}")
# Addresses a browser may be sent back to without TLS: this machine's own (RFC 8252, 7.3)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_REFUSED = frozenset({"javascript", "data", "file", "vbscript", "about", "blob", "ftp", "ws", "wss", "mailto"})
WORDS = frozenset(
    {"openid", "fhirUser", "profile", "launch", "launch/patient", "launch/encounter", "offline_access", "online_access"}
)


class Client(msgspec.Struct, frozen=True):
    """One app of one tenant. `secret` is the keyed hash of its secret, b"" without one; `keys` its public keys, a JWKS as
    JSON, or `keys_at` the address where they lie. `user` is in whose name it acts without anybody's consent.

    `scopes`: the most it may ask for. `launch`: where the hospital's own pages open it. `label`: who registered it.
    """

    tenant: str
    id: str
    name: str
    method: Method
    flows: tuple[Flow, ...]
    scopes: str
    redirects: tuple[str, ...] = ()
    secret: bytes = b""
    keys: str = ""
    keys_at: str = ""
    user: str = ""
    launch: str = ""
    created: int = 0
    label: str = ""

    @property
    def origins(self) -> frozenset[str]:
        """Web origins of its pages, from which browsers may read our answers (Fetch, CORS)."""
        return frozenset(found for found in map(origin, (*self.redirects, self.launch)) if found)


def origin(address: str) -> str:
    """Scheme, host and port of a web address as browsers write them; "" for any other."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if parts.port in (None, usual) else f":{parts.port}")


def sound(client: Client) -> Client:
    """The client, when it can be registered; `Invalid` 422 naming the part that cannot."""
    if not ID.fullmatch(client.id):
        raise invalid("value", "a client id has 1 to 64 letters, digits and . _ -", "client_id", 422)
    if not client.name.strip() or len(client.name) > 200:
        raise invalid("value", "a name has 1 to 200 characters", "client_name", 422)
    _flows(client)
    for address in client.redirects:
        _address(address, "redirect_uris")
    if client.launch:
        _address(client.launch, "initiate_login_uri")
    if len(client.redirects) > 20:
        raise invalid("too-long", "at most 20 redirect addresses", "redirect_uris", 422)
    if client.keys:
        keyset(client.keys)
    if client.keys_at and urlsplit(client.keys_at).scheme != "https":
        raise invalid("value", "the address of the keys is https", "jwks_uri", 422)
    asked(client.scopes, "scope")
    return client


def _flows(client: Client) -> None:
    code, machine = "authorization_code" in client.flows, "client_credentials" in client.flows
    if not client.flows or (not code and not machine):
        raise invalid("value", "a client asks by authorization_code or client_credentials", "grant_types", 422)
    if code and not client.redirects:
        raise invalid("required", "an app needs an address to go back to", "redirect_uris", 422)
    if machine and (client.method == "none" or not client.user):
        raise invalid("value", "client_credentials needs a secret or keys, and a user", "grant_types", 422)
    if client.method == "private_key_jwt" and bool(client.keys) == bool(client.keys_at):
        raise invalid("value", "private_key_jwt needs either keys or their address", "jwks", 422)
    if client.method.startswith("client_secret") != bool(client.secret):
        raise invalid("value", "a secret belongs to the methods client_secret_basic and _post", "secret", 422)


def _address(address: str, where: str) -> None:
    """Whether a browser may be sent to an address: https, this machine, or an app's own scheme (RFC 8252, 7.1)."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise invalid("value", "not an address", where, 422) from error
    broken = (
        len(address) > 2000 or not address.isascii() or not address.isprintable() or set(address) & set(" \"'<>\\;,*")
    )
    if broken or parts.fragment or "#" in address or parts.username is not None:
        raise invalid("value", "an address without fragment, user, space, quote, ; or ,", where, 422)
    if parts.scheme == "https" and host:
        return
    if parts.scheme == "http" and host in _LOOPBACK:
        return
    if "." in parts.scheme and parts.scheme not in _REFUSED:
        return
    raise invalid("value", "https, this machine by http, or a scheme of the app's own with a dot", where, 422)


def keyset(text: str) -> KeySet:
    """The public RSA and P-384 or P-256 keys of a JWKS (RFC 7517); `Invalid` 422 for anything else in it."""
    # Costly to import, and most that knows clients reads no keys
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, KeySet, RSAKey

    try:
        keys = KeySet.import_key_set(msgspec.json.decode(text))
        good = bool(keys.keys) and len(keys.keys) <= 20
        for key in keys.keys:
            good = good and isinstance(key, RSAKey | ECKey) and not key.is_private
            good = good and (not isinstance(key, RSAKey) or key.raw_value.key_size >= 2048)
    except (JoseError, msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise invalid("value", "not a JSON Web Key Set", "jwks", 422) from error
    if not good:
        raise invalid("value", "1 to 20 public keys, RSA of 2048 bits or more, or elliptic", "jwks", 422)
    return keys


def asked(text: str, where: str) -> tuple[frozenset[str], tuple[Scope, ...]]:
    """The words of SMART (`openid`, `launch/patient` …) in a scope text, and its resource scopes; `Invalid` 422."""
    words = text.split()
    special = frozenset(words) & WORDS
    try:
        return special, scope.parse(" ".join(word for word in words if word not in WORDS))
    except Exception as error:
        raise invalid("value", "a scope that is not understood", where, 422) from error
