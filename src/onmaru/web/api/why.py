"""`GET /api/why?resource=Type/id`: why the caller, or for who keeps the audit trail another user, may see a resource."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from onmaru.fhir.outcome import invalid
from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.kernel.access import may_open
from onmaru.kernel.entry import ID
from onmaru.kernel.room import Response
from onmaru.kernel.why import told
from onmaru.web.answers import json
from onmaru.web.api.reading import query
from onmaru.web.doors import Language
from onmaru.web.entrance import deny, note
from onmaru.web.visit import Visit


def why(visit: Visit) -> Response:
    """200 with the decisions; 403 for another user's without the page `audit`, and for another purpose by a limited token;
    404 for a user that nobody is."""
    asked = query(visit, "resource", "user", "purpose")
    type_name, _, id = asked.get("resource", "").partition("/")
    if type_name not in RESOURCE_TYPES or not ID.fullmatch(id):
        raise invalid("value", "not a Type/id of FHIR R4", "resource")
    standing, caller = visit.known()
    logins = visit.doors.logins
    keeper = may_open(caller, "audit", logins.table) and not standing.grant.limited
    about = caller
    if asked.get("user", caller.user) != caller.user or "purpose" in asked:
        _refuse(visit, "role", not keeper and asked.get("user", caller.user) != caller.user)
        # For a purpose all that the user's roles give is judged, of which a limited token holds a part
        _refuse(visit, "scope", standing.grant.limited)
        user = logins.accounts.user(visit.tenant, asked.get("user", caller.user))
        if user is None or user.disabled or not user.roles:
            raise invalid("not-found", "no such user", "user", 404)
        about = logins.acting(user, asked.get("purpose", ""))
    found = visit.doors.why(about, (type_name, id), keeper)
    note(visit, f"why {type_name}/{id} {about.user}", found.patients)
    return json({"resource": f"{type_name}/{id}", **told(found, _strings(visit.language))})


def _refuse(visit: Visit, why: str, refused: bool) -> None:
    if refused:
        deny(visit, why)
        raise invalid("forbidden", f"not permitted: {why}", status=403)


@cache
def _strings(language: Language) -> Mapping[str, Any]:
    return tomllib.loads(files("onmaru.web.api").joinpath(f"why.{language}.toml").read_text("utf-8"))
