"""Everything a tenant knows of terms: R4's own definitions, those of its record, and the systems that it has loaded.

Of several with one url the newest is meant, unless a version is named; one with its codes goes before one without.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec
from pyroaring import BitMap

from onmaru.fhir.outcome import Invalid
from onmaru.fhir.terminology import members, shipped
from onmaru.fhir.terminology.canonical import age, fits, parted
from onmaru.fhir.terminology.concept_map import Translation, concept_map
from onmaru.fhir.terminology.filters import Filter
from onmaru.fhir.terminology.listed import ListedSystem, code_system
from onmaru.fhir.terminology.members import Members
from onmaru.fhir.terminology.selection import Choosing
from onmaru.fhir.terminology.system import System
from onmaru.fhir.terminology.value_set import Part, ValueSet, everything, value_set

KINDS = ("CodeSystem", "ValueSet", "ConceptMap")
# Value sets that rest on one another, one inside the other's making; those in use rest on five or six
DEEPEST = 64
SETS = 3_000
"""Value sets that are kept compiled: R4 has 1,300, and implicit ones are as many as there are concepts."""
REMEMBERED = 20_000
LARGEST = 1_500
"""Answers that are kept, and the letters of the largest of them with its question."""
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
T = TypeVar("T")


class Defined(msgspec.Struct, frozen=True):
    """A definition of the record: one of KINDS, a body that passed structural validation, and what it is found by."""

    kind: str
    url: str
    version: str
    body: bytes
    content: str = ""
    supplements: str = ""


class _Meta(msgspec.Struct, frozen=True):
    security: tuple[msgspec.Raw, ...] = ()


class _Head(msgspec.Struct):
    url: str = ""
    version: str = ""
    content: str = ""
    supplements: str = ""
    meta: _Meta = _Meta()


_head = msgspec.json.Decoder(_Head).decode


def defined(kind: str, body: bytes) -> Defined | None:
    """A body as a definition; None where it has no url by which it could be found.

    What bears a security label is not for everybody, and a Terminology is asked in nobody's name: None too.
    """
    head = _head(body)
    if not head.url or head.meta.security:
        return None
    return Defined(kind, head.url, head.version, body, head.content, head.supplements)


class Terminology:
    """`own`: the definitions of the record. `loaded`: systems that are kept elsewhere. Never changes."""

    def __init__(self, own: Iterable[Defined] = (), loaded: Sequence[System] = ()) -> None:
        self._own: dict[tuple[str, str], list[Defined]] = {}
        self._supplements: dict[str, list[Defined]] = {}
        for one in own:
            if one.kind == "CodeSystem" and one.content == "supplement":
                self._supplements.setdefault(parted(one.supplements)[0], []).append(one)
            self._own.setdefault((one.kind, one.url), []).append(one)
        for listed in self._own.values():
            listed.sort(
                key=lambda one: (one.content not in ("not-present", "supplement"), age(one.version)), reverse=True
            )
        self._loaded: dict[str, list[System]] = {}
        for system in sorted(loaded, key=lambda one: age(one.about.version), reverse=True):
            self._loaded.setdefault(system.about.url, []).append(system)
        self._read: dict[Any, Any] = {}
        self._members: dict[str, Members | None] = {}
        self._making: set[str] = set()
        self.remembered: dict[tuple[object, ...], bytes] = {}
        # Validations run in threads: what one is making is waited for, not taken for unknown
        self._alone = threading.RLock()

    def system(self, url: str, version: str = "") -> System | None:
        """A code system; None for one that is not known, or not in this version."""
        for loaded in self._loaded.get(url, ()):
            if fits(version, loaded.about.version):
                return loaded
        for own in self._own.get(("CodeSystem", url), ()):
            if fits(version, own.version):
                return self._kept(own, _listed)
        return self._shipped_system(url, version)

    def _shipped_system(self, url: str, version: str) -> System | None:
        packed = shipped.shipped().code_systems.get(url)
        if packed is None:
            return None
        found = self._unpacked("CodeSystem", url, packed, _unpacked_system)
        return found if fits(version, found.about.version) else None

    def _kept(self, own: Defined, read: Callable[[Defined], T]) -> T:
        name = (own.kind, own.url, own.version)
        if name not in self._read:
            # Two threads may read the same at once; both read the same
            self._read.setdefault(name, read(own))
        found: T = self._read[name]
        return found

    def _unpacked(self, kind: str, url: str, packed: msgspec.Raw, read: Callable[[msgspec.Raw], T]) -> T:
        name = (kind, url)
        if name not in self._read:
            self._read.setdefault(name, read(packed))
        found: T = self._read[name]
        return found

    def supplements(self, url: str) -> Sequence[System]:
        """The systems that add texts and properties to one (CodeSystem.content supplement)."""
        return [self._kept(one, _listed) for one in self._supplements.get(url, ())]

    def value_set(self, url: str, version: str = "") -> ValueSet | None:
        """A value set, an implicit one of a code system too; None where it is not known, or not in this version."""
        for own in self._own.get(("ValueSet", url), ()):
            if fits(version, own.version):
                return self._kept(own, _value_set)
        packed = shipped.shipped().value_sets.get(url)
        if packed is not None:
            found = self._unpacked("ValueSet", url, packed, shipped.value_set)
            return found if fits(version, found.version) else None
        return self._implicit(url, version)

    def _implicit(self, url: str, version: str) -> ValueSet | None:
        """The value sets that code systems bring along (using-codes, snomedct.html, loinc.html)."""
        base, _, asked = url.partition("?fhir_vs")
        if base != url:
            return _of_snomed(base, asked, url)
        if url == f"{LOINC}/vs":
            return everything(LOINC, version, url)
        for system in self._systems():
            if system.about.value_set == url:
                return everything(system.about.url, version, url)
        return None

    def _systems(self) -> Iterable[System]:
        """The systems of the record and the loaded ones; R4's own name value sets that are there in full."""
        for loaded in self._loaded.values():
            yield from loaded
        for (kind, url), listed in self._own.items():
            for own in listed if kind == "CodeSystem" else ():
                found = self.system(url, own.version)
                if found is not None:
                    yield found

    def concept_maps(self, url: str = "", version: str = "") -> list[Translation]:
        """The maps with this url, or all there are; the record's before R4's."""
        wanted = [
            one
            for (kind, name), listed in self._own.items()
            if kind == "ConceptMap" and url in ("", name)
            for one in listed
            if fits(version, one.version)
        ]
        found = [self._kept(one, _translation) for one in wanted]
        packed = shipped.shipped().concept_maps
        for name in [url] if url else packed:
            if name in packed:
                made = self._unpacked("ConceptMap", name, packed[name], _unpacked_map)
                found += [made] if fits(version, made.map.version) else []
        return found

    def members(self, canonical: str) -> Members | None:
        """The compiled value set; None where it, or a set it is made of, is unknown or made of itself.

        A version that is not at hand is taken for the one that is: a binding names the version it was written with.
        """
        if canonical not in self._members:
            with self._alone:
                if len(self._members) >= SETS and not self._making:
                    self._members.clear()
                self._make(canonical)
        return self._members.get(canonical)

    def remember(self, asked: tuple[object, ...], answer: bytes) -> None:
        """Keep an answer, which never changes as long as the definitions do not: `remembered`, by what was asked."""
        if len(self.remembered) >= REMEMBERED:
            self.remembered.clear()
        if len(answer) + len(repr(asked)) <= LARGEST:
            self.remembered[asked] = answer

    def settled(self, canonical: str) -> bool:
        """Whether a value set was asked before, so that the next answer comes at once."""
        found = self._members.get(canonical)
        return found is not None and found.asked

    def _make(self, canonical: str) -> None:
        """Keep what is made of a definition; nothing where it is unknown, made of itself or of DEEPEST others, or was made
        by another thread meanwhile."""
        url, version = parted(canonical)
        found = self.value_set(url, version) or (self.value_set(url) if version else None)
        if found is None:
            self._members[canonical] = None
            return
        if url in self._making or canonical in self._members or len(self._making) >= DEEPEST:
            return
        self._making.add(url)
        try:
            self._members[canonical] = members.members(found, self.system, self.members)
        finally:
            self._making.discard(url)

    def member(self, value_set: str, system: str | None, code: str) -> bool | None:
        """See kernel.terms.Terms."""
        found = self.members(value_set)
        return None if found is None else found.holds(system, code)

    def codes(self, value_set: str, most: int) -> Collection[tuple[str, str]] | None:
        """See kernel.terms.Terms."""
        url, version = parted(value_set)
        found = self.value_set(url, version)
        if found is None:
            return None
        try:
            chosen = Choosing(self).selection(found)
        except Invalid:
            return None
        return None if chosen.total > most else chosen.pairs()

    def below(self, system: str, code: str) -> Collection[str] | None:
        """See kernel.terms.Terms."""
        return self._line(system, code, lambda found, number: found.below(number))

    def above(self, system: str, code: str) -> Collection[str] | None:
        """See kernel.terms.Terms."""
        return self._line(system, code, lambda found, number: found.above(number))

    def _line(self, canonical: str, code: str, reach: Callable[[System, int], BitMap]) -> Collection[str] | None:
        found = self.system(*parted(canonical))
        number = None if found is None else found.number(code)
        if found is None or number is None:
            return None
        return Line(found, number, reach(found, number))


