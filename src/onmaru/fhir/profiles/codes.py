"""Code systems and value sets as validation needs them: which codes there are, and what stands above what.

A value set that draws on a code system that is not at hand answers None: it cannot be said, and is never an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from onmaru.fhir.fhirpath.ucum import unit
from onmaru.fhir.profiles.definition import bare

Json = Mapping[str, Any]
Answer = bool | None
_MEDIA = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+*-]+(?:\s*;\s*[^\s;=]+=(?:\"[^\"]*\"|[^\s;]+))*\s*;?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
REMEMBERED = 10_000


class CodeSystem(msgspec.Struct, frozen=True, array_like=True):
    """`codes` → the places of those directly above, in the order of `codes`. `whole`: nothing else is a code of it."""

    url: str
    whole: bool
    sensitive: bool
    codes: dict[str, tuple[str, ...]]


class Part(msgspec.Struct, frozen=True, array_like=True):
    """One include or exclude. `codes` None: every code that `filters` (property, op, value) leave."""

    system: str
    codes: tuple[str, ...] | None
    filters: tuple[tuple[str, str, str], ...]
    value_sets: tuple[str, ...]


class ValueSet(msgspec.Struct, frozen=True, array_like=True):
    url: str
    include: tuple[Part, ...]
    exclude: tuple[Part, ...]


def code_system(resource: Json) -> CodeSystem:
    """Read a CodeSystem that passed structural validation."""
    codes: dict[str, tuple[str, ...]] = {}
    waiting = [(concept, "") for concept in reversed(resource.get("concept", ()))]
    while waiting:
        concept, above = waiting.pop()
        stated = [
            str(p.get("valueCode", "")) for p in concept.get("property", ()) if p["code"] in ("parent", "subsumedBy")
        ]
        over = (*((above,) if above else ()), *(one for one in stated if one and one != above))
        codes[concept["code"]] = (*codes.get(concept["code"], ()), *over)
        waiting += [(inner, concept["code"]) for inner in reversed(concept.get("concept", ()))]
    sensitive = resource.get("caseSensitive", True)
    return CodeSystem(resource["url"], resource["content"] == "complete", sensitive, codes)


def value_set(resource: Json) -> ValueSet:
    """Read a ValueSet that passed structural validation; its stored expansion where it has no definition."""
    compose = resource.get("compose")
    if compose is None:
        return ValueSet(resource["url"], tuple(_expanded(resource.get("expansion", {}))), ())
    return ValueSet(
        resource["url"], tuple(map(_part, compose["include"])), tuple(map(_part, compose.get("exclude", ())))
    )


def _part(one: Json) -> Part:
    concepts = one.get("concept")
    codes = tuple(concept["code"] for concept in concepts) if concepts is not None else None
    filters = tuple((f["property"], f["op"], f["value"]) for f in one.get("filter", ()))
    return Part(one.get("system", ""), codes, filters, tuple(bare(url) for url in one.get("valueSet", ())))


def _expanded(expansion: Json) -> Iterable[Part]:
    by_system: dict[str, list[str]] = {}
    waiting = list(expansion.get("contains", ()))
    for one in waiting:
        if "code" in one:
            by_system.setdefault(one.get("system", ""), []).append(one["code"])
        waiting += one.get("contains", ())
    return [Part(system, tuple(codes), (), ()) for system, codes in by_system.items()]


Test = Callable[[str], Answer]


class Members:
    """Membership of one value set. `system` None: a bare code, whose system the value set itself tells."""

    def __init__(self, tests: tuple[list[_Tested], list[_Tested]]) -> None:
        self._include, self._exclude = tests
        self._known: dict[tuple[str | None, str], Answer] = {}

    def holds(self, system: str | None, code: str) -> Answer:
        """True, False, or None where the codes are not at hand."""
        asked = (system, code)
        if asked not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[asked] = self._answer(system, code)
        return self._known[asked]

    def _answer(self, system: str | None, code: str) -> Answer:
        inside = _any(part.holds(system, code) for part in self._include)
        if inside is False or not self._exclude:
            return inside
        outside = _any(part.holds(system, code) for part in self._exclude)
        if outside:
            return False
        return None if outside is None else inside


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


Finder = Callable[[str], "CodeSystem | None"]


def members(found: ValueSet, system_of: Finder, set_of: Callable[[str], Members | None]) -> Members:
    """Compile a value set. `system_of` and `set_of` find what it draws on, None where that is not at hand."""

    def tested(part: Part) -> _Tested:
        others = []
        for url in part.value_sets:
            inner = set_of(url)
            others.append(_unknown if inner is None else inner.holds)
        return _Tested(part.system, _test(part, system_of), tuple(others))

    return Members(([tested(part) for part in found.include], [tested(part) for part in found.exclude]))


def _unknown(system: str | None, code: str) -> Answer:
    return None


def _test(part: Part, system_of: Finder) -> Test:
    if not part.system:
        return lambda code: True
    known = system_of(part.system)
    if part.codes is not None:
        return _listed(part.codes, sensitive=known is None or known.sensitive)
    if known is None:
        special = _SPECIAL.get(part.system) if not part.filters else None
        return special or (lambda code: None)
    return _drawn(known, part.filters)


def _listed(codes: Iterable[str], *, sensitive: bool) -> Test:
    if sensitive:
        exact = frozenset(codes)
        return lambda code: code in exact
    folded = frozenset(code.casefold() for code in codes)
    return lambda code: code.casefold() in folded


def _drawn(known: CodeSystem, filters: tuple[tuple[str, str, str], ...]) -> Test:
    """All codes of a system that pass its filters; unsure of the others where the system is not whole."""
    chosen = set(known.codes)
    sure = known.whole
    for prop, op, value in filters:
        kept = _filtered(known, prop, op, value)
        if kept is None:
            return lambda code: None
        chosen &= kept
    test = _listed(chosen, sensitive=known.sensitive)
    return test if sure else (lambda code: test(code) or None)


def _filtered(known: CodeSystem, prop: str, op: str, value: str) -> set[str] | None:
    """The codes that a filter leaves; None for one that is not understood."""
    if prop in ("concept", "code") and op in ("is-a", "descendent-of", "is-not-a"):
        below = descendants(known, value)
        if op == "is-not-a":
            return set(known.codes) - below - {value}
        return below | {value} if op == "is-a" else below
    if prop in ("concept", "code") and op in ("=", "in"):
        return set(value.split(",")) if op == "in" else {value}
    if prop == "parent" and op == "=":
        return {code for code, above in known.codes.items() if value in above}
    return None


def descendants(known: CodeSystem, top: str) -> set[str]:
    """Every code below one, itself not counted."""
    children: dict[str, list[str]] = {}
    for code, above in known.codes.items():
        for one in above:
            children.setdefault(one, []).append(code)
    found: set[str] = set()
    waiting = [top]
    while waiting:
        for code in children.get(waiting.pop(), ()):
            if code not in found:
                found.add(code)
                waiting.append(code)
    return found


def ancestors(known: CodeSystem, code: str) -> set[str]:
    """Every code above one, itself not counted."""
    found: set[str] = set()
    waiting = [code]
    while waiting:
        for one in known.codes.get(waiting.pop(), ()):
            if one not in found:
                found.add(one)
                waiting.append(one)
    return found


def _unit(code: str) -> Answer:
    return unit(code) is not None


_SPECIAL: Mapping[str, Test] = {
    # No list of either is at hand: what has the form is taken, and of the rest nothing is said
    "urn:ietf:bcp:13": lambda code: _MEDIA.fullmatch(code) is not None or None,
    "urn:ietf:bcp:47": lambda code: _LANGUAGE.fullmatch(code) is not None or None,
    "http://unitsofmeasure.org": _unit,
}
