"""What those who run the house do to its tenants: each act is kept in the books and noted in the house's own trail.

It is done by the one process that may open the tenants: the running server, else the command itself.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from onmaru.app.house import LEAVING, MAIN, NAME, House, now, system
from onmaru.engines.keyring import own_place
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.kernel.audit import access
from onmaru.kernel.caller import Caller
from onmaru.kernel.tenancy import HOUSE, Act, Limits, Tenancy

LONGEST_REASON = 500
ALWAYS = {MAIN: "the tenant main is the one that every house has", HOUSE: "the house itself keeps the others"}


class Keeping:
    """The acts that are done at once; destroying is another (`onmaru.app.destroying`)."""

    def __init__(self, house: House) -> None:
        self.house = house

    def listing(self) -> list[dict[str, Any]]:
        """Every tenant, those destroyed too, by name."""
        kept = {one.tenant: one for one in self.house.logins.accounts.tenancies()}
        names = sorted({*self.house.tenants(), *kept})
        return [self.line(kept.get(name, Tenancy(name))) for name in names]

    def shown(self, tenant: str) -> dict[str, Any]:
        """All that is known of one tenant; `Invalid` 404."""
        kept = self.known(tenant)
        line = self.line(kept)
        if kept.state in LEAVING:
            return {**line, "entries": kept.entries, "transferred": kept.transferred}
        seat = self.house.seat(tenant)
        return {
            **line,
            "entries": seat.home.tip(),
            "users": len(self.house.logins.accounts.users(tenant)),
            "engine": "home" if self.house.store is None else "postgresql",
            "key": "own" if own_place(self.house.folder(tenant), self.house.where.keys, tenant) else "house",
            "limits": msgspec.to_builtins(kept.limits),
            "exported": None if kept.exported is None else msgspec.to_builtins(kept.exported),
        }

    def line(self, kept: Tenancy) -> dict[str, Any]:
        """One tenant in a list."""
        return {"tenant": kept.tenant, "state": kept.state, "at": kept.at, "by": kept.by, "reason": kept.reason}

    def sized(self, line: dict[str, Any]) -> dict[str, Any]:
        """A line with its limits and, of a tenant that is open here, how many entries it has; none is opened for that."""
        name = str(line["tenant"])
        entries = self.house.seat(name).home.tip() if name in self.house.opened else None
        return {**line, "limits": msgspec.to_builtins(self.house.tenancies.of(name).limits), "entries": entries}

    def known(self, tenant: str) -> Tenancy:
        """The tenancy of a tenant that there is or was; `Invalid` 404."""
        kept = self.house.tenancies.of(tenant)
        if kept.state not in LEAVING and not self.house.exists(tenant):
            raise invalid("not-found", "there is no such tenant", "tenant", 404)
        return kept

    def do(self, caller: Caller, act: Act) -> dict[str, Any]:
        """Carry out an act and give the tenant as it is then. `Invalid` 404, 409, 410 or 422; refusals are noted too."""
        try:
            self._checked(act)
            _ACTS[act.what](self, caller, act)
        except Invalid as error:
            self.note(caller, act, denied=error.issues[0].code)
            raise
        self.note(caller, act)
        return self.shown(act.tenant)

    def note(self, caller: Caller, act: Act, denied: str = "") -> None:
        """Leave a row in the house's trail, and in the tenant's own where it is still there."""
        row = access(
            replace(caller, reason=act.reason), "execute", f"tenants/{act.tenant} {act.what}", now(), denied=denied
        )
        self.books().add(row)
        if not denied and act.tenant != HOUSE and act.what != "destroy":
            self.house.seat(act.tenant).home.trail.add(row)

    def ours(self) -> bool:
        """Whether the tenant `house` is the house's own, which nobody's of that name from before is."""
        return self.house.tenancies.of(HOUSE).keeps

    def books(self) -> Any:
        """The trail of the house's own tenant, made when it is first needed; that of main where the name was taken."""
        if not self.ours():
            if self.house.exists(HOUSE):
                return self.house.seat(MAIN).home.trail
            self.house.tenancies.save(Tenancy(HOUSE, at=now(), by="onmaru", keeps=True))
        return self.house.seat(HOUSE).home.trail

    def _checked(self, act: Act) -> None:
        if len(act.reason) > LONGEST_REASON or len(act.transferred) > LONGEST_REASON:
            raise invalid("value", f"at most {LONGEST_REASON} characters", "reason", 422)

    def free(self, tenant: str) -> None:
        """`Invalid` 409 or 422 for a name that no new tenant can have."""
        if not NAME.fullmatch(tenant):
            text = "a name is lower-case letters, digits and hyphens, at most 40, beginning with a letter"
            raise invalid("value", text, "tenant", 422)
        if self.house.tenancies.of(tenant).state in LEAVING:
            raise invalid("deleted", "a tenant of this name was destroyed; no other is given its name", "tenant", 409)
        if self.house.exists(tenant) and tenant != HOUSE:
            raise invalid("conflict", "there is a tenant of this name", "tenant", 409)

    def _add(self, caller: Caller, act: Act) -> None:
        self.free(act.tenant)
        self.books() if act.tenant == HOUSE else self.house.seat(act.tenant)

    def _turned(self, caller: Caller, act: Act) -> None:
        """Suspend or resume."""
        kept = self.known(act.tenant)
        wanted, before = ("suspended", "open") if act.what == "suspend" else ("open", "suspended")
        if act.tenant == HOUSE:
            raise invalid("business-rule", "the house itself keeps the others, and is never suspended", "tenant", 409)
        if kept.state != before:
            raise invalid("conflict", f"this tenant is {kept.state}", "tenant", 409)
        if act.what == "suspend" and not act.reason.strip():
            raise invalid("required", "a reason is needed", "reason", 422)
        state: Any = wanted
        self.house.tenancies.save(replace(kept, state=state, at=now(), by=caller.user, reason=act.reason))

    def _limited(self, caller: Caller, act: Act) -> None:
        kept = self.known(act.tenant)
        if kept.state in LEAVING:
            raise invalid("conflict", f"this tenant is {kept.state}", "tenant", 409)
        unknown = act.limits.keys() - set(Limits.__struct_fields__)
        if unknown or any(not 0 <= value < 2**62 for value in act.limits.values()):
            names = ", ".join(Limits.__struct_fields__)
            raise invalid("value", f"the limits are {names}, numbers from 0 (none)", "limits", 422)
        self.house.tenancies.save(replace(kept, limits=replace(kept.limits, **act.limits)))

    def _exported(self, caller: Caller, act: Act) -> None:
        """Of an export the beginning is noted, for it discloses everything, and the end."""
        kept = self.known(act.tenant)
        if kept.state in LEAVING:
            raise invalid("conflict", f"this tenant is {kept.state}", "tenant", 409)
        if act.exported is not None:
            self.house.tenancies.save(replace(kept, exported=act.exported))


_ACTS = {
    "add": Keeping._add,
    "suspend": Keeping._turned,
    "resume": Keeping._turned,
    "limit": Keeping._limited,
    "export": Keeping._exported,
    "import": Keeping._exported,
}


def at_the_keyboard() -> Caller:
    """Whoever may start commands as the user that the house belongs to."""
    return system(HOUSE, f"command line, uid {os.getuid()}")


def unfinished(house: House) -> Sequence[str]:
    """Tenants whose destruction was begun and cut short, and those of which another worker's left something here."""
    kept = [one for one in house.logins.accounts.tenancies() if one.state in LEAVING]
    return [one.tenant for one in kept if one.state == "destroying" or house.folder(one.tenant).exists()]
