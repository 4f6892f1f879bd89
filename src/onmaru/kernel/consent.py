"""The Consents in force in one tenant: what they hide from a caller now, a whole chart or part of it."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from onmaru.kernel.caller import Caller
from onmaru.kernel.portion import Ruling
from onmaru.kernel.provision import EVER, Provision, Rule

# Callers for whom an answer is kept
ASKERS = 10_000


class Closed(NamedTuple):
    """What consents hide from one caller: patients of whom nothing is shown, and rulings of those of whom part is."""

    patients: frozenset[str] = frozenset()
    rulings: Mapping[str, tuple[Ruling, ...]] = {}


OPEN = Closed()


class Consents:
    """The consents in force, by Consent id; fed from the log, asked at every access. Permission is that of now.

    What was found for a caller holds until a Consent changes or some provision begins or ends.
    """

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}
        self._bounds: list[int] = []
        self._found: dict[tuple[object, ...], tuple[int, int, Closed]] = {}

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

    def closed(self, caller: Caller, at: int) -> Closed:
        """What is hidden from this caller at `at`. The record's own machinery (role system) sees all.

        Breaking the glass for one patient lifts that patient's rules unless a rule names the purpose BTG itself.
        """
        if not self._rules or "system" in caller.roles:
            return OPEN
        asker = (caller.user, caller.roles, caller.purpose, caller.patient)
        since, until, hidden = self._found.get(asker, (0, 0, OPEN))
        if not since <= at < until:
            place = bisect.bisect_right(self._bounds, at)
            since, until = self._bounds[place - 1] if place else -EVER, [*self._bounds[place : place + 1], EVER][0]
            hidden = self._closed(caller, at)
            if len(self._found) >= ASKERS:
                self._found.clear()
            self._found[asker] = since, until, hidden
        return hidden

    def _closed(self, caller: Caller, at: int) -> Closed:
        whole: set[str] = set()
        rulings: dict[str, tuple[Ruling, ...]] = {}
        for rule in self._rules.values():
            ruling = rule.provision.ruling(caller, at)
            if ruling is None or not ruling.hiding or broken(rule, caller):
                continue
            if ruling.parted:
                rulings[rule.patient] = (*rulings.get(rule.patient, ()), ruling)
            elif ruling.says(None, ""):
                whole.add(rule.patient)
        return Closed(frozenset(whole), {patient: told for patient, told in rulings.items() if patient not in whole})

    def denied(self, caller: Caller, at: int) -> frozenset[str]:
        """Patients hidden wholly from this caller at `at`."""
        return self.closed(caller, at).patients

    def said(self, caller: Caller, at: int, patients: frozenset[str]) -> Iterator[tuple[str, Rule, Ruling]]:
        """(its id, the rule, its ruling) of each Consent of these patients that speaks to this caller at `at`."""
        if "system" in caller.roles:
            return
        for id, rule in sorted(self._rules.items()):
            ruling = rule.provision.ruling(caller, at) if rule.patient in patients else None
            if ruling is not None:
                yield id, rule, ruling


def _bounds(provision: Provision) -> Iterator[int]:
    """When a provision and its exceptions begin and end."""
    yield from (bound for bound in (provision.start, provision.end) if abs(bound) != EVER)
    for exception in provision.exceptions:
        yield from _bounds(exception)


def broken(rule: Rule, caller: Caller) -> bool:
    """Whether this caller broke the glass of the rule's patient, and the rule lets it be broken."""
    return caller.purpose == "BTG" and caller.patient == rule.patient and not _forbids_breaking(rule.provision)


def _forbids_breaking(provision: Provision) -> bool:
    return provision.unbroken or any(_forbids_breaking(one) for one in provision.exceptions)
