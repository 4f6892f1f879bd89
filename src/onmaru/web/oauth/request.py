"""What an app asks for at the authorization endpoint: nothing is sent to an address that the app is not registered for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from onmaru.fhir.outcome import Invalid
from onmaru.kernel import scope
from onmaru.kernel.authorization import OAuthError, Wish
from onmaru.kernel.caller import Scope
from onmaru.kernel.clients import WORDS, Client
from onmaru.web.oauth.form import once
from onmaru.web.visit import Visit

# RFC 7636, 4.2: what S256 makes
_CHALLENGE = re.compile(r"[A-Za-z0-9_\-]{43}")


class Asked(NamedTuple):
    """One request for a person's consent. `state` goes back to the app as it came."""

    client: Client
    wish: Wish
    state: str


class Misdirected(Exception):
    """A request whose app or address is not known: the person is told, and the browser goes nowhere."""


class Refused(Exception):
    """A request that is refused to the app itself, at its own address (RFC 6749, 4.1.2.1)."""

    def __init__(self, redirect: str, state: str, code: str, text: str) -> None:
        super().__init__(code)
        self.redirect = redirect
        self.state = state
        self.code = code
        self.text = text


def understood(visit: Visit, pairs: Sequence[tuple[str, str]]) -> Asked:
    """The request in the parameters; Misdirected or Refused."""
    try:
        given = once(pairs)
    except OAuthError as error:
        raise Misdirected from error
    client = visit.doors.logins.accounts.client(visit.tenant, given.get("client_id", "")[:64])
    redirect = given.get("redirect_uri", "")
    if client is None or redirect not in client.redirects:
        raise Misdirected
    state = given.get("state", "")
    try:
        return Asked(client, _wish(visit, client, given, redirect), state)
    except OAuthError as error:
        raise Refused(redirect, state, error.code, error.text) from error


def _wish(visit: Visit, client: Client, given: Mapping[str, str], redirect: str) -> Wish:
    if given.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "response_type is code")
    if "authorization_code" not in client.flows:
        raise OAuthError("unauthorized_client", "this client is not registered to ask people")
    if given.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(given.get("code_challenge", "")):
        raise OAuthError("invalid_request", "code_challenge and code_challenge_method=S256 are needed (RFC 7636)")
    if not given.get("state"):
        raise OAuthError("invalid_request", "state is missing")
    if given.get("prompt") == "none":
        raise OAuthError("interaction_required", "nothing is granted here without asking the person")
    words, resources = _scopes(given.get("scope", ""))
    if resources and given.get("aud", "").rstrip("/") != f"{visit.base}/fhir":
        raise OAuthError("invalid_request", "aud is not the FHIR base address of this server")
    if "launch" in words and not given.get("launch"):
        raise OAuthError("invalid_request", "the scope launch needs the parameter launch")
    launch = given.get("launch", "") if "launch" in words else ""
    return Wish(redirect, given["code_challenge"], words, resources, given.get("nonce", "")[:500], launch)


def _scopes(text: str) -> tuple[tuple[str, ...], str]:
    """SMART's own words, and the resource scopes that are understood; what is not is not granted (RFC 6749, 3.3)."""
    words = tuple(word for word in text.split() if word in WORDS)
    found: list[Scope] = []
    for word in text.split():
        if word not in WORDS:
            try:
                found += scope.parse(word)
            except Invalid:
                continue
    if not words and not found:
        raise OAuthError("invalid_scope", "nothing of the scopes asked for is known")
    return words, scope.text(dict.fromkeys(found))
