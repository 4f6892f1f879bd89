"""The authorization endpoint: somebody logs in, chooses a patient where the app needs one, and allows or denies.

Every step carries the app's whole request and is judged anew from it; nothing is granted by a page that another site sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from onmaru.fhir.outcome import Invalid
from onmaru.kernel import scope
from onmaru.kernel.accounts import Grant, User
from onmaru.kernel.authorization import Authorizations, Context, OAuthError
from onmaru.kernel.clients import origin
from onmaru.kernel.entry import pairs_of
from onmaru.kernel.login import Standing
from onmaru.kernel.room import Response
from onmaru.web.api.session import SecondNeeded, Throttled, note_login, proved, second_proved
from onmaru.web.doors import Language
from onmaru.web.entrance import cookie
from onmaru.web.oauth.form import back, posted, write
from onmaru.web.oauth.page import alert, button, field, form, page, said, strings
from onmaru.web.oauth.patients import Choice, choices, may_see
from onmaru.web.oauth.request import Asked, Misdirected, Refused, understood
from onmaru.web.visit import Visit, spoken

VISITOR = "onmaru-oauth"


class At(NamedTuple):
    """Where somebody is: the app's request, as it came and understood, and who it is (None: not logged in yet)."""

    visit: Visit
    raw: str
    asked: Asked
    standing: Standing | None
    language: Language
    words: Mapping[str, Any]

    @property
    def top(self) -> str:
        """The path before the tenant's addresses."""
        return "" if self.visit.tenant == self.visit.doors.settings.tenant else f"/t/{self.visit.tenant}"

    @property
    def csrf(self) -> str:
        """What only our own page of this log-in knows."""
        return self.standing.grant.csrf if self.standing is not None else ""


class Launch(msgspec.Struct, frozen=True):
    """What the hospital's own page handed over (`POST /api/launch`)."""

    client: str
    patient: str = ""
    encounter: str = ""


