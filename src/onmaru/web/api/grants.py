"""What a user is logged in by: sessions, tokens, and apps that act in their name. Each is its user's own to end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from onmaru.fhir.outcome import invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.accounts import Grant
from onmaru.kernel.room import Response
from onmaru.web.answers import NOTHING, json
from onmaru.web.entrance import deny, note
from onmaru.web.visit import Visit

# Kinds that let somebody in; an app's code and launch end by themselves within minutes
HELD = frozenset({"session", "token", "refresh"})
NAME = 32


def listing(visit: Visit) -> Response:
    """`GET /api/grants`: what stands, newest first; all that came of one consent is one item."""
    mine = [_told(visit, name, grants) for name, grants in _held(visit)]
    note(visit, "grants")
    return json({"items": sorted(mine, key=lambda one: str(one["created"]), reverse=True)})


def end(visit: Visit) -> Response:
    """`DELETE /api/grants/{grant}`: 204; whoever holds it is refused from the next request on. 404 for another's."""
    wanted = visit.request.params["grant"]
    for name, grants in _held(visit):
        if name == wanted:
            logins = visit.doors.logins
            family = grants[0].family
            for grant in logins.accounts.family(visit.tenant, family) if family else grants:
                logins.revoke(grant)
            note(visit, f"grants {grants[0].client or grants[0].kind} end")
            return NOTHING
    raise invalid("not-found", "no such session, token or app of yours", status=404)


def _held(visit: Visit) -> Iterator[tuple[str, Sequence[Grant]]]:
    """(name, grants) of each way in; `Invalid` 403 for a token that scopes limit."""
    standing, caller = visit.known()
    if standing.grant.limited:
        deny(visit, "scope")
        raise invalid("forbidden", "not permitted: scope", status=403)
    logins = visit.doors.logins
    held = [one for one in logins.accounts.grants(visit.tenant, caller.user) if one.kind in HELD]
    standing_now = sorted((one for one in held if one.stands(logins.now())), key=_named)
    for name, grants in groupby(standing_now, key=_named):
        yield name, list(grants)


def _named(grant: Grant) -> str:
    """How one is called here: by the consent that it came of, else by the hash of its own secret."""
    return (grant.family or grant.key.hex())[:NAME]


def _told(visit: Visit, name: str, grants: Sequence[Grant]) -> dict[str, Any]:
    standing, _ = visit.known()
    last, client = max(grants, key=lambda one: one.expires), grants[0].client
    app = visit.doors.logins.accounts.client(visit.tenant, client) if client else None
    seen = max(one.seen for one in grants)
    return {
        "id": name,
        "kind": "app" if client else last.kind,
        "current": any(one.key == standing.grant.key for one in grants),
        "name": app.name if app is not None else last.label,
        "scopes": last.scopes,
        "patient": last.patient,
        "created": instant(min(one.created for one in grants)),
        "seen": instant(seen) if seen else None,
        "expires": instant(last.expires),
    }
