"""Who is asking: bearer token or session cookie to Caller. Whoever may not come in leaves an audit row at the door."""

from __future__ import annotations

from onmaru.fhir.outcome import Invalid, invalid
from onmaru.kernel.access import may_open
from onmaru.kernel.audit import Access, access
from onmaru.kernel.login import Standing
from onmaru.web.visit import Visit

COOKIE = "onmaru"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def enter(visit: Visit) -> None:
    """Give the visit its grant and Caller; `Invalid` 401 without one that stands, 403 for another tenant's or no CSRF.

    Every refusal has left its audit row but 401: those are many, and the application notes them (denials.py).
    """
    standing, by_cookie = _present(visit)
    if standing is None:
        raise invalid("login", "a valid token or session is needed", status=401)
    visit.standing = standing
    if standing.user.tenant != visit.tenant:
        deny(visit, "tenant")
        raise invalid("forbidden", "not permitted: tenant", status=403)
    headers = visit.request.headers
    if by_cookie and visit.request.method not in SAFE and headers.get("x-csrf-token") != standing.grant.csrf:
        deny(visit, "csrf")
        raise invalid("forbidden", "X-CSRF-Token is missing or is not this session's", status=403)
    try:
        asked = headers.get("x-onmaru-purpose", "")
        visit.caller = visit.doors.logins.caller(standing, asked, visit.id, visit.address)
    except Invalid:
        deny(visit, "purpose")
        raise


def _present(visit: Visit) -> tuple[Standing | None, bool]:
    headers = visit.request.headers
    bearer = headers.get("authorization")
    if bearer is not None:
        scheme, _, secret = bearer.partition(" ")
        return (visit.doors.logins.standing(secret.strip()) if scheme.lower() == "bearer" else None), False
    secret = cookie(headers.get("cookie", ""))
    return (visit.doors.logins.standing(secret) if secret else None), True


def cookie(header: str, wanted: str = COOKIE) -> str:
    """The value of a cookie, by default the session's secret; "" when there is none."""
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == wanted:
            return value
    return ""


def trail_of(visit: Visit) -> str:
    """The tenant in whose trail this visit is noted: its own, the default one where nobody has such a tenant."""
    return visit.tenant if visit.there else visit.doors.settings.tenant


def deny(visit: Visit, reason: str) -> None:
    """Leave an audit row of a refusal that the record itself does not see, in the tenant whose door it was."""
    target = f"{visit.request.method} {visit.request.path}"[:200]
    at = visit.doors.logins.now()
    if visit.caller is not None:
        row = access(visit.caller, "execute", target, at, denied=reason)
    else:
        user = visit.standing.user if visit.standing is not None else None
        name = "" if user is None else user.user if user.tenant == visit.tenant else f"{user.tenant}/{user.user}"
        roles = tuple(sorted(user.roles)) if user is not None else ()
        row = Access(at, name, roles, "", "execute", target, (), False, reason, visit.id, visit.address)
    visit.doors.audit(trail_of(visit), row)


def open_page(visit: Visit, page: str) -> None:
    """Let in whom some role opens the page for ("": everybody); `Invalid` 403 and an audit row otherwise.

    A token limited to some scopes opens no page at all: pages show and change what no scope speaks of.
    """
    standing, caller = visit.known()
    if page and standing.grant.limited:
        deny(visit, "scope")
        raise invalid("forbidden", "not permitted: scope", status=403)
    if page and not may_open(caller, page, visit.doors.logins.table):
        deny(visit, "role")
        raise invalid("forbidden", "not permitted: role", status=403)


def note(visit: Visit, target: str, patients: tuple[str, ...] = ()) -> None:
    """Leave an audit row of what was done outside the record, such as reading the audit trail."""
    _, caller = visit.known()
    row = access(caller, "execute", target, visit.doors.logins.now(), patients=patients)
    visit.doors.audit(visit.tenant, row)
