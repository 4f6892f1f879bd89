"""The token endpoint, introspection and revocation (RFC 6749, 7662, 7009). Every grant and refusal leaves an audit row."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from onmaru.kernel import scope
from onmaru.kernel.accounts import User
from onmaru.kernel.authorization import Authorizations, OAuthError, Tokens
from onmaru.kernel.clients import Client
from onmaru.kernel.entry import ID
from onmaru.kernel.room import Response
from onmaru.kernel.signing import Signing
from onmaru.web.answers import json
from onmaru.web.oauth.form import named, posted, refused, write
from onmaru.web.oauth.proof import client_of
from onmaru.web.visit import Visit

Form = Mapping[str, str]


class TokenEndpoint:
    """Handlers of `token`, `introspect` and `revoke`."""

    def __init__(self, authorizations: Authorizations, signing: Signing) -> None:
        self._authorizations = authorizations
        self._signing = signing

    async def token(self, visit: Visit) -> Response:
        """`POST oauth/token`: a code, a refresh token or a client's own proof for an access token."""
        return await self._answered(visit, "token", self._granted)

    async def introspect(self, visit: Visit) -> Response:
        """`POST oauth/introspect` (RFC 7662), for clients that prove themselves."""
        return await self._answered(visit, "introspect", self._introspected)

    async def revoke(self, visit: Visit) -> Response:
        """`POST oauth/revoke` (RFC 7009): 200 whether the token was there or not."""
        return await self._answered(visit, "revoke", self._revoked)

    async def _answered(
        self, visit: Visit, what: str, answer: Callable[[Visit, Client, Form], Response | Awaitable[Response]]
    ) -> Response:
        who: tuple[str, tuple[str, ...]] = ("", ())
        scheme = "Basic" if visit.request.headers.get("authorization") else ""
        try:
            form = posted(visit)
            client = await client_of(visit, form)
            who = named(client)
            response = answer(visit, client, form)
            return response if isinstance(response, Response) else await response
        except OAuthError as error:
            if who[0]:
                write(visit, f"oauth/{what}", who, error.code)
            else:
                name = (visit.address, what, error.code)
                await visit.denials.gather(name, lambda why: write(visit, f"oauth/{what}", who, why))
            return refused(error, scheme)

    def _granted(self, visit: Visit, client: Client, form: Form) -> Response:
        flow = form.get("grant_type", "")
        if flow not in ("authorization_code", "refresh_token", "client_credentials"):
            raise OAuthError("unsupported_grant_type", "authorization_code, refresh_token or client_credentials")
        if flow not in client.flows:
            raise OAuthError("unauthorized_client", "this client is not registered for this grant type")
        if flow == "authorization_code":
            needed = [_needed(form, name) for name in ("code", "redirect_uri", "code_verifier")]
            made = self._authorizations.redeem(client, *needed)
        elif flow == "refresh_token":
            made = self._authorizations.refreshed(client, _needed(form, "refresh_token"), form.get("scope", ""))
        else:
            made = self._authorizations.machine(client, form.get("scope", ""))
        who = (made.user.user, tuple(sorted(made.user.roles)))
        write(visit, f"oauth/token {flow} {client.id}", who, patient=made.grant.patient)
        return json(self._told(visit, client, made, flow), 200, [("pragma", "no-cache")])

    def _told(self, visit: Visit, client: Client, made: Tokens, flow: str) -> dict[str, Any]:
        words = made.context.granted.split()
        answer: dict[str, Any] = {
            "access_token": made.access,
            "token_type": "Bearer",
            "expires_in": made.lasts,
            "scope": made.context.granted,
        }
        if made.refresh:
            answer["refresh_token"] = made.refresh
        if made.grant.patient:
            answer |= {"patient": made.grant.patient, "need_patient_banner": True}
        if made.context.encounter:
            answer["encounter"] = made.context.encounter
        if "openid" in words and flow != "client_credentials":
            answer["id_token"] = self._signing.sign(visit.tenant, self._claims(visit, client, made))
        return answer

    def _claims(self, visit: Visit, client: Client, made: Tokens) -> dict[str, Any]:
        now = visit.doors.logins.now() // 1_000_000
        words = made.context.granted.split()
        claims: dict[str, Any] = {
            "iss": f"{visit.base}/oauth",
            "sub": made.user.user,
            "aud": client.id,
            "iat": now,
            "exp": now + made.lasts,
            "auth_time": made.context.authenticated // 1_000_000,
        }
        if made.context.nonce:
            claims["nonce"] = made.context.nonce
        whose = fhir_user(visit, made.user)
        if whose and "fhirUser" in words:
            claims["fhirUser"] = whose
        if "profile" in words:
            claims |= {"name": made.user.name, "preferred_username": made.user.user}
            if whose:
                claims["profile"] = whose
        return claims

    def _introspected(self, visit: Visit, client: Client, form: Form) -> Response:
        if client.method == "none":
            raise OAuthError("invalid_client", "only a client with a secret or keys may ask", 401)
        standing = self._authorizations.shown(visit.tenant, _needed(form, "token"))
        grant = standing.grant if standing is not None else None
        if grant is not None and grant.kind == "refresh" and grant.client != client.id:
            grant = None
        who = grant.user if grant is not None else ""
        write(visit, f"oauth/introspect {client.id} {who}".strip(), named(client))
        if standing is None or grant is None:
            return json({"active": False})
        told: dict[str, Any] = {
            "active": True,
            "scope": scope.text(standing.scopes),
            "client_id": grant.client,
            "username": grant.user,
            "sub": grant.user,
            "iss": f"{visit.base}/oauth",
            "iat": grant.created // 1_000_000,
            "exp": grant.expires // 1_000_000,
            "token_type": "Bearer",
            "patient": grant.patient,
            "fhirUser": fhir_user(visit, standing.user),
        }
        return json({name: value for name, value in told.items() if value != ""})

    def _revoked(self, visit: Visit, client: Client, form: Form) -> Response:
        ended = self._authorizations.revoke(client, _needed(form, "token"))
        write(visit, f"oauth/revoke {ended.kind if ended else 'unknown'} {client.id}", named(client))
        return Response(200, b"", "")


def fhir_user(visit: Visit, user: User) -> str:
    """The resource that stands for a user (SMART, `fhirUser`): the Patient, else the Practitioner of the user's name."""
    if user.patient:
        return f"{visit.base}/fhir/Patient/{user.patient}"
    return f"{visit.base}/fhir/Practitioner/{user.user}" if ID.fullmatch(user.user) else ""


def _needed(form: Form, name: str) -> str:
    found = form.get(name, "")
    if not found:
        raise OAuthError("invalid_request", f"{name} is missing")
    return found
