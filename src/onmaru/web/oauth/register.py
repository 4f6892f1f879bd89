"""Apps that register themselves (RFC 7591), while the tenant invites them; they may ask people, never act alone."""

from __future__ import annotations

import msgspec

from onmaru.fhir.outcome import Invalid
from onmaru.kernel.authorization import OAuthError
from onmaru.kernel.registration import Metadata, invited, register, told
from onmaru.kernel.room import Response
from onmaru.web.answers import json
from onmaru.web.api.reading import body
from onmaru.web.oauth.form import named, refused, write
from onmaru.web.visit import Visit

# Members of RFC 7591 that are shown to nobody here and change nothing
_IGNORED = frozenset({"client_uri", "logo_uri", "contacts", "tos_uri", "policy_uri", "software_id", "software_version"})
_IMPLIED = frozenset({"response_types", "application_type"})


async def self_register(visit: Visit) -> Response:
    """`POST oauth/register`: 201 with the client; 401 without an initial access token that stands."""
    scheme, _, secret = visit.request.headers.get("authorization", "").partition(" ")
    logins = visit.doors.logins
    if scheme.lower() != "bearer" or not invited(logins, visit.tenant, secret.strip()):
        name = (visit.address, "register", "unauthenticated")
        await visit.denials.gather(name, lambda why: write(visit, "oauth/register", ("", ()), why))
        return refused(OAuthError("invalid_token", "an initial access token of this tenant is needed", 401), "Bearer")
    try:
        given = body(visit, dict[str, msgspec.Raw])
        kept = {name: value for name, value in given.items() if name not in _IGNORED | _IMPLIED}
        said = _read(kept)
        if said.user or said.client_id or "client_credentials" in said.grant_types:
            raise OAuthError("invalid_client_metadata", "only an admin registers a client that acts by itself")
        client, made = register(logins, visit.tenant, said, "registered itself")
    except Invalid as error:
        first = error.issues[0]
        code = "invalid_redirect_uri" if first.expression == "redirect_uris" else "invalid_client_metadata"
        return _refused(visit, OAuthError(code, f"{first.expression}: {first.text}".removeprefix(": ")))
    except OAuthError as error:
        return _refused(visit, error)
    write(visit, "oauth/register", named(client))
    shown = told(client)
    if made:
        shown |= {"client_secret": made, "client_secret_expires_at": 0}
    return json(shown, 201, [("pragma", "no-cache")])


def _read(given: dict[str, msgspec.Raw]) -> Metadata:
    try:
        return msgspec.json.decode(msgspec.json.encode(given), type=Metadata)
    except msgspec.DecodeError as error:
        raise OAuthError(
            "invalid_client_metadata", "a member is unknown here or of another type than RFC 7591's"
        ) from error


def _refused(visit: Visit, error: OAuthError) -> Response:
    write(visit, "oauth/register", ("", ()), error.code)
    return refused(error)
