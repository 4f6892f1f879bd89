"""The one gate: what a Caller may do and which part of the record it can see. Decided before any set is counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from onmaru.fhir.keys import Keys
from onmaru.fhir.query import Clause
from onmaru.fhir.search.dates import span
from onmaru.kernel.assigning import Assigned
from onmaru.kernel.caller import Caller, Role, Scope
from onmaru.kernel.consent import Closed, Consents
from onmaru.kernel.labels import UNKNOWN_LABEL, Coding, Labels
from onmaru.kernel.log import Version
from onmaru.kernel.meaning import clause_holds
from onmaru.kernel.portion import Ruling, Thing, denied
from onmaru.kernel.provision import rule
from onmaru.kernel.scope import clauses

# A caller bound to one patient still reads what belongs to nobody: the hospital, its staff and its formulary.
SHARED = frozenset(
    {"Organization", "Location", "Practitioner", "PractitionerRole", "HealthcareService", "Medication", "Questionnaire"}
)

# Who may use the record for research and planning (secondary use).
SECONDARY: frozenset[Role] = frozenset({"researcher", "data-manager", "system"})


class Compartments(NamedTuple):
    """Patients whose compartments a resource is in: by its own words, and by what it refers to (kernel/compartment.py).

    UNKNOWN among the inherited: it refers to something erased, so nobody can tell whose it is. `labels`: the security labels
    of the version and of the resource's newest; for a deletion those before it; of what was erased UNKNOWN_LABEL.
    """

    own: Sequence[str] = ()
    inherited: Sequence[str] = ()
    labels: Sequence[Coding] = ()

    @property
    def named(self) -> Sequence[str]:
        """All of them, for the audit trail."""
        if not self.inherited:
            return self.own
        return tuple(sorted({*self.own, *self.inherited} - {UNKNOWN}))


UNKNOWN = ""
NOBODY: frozenset[str] = frozenset()
# Of these every version says something to the gate; of others those that bear a security label
LEARNT = frozenset({"Consent", "Patient"})
# Of these types only resources that satisfy all clauses of one alternative
Narrowed = Mapping[str, tuple[tuple[Clause, ...], ...]]


class Sight(msgspec.Struct, frozen=True):
    """What one caller can see now. `types` None: every type. `only` None: every patient. `denied`: hidden patients.

    `concealed`, for tables made of the record: `Type/id` of what is hidden now for what it inherits or what part it is;
    `concealed_at`, for those that keep the past: the positions of all versions, standing or not, that are hidden so.
    `narrowed`: types of which scopes with a search part show some resources only. `rulings`: patients of whom consents hide
    a part. `masked`: security labels that hide what bears them, but of the patients `lifted`, whose glass is broken.
    """

    types: frozenset[str] | None
    only: frozenset[str] | None
    denied: frozenset[str]
    concealed: frozenset[str] = frozenset()
    narrowed: Narrowed = {}
    rulings: Mapping[str, tuple[Ruling, ...]] = {}
    masked: frozenset[Coding] = frozenset()
    lifted: frozenset[str] = frozenset()
    concealed_at: frozenset[int] = frozenset()

    def shows(self, version: Version, whose: Compartments, keys: Callable[[Version], Keys]) -> bool:
        """Whether a version exists for this caller; `keys` gives its search keys where something hangs on them."""
        if not self._within(version.type, whose) or (self.rulings and self._parts(version, whose, keys)):
            return False
        alternatives = self.narrowed.get(version.type) if self.narrowed else None
        if alternatives is None:
            return True
        if version.body is None:
            return False
        found = keys(version)
        return any(all(clause_holds(version, found, clause) for clause in each) for each in alternatives)

    def sees(self, type: str, whose: Compartments) -> bool:
        """Whether any resource of `type` in these compartments exists for this caller.

        None surely of a narrowed type, nor where it hangs on more than the type whether a consent hides it.
        """
        if type in self.narrowed or not self._within(type, whose):
            return False
        return not any(denied(self.rulings[one], None, type) for one in whose.own if one in self.rulings)

    def _within(self, type: str, whose: Compartments) -> bool:
        """What is inherited only hides."""
        if self.types is not None and type not in self.types:
            return False
        if (self.denied or self.rulings or self.masked) and self._hides(whose):
            return False
        if self.only is None:
            return True
        if whose.own:
            return not self.only.isdisjoint(whose.own)
        return type in SHARED

    def _hides(self, whose: Compartments) -> bool:
        inherited = whose.inherited
        if not self.denied.isdisjoint(whose.own):
            return True
        if inherited and (self.denied or self.rulings) and self._inherits(inherited):
            return True
        if not self.masked or not whose.labels or self._lifts(whose):
            return False
        return UNKNOWN_LABEL in whose.labels or not self.masked.isdisjoint(whose.labels)

    def _inherits(self, inherited: Sequence[str]) -> bool:
        """Of what inherits from a patient nobody can tell which part it belongs to."""
        return UNKNOWN in inherited or any(one in self.denied or one in self.rulings for one in inherited)

    def _lifts(self, whose: Compartments) -> bool:
        return bool(self.lifted and whose.own) and self.lifted.issuperset(whose.own)

    def _parts(self, version: Version, whose: Compartments, keys: Callable[[Version], Keys]) -> bool:
        """Whether it is in a part of a patient's chart that a consent hides."""
        mine = [one for one in whose.own if one in self.rulings]
        if not mine:
            return False
        thing = Thing(version, keys, whose.labels)
        return any(denied(self.rulings[one], thing, version.type) for one in mine)

    def covers(self, type: str, whose: Compartments) -> bool:
        """Whether a resource that this caller writes may be in these compartments, whatever it may read."""
        return self.wide.sees(type, whose)

    def admits(self, version: Version, whose: Compartments, keys: Callable[[Version], Keys]) -> bool:
        """The same of a resource that is known: one about to be written, or there to be written over."""
        return self.wide.shows(version, whose, keys)

    @property
    def wide(self) -> Sight:
        """The same, of every type."""
        if self.types is None and not self.narrowed:
            return self
        return msgspec.structs.replace(self, types=None, narrowed={})

    def whole_types(self) -> Sight:
        """The same without the types of which scopes show some resources only, for what cannot judge one resource."""
        if not self.narrowed or self.types is None:
            return self
        return msgspec.structs.replace(self, types=self.types - self.narrowed.keys(), narrowed={})

    @property
    def marks(self) -> list[str]:
        """The masked labels as rows of tables bear them (kernel/projection.py)."""
        return sorted(f"{system}|{code}" for system, code in self.masked)

    @property
    def hiding(self) -> bool:
        """Whether anything is hidden by consent or label."""
        return bool(self.denied or self.rulings or self.masked)

    @property
    def whole(self) -> bool:
        """No patient and nothing of a patient is hidden, though some types may be."""
        return self.only is None and not self.hiding

    @property
    def everything(self) -> bool:
        """Nothing at all is hidden."""
        return self.types is None and self.whole


