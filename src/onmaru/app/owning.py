"""From a subscription's owner to the Caller that it is now: asked anew for each event, and None once nothing stands."""

from __future__ import annotations

import msgspec

from onmaru.fhir.outcome import Invalid
from onmaru.kernel import scope
from onmaru.kernel.accounts import Grant
from onmaru.kernel.caller import Caller
from onmaru.kernel.login import Logins
from onmaru.kernel.subscribing import HOUSE, Owner

MINUTE = 60_000_000


def owner_of(logins: Logins, caller: Caller, version: int) -> Owner | None:
    """Whose a Subscription is that `caller` has just written; None for who acts without a grant.

    Its scopes are the caller's, which may be fewer than the grant's: a room's. What a broken glass opened does not go on
    by itself: the purpose is then the roles' own.
    """
    grant = logins.accounts.grant(caller.grant) if caller.grant else None
    if grant is None:
        return None
    purpose = "" if caller.purpose == "BTG" else caller.purpose
    held = scope.text(caller.scopes)
    return Owner(version, caller.user, grant.key, purpose, grant.client, grant.family, held, grant.patient)


def acting(logins: Logins, tenant: str, owner: Owner) -> Caller | None:
    """The owner as a Caller with what it may now; None when grant, user or app are no more.

    An access token that has expired is renewed by who holds its refresh token, or by the app that proves itself: what
    either could still ask for stands, within the scopes of then. What was revoked has ended for good.
    """
    grant = _standing(logins, tenant, owner)
    if grant is None:
        return None
    found = logins.stands(msgspec.structs.replace(grant, broken="", scopes=owner.scopes))
    if found is None:
        return None
    try:
        return logins.caller(found, owner.purpose, HOUSE, "")
    except Invalid:
        return None


def _standing(logins: Logins, tenant: str, owner: Owner) -> Grant | None:
    now, accounts = logins.now(), logins.accounts
    own = accounts.grant(owner.grant)
    if own is not None and (own.revoked or own.stands(now)):
        return None if own.revoked else own
    family = accounts.family(tenant, owner.family) if owner.family else ()
    for other in family:
        if other.kind == "refresh" and other.stands(now):
            return msgspec.structs.replace(other, kind="token")
    client = accounts.client(tenant, owner.client) if owner.client else None
    if client is None or not client.user or client.user != owner.user:
        return None
    return Grant(
        owner.grant, "token", tenant, owner.user, now, now + MINUTE, owner.scopes, client=owner.client,
        patient=owner.patient,
    )  # fmt: skip
