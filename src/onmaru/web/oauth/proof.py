"""Which client asks (RFC 6749, 2.3): by secret, by signed assertion, or, public, by its name alone."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from urllib.parse import unquote_plus

from onmaru.fhir.outcome import Invalid
from onmaru.kernel import assertion
from onmaru.kernel.authorization import OAuthError
from onmaru.kernel.clients import Client, keyset
from onmaru.web.visit import Visit


async def client_of(visit: Visit, form: Mapping[str, str]) -> Client:
    """The client, proved in the way it is registered for and in no other; `invalid_client` 401 otherwise."""
    basic = visit.request.headers.get("authorization", "")
    if basic and ("client_secret" in form or "client_assertion" in form):
        raise OAuthError("invalid_request", "a client proves itself in one way only")
    if basic:
        return _by_basic(visit, basic, form)
    if "client_assertion" in form:
        return await _by_assertion(visit, form)
    client = _known(visit, form.get("client_id") or _holder(visit, form.get("refresh_token", "")))
    if client.method == "none" and "client_secret" not in form:
        return client
    if client.method != "client_secret_post":
        raise _unproved()
    return _with_secret(visit, client, form.get("client_secret", ""))


def _holder(visit: Visit, refresh: str) -> str:
    """Whose refresh token it is: a public client that shows one need not say its name (RFC 6749, 6)."""
    grant = visit.doors.logins.found(refresh) if refresh else None
    return grant.client if grant is not None and grant.tenant == visit.tenant else ""


def _by_basic(visit: Visit, header: str, form: Mapping[str, str]) -> Client:
    scheme, _, coded = header.partition(" ")
    try:
        name, colon, secret = base64.b64decode(coded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise _unproved() from None
    if scheme.lower() != "basic" or not colon:
        raise _unproved()
    name = unquote_plus(name)
    if form.get("client_id", name) != name:
        raise OAuthError("invalid_request", "client_id is not the one that proves itself")
    client = _known(visit, name)
    if client.method != "client_secret_basic":
        raise _unproved()
    return _with_secret(visit, client, unquote_plus(secret))


async def _by_assertion(visit: Visit, form: Mapping[str, str]) -> Client:
    token = form["client_assertion"]
    if form.get("client_assertion_type") != assertion.KIND or len(token) > 8_192:
        raise OAuthError("invalid_request", "client_assertion_type is not the one for JWTs")
    client = _known(visit, form.get("client_id") or assertion.issuer(token))
    if client.method != "private_key_jwt":
        raise _unproved()
    try:
        keys = keyset(client.keys or (await visit.doors.fetch(visit.tenant, client.keys_at)).decode())
    except (Invalid, UnicodeDecodeError) as error:
        raise OAuthError("invalid_client", "the keys of this client cannot be had", 401) from error
    logins = visit.doors.logins
    assertion.prove(token, client, keys, f"{visit.base}/oauth/token", logins.accounts, logins.now())
    return client


def _with_secret(visit: Visit, client: Client, secret: str) -> Client:
    if not client.secret or not hmac.compare_digest(client.secret, visit.doors.logins.hash(secret)):
        raise _unproved()
    return client


def _known(visit: Visit, id: str) -> Client:
    found = visit.doors.logins.accounts.client(visit.tenant, id) if 0 < len(id) <= 64 else None
    if found is None:
        raise _unproved()
    return found


def _unproved() -> OAuthError:
    return OAuthError("invalid_client", "unknown, or not proved in the way it is registered for", 401)
