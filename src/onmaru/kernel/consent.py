"""Patient consent as rules: an active FHIR Consent hides its patient from the callers that its provisions deny."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from onmaru.kernel.caller import Caller

# The bound of what has none
EVER = 2**62
# Callers for whom an answer is kept
ASKERS = 10_000
# A purpose means those below it too: TREAT > ETREAT > BTG (FHIR R4, CodeSystem v3-ActReason, the concepts' hierarchy)
_BROADER: Mapping[str, tuple[str, ...]] = {"ETREAT": ("TREAT",), "BTG": ("ETREAT", "TREAT")}
# What narrows a provision to some data or acts; nothing here is judged by it
_NARROWING = ("action", "securityLabel", "class", "code", "dataPeriod", "data")
_PATIENT = re.compile(r"(?:.*/)?Patient/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]*)?")


class Provision(msgspec.Struct, frozen=True):
    """One Consent.provision. Empty actors or purposes mean any. Times in µs since 1970 UTC, end exclusive.

    `partial`: it also speaks of things not judged here (actors nobody knows, classes of data): then it may hide more than
    it says, but never opens anything.
    """

    deny: bool
    actors: frozenset[str]
    purposes: frozenset[str]
    start: int
    end: int
    exceptions: tuple[Provision, ...] = ()
    partial: bool = False

    def applies(self, caller: Caller, at: int) -> bool:
        """Whether this caller falls under the provision at that time."""
        if not self.start <= at < self.end:
            return False
        if self.purposes and self.purposes.isdisjoint((caller.purpose, *_BROADER.get(caller.purpose, ()))):
            return False
        return not self.actors or not self.actors.isdisjoint({caller.user, *caller.roles})


class Rule(msgspec.Struct, frozen=True):
    """What one Consent says about one patient."""

    patient: str
    provision: Provision


def verdict(provision: Provision, caller: Caller, at: int) -> bool | None:
    """True: denied, False: permitted, None: the provision does not speak of this caller. Exceptions win."""
    if not provision.applies(caller, at):
        return None
    for exception in provision.exceptions:
        inner = verdict(exception, caller, at)
        if inner is not None:
            return inner
    return True if provision.deny else None if provision.partial else False


class Consents:
    """The consents in force, by Consent id; fed from the log, asked at every access. Permission is that of now.

    What was found for a caller holds until a Consent changes or some provision begins or ends.
    """

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}
        self._bounds: list[int] = []
        self._found: dict[tuple[object, ...], tuple[int, int, frozenset[str]]] = {}

    def take(self, id: str, rule: Rule | None) -> None:
        """Set or withdraw what one Consent says."""
        self._found.clear()
        if rule is None:
            self._rules.pop(id, None)
            return
        self._rules[id] = rule
        for bound in _bounds(rule.provision):
            place = bisect.bisect_left(self._bounds, bound)
            if self._bounds[place : place + 1] != [bound]:
                self._bounds.insert(place, bound)

    def denied(self, caller: Caller, at: int) -> frozenset[str]:
        """Patients hidden from this caller at `at`. The record's own machinery (role system) sees all.

        Breaking the glass for one patient lifts that patient's rules unless a rule names the purpose BTG itself.
        """
        if not self._rules or "system" in caller.roles:
            return frozenset()
        asker = (caller.user, caller.roles, caller.purpose, caller.patient)
        since, until, hidden = self._found.get(asker, (0, 0, frozenset()))
        if not since <= at < until:
            place = bisect.bisect_right(self._bounds, at)
            since, until = self._bounds[place - 1] if place else -EVER, [*self._bounds[place : place + 1], EVER][0]
            hidden = frozenset(rule.patient for rule in self._rules.values() if self._hides(rule, caller, at))
            if len(self._found) >= ASKERS:
                self._found.clear()
            self._found[asker] = since, until, hidden
        return hidden

    def said(self, caller: Caller, at: int, patients: frozenset[str]) -> tuple[tuple[str, str], ...]:
        """What each Consent of these patients says of this caller at `at`: (its id, `deny`, `permit` or `broken-glass`)."""
        if "system" in caller.roles:
            return ()
        found = []
        for id, rule in sorted(self._rules.items()):
            spoke = verdict(rule.provision, caller, at) if rule.patient in patients else None
            if spoke is not None:
                hides = self._hides(rule, caller, at)
                found.append((id, "deny" if hides else "broken-glass" if spoke else "permit"))
        return tuple(found)

    def _hides(self, rule: Rule, caller: Caller, at: int) -> bool:
        return bool(verdict(rule.provision, caller, at)) and not _broken(rule, caller)


def _bounds(provision: Provision) -> Iterator[int]:
    """When a provision and its exceptions begin and end."""
    yield from (bound for bound in (provision.start, provision.end) if abs(bound) != EVER)
    for exception in provision.exceptions:
        yield from _bounds(exception)


def _broken(rule: Rule, caller: Caller) -> bool:
    return caller.purpose == "BTG" and caller.patient == rule.patient and not _forbids_breaking(rule.provision)


def _forbids_breaking(provision: Provision) -> bool:
    here = provision.deny and "BTG" in provision.purposes
    return here or any(_forbids_breaking(exception) for exception in provision.exceptions)


def rule(consent: Mapping[str, Any], microseconds: Any) -> Rule | None:
    """Read a Consent (parsed JSON); None when it is not active, names no patient or has no provision.

    The patient is meant however the reference is written: relative, absolute or of one version.

    `microseconds(text, end: bool) -> int` turns a FHIR dateTime into a bound. Actors match by user id (an actor reference's
    last part, or its identifier) or by role code.
    """
    patient = _PATIENT.fullmatch(str(consent.get("patient", {}).get("reference", "")))
    body = consent.get("provision")
    if consent.get("status") != "active" or patient is None or not isinstance(body, dict):
        return None
    return Rule(patient[1], _provision(body, microseconds, default="permit"))


def _provision(body: Mapping[str, Any], microseconds: Any, default: str) -> Provision:
    kind = body.get("type", default)
    period = body.get("period", {})
    opposite = "permit" if kind == "deny" else "deny"
    actors = frozenset(_actors(body.get("actor", ())))
    purposes = frozenset(c["code"] for c in body.get("purpose", ()) if "code" in c)
    unknown = ("actor" in body and not actors) or ("purpose" in body and not purposes)
    return Provision(
        deny=kind == "deny",
        actors=actors,
        purposes=purposes,
        start=microseconds(period["start"], False) if "start" in period else -EVER,
        end=microseconds(period["end"], True) if "end" in period else EVER,
        exceptions=tuple(_provision(inner, microseconds, opposite) for inner in body.get("provision", ())),
        partial=unknown or any(name in body for name in _NARROWING),
    )


def _actors(actors: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for actor in actors:
        reference = actor.get("reference", {})
        named = str(reference.get("reference", "")).rpartition("/")[2] or reference.get("identifier", {}).get(
            "value", ""
        )
        if named:
            yield named
            continue
        for coding in actor.get("role", {}).get("coding", ()):
            if coding.get("code") in _ROLE_CODES:
                yield _ROLE_CODES[coding["code"]]


_ROLE_CODES = {
    role: role
    for role in ("physician", "nurse", "registrar", "researcher", "data-manager", "board-member", "patient", "admin")
}
