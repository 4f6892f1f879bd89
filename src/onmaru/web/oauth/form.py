"""Forms and refusals of the authorization server: a parameter given twice is refused (RFC 6749, 3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode, urlsplit, urlunsplit

from onmaru.fhir.outcome import Invalid
from onmaru.kernel.audit import Access
from onmaru.kernel.authorization import OAuthError
from onmaru.kernel.clients import Client
from onmaru.kernel.entry import pairs_of
from onmaru.kernel.room import Response
from onmaru.web.answers import json
from onmaru.web.entrance import trail_of
from onmaru.web.visit import Visit

FORM = "application/x-www-form-urlencoded"


def posted(visit: Visit) -> Mapping[str, str]:
    """The fields of a form body, each at most once; `invalid_request` otherwise."""
    kind = visit.request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != FORM:
        raise OAuthError("invalid_request", f"the body is {FORM}")
    try:
        pairs = pairs_of(visit.request.body.decode("ascii"))
    except (UnicodeDecodeError, Invalid) as error:
        raise OAuthError("invalid_request", "the body is not percent-encoded UTF-8") from error
    return once(pairs)


def once(pairs: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Parameters by name; those without a value are as if they were not there (RFC 6749, 3.1)."""
    found = {name: value for name, value in pairs if value}
    if len(found) != sum(1 for _, value in pairs if value):
        raise OAuthError("invalid_request", "a parameter is given more than once")
    return found


def refused(error: OAuthError, scheme: str = "") -> Response:
    """An error answer (RFC 6749, 5.2)."""
    headers = [("www-authenticate", f'{scheme} realm="onmaru"')] if scheme and error.status == 401 else []
    headers.append(("pragma", "no-cache"))
    return json({"error": error.code, "error_description": error.text}, error.status, headers)


def back(redirect: str, **parts: str) -> Response:
    """Send the browser back to the app; what its address says already is kept."""
    split = urlsplit(redirect)
    added = urlencode({name: value for name, value in parts.items() if value})
    query = "&".join(part for part in (split.query, added) if part)
    return Response(303, b"", "", (("location", urlunsplit(split._replace(query=query))),))


def write(visit: Visit, target: str, who: tuple[str, tuple[str, ...]], denied: str = "", patient: str = "") -> None:
    """Leave an audit row of what an app was granted or refused; `who` acts: user and roles."""
    at = visit.doors.logins.now()
    patients = (patient,) if patient else ()
    user, roles = who
    row = Access(at, user, roles, "", "execute", target, patients, not denied, denied, visit.id, visit.address)
    visit.doors.audit(trail_of(visit), row)


def named(client: Client) -> tuple[str, tuple[str, ...]]:
    """A client in the audit trail, where no person acts."""
    return f"client/{client.id}", ()