class AuthorizeEndpoint:
    """Handlers of `authorize`."""

    def __init__(self, authorizations: Authorizations) -> None:
        self._authorizations = authorizations

    async def show(self, visit: Visit) -> Response:
        """`GET oauth/authorize`: the page of the first step that is open."""
        return await self._at(visit, urlencode(visit.request.query), self._next)

    async def step(self, visit: Visit) -> Response:
        """`POST oauth/authorize`: what one of our own forms says; 403 when it comes from another site."""
        language = _language(visit)
        try:
            given = posted(visit)
        except OAuthError:
            return _misdirected(visit, language)
        if not _own(visit):
            await _noted(visit, "csrf")
            return _misdirected(visit, language, 403)
        raw = given.get("request", "")
        if given.get("step") == "login":
            return await self._login(visit, raw, given)
        if given.get("step") == "second":
            return await self._second(visit, raw, given)
        return await self._at(visit, raw, lambda at: self._taken(at, given))

    async def _at(self, visit: Visit, raw: str, answer: Callable[[At], Response]) -> Response:
        language = _language(visit)
        try:
            asked = understood(visit, pairs_of(raw))
        except (Misdirected, Invalid):
            await _noted(visit, "misdirected")
            return _misdirected(visit, language)
        except Refused as error:
            await _noted(visit, error.code)
            return _sent(visit, error)
        return answer(At(visit, raw, asked, _who(visit), language, strings(language)))

    def _next(self, at: At, problem: str = "", find: str = "") -> Response:
        """The page of the step that is open now."""
        if at.standing is None:
            return _login_page(at, problem)
        return self._consent(at, problem, find)

    async def _login(self, visit: Visit, raw: str, given: Mapping[str, str]) -> Response:
        words = strings(_language(visit))
        try:
            user = await proved(visit, given.get("user", ""), given.get("password", ""))
        except Throttled as error:
            problem = words["wait"].format(seconds=error.seconds)
        except Invalid:
            problem = words["wrong"]
        except SecondNeeded as error:
            made, grant = visit.doors.logins.open_visit(visit.tenant, error.user.user, half=True)
            asking = await self._at(visit, raw, lambda at: _second_page(at, grant.csrf, ""))
            return _visiting(visit, asking, made)
        else:
            return await self._entered(visit, raw, user)
        return await self._at(visit, raw, lambda at: _login_page(at._replace(standing=None), problem))

    async def _second(self, visit: Visit, raw: str, given: Mapping[str, str]) -> Response:
        words = strings(_language(visit))
        logins = visit.doors.logins
        half = logins.visitor(cookie(visit.request.headers.get("cookie", ""), VISITOR), half=True)
        if half is None or half.user.tenant != visit.tenant or given.get("csrf") != half.grant.csrf:
            return await self._at(visit, raw, lambda at: _login_page(at._replace(standing=None), words["stale"]))
        try:
            await second_proved(visit, half.user, given.get("code", ""))
        except Throttled as error:
            problem = words["wait"].format(seconds=error.seconds)
        except Invalid:
            problem = words["wrong_second"]
        else:
            logins.revoke(half.grant)
            return await self._entered(visit, raw, half.user)
        return await self._at(visit, raw, lambda at: _second_page(at, half.grant.csrf, problem))

    async def _entered(self, visit: Visit, raw: str, user: User) -> Response:
        """The page after log-in, with the cookie of it."""
        made, _ = visit.doors.logins.open_visit(visit.tenant, user.user)
        note_login(visit, user.user, user.roles, "")
        standing = visit.doors.logins.visitor(made)
        response = await self._at(visit, raw, lambda at: self._next(at._replace(standing=standing)))
        return _visiting(visit, response, made)

    def _taken(self, at: At, given: Mapping[str, str]) -> Response:
        if at.standing is None or not given.get("csrf") or given["csrf"] != at.csrf:
            return _login_page(at._replace(standing=None), at.words["stale"])
        step = given.get("step", "")
        if step == "leave":
            at.visit.doors.logins.revoke(at.standing.grant)
            return _login_page(at._replace(standing=None), "")
        if step == "find":
            return self._consent(at, "", given.get("find", "")[:200])
        if step == "decide" and given.get("decision") == "allow":
            return self._allow(at, given)
        return self._deny(at, at.standing, "access_denied")

    # -- consent ----------------------------------------------------------------------------------------------------

    def _consent(self, at: At, problem: str, find: str) -> Response:
        standing = _some(at)
        client, wish, words = at.asked.client, at.asked.wish, at.words
        scopes = self._authorizations.grantable(client, standing.user, wish)
        special = self._authorizations.words(client, wish)
        launched = self._launched(at)
        if (wish.scopes and not scopes) or (wish.launch and launched is None):
            problem = words["elsewhere"] if wish.launch and launched is None else words["nothing"]
            return page(at.language, at.top, alert(problem) + self._leaving(at), leads=wish.redirect)
        body = alert(problem)
        body += f"<p>{escape(words['as'].format(name=standing.user.name))}</p>"
        body += f"<p>{escape(words['wants'].format(app=client.name))}</p>{said(words, special, scopes)}"
        inner = ""
        if self._chooses(at, special):
            choice = choices(at.visit, standing, at.language, find) if find else Choice(False, ())
            body += _finder(at, find)
            inner = _choosing(at, choice)
        inner += button(words["allow"], name="decision", value="allow")
        inner += button(words["deny"], name="decision", value="deny", plain=True)
        body += form(at.top, "decide", _hidden(at), inner)
        body += form(at.top, "leave", _hidden(at), button(words["other"], plain=True))
        return page(at.language, at.top, body, leads=wish.redirect)

    def _leaving(self, at: At) -> str:
        inner = button(at.words["deny"], name="decision", value="deny", plain=True)
        leave = form(at.top, "leave", _hidden(at), button(at.words["other"], plain=True))
        return form(at.top, "decide", _hidden(at), inner) + leave

    def _chooses(self, at: At, special: tuple[str, ...]) -> bool:
        """Whether the person has to choose a patient: nobody else has said whose record it is."""
        wide = not _some(at).user.patient and not at.asked.wish.launch
        return wide and ("launch/patient" in special or self._needs_patient(at))

    def _needs_patient(self, at: At) -> bool:
        scopes = self._authorizations.grantable(at.asked.client, _some(at).user, at.asked.wish)
        return bool(scopes) and any(one.context == "patient" for one in scopes)

    def _launched(self, at: At) -> Launch | None:
        """The context that came with the launch; None without one that this user and app may use now."""
        grant = self._launch_grant(at)
        return msgspec.json.decode(grant.detail, type=Launch) if grant is not None else None

    def _launch_grant(self, at: At) -> Grant | None:
        standing = _some(at)
        grant = at.visit.doors.logins.found(at.asked.wish.launch) if at.asked.wish.launch else None
        if grant is None or grant.kind != "launch" or not grant.stands(at.visit.doors.logins.now()):
            return None
        mine = (grant.tenant, grant.user) == (standing.user.tenant, standing.user.user)
        return grant if mine and grant.client == at.asked.client.id else None

    def _allow(self, at: At, given: Mapping[str, str]) -> Response:
        standing = _some(at)
        client, wish = at.asked.client, at.asked.wish
        scopes = self._authorizations.grantable(client, standing.user, wish)
        special = self._authorizations.words(client, wish)
        launched = self._launched(at)
        if (wish.scopes and not scopes) or not (scopes or special) or (wish.launch and launched is None):
            return self._deny(at, standing, "access_denied")
        patient = standing.user.patient or (launched.patient if launched else "")
        if self._chooses(at, special):
            patient = given.get("patient", "")
            if not patient:
                return self._consent(at, at.words["patient_missing"], given.get("find", "")[:200])
        if patient and not may_see(at.visit, standing, at.language, patient):
            return self._consent(at, at.words["patient_none"], "")
        context = Context("", encounter=launched.encounter if launched else "", authenticated=standing.grant.created)
        grant = self._launch_grant(at)
        if grant is not None:
            at.visit.doors.logins.revoke(grant)
        code = self._authorizations.code(client, standing.user, wish, patient, context)
        who = (standing.user.user, tuple(sorted(standing.user.roles)))
        write(at.visit, f"oauth/authorize {client.id}", who, patient=patient)
        return self._leave(at, back(wish.redirect, code=code, state=at.asked.state, iss=f"{at.visit.base}/oauth"))

    def _deny(self, at: At, standing: Standing, code: str) -> Response:
        who = (standing.user.user, tuple(sorted(standing.user.roles)))
        write(at.visit, f"oauth/authorize {at.asked.client.id}", who, code)
        error = Refused(at.asked.wish.redirect, at.asked.state, code, "the person did not allow it")
        return self._leave(at, _sent(at.visit, error))

    def _leave(self, at: At, response: Response) -> Response:
        """The visitor's log-in ends with the answer; a session of the hospital's own pages stays."""
        standing = _some(at)
        if standing.grant.kind != "visit":
            return response
        at.visit.doors.logins.revoke(standing.grant)
        return msgspec.structs.replace(response, headers=(*response.headers, ("set-cookie", _cookie(at.visit, "", 0))))