ALL = Sight(None, None, frozenset())
# Askers for whom what their scopes give is kept
ASKERS = 4096


class Granted(msgspec.Struct):
    """What the scopes of one caller give of one verb, whatever consents say; `shown` the last Sight that was made of it."""

    scopes: tuple[Scope, ...]
    patient: str
    types: frozenset[str] | None
    only: frozenset[str] | None
    narrowed: Narrowed
    shown: Sight | None = None

    def gives(self, type: str) -> bool:
        """Whether some resources of the type are granted."""
        return self.types is None or type in self.types


class Gate:
    """Decides for one tenant. `now` gives µs since 1970 UTC; `closed` why nobody may do anything now ("": it is open)."""

    def __init__(
        self, tenant: str, consents: Consents, now: Callable[[], int], closed: Callable[[], str] = lambda: ""
    ) -> None:
        self.tenant = tenant
        self.consents = consents
        self.labels = Labels()
        self.assigned: Sequence[Assigned] = ()
        self.now = now
        self.closed = closed
        self._granted: dict[tuple[bytes, str], Granted] = {}

    def learn(self, version: Version, labels: Sequence[Coding] = ()) -> None:
        """Take note of a version that was appended, and of its security labels; at once, for what it says holds from now."""
        if version.type == "Consent":
            said = None if version.body is None else rule(msgspec.json.decode(version.body), _bound)
            self.consents.take(version.id, said)
        if labels or (version.type == "Patient" and version.body is not None):
            self.labels.take(version.type, version.id, labels)

    def refusal(self, caller: Caller, verb: str, type: str) -> str:
        """Why `caller` may not do `verb` (one of c r u d s) on `type`; empty when it may."""
        if caller.tenant != self.tenant:
            return "tenant"
        if self.closed():
            return "suspended"
        return "" if self._given(caller, verb).gives(type) else "scope"

    def sight(self, caller: Caller, verb: str = "r") -> Sight:
        """What `caller` sees when it reads (r) or searches (s)."""
        if caller.tenant != self.tenant or self.closed():
            caller = msgspec.structs.replace(caller, scopes=(), grant=b"")
        return self._shown(self._given(caller, verb), caller)

    def judged(self, caller: Caller, verb: str, type: str) -> tuple[str, Sight]:
        """`refusal` and `sight` in one."""
        refusal = self.refusal(caller, verb, type)
        if refusal and refusal != "scope":
            return refusal, self.sight(caller, verb)
        return refusal, self._shown(self._given(caller, verb), caller)

    def _given(self, caller: Caller, verb: str) -> Granted:
        """What the scopes give: a grant's are the same objects from one request to the next."""
        name = (caller.grant, verb)
        known = self._granted.get(name)
        if known is not None and known.scopes is caller.scopes and known.patient == caller.patient:
            return known
        types = frozenset(scope.type for scope in caller.scopes if verb in scope.verbs)
        bound = bool(caller.patient) and all(scope.context == "patient" for scope in caller.scopes)
        only = frozenset({caller.patient}) if bound else None
        narrowed = _narrowed(caller.scopes, verb)
        given = Granted(caller.scopes, caller.patient, None if "*" in types else types, only, narrowed)
        if len(self._granted) >= ASKERS:
            self._granted.clear()
        self._granted[name] = given
        return given

    def _shown(self, given: Granted, caller: Caller) -> Sight:
        """What is granted without what consents and labels hide now; the last one again where they hide the same."""
        hidden = self.consents.closed(caller, self.now())
        masked, marked = self.labels.masked(caller)
        lifted = frozenset({caller.patient}) if masked and caller.purpose == "BTG" else NOBODY
        denied = hidden.patients | (marked - lifted) if marked else hidden.patients
        last = given.shown
        if last is None or not (
            last.denied is denied and last.rulings is hidden.rulings and last.masked is masked and last.lifted == lifted
        ):
            last = given.shown = Sight(
                given.types, given.only, denied, NOBODY, given.narrowed, hidden.rulings, masked, lifted
            )
        return last

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
        for one in (asker, msgspec.structs.replace(asker, purpose="HRESCH")):
            own = _both(own, self.consents.closed(one, self.now()), self.labels.masked(one))
        return own


def _both(sight: Sight, closed: Closed, masked: tuple[frozenset[Coding], frozenset[str]]) -> Sight:
    """A sight without what consents and labels hide from another asker either."""
    rulings = {
        one: (*sight.rulings.get(one, ()), *closed.rulings.get(one, ())) for one in {*sight.rulings, *closed.rulings}
    }
    return msgspec.structs.replace(
        sight,
        denied=sight.denied | closed.patients | masked[1],
        rulings=rulings,
        masked=sight.masked | masked[0],
        lifted=frozenset(),
    )


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