def _listed(own: Defined) -> System:
    return ListedSystem(code_system(msgspec.json.decode(own.body)))


def _value_set(own: Defined) -> ValueSet:
    return value_set(msgspec.json.decode(own.body))


def _translation(own: Defined) -> Translation:
    return Translation(concept_map(msgspec.json.decode(own.body)))


def _unpacked_system(packed: msgspec.Raw) -> System:
    return ListedSystem(shipped.code_system(packed))


def _unpacked_map(packed: msgspec.Raw) -> Translation:
    return Translation(shipped.concept_map(packed))


def _of_snomed(base: str, asked: str, url: str) -> ValueSet | None:
    """`?fhir_vs`: all of SNOMED CT; `=isa/CODE`: what a concept subsumes; `=refset/CODE`: what is in a reference set."""
    if not base.startswith(SNOMED):
        return None
    version = "" if base == SNOMED else base
    kind, _, code = asked.removeprefix("=").partition("/")
    if not asked:
        return everything(SNOMED, version, url)
    wanted = {"isa": Filter("concept", "is-a", code), "refset": Filter("refset", "=", code)}.get(kind)
    if wanted is None or not code:
        return None
    return ValueSet(url, version, "", "", "active", True, (Part(SNOMED, version, None, (wanted,), ()),), ())


class Line(Collection[str]):
    """A code and those that stand above or below it: counted at once, read when they are asked for."""

    def __init__(self, system: System, number: int, others: BitMap) -> None:
        self._system = system
        self._numbers = others | BitMap([number])

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[str]:
        return (code for _, code in self._system.codes(self._numbers))

    def __contains__(self, code: object) -> bool:
        number = self._system.number(code) if isinstance(code, str) else None
        return number is not None and number in self._numbers


@cache
def core() -> Terminology:
    """R4 alone."""
    return Terminology()
