"""Log-in through the hospital's own provider: the browser is sent there and back, and keeps what binds the two.

Nothing is kept here meanwhile: a cookie that this house sealed holds state, nonce and verifier, for ten minutes and one try.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from html import escape
from urllib.parse import urlencode

import msgspec

from onmaru.fhir.outcome import Invalid, invalid
from onmaru.kernel.provider import Endpoints, Provider, discovered, user_of
from onmaru.kernel.room import Response
from onmaru.web.api.session import entered, note_login
from onmaru.web.entrance import cookie
from onmaru.web.oauth.form import FORM
from onmaru.web.oauth.page import page, strings
from onmaru.web.visit import Visit, spoken

AWAY = "onmaru-provider"
MINUTES = 10
# A browser keeps no cookie over 4,096 bytes
LONGEST = 2_400


class Away(msgspec.Struct, frozen=True):
    """Somebody at the provider; `next` is an app's request to go on with, "" for the hospital's own pages."""

    state: str
    nonce: str
    verifier: str
    at: int
    next: str = ""


async def leave(visit: Visit) -> Response:
    """`GET oauth/provider`: send the browser to the provider."""
    provider = _provider(visit)
    found = await _discovered(visit, provider)
    going = dict(visit.request.query).get("request", "")
    made = Away(
        secrets.token_urlsafe(24),
        secrets.token_urlsafe(24),
        secrets.token_urlsafe(48),
        visit.doors.logins.now(),
        going if len(going) <= LONGEST else "",
    )
    digest = hashlib.sha256(made.verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": provider.client,
        "redirect_uri": _back(visit),
        "scope": "openid profile",
        "state": made.state,
        "nonce": made.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    mark = "&" if "?" in found.authorization_endpoint else "?"
    location = f"{found.authorization_endpoint}{mark}{urlencode(asked)}"
    return Response(303, b"", "", (("location", location), ("set-cookie", _cookie(visit, _sealed(visit, made), 600))))


async def come(visit: Visit) -> Response:
    """`GET oauth/provider/callback`: a session for whom the provider names; `Invalid` 401 and an audit row otherwise."""
    provider = _provider(visit)
    given = dict(visit.request.query)
    try:
        away = _opened(visit, given.get("state", ""))
        if given.get("iss", provider.issuer) != provider.issuer or not given.get("code"):
            raise invalid("login", "the provider did not let this person in", status=401)
        name = await _named(visit, provider, away, given["code"])
        user = visit.doors.logins.accounts.user(visit.tenant, name[:64])
        if user is None or user.disabled or not user.roles:
            raise invalid("login", "this person is no user here", status=401)
    except Invalid as error:
        if error.status == 401:
            note_login(visit, "", (), "provider")
        raise
    cookies, _ = entered(visit, user)
    headers = [("set-cookie", one) for one in cookies]
    headers.append(("set-cookie", _cookie(visit, "", 0)))
    return _onward(visit, away, headers)


def _onward(visit: Visit, away: Away, headers: list[tuple[str, str]]) -> Response:
    """A page of ours that leads on: a redirect from another site would leave the session's cookie behind."""
    top = "" if visit.tenant == visit.doors.settings.tenant else f"/t/{visit.tenant}"
    to = f"{top}/oauth/authorize?{away.next}" if away.next else f"{top}/"
    asked = visit.request.headers.get("accept-language")
    language = (asked and spoken(asked)) or visit.doors.settings.language
    body = f'<p><a href="{escape(to)}">{escape(strings(language)["onward"])}</a></p>'
    made = page(language, top, body)
    refresh = ("refresh", f"0;url={to}")
    return msgspec.structs.replace(made, headers=(*made.headers, refresh, *headers))


async def _named(visit: Visit, provider: Provider, away: Away, code: str) -> str:
    found = await _discovered(visit, provider)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": _back(visit),
        "code_verifier": away.verifier,
        "client_id": provider.client,
        **({"client_secret": provider.secret} if provider.secret else {}),
    }
    doors = visit.doors
    try:
        answer = await doors.send(visit.tenant, found.token_endpoint, urlencode(form).encode(), FORM)
        keys = await doors.fetch(visit.tenant, found.jwks_uri)
    except Invalid as error:
        raise invalid("login", "the provider did not confirm this log-in", status=401) from error
    return user_of(provider, answer, keys, away.nonce, doors.logins.now())


async def _discovered(visit: Visit, provider: Provider) -> Endpoints:
    document = await visit.doors.fetch(visit.tenant, f"{provider.issuer}/.well-known/openid-configuration")
    return discovered(provider, document)


def _provider(visit: Visit) -> Provider:
    found = visit.doors.provider(visit.tenant)
    if found is None:
        raise invalid("not-found", "this tenant has no provider", status=404)
    return found


def _back(visit: Visit) -> str:
    return f"{visit.base}/oauth/provider/callback"


def _sealed(visit: Visit, away: Away) -> str:
    body = base64.urlsafe_b64encode(msgspec.json.encode(away)).decode()
    return f"{body}.{_proof(visit, body)}"


def _opened(visit: Visit, state: str) -> Away:
    """What this browser left with, if it came back from that very try in time; `Invalid` 401."""
    body, _, proof = cookie(visit.request.headers.get("cookie", ""), AWAY).rpartition(".")
    stale = invalid("login", "this log-in was not begun in this browser, or too long ago", status=401)
    if not body or not hmac.compare_digest(proof.encode(), _proof(visit, body).encode()):
        raise stale
    away = msgspec.json.decode(base64.urlsafe_b64decode(body), type=Away)
    late = visit.doors.logins.now() - away.at > MINUTES * 60_000_000
    if late or not hmac.compare_digest(away.state.encode(), state.encode()):
        raise stale
    return away


def _proof(visit: Visit, body: str) -> str:
    return visit.doors.logins.hash(f"provider {visit.tenant} {body}").hex()


def _cookie(visit: Visit, value: str, lasts: int) -> str:
    """Lax, since the browser comes back from another site; it opens nothing but the way back."""
    top = "" if visit.tenant == visit.doors.settings.tenant else f"/t/{visit.tenant}"
    secure = "; Secure" if visit.secure else ""
    return f"{AWAY}={value}; Path={top}/oauth/provider; Max-Age={lasts}; HttpOnly; SameSite=Lax{secure}"
