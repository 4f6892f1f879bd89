"""The table of the JSON API: method, path, and the page of the roles table that opens it ("" for every user)."""

from __future__ import annotations

from collections.abc import Awaitable

import msgspec

from onmaru.kernel.room import Response
from onmaru.web.api import (
    alarms,
    audit,
    clients,
    grants,
    intake,
    jobs,
    operating,
    second,
    session,
    subscriptions,
    tenants,
    users,
    why,
)
from onmaru.web.entrance import open_page
from onmaru.web.router import Router
from onmaru.web.visit import Handler, Visit

ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("GET", "me", "", session.me),
    ("POST", "logout", "", session.logout),
    ("POST", "break-glass", "break-glass", session.break_glass),
    ("GET", "users", "users", users.listing),
    ("POST", "users", "users", users.create),
    ("PATCH", "users/{user}", "users", users.change),
    ("POST", "users/{user}/password", "", users.set_password),
    ("DELETE", "users/{user}/second-factor", "users", second.end_for),
    ("GET", "second-factor", "", second.state),
    ("POST", "second-factor", "", second.enrol),
    ("DELETE", "second-factor", "", second.end),
    ("POST", "second-factor/confirm", "", second.confirm),
    ("GET", "grants", "", grants.listing),
    ("DELETE", "grants/{grant}", "", grants.end),
    ("GET", "clients", "users", clients.listing),
    ("POST", "clients", "users", clients.create),
    ("DELETE", "clients/{client}", "users", clients.delete),
    ("POST", "clients/{client}/credentials", "users", clients.credentials),
    ("POST", "client-invitations", "users", clients.invitation),
    ("POST", "launch", "", clients.launch),
    ("GET", "why", "", why.why),
    ("GET", "tenants", "tenants", tenants.listing),
    ("POST", "tenants", "tenants", tenants.create),
    ("GET", "tenants/{tenant}", "tenants", tenants.shown),
    ("PATCH", "tenants/{tenant}", "tenants", tenants.limit),
    ("POST", "tenants/{tenant}/suspend", "tenants", tenants.suspend),
    ("POST", "tenants/{tenant}/resume", "tenants", tenants.resume),
    ("POST", "tenants/{tenant}/export", "tenants", tenants.export),
    ("POST", "tenants/{tenant}/import", "tenants", tenants.bring),
    ("POST", "tenants/{tenant}/destroy", "tenants", tenants.destroy),
    ("GET", "audit", "audit", audit.page),
    ("POST", "audit/purge", "erase", audit.purge),
    ("GET", "alarms", "audit", alarms.page),
    ("POST", "alarms/{number}/close", "audit", alarms.close),
    ("GET", "jobs", "export", jobs.listing),
    ("GET", "subscriptions", "doors", subscriptions.listing),
    ("POST", "subscriptions/{id}/resume", "doors", subscriptions.resume),
    ("GET", "operating", "doors", operating.told),
    ("GET", "sbom", "doors", operating.bill),
    ("GET", "doors", "doors", intake.lines),
    ("GET", "dead-letters", "doors", intake.letters),
    ("GET", "dead-letters/{id}", "doors", intake.letter),
    ("PUT", "dead-letters/{id}", "doors", intake.mend),
    ("POST", "dead-letters/{id}/replay", "doors", intake.replay),
)


class Api:
    """The JSON API of every tenant."""

    def __init__(self) -> None:
        self._router: Router[tuple[str, Handler]] = Router()
        for method, path, page, handler in ROUTES:
            self._router.add(method, path, (page, handler))

    def answer(self, visit: Visit, path: str) -> Response | Awaitable[Response]:
        """Run the route; `Invalid` 403 and an audit row when no role of the caller opens its page."""
        (page, handler), params = self._router.find(visit.request.method, path)
        open_page(visit, page)
        visit.request = msgspec.structs.replace(visit.request, params=params)
        return handler(visit)
