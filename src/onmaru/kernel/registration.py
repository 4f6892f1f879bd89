"""Apps are registered by an operator, an admin, or, where the tenant invites, by themselves (RFC 7591)."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.accounts import Grant
from onmaru.kernel.clients import Client, Flow, Method, sound
from onmaru.kernel.login import Logins

# What an app may ask for where nobody said it: one patient's record, read
USUAL = "openid fhirUser profile launch launch/patient offline_access online_access patient/*.rs"
MOST = 500
# In whose name invitations are kept; no user can be called so
INVITER = "*invitations*"


class Metadata(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said of an app, in the names of RFC 7591. `user` and `client_id` are for those who keep the house."""

    client_name: str
    redirect_uris: tuple[str, ...] = ()
    token_endpoint_auth_method: Method = "none"  # noqa: S105 - a method's name
    grant_types: tuple[Flow, ...] = ("authorization_code", "refresh_token")
    scope: str = ""
    jwks: msgspec.Raw = msgspec.Raw(b"")
    jwks_uri: str = ""
    initiate_login_uri: str = ""
    user: str = ""
    client_id: str = ""


def register(logins: Logins, tenant: str, said: Metadata, by: str) -> tuple[Client, str]:
    """A new app and its secret, shown once ("" where it needs none). `Invalid` 422 naming the part that cannot be,
    409 when the id is taken, 404 for a `user` that nobody is."""
    accounts = logins.accounts
    if said.client_id and accounts.client(tenant, said.client_id) is not None:
        raise invalid("conflict", "this client id is taken", "client_id", 409)
    if len(accounts.clients(tenant)) >= MOST:
        raise invalid("too-costly", f"this tenant has {MOST} clients already", status=409)
    if said.user and accounts.user(tenant, said.user) is None:
        raise invalid("not-found", "no such user", "user", 404)
    secret = secrets.token_urlsafe(32) if said.token_endpoint_auth_method.startswith("client_secret") else ""
    client = Client(
        tenant=tenant,
        id=said.client_id or secrets.token_hex(12),
        name=said.client_name,
        method=said.token_endpoint_auth_method,
        flows=said.grant_types,
        scopes=said.scope or USUAL,
        redirects=said.redirect_uris,
        secret=logins.hash(secret) if secret else b"",
        keys=bytes(said.jwks).decode(),
        keys_at=said.jwks_uri,
        user=said.user,
        launch=said.initiate_login_uri,
        created=logins.now(),
        label=by,
    )
    accounts.save_client(sound(client))
    return client, secret


def renew(logins: Logins, tenant: str, id: str, keys: str, keys_at: str) -> tuple[Client, str]:
    """Other credentials for an app: a new secret ("" where it has keys), or the keys given; what it was granted stands.

    `Invalid` 404 unknown, 409 for an app that has none, 422 for keys that cannot be, or given to one with a secret.
    """
    client = logins.accounts.client(tenant, id)
    if client is None:
        raise invalid("not-found", "no such client", status=404)
    if client.method == "none":
        raise invalid("conflict", "this app has no credentials", status=409)
    if client.method == "private_key_jwt":
        changed, secret = msgspec.structs.replace(client, keys=keys, keys_at=keys_at), ""
    elif keys or keys_at:
        raise invalid("value", "this app has a secret, not keys", "jwks", 422)
    else:
        secret = secrets.token_urlsafe(32)
        changed = msgspec.structs.replace(client, secret=logins.hash(secret))
    logins.accounts.save_client(sound(changed))
    logins.forget()
    return changed, secret


def remove(logins: Logins, tenant: str, id: str) -> None:
    """Forget an app: what it was granted ends with the next request. `Invalid` 404."""
    if logins.accounts.client(tenant, id) is None:
        raise invalid("not-found", "no such client", status=404)
    logins.accounts.remove_client(tenant, id)
    logins.forget()


def invite(logins: Logins, tenant: str, lasts: int) -> tuple[str, Grant]:
    """An initial access token (RFC 7591, 3): while it stands, whoever holds it may register apps that ask people."""
    now, secret = logins.now(), secrets.token_urlsafe(32)
    grant = Grant(logins.hash(secret), "invite", tenant, INVITER, now, now + lasts)
    logins.accounts.save_grant(grant)
    return secret, grant


def invited(logins: Logins, tenant: str, secret: str) -> bool:
    """Whether that is an initial access token of the tenant."""
    grant = logins.found(secret) if secret else None
    return grant is not None and (grant.kind, grant.tenant) == ("invite", tenant) and grant.stands(logins.now())


def inviting(logins: Logins, tenant: str) -> bool:
    """Whether any invitation stands, so that apps may register themselves."""
    now = logins.now()
    return any(grant.kind == "invite" and grant.stands(now) for grant in logins.accounts.grants(tenant, INVITER))


def told(client: Client) -> dict[str, Any]:
    """A client as RFC 7591 (3.2.1) writes it, without its secret."""
    shown: dict[str, Any] = {
        "client_id": client.id,
        "client_id_issued_at": client.created // 1_000_000,
        "client_name": client.name,
        "redirect_uris": client.redirects,
        "token_endpoint_auth_method": client.method,
        "grant_types": client.flows,
        "response_types": ["code"] if "authorization_code" in client.flows else [],
        "scope": client.scopes,
        "jwks": msgspec.Raw(client.keys.encode()) if client.keys else None,
        "jwks_uri": client.keys_at,
        "initiate_login_uri": client.launch,
        "user": client.user,
    }
    return {name: value for name, value in shown.items() if value not in (None, "", ())}
