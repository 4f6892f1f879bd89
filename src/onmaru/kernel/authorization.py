"""What apps are granted (RFC 6749, RFC 7636, SMART App Launch 2): a code once, tokens for it, each refresh token once.

Every secret is kept as a keyed hash; who shows one a second time ends all that came of that consent.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Literal

import msgspec

from onmaru.kernel import access, scope
from onmaru.kernel.accounts import Grant, User
from onmaru.kernel.caller import Scope
from onmaru.kernel.clients import WORDS, Client
from onmaru.kernel.login import Logins, Standing

DAY = 24 * 3_600_000_000


class OAuthError(Exception):
    """A refusal as RFC 6749 (5.2) names it; `text` never repeats what was sent."""

    def __init__(self, code: str, text: str, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.text = text
        self.status = status


class Wish(msgspec.Struct, frozen=True):
    """What an app asks one person for. `words` are SMART's own scopes, `scopes` those of resources (v2 form)."""

    redirect: str
    challenge: str
    words: tuple[str, ...]
    scopes: str
    nonce: str = ""
    launch: str = ""


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a consent fixed, kept with the code and the refresh tokens. `granted` is the scope text that is told.

    `authenticated`: µs since 1970 UTC at which the person proved who they are.
    """

    granted: str
    redirect: str = ""
    challenge: str = ""
    nonce: str = ""
    encounter: str = ""
    authenticated: int = 0


class Tokens(msgspec.Struct, frozen=True):
    """One answer of the token endpoint: the secrets, shown once, and what they stand for. `lasts` in seconds."""

    access: str
    refresh: str
    lasts: int
    grant: Grant
    user: User
    context: Context


class Authorizations:
    """Makes and takes back what apps hold, on the same accounts as log-in."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins
        self._swept = 0

    # -- consent ----------------------------------------------------------------------------------------------------

    def grantable(self, client: Client, user: User, wish: Wish) -> tuple[Scope, ...]:
        """The resource scopes that the app may have, of those it asks for, from this user: never more than either holds."""
        most = scope.parse(" ".join(word for word in client.scopes.split() if word not in WORDS))
        asked = scope.within(scope.parse(wish.scopes), most)
        return scope.simplest(scope.narrow(access.scopes_of(user.roles, self._logins.table), asked))

    def words(self, client: Client, wish: Wish) -> tuple[str, ...]:
        """SMART's own scopes that the app may have; a refresh token only where it is registered for one."""
        kept = [word for word in wish.words if word in client.scopes.split()]
        if "refresh_token" not in client.flows:
            kept = [word for word in kept if word not in ("offline_access", "online_access")]
        return tuple(kept)

    def code(self, client: Client, user: User, wish: Wish, patient: str, context: Context) -> str:
        """A code for the tokens that a person has just consented to; it stands for a minute and once."""
        scopes = self.grantable(client, user, wish)
        if patient and any(one.context == "patient" for one in scopes):
            # One patient's app: the gate binds a caller only if all its scopes are that patient's
            scopes = scope.simplest(scope.narrow(scopes, (Scope("patient", "*", frozenset("cruds")),)))
        granted = " ".join([*self.words(client, wish), scope.text(scopes)]).strip()
        kept = msgspec.structs.replace(
            context, granted=granted, redirect=wish.redirect, challenge=wish.challenge, nonce=wish.nonce
        )
        secret, grant = self._made("code", client, user, self._logins.lifetimes.code)
        grant = msgspec.structs.replace(
            grant,
            scopes=scope.text(scopes),
            family=secrets.token_hex(16),
            patient=patient,
            detail=msgspec.json.encode(kept),
        )
        self._logins.accounts.save_grant(grant)
        return secret

    # -- tokens -----------------------------------------------------------------------------------------------------

    def redeem(self, client: Client, code: str, redirect: str, verifier: str) -> Tokens:
        """Tokens for a code (RFC 6749 4.1.3, RFC 7636 4.6): `invalid_grant` when any part of it does not fit."""
        grant = self._presented(client, code, "code")
        context = msgspec.json.decode(grant.detail, type=Context)
        digest = urlsafe_b64encode(sha256(verifier.encode("utf-8", "replace")).digest()).rstrip(b"=").decode()
        if context.redirect != redirect or not hmac.compare_digest(digest, context.challenge):
            self._logins.accounts.save_grant(msgspec.structs.replace(grant, revoked=True))
            raise OAuthError("invalid_grant", "the redirect address or the code verifier does not fit the code")
        return self._issued(client, grant, context)

    def refreshed(self, client: Client, refresh: str, narrower: str) -> Tokens:
        """New tokens for a refresh token, which ends by it. `narrower` "" keeps the scopes."""
        grant = self._presented(client, refresh, "refresh")
        context = msgspec.json.decode(grant.detail, type=Context)
        asked = _narrower(context, grant, narrower)
        return self._issued(client, grant, context, asked)

    def machine(self, client: Client, asked: str) -> Tokens:
        """A token for a backend service that has proved itself (SMART Backend Services): short, without refresh."""
        user = self._logins.accounts.user(client.tenant, client.user)
        if user is None or user.disabled:
            raise OAuthError("unauthorized_client", "the user of this client is no more")
        try:
            scopes = self.grantable(client, user, Wish("", "", (), asked))
        except Exception as error:
            raise OAuthError("invalid_scope", "a scope that is not understood") from error
        if not scopes or not asked.strip():
            raise OAuthError("invalid_scope", "nothing of the scopes asked for can be granted")
        secret, grant = self._made("token", client, user, self._logins.lifetimes.machine)
        grant = msgspec.structs.replace(grant, scopes=scope.text(scopes), family=secrets.token_hex(16))
        self._sweep(grant.created)
        self._logins.accounts.save_grant(grant)
        told = " ".join(_told(one, scope.parse(asked)) for one in scopes)
        return Tokens(secret, "", _seconds(grant), grant, user, Context(told))

    def _presented(self, client: Client, secret: str, kind: str) -> Grant:
        """The grant of a code or refresh token that this app may use now; shown twice, it ends its whole family."""
        grant = self._logins.found(secret)
        if grant is None or grant.kind != kind or (grant.tenant, grant.client) != (client.tenant, client.id):
            raise OAuthError("invalid_grant", "unknown, ended, or another client's")
        if grant.revoked:
            self.end(grant)
            raise OAuthError("invalid_grant", "used before: everything that came of this consent has ended")
        if self._logins.stands(grant) is None:
            raise OAuthError("invalid_grant", "unknown, ended, or another client's")
        return grant

    def _issued(self, client: Client, spent: Grant, context: Context, scopes: str | None = None) -> Tokens:
        """Spend a grant for an access token and, where consent says so, a refresh token; all of it or nothing is kept."""
        user = self._logins.accounts.user(spent.tenant, spent.user)
        if user is None:
            raise OAuthError("invalid_grant", "unknown, ended, or another client's")
        if not self._logins.accounts.once(b"spent" + spent.key, spent.expires, self._logins.now()):
            # Another worker was shown it at the same moment
            self.end(spent)
            raise OAuthError("invalid_grant", "used before: everything that came of this consent has ended")
        given = spent.scopes if scopes is None else scopes
        shared = {"scopes": given, "family": spent.family, "patient": spent.patient}
        secret, grant = self._made("token", client, user, self._logins.lifetimes.access)
        grant = msgspec.structs.replace(grant, **shared)
        kept, refresh = [msgspec.structs.replace(spent, revoked=True), grant], ""
        lasts = _lasting(context, self._logins)
        if lasts:
            refresh, again = self._made("refresh", client, user, lasts)
            if spent.kind == "refresh":
                again = msgspec.structs.replace(again, expires=min(again.expires, _end(spent, context, again)))
            detail = msgspec.json.encode(context)
            kept.append(msgspec.structs.replace(again, **{**shared, "scopes": spent.scopes}, detail=detail))
        self._sweep(grant.created)
        self._logins.accounts.save_grants(kept)
        special = [word for word in context.granted.split() if word in WORDS]
        told = msgspec.structs.replace(context, granted=" ".join([*special, given]).strip())
        return Tokens(secret, refresh, _seconds(grant), grant, user, told)

    def _made(
        self, kind: Literal["code", "token", "refresh"], client: Client, user: User, lasts: int
    ) -> tuple[str, Grant]:
        now, secret = self._logins.now(), secrets.token_urlsafe(32)
        key = self._logins.hash(secret)
        grant = Grant(key, kind, user.tenant, user.user, now, now + lasts, client=client.id)
        return secret, grant

    # -- taking back ------------------------------------------------------------------------------------------------

    def end(self, grant: Grant) -> None:
        """End everything that came of the same consent, from the next request on."""
        accounts = self._logins.accounts
        found = accounts.family(grant.tenant, grant.family) if grant.family else [grant]
        accounts.save_grants([msgspec.structs.replace(one, revoked=True) for one in found if not one.revoked])
        self._logins.forget()

    def revoke(self, client: Client, secret: str) -> Grant | None:
        """End an access token, or a refresh token with all that came of its consent (RFC 7009); None: not this app's."""
        grant = self._logins.found(secret)
        if grant is None or (grant.tenant, grant.client) != (client.tenant, client.id):
            return None
        if grant.kind == "token":
            self._logins.revoke(grant)
        else:
            self.end(grant)
        return grant

    def shown(self, tenant: str, secret: str) -> Standing | None:
        """What a token stands for now, for who may introspect it (RFC 7662)."""
        grant = self._logins.found(secret)
        if grant is None or grant.tenant != tenant or grant.kind not in ("token", "refresh"):
            return None
        return self._logins.stands(grant)

    def _sweep(self, now: int) -> None:
        """Once an hour forget what ended more than a day ago: a code or refresh token shown twice is known till then."""
        if now - self._swept > 3_600_000_000:
            self._swept = now
            self._logins.accounts.sweep(now - DAY)


