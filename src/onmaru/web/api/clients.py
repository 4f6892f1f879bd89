"""Apps of the tenant, kept by its admins, and opening one from the hospital's own pages (SMART "EHR launch")."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.accounts import Grant
from onmaru.kernel.entry import ID
from onmaru.kernel.registration import Metadata, invite, register, remove, renew, told
from onmaru.kernel.room import Response
from onmaru.web.answers import json
from onmaru.web.api.reading import body
from onmaru.web.entrance import deny, note
from onmaru.web.visit import Visit

DAY = 24 * 3_600_000_000


class Launched(msgspec.Struct, forbid_unknown_fields=True):
    client: str
    patient: str = ""
    encounter: str = ""


class Invited(msgspec.Struct, forbid_unknown_fields=True):
    days: int = 7


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    jwks: msgspec.Raw = msgspec.Raw(b"")
    jwks_uri: str = ""


def listing(visit: Visit) -> Response:
    """`GET /api/clients`."""
    note(visit, "clients")
    return json({"clients": [told(client) for client in visit.doors.logins.accounts.clients(visit.tenant)]})


def create(visit: Visit) -> Response:
    """`POST /api/clients`: 201 with the client and, once, its secret."""
    given = body(visit, Metadata)
    _, caller = visit.known()
    client, secret = register(visit.doors.logins, visit.tenant, given, caller.user)
    note(visit, f"clients/{client.id} create")
    return json({**told(client), **({"client_secret": secret} if secret else {})}, 201)


def delete(visit: Visit) -> Response:
    """`DELETE /api/clients/{client}`: 204; what it was granted ends with the next request."""
    name = visit.request.params["client"]
    remove(visit.doors.logins, visit.tenant, name)
    note(visit, f"clients/{name} remove")
    return Response(204, b"", "")


def credentials(visit: Visit) -> Response:
    """`POST /api/clients/{client}/credentials`: a new secret, told once, or the keys given; the old ones are worthless."""
    given = body(visit, Credentials)
    name = visit.request.params["client"]
    client, secret = renew(visit.doors.logins, visit.tenant, name, bytes(given.jwks).decode(), given.jwks_uri)
    note(visit, f"clients/{name} credentials")
    return json({**told(client), **({"client_secret": secret} if secret else {})})


def invitation(visit: Visit) -> Response:
    """`POST /api/client-invitations`: an initial access token, with which apps register themselves for some days."""
    given = body(visit, Invited)
    if not 1 <= given.days <= 90:
        raise invalid("value", "1 to 90 days", "days", 422)
    secret, grant = invite(visit.doors.logins, visit.tenant, given.days * DAY)
    note(visit, "clients invite")
    return json({"token": secret, "expires": grant.expires}, 201)


def launch(visit: Visit) -> Response:
    """`POST /api/launch`: the address that opens an app on a patient whom the caller sees; it stands once, for 5 minutes."""
    given = body(visit, Launched)
    standing, caller = visit.known()
    if standing.grant.limited:
        deny(visit, "scope")
        raise invalid("forbidden", "not permitted: scope", status=403)
    logins = visit.doors.logins
    client = logins.accounts.client(visit.tenant, given.client)
    if client is None or not client.launch:
        raise invalid("not-found", "no such client, or none that is launched", "client", 404)
    for type_name, id in (("Patient", given.patient), ("Encounter", given.encounter)):
        if id and not ID.fullmatch(id):
            raise invalid("value", "not the id of a resource", type_name.lower(), 422)
        if id:
            visit.hall().record.read(type_name, id)
    now, secret = logins.now(), secrets.token_urlsafe(32)
    ends, detail = now + logins.lifetimes.launch, msgspec.json.encode(given)
    key = logins.hash(secret)
    logins.accounts.save_grant(
        Grant(key, "launch", visit.tenant, caller.user, now, ends, client=client.id, family=key.hex(), detail=detail)
    )
    note(visit, f"launch {client.id}", (given.patient,) if given.patient else ())
    base = f"{visit.base}/fhir"
    split = urlsplit(client.launch)
    query = "&".join(part for part in (split.query, urlencode({"iss": base, "launch": secret})) if part)
    return json({"launch": secret, "iss": base, "url": urlunsplit(split._replace(query=query))})