async def _noted(visit: Visit, code: str) -> None:
    """Leave an audit row of what a stranger was refused; many of one address share one."""
    name = (visit.address, "authorize", code)
    await visit.denials.gather(name, lambda why: write(visit, "oauth/authorize", ("", ()), why))


def _some(at: At) -> Standing:
    if at.standing is None:
        raise RuntimeError("a step that needs somebody logged in")
    return at.standing


def _login_page(at: At, problem: str) -> Response:
    words = at.words
    inner = field("user", words["user"], more='autocomplete="username" required autofocus maxlength="64"')
    inner += field("password", words["password"], "password", more='autocomplete="current-password" required')
    inner += button(words["login"])
    told = f"<p>{escape(words['wants'].format(app=at.asked.client.name))}</p>"
    body = told + said(words, at.asked.wish.words, scope.parse(at.asked.wish.scopes)) + alert(problem)
    body += form(at.top, "login", {"request": at.raw}, inner)
    if at.visit.doors.provider(at.visit.tenant) is not None:
        going = escape(f"{at.top}/oauth/provider?{urlencode({'request': at.raw})}")
        body += f'<p><a href="{going}">{escape(words["provider"])}</a></p>'
    return page(at.language, at.top, body, leads=at.asked.wish.redirect, status=401 if problem else 200)