def _lasting(context: Context, logins: Logins) -> int:
    words = context.granted.split()
    if "offline_access" in words:
        return logins.lifetimes.token
    return logins.lifetimes.session if "online_access" in words else 0


def _end(spent: Grant, context: Context, again: Grant) -> int:
    """A refresh token that stays only while the person is there ends when the first of its line does."""
    return again.expires if "offline_access" in context.granted.split() else spent.expires


def _narrower(context: Context, grant: Grant, asked: str) -> str | None:
    """The resource scopes of a refresh that asks for fewer (RFC 6749, 6); `invalid_scope` when it asks for others."""
    if not asked:
        return None
    words = asked.split()
    if any(word in WORDS and word not in context.granted.split() for word in words):
        raise OAuthError("invalid_scope", "more than was consented to")
    try:
        wanted = scope.parse(" ".join(word for word in words if word not in WORDS))
    except Exception as error:
        raise OAuthError("invalid_scope", "a scope that is not understood") from error
    held = scope.parse(grant.scopes)
    met = scope.narrow(held, wanted)
    if not wanted or any(not _within(one, held) for one in wanted):
        raise OAuthError("invalid_scope", "more than was consented to")
    return scope.text(met)


def _within(one: Scope, held: tuple[Scope, ...]) -> bool:
    plain = msgspec.structs.replace(one, search="")
    return scope.covers(held, plain) or any(
        other.type == one.type and other.search == one.search and one.verbs <= other.verbs for other in held
    )


def _told(granted: Scope, asked: tuple[Scope, ...]) -> str:
    """A scope in the context that was asked for, as the app knows it."""
    for one in asked:
        if one.type in ("*", granted.type) and one.verbs >= granted.verbs:
            return scope.text([msgspec.structs.replace(granted, context=one.context)])
    return scope.text([granted])


def _seconds(grant: Grant) -> int:
    return (grant.expires - grant.created) // 1_000_000
