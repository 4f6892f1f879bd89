"""The one gate: what a Caller may do and which part of the record it can see. Decided before any set is counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from onmaru.fhir.keys import Keys
from onmaru.fhir.query import Clause
from onmaru.fhir.search.dates import span
from onmaru.kernel.caller import Caller, Role, Scope
from onmaru.kernel.consent import Consents, rule
from onmaru.kernel.log import Version
from onmaru.kernel.meaning import clause_holds
from onmaru.kernel.scope import clauses

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
# Of these types only resources that satisfy all clauses of one alternative
Narrowed = Mapping[str, tuple[tuple[Clause, ...], ...]]


class Sight(msgspec.Struct, frozen=True):
    """What one caller can see now. `types` None: every type. `only` None: every patient. `denied`: hidden patients.

    `concealed`, for tables made of the record: `Type/id` of what inherits a denied patient's compartment now.
    `narrowed`: types of which scopes with a search part show some resources only.
    """

    types: frozenset[str] | None
    only: frozenset[str] | None
    denied: frozenset[str]
    concealed: frozenset[str] = frozenset()
    narrowed: Narrowed = {}

    def shows(self, version: Version, whose: Compartments, keys: Callable[[Version], Keys]) -> bool:
        """Whether a version exists for this caller; `keys` gives its search keys, asked for where a scope has a search."""
        if not self._within(version.type, whose):
            return False
        alternatives = self.narrowed.get(version.type) if self.narrowed else None
        if alternatives is None:
            return True
        if version.body is None:
            return False
        found = keys(version)
        return any(all(clause_holds(version, found, clause) for clause in each) for each in alternatives)

    def sees(self, type: str, whose: Compartments) -> bool:
        """Whether any resource of `type` in these compartments exists for this caller; of a narrowed type none surely."""
        return type not in self.narrowed and self._within(type, whose)

    def _within(self, type: str, whose: Compartments) -> bool:
        """What is inherited only hides."""
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
        return msgspec.structs.replace(self, only=both)

    def whole_types(self) -> Sight:
        """The same without the types of which scopes show some resources only, for what cannot judge one resource."""
        if not self.narrowed or self.types is None:
            return self
        return msgspec.structs.replace(self, types=self.types - self.narrowed.keys(), narrowed={})

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
    """Decides for one tenant. `now` gives µs since 1970 UTC; `closed` why nobody may do anything now ("": it is open)."""

    def __init__(
        self, tenant: str, consents: Consents, now: Callable[[], int], closed: Callable[[], str] = lambda: ""
    ) -> None:
        self.tenant = tenant
        self.consents = consents
        self.now = now
        self.closed = closed

    def learn(self, version: Version) -> None:
        """Take note of a version of a Consent, the moment it is appended."""
        said = None if version.body is None else rule(msgspec.json.decode(version.body), _bound)
        self.consents.take(version.id, said)

    def refusal(self, caller: Caller, verb: str, type: str) -> str:
        """Why `caller` may not do `verb` (one of c r u d s) on `type`; empty when it may."""
        if caller.tenant != self.tenant:
            return "tenant"
        if self.closed():
            return "suspended"
        for scope in caller.scopes:
            if verb in scope.verbs and (scope.type == "*" or scope.type == type):
                return ""
        return "scope"

    def sight(self, caller: Caller, verb: str = "r") -> Sight:
        """What `caller` sees when it reads (r) or searches (s)."""
        here = caller.tenant == self.tenant and not self.closed()
        granted = {scope.type for scope in caller.scopes if verb in scope.verbs and here}
        bound = bool(caller.patient) and all(scope.context == "patient" for scope in caller.scopes)
        return Sight(
            types=None if "*" in granted else frozenset(granted),
            only=frozenset({caller.patient}) if bound else None,
            denied=self.consents.denied(caller, self.now()),
            narrowed=_narrowed(caller.scopes, verb),
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
        return msgspec.structs.replace(own, denied=own.denied | refused)


@lru_cache(maxsize=1024)
def _narrowed(scopes: tuple[Scope, ...], verb: str) -> Narrowed:
    """The types of which no scope grants `verb` on every resource, and what those that do ask of one."""
    found: dict[str, tuple[tuple[Clause, ...], ...]] = {}
    whole = {scope.type for scope in scopes if verb in scope.verbs and not scope.search}
    for scope in scopes:
        if scope.search and verb in scope.verbs and "*" not in whole and scope.type not in whole:
            found[scope.type] = (*found.get(scope.type, ()), clauses(scope.type, scope.search))
    return found


def _bound(text: str, end: bool) -> int:
    """A Period's bound as µs: a start opens its first instant, an end closes after its last."""
    return span(text)[1 if end else 0]