def _second_page(at: At, csrf: str, problem: str) -> Response:
    words = at.words
    more = 'autocomplete="one-time-code" inputmode="text" required autofocus maxlength="32" aria-describedby="help"'
    inner = f'<p id="help">{escape(words["second_help"])}</p>' + field("code", words["second"], more=more)
    body = alert(problem) + form(at.top, "second", {"request": at.raw, "csrf": csrf}, inner + button(words["verify"]))
    return page(at.language, at.top, body, leads=at.asked.wish.redirect, status=401 if problem else 200)


def _visiting(visit: Visit, response: Response, secret: str) -> Response:
    """An answer that leaves the visitor's cookie."""
    held = ("set-cookie", _cookie(visit, secret, visit.doors.logins.lifetimes.visit))
    return msgspec.structs.replace(response, headers=(*response.headers, held))


def _finder(at: At, find: str) -> str:
    words = at.words
    inner = field("find", words["patient_find"], more=f'value="{escape(find)}" required maxlength="200"')
    return f"<h2>{escape(words['patient'])}</h2>" + form(at.top, "find", _hidden(at), inner + button(words["find"]))


def _choosing(at: At, choice: Choice) -> str:
    if not choice.looked:
        return ""
    if not choice.found:
        return alert(at.words["patient_none"])
    options = "".join(
        f'<label><input type="radio" name="patient" value="{escape(id)}" required> {escape(text)}</label>'
        for id, text in choice.found
    )
    return f"<fieldset><legend>{escape(at.words['patient_choose'])}</legend>{options}</fieldset>"


def _hidden(at: At) -> dict[str, str]:
    return {"request": at.raw, "csrf": at.csrf}


def _who(visit: Visit) -> Standing | None:
    """Who this browser is logged in as, in the hospital's own pages or lately here; None for nobody of this tenant."""
    header = visit.request.headers.get("cookie", "")
    logins = visit.doors.logins
    session = cookie(header)
    standing = logins.standing(session) if session else None
    if standing is not None and (standing.grant.kind != "session" or standing.grant.client):
        standing = None
    visitor = cookie(header, VISITOR)
    if standing is None and visitor:
        standing = logins.visitor(visitor)
    return standing if standing is not None and standing.user.tenant == visit.tenant else None


def _own(visit: Visit) -> bool:
    """Whether a form was sent by a page of ours, as the browser says (Fetch Metadata, else Origin)."""
    site = visit.request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    came = visit.request.headers.get("origin")
    return came is None or came == origin(visit.base)


def _cookie(visit: Visit, secret: str, lasts: int) -> str:
    top = "" if visit.tenant == visit.doors.settings.tenant else f"/t/{visit.tenant}"
    secure = "; Secure" if visit.secure else ""
    age = lasts // 1_000_000
    return f"{VISITOR}={secret}; Path={top}/oauth; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"


def _language(visit: Visit) -> Language:
    asked = visit.request.headers.get("accept-language")
    return (asked and spoken(asked)) or visit.doors.settings.language


def _misdirected(visit: Visit, language: Language, status: int = 400) -> Response:
    top = "" if visit.tenant == visit.doors.settings.tenant else f"/t/{visit.tenant}"
    return page(language, top, alert(strings(language)["unknown"]), status=status)


def _sent(visit: Visit, error: Refused) -> Response:
    parts = {"error": error.code, "error_description": error.text, "state": error.state, "iss": f"{visit.base}/oauth"}
    return back(error.redirect, **parts)
