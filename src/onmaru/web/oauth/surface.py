"""Everything below `/oauth`: the authorization server of each tenant that there is."""

from __future__ import annotations

from collections.abc import Awaitable

from onmaru.fhir.outcome import invalid
from onmaru.kernel.authorization import Authorizations
from onmaru.kernel.room import Response
from onmaru.kernel.signing import Signing
from onmaru.web.answers import json
from onmaru.web.doors import Doors
from onmaru.web.oauth.authorize import AuthorizeEndpoint
from onmaru.web.oauth.metadata import openid_configuration
from onmaru.web.oauth.page import style
from onmaru.web.oauth.provider import come, leave
from onmaru.web.oauth.register import self_register
from onmaru.web.oauth.token import TokenEndpoint
from onmaru.web.router import Router
from onmaru.web.visit import Handler, Visit


class OAuth:
    """The routes; none of them needs a token, for they are where tokens come from."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._signing = Signing(doors.logins.accounts)
        authorizations = Authorizations(doors.logins)
        authorize, tokens = AuthorizeEndpoint(authorizations), TokenEndpoint(authorizations, self._signing)
        self.routes: tuple[tuple[str, str, Handler], ...] = (
            ("GET", "authorize", authorize.show),
            ("POST", "authorize", authorize.step),
            ("POST", "token", tokens.token),
            ("POST", "introspect", tokens.introspect),
            ("POST", "revoke", tokens.revoke),
            ("POST", "register", self_register),
            ("GET", "provider", leave),
            ("GET", "provider/callback", come),
            ("GET", "jwks", self._jwks),
            ("GET", "style.css", _style),
            ("GET", ".well-known/openid-configuration", _openid),
        )
        self._router: Router[Handler] = Router()
        for method, path, handler in self.routes:
            self._router.add(method, path, handler)

    def answer(self, visit: Visit, path: str) -> Response | Awaitable[Response]:
        """Run the route; `Invalid` 404 for a tenant that nobody has."""
        handler, _ = self._router.find(visit.request.method, path)
        if not self._doors.tenants(visit.tenant):
            raise invalid("not-found", "no such address", status=404)
        return handler(visit)

    def _jwks(self, visit: Visit) -> Response:
        return json(self._signing.public(visit.tenant))


def _openid(visit: Visit) -> Response:
    return json(openid_configuration(visit))


def _style(visit: Visit) -> Response:
    return Response(200, style(), "text/css; charset=utf-8")
