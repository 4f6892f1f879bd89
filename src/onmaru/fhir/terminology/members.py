"""Membership: whether a value set holds a code. What cannot be said from what is at hand is None, and never an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from pyroaring import BitMap

from onmaru.fhir.fhirpath.ucum import unit
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.terminology.filters import PATTERNS, Filter, NotUnderstood, left
from onmaru.fhir.terminology.system import System
from onmaru.fhir.terminology.value_set import Part, ValueSet, patterns

Answer = bool | None
Test = Callable[[str], Answer]
FindSystem = Callable[[str, str], "System | None"]
REMEMBERED = 10_000
_MEDIA = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+*-]+(?:\s*;\s*[^\s;=]+=(?:\"[^\"]*\"|[^\s;]+))*\s*;?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


class Members:
    """Membership of one value set. `system` None: a bare code, whose system the value set itself tells."""

    def __init__(self, include: Sequence[_Tested], exclude: Sequence[_Tested]) -> None:
        self._include = include
        self._exclude = exclude
        self._known: dict[tuple[str | None, str], Answer] = {}
        self.asked = False

    def holds(self, system: str | None, code: str) -> Answer:
        """True, False, or None where the codes are not at hand."""
        asked = (system, code)
        if asked not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            # Another thread may clear what is kept at any moment
            answer = self._known.setdefault(asked, self._answer(system, code))
            self.asked = True
            return answer
        return self._known.get(asked)

    def _answer(self, system: str | None, code: str) -> Answer:
        inside = _any(part.holds(system, code) for part in self._include)
        if inside is False or not self._exclude:
            return inside
        outside = _any(part.holds(system, code) for part in self._exclude)
        if outside:
            return False
        return None if outside is None else inside

    def system_of(self, code: str) -> str:
        """The system that a bare code is of, "" where the value set does not tell."""
        return next((part.system for part in self._include if part.system and part.holds(part.system, code)), "")


class _Tested(msgspec.Struct, frozen=True):
    system: str
    test: Test
    others: tuple[Callable[[str | None, str], Answer], ...]

    def holds(self, system: str | None, code: str) -> Answer:
        if self.system and system is not None and system != self.system:
            return False
        return _all([self.test(code), *(other(system, code) for other in self.others)])


def _any(answers: Iterable[Answer]) -> Answer:
    found: Answer = False
    for answer in answers:
        if answer:
            return True
        if answer is None:
            found = None
    return found


def _all(answers: list[Answer]) -> Answer:
    if False in answers:
        return False
    return None if None in answers else True


def members(found: ValueSet, system_of: FindSystem, set_of: Callable[[str], Members | None]) -> Members:
    """Compile a value set. `system_of` and `set_of` find what it draws on, None where that is not at hand."""

    def tested(part: Part) -> _Tested:
        others = []
        for canonical in part.value_sets:
            inner = set_of(canonical)
            others.append(_unknown if inner is None else inner.holds)
        dear = many and any(one.op == "regex" for one in part.filters)
        test = (lambda code: None) if dear else _test(part, system_of, inactive=found.inactive)
        return _Tested(part.system, test, tuple(others))

    many = patterns(found) > PATTERNS
    return Members([tested(part) for part in found.include], [tested(part) for part in found.exclude])


def _unknown(system: str | None, code: str) -> Answer:
    return None


def _test(part: Part, system_of: FindSystem, *, inactive: bool) -> Test:
    if not part.system:
        return lambda code: True
    known = system_of(part.system, part.version)
    if part.codes is not None:
        listed = _listed((one.code for one in part.codes), sensitive=known is None or known.about.sensitive)
        return listed if known is None or inactive else _active(known, listed)
    if known is None or known.about.content == "not-present":
        special = SPECIAL.get(part.system) if not part.filters else None
        return special or (lambda code: None)
    drawn = _Drawn(known, part.filters)
    return drawn.holds if inactive else _active(known, drawn.holds)


def _active(known: System, test: Test) -> Test:
    gone = known.inactive()

    def holds(code: str) -> Answer:
        number = known.number(code)
        return False if number is not None and number in gone else test(code)

    return holds


def _listed(codes: Iterable[str], *, sensitive: bool) -> Test:
    if sensitive:
        exact = frozenset(codes)
        return lambda code: code in exact
    folded = frozenset(code.casefold() for code in codes)
    return lambda code: code.casefold() in folded


class _Drawn:
    """All codes of a system that pass its filters; unsure of the others where the system is not whole."""

    def __init__(self, known: System, filters: Sequence[Filter]) -> None:
        self._known = known
        self._filters = filters
        self._chosen: BitMap | None = None
        self._sure = True

    def holds(self, code: str) -> Answer:
        number = self._known.number(code)
        if not self._filters:
            return number is not None or (False if self._known.about.whole else None)
        if self._chosen is None:
            self._chosen = self._choose()
        if not self._sure:
            return None
        return (number is not None and number in self._chosen) or (False if self._known.about.whole else None)

    def _choose(self) -> BitMap:
        chosen = self._known.everything()
        try:
            for one in self._filters:
                chosen &= left(self._known, one)
        except (NotUnderstood, Invalid):
            self._sure = False
        return chosen


def _unit(code: str) -> Answer:
    return unit(code) is not None


SPECIAL: Mapping[str, Test] = {
    # No list of either is at hand: what has the form is taken, and of the rest nothing is said
    "urn:ietf:bcp:13": lambda code: _MEDIA.fullmatch(code) is not None or None,
    "urn:ietf:bcp:47": lambda code: _LANGUAGE.fullmatch(code) is not None or None,
    "http://unitsofmeasure.org": _unit,
}
