"""A Consent as rules: its provisions with their actors, purposes, periods and data. What is not understood opens nothing.

R4 Consent.provision; which parts are judged and how is decision 135.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.kernel.caller import ROLES, Caller, Purpose
from onmaru.kernel.labels import meanings
from onmaru.kernel.portion import EVERYTHING, Part, Ruling

# The bound of what has none
EVER = 2**62
# Provisions of one Consent: each is asked of each caller
MOST_PROVISIONS = 500
Moment = Callable[[str, bool], int]
_PATIENT = re.compile(r"(?:.*/)?Patient/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]*)?")
_NAMED = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})(?:/_history/[^/]*)?")
# Each is one: a user of the house bears the id of one of these. Who is in an Organization, a CareTeam or a Group is unknown
_ONE = ("Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Person", "Device")
_TYPES = "http://hl7.org/fhir/resource-types"
_SCOPES = "http://terminology.hl7.org/CodeSystem/consentscope"
# Consents that do not speak of who may see data: advance directives, and consents to be treated
_ELSEWHERE = frozenset({"adr", "treatment"})
# v3-ActCode: a base policy of dissent, of which the provisions are exceptions
_DISSENT = frozenset({"OPTOUT", "OPTOUTE"})
_Scope = Literal["privacy", "research"]


class Provision(msgspec.Struct, frozen=True):
    """One Consent.provision. Empty actors or purposes mean any. Times in µs since 1970 UTC, end exclusive.

    `purposes` hold those below them too. `partial`: it also speaks of things not judged here (actors nobody knows): then it
    may hide more than it says, but never opens anything. `unbroken`: it names breaking the glass itself.
    """

    deny: bool
    actors: frozenset[str]
    purposes: frozenset[str]
    start: int
    end: int
    exceptions: tuple[Provision, ...] = ()
    partial: bool = False
    part: Part = EVERYTHING
    unbroken: bool = False

    def applies(self, caller: Caller, at: int) -> bool:
        """Whether this caller falls under the provision at that time."""
        if not self.start <= at < self.end:
            return False
        if self.purposes and _STANDS.get(caller.purpose, caller.purpose) not in self.purposes:
            return False
        return not self.actors or not self.actors.isdisjoint(names(caller))

    def ruling(self, caller: Caller, at: int) -> Ruling | None:
        """What it says to this caller at that time; None: nothing."""
        if not self.applies(caller, at):
            return None
        inner = tuple(ruling for one in self.exceptions if (ruling := one.ruling(caller, at)) is not None)
        return Ruling(self.deny, self.part, inner, not self.partial)


# A purpose of the house's own beside v3-ActReason
_STANDS: Mapping[str, str] = {"SYSADMIN": "HSYSADMIN"}


def names(caller: Caller) -> frozenset[str]:
    """By what an actor may mean this caller: the user, each role, the Patient who asks for their own record."""
    own = {caller.patient} if caller.patient and "patient" in caller.roles else set()
    return frozenset({caller.user, *caller.roles, *own})


class Rule(msgspec.Struct, frozen=True):
    """What one Consent says about one patient."""

    patient: str
    provision: Provision


def rule(consent: Mapping[str, Any], microseconds: Moment) -> Rule | None:
    """Read a Consent (parsed JSON); None when it is not active, names no patient, has no provision or speaks of no access.

    The patient is meant however the reference is written: relative, absolute or of one version.

    `microseconds(text, end: bool) -> int` turns a FHIR dateTime into a bound. Actors match by user id (an actor reference's
    last part, or its identifier) or by role code.
    """
    patient = _PATIENT.fullmatch(str(consent.get("patient", {}).get("reference", "")))
    dissent = any(c.get("code") in _DISSENT for c in _codings([consent.get("policyRule", {})]))
    body = consent.get("provision", {} if dissent else None)
    scopes = {c.get("code") for c in _codings([consent.get("scope", {})]) if c.get("system", _SCOPES) == _SCOPES}
    if consent.get("status") != "active" or patient is None or not isinstance(body, dict):
        return None
    if scopes and scopes <= _ELSEWHERE:
        return None
    read = _Reading(microseconds, "research" if scopes == {"research"} else "privacy")
    return Rule(patient[1], read.provision(body, "deny" if dissent else "permit"))


def refuse_endless(body: bytes) -> None:
    """`Invalid` 422 for a Consent of more than MOST_PROVISIONS, nested ones included."""
    waiting, found = [msgspec.json.decode(body).get("provision")], 0
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            found += 1
            waiting += one.get("provision", ())
    if found > MOST_PROVISIONS:
        raise invalid("too-costly", f"has over {MOST_PROVISIONS} provisions", "Consent.provision", 422)


class _Reading:
    """Reads the provisions of one Consent. One to research speaks, where it names no purpose, of research."""

    def __init__(self, microseconds: Moment, scope: _Scope) -> None:
        self._moment = microseconds
        self._usual = closed("HRESCH") if scope == "research" else frozenset()

    def provision(self, body: Mapping[str, Any], default: str) -> Provision:
        """One provision with those in it; `default` is its type where it names none."""
        deny = body.get("type", default) == "deny"
        start, end = self._period(body.get("period", {}))
        actors, vague = _actors(body.get("actor", ()))
        purposes, broad = _purposes(body.get("purpose", ()), deny)
        acts = {c.get("code") for c in _codings(body.get("action", ()))}
        return Provision(
            deny=deny,
            actors=actors,
            purposes=purposes or (frozenset() if broad else self._usual),
            start=start,
            end=end,
            exceptions=tuple(self.provision(one, "permit" if deny else "deny") for one in body.get("provision", ())),
            # What R4 understands of acts is reading, and that is "access"
            partial=vague or broad or ("action" in body and "access" not in acts),
            part=self._part(body, deny),
            unbroken=deny and any(one.get("code") == "BTG" for one in body.get("purpose", ())),
        )

    def _period(self, period: Mapping[str, Any]) -> tuple[int, int]:
        start = self._moment(period["start"], False) if "start" in period else -EVER
        return start, self._moment(period["end"], True) if "end" in period else EVER

    def _part(self, body: Mapping[str, Any], deny: bool) -> Part:
        unread: set[str] = set()
        least, most, classes = _labels(body.get("securityLabel", ()), deny, unread)
        data = body.get("data", ())
        return Part(
            _types(body.get("class", ()), unread),
            _codes(body.get("code", ()), unread),
            classes,
            least,
            most,
            self._period(body["dataPeriod"]) if body.get("dataPeriod") else None,
            _data(data, ("instance",), unread),
            _data(data, ("dependents",), unread),
            frozenset(unread),
        )


def _codings(concepts: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for concept in concepts:
        yield from concept.get("coding", ())


def _types(classes: Sequence[Mapping[str, Any]], unread: set[str]) -> frozenset[str]:
    """Resource types; profiles and kinds of document are not judged."""
    found = frozenset(str(one["code"]) for one in classes if one.get("system", _TYPES) == _TYPES and "code" in one)
    known = found & RESOURCE_TYPES
    if len(known) < len(classes):
        unread.add("class")
    return known


def _codes(concepts: Sequence[Mapping[str, Any]], unread: set[str]) -> frozenset[tuple[str, str]]:
    """Codes of which one has to be found in the resource; what is only text is not judged."""
    found = set()
    for concept in concepts:
        coded = {(str(one.get("system", "")), str(one["code"])) for one in concept.get("coding", ()) if "code" in one}
        found |= coded
        if not coded:
            unread.add("code")
    return frozenset(found)


def _labels(
    labels: Sequence[Mapping[str, Any]], deny: bool, unread: set[str]
) -> tuple[int | None, int | None, frozenset[tuple[str, str]]]:
    """A bound of confidentiality (the wider for a denial, the narrower for a permission) and sensitivity classes."""
    known, ranks, classes = meanings(), set(), set()
    for one in labels:
        coding = str(one.get("system", "")), str(one.get("code", ""))
        rank = known.rank(coding)
        if "code" not in one:
            unread.add("securityLabel")
        elif rank is not None:
            ranks.add(rank)
        else:
            classes.add(known.kind(coding) or coding)
    bound = min(ranks, default=None)
    return (bound, None, frozenset(classes)) if deny else (None, bound, frozenset(classes))


def _data(data: Sequence[Mapping[str, Any]], meanings: tuple[str, ...], unread: set[str]) -> frozenset[str]:
    """`Type/id` of what is meant so; what it refers to, or who wrote it, is not judged."""
    found = set()
    for one in data:
        named = _NAMED.fullmatch(str(one.get("reference", {}).get("reference", "")))
        if named is None or one.get("meaning") not in ("instance", "dependents"):
            unread.add("data")
        if named is not None and (one.get("meaning") in meanings or "instance" in meanings):
            found.add(named[1])
    return frozenset(found)


def _actors(actors: Sequence[Mapping[str, Any]]) -> tuple[frozenset[str], bool]:
    """Users and roles, and whether there are actors beside whom nobody knows. Where it is all of them: nobody named."""
    found, vague = set(), False
    for actor in actors:
        name = _one(actor.get("reference", {})) or _role(actor.get("role", {}))
        vague = vague or not name
        found.add(name)
    return (frozenset() if vague else frozenset(found)), vague


def _one(reference: Mapping[str, Any]) -> str:
    """The id of the one user that is meant; "" when it is many or nobody can tell."""
    text = str(reference.get("reference", ""))
    if not text:
        return str(reference.get("identifier", {}).get("value", ""))
    named = _NAMED.fullmatch(text)
    type, _, id = (named[1] if named else "").partition("/")
    return id if type in _ONE else ""


def _role(concept: Mapping[str, Any]) -> str:
    codes = (coding.get("code") for coding in concept.get("coding", ()))
    return next((str(code) for code in codes if code in ROLES and code != "system"), "")


def _purposes(purposes: Sequence[Mapping[str, Any]], deny: bool) -> tuple[frozenset[str], bool]:
    """The purposes meant, those below included, and whether some are unknown; for a denial of none of the house's own
    also those above, since whoever states one of them may be acting for it.
    """
    found: set[str] = set()
    for one in purposes:
        code = str(one.get("code", ""))
        if one.get("system", _tree()[0]) != _tree()[0] or code not in _known():
            return frozenset(), True
        found |= closed(code)
        if deny and code not in get_args(Purpose):
            found |= {above for above in _known() if code in closed(above)}
    return frozenset(found), False


@cache
def _tree() -> tuple[str, Mapping[str, Sequence[str]]]:
    read = tomllib.loads(files("onmaru.kernel").joinpath("purposes.toml").read_text("utf-8"))
    return read["system"], read["below"]


@cache
def _known() -> frozenset[str]:
    return closed("PurposeOfUse") | frozenset(_STANDS)


@cache
def closed(code: str) -> frozenset[str]:
    """A purpose and all below it (v3-ActReason)."""
    below = (one for child in _tree()[1].get(code, ()) for one in closed(child))
    return frozenset({code, _STANDS.get(code, code), *below})
