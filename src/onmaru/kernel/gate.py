"""The one gate: what a Caller may do and which part of the record it can see. Decided before any set is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from onmaru.fhir.search.dates import span
from onmaru.kernel.caller import Caller, Role
from onmaru.kernel.consent import Consents, rule
from onmaru.kernel.log import Version

# A caller bound to one patient still reads what belongs to nobody: the hospital, its staff and its formulary.
SHARED = frozenset(
    {"Organization", "Location", "Practitioner", "PractitionerRole", "HealthcareService", "Medication", "Questionnaire"}
)

# Who may use the record for research and planning (secondary use).
SECONDARY: frozenset[Role] = frozenset({"researcher", "data-manager", "system"})


class Compartments(NamedTuple):
    """Patients whose compartments a resource is in: by its own words, and by what it refers to (kernel/compartment.py).

    UNKNOWN among the inherited: it refers to something erased, so nobody can tell whose it is.
    """

    own: Sequence[str] = ()
    inherited: Sequence[str] = ()

    @property
    def named(self) -> Sequence[str]:
        """All of them, for the audit trail."""
        if not self.inherited:
            return self.own
        return tuple(sorted({*self.own, *self.inherited} - {UNKNOWN}))


UNKNOWN = ""


class Sight(msgspec.Struct, frozen=True):
    """What one caller can see now. `types` None: every type. `only` None: every patient. `denied`: hidden patients.

    `concealed`, for tables made of the record: `Type/id` of what inherits a denied patient's compartment now.
    """

    types: frozenset[str] | None
    only: frozenset[str] | None
    denied: frozenset[str]
    concealed: frozenset[str] = frozenset()

    def sees(self, type: str, whose: Compartments) -> bool:
        """Whether a resource of `type` in these compartments exists for this caller. What is inherited only hides."""
        if self.types is not None and type not in self.types:
            return False
        if self.denied and self._denies(whose):
            return False
        if self.only is None:
            return True
        if whose.own:
            return not self.only.isdisjoint(whose.own)
        return type in SHARED

    def _denies(self, whose: Compartments) -> bool:
        inherited = whose.inherited
        if not self.denied.isdisjoint(whose.own):
            return True
        return bool(inherited) and (UNKNOWN in inherited or not self.denied.isdisjoint(inherited))

    def covers(self, type: str, whose: Compartments) -> bool:
        """Whether a resource that this caller writes may be in these compartments, whatever it may read."""
        return Sight(None, self.only, self.denied).sees(type, whose)

    def within(self, patient: str) -> Sight:
        """The same, narrowed to one patient's compartment."""
        both = frozenset({patient}) if self.only is None else self.only & {patient}
        return Sight(self.types, both, self.denied)

    @property
    def whole(self) -> bool:
        """No patient is hidden, though some types may be."""
        return self.only is None and not self.denied

    @property
    def everything(self) -> bool:
        """Nothing at all is hidden."""
        return self.types is None and self.only is None and not self.denied


ALL = Sight(None, None, frozenset())


class Gate:
    """Decides for one tenant. `now` gives µs since 1970 UTC."""

    def __init__(self, tenant: str, consents: Consents, now: Callable[[], int]) -> None:
        self.tenant = tenant
        self.consents = consents
        self.now = now

    def learn(self, version: Version) -> None:
        """Take note of a version of a Consent, the moment it is appended."""
        said = None if version.body is None else rule(msgspec.json.decode(version.body), _bound)
        self.consents.take(version.id, said)

    def refusal(self, caller: Caller, verb: str, type: str) -> str:
        """Why `caller` may not do `verb` (one of c r u d s) on `type`; empty when it may."""
        if caller.tenant != self.tenant:
            return "tenant"
        for scope in caller.scopes:
            if verb in scope.verbs and (scope.type == "*" or scope.type == type):
                return ""
        return "scope"

    def sight(self, caller: Caller, verb: str = "r") -> Sight:
        """What `caller` sees when it reads (r) or searches (s)."""
        granted = {scope.type for scope in caller.scopes if verb in scope.verbs and caller.tenant == self.tenant}
        bound = bool(caller.patient) and all(scope.context == "patient" for scope in caller.scopes)
        return Sight(
            types=None if "*" in granted else frozenset(granted),
            only=frozenset({caller.patient}) if bound else None,
            denied=self.consents.denied(caller, self.now()),
        )

    def secondary(self, caller: Caller) -> str:
        """Why `caller` may not use the record for research or planning; empty when it may."""
        if caller.roles.isdisjoint(SECONDARY):
            return "role"
        return "" if caller.purpose in ("HRESCH", "HOPERAT") else "purpose"

    def research_sight(self, caller: Caller) -> Sight:
        """What `caller` sees when it searches for secondary use: a refusal of research counts whatever purpose it states.

        The house's own caller sees what a researcher and data manager would: nobody's refusal is passed by.
        """
        own = self.sight(caller, "s")
        asker = msgspec.structs.replace(caller, roles=(caller.roles - {"system"}) | (SECONDARY - {"system"}))
        now = self.now()
        refused = self.consents.denied(asker, now)
        refused |= self.consents.denied(msgspec.structs.replace(asker, purpose="HRESCH"), now)
        return Sight(own.types, own.only, own.denied | refused)


def _bound(text: str, end: bool) -> int:
    """A Period's bound as µs: a start opens its first instant, an end closes after its last."""
    return span(text)[1 if end else 0]
