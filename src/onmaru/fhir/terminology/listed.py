"""A code system that stands in one resource: its concepts in memory, parents before children."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import msgspec
from pyroaring import BitMap

from onmaru.fhir.terminology import concepts
from onmaru.fhir.terminology.concepts import Concept, Json
from onmaru.fhir.terminology.system import About, Declared
from onmaru.fhir.terminology.text import folded, met

UP = frozenset({"parent", "subsumedBy"})


class CodeSystem(msgspec.Struct, frozen=True, array_like=True):
    """A CodeSystem as it is kept: `above` holds for each concept the codes that stand directly over it."""

    about: About
    concepts: tuple[Concept, ...]
    above: tuple[tuple[str, ...], ...]


def code_system(resource: Json) -> CodeSystem:
    """Read a CodeSystem that passed structural validation. A code said twice is taken the first time."""
    found: dict[str, Concept] = {}
    above: dict[str, dict[str, None]] = {}
    waiting = [(one, "") for one in reversed(resource.get("concept", ()))]
    while waiting:
        one, over = waiting.pop()
        concept = _concept(one)
        found.setdefault(concept.code, concept)
        stated = [over] if over else []
        stated += [p.value for p in concept.properties if p.code in UP and p.value]
        above.setdefault(concept.code, {}).update(dict.fromkeys(stated))
        for each in concept.properties:
            if each.code == "child" and each.value:
                above.setdefault(each.value, {})[concept.code] = None
        waiting += [(inner, concept.code) for inner in reversed(one.get("concept", ()))]
    return CodeSystem(_about(resource), tuple(found.values()), tuple(tuple(above[code]) for code in found))


def _concept(one: Json) -> Concept:
    said = concepts.properties(one.get("property", ()))
    other = concepts.designations(one.get("designation", ()))
    display, definition = one.get("display", ""), one.get("definition", "")
    return Concept(one["code"], display, definition, other, said, concepts.abstract(said), concepts.inactive(said))


def _about(resource: Json) -> About:
    declared = tuple(
        Declared(one["code"], one.get("type", "string"), one.get("uri", ""), one.get("description", ""))
        for one in resource.get("property", ())
    )
    url, version, name, title = (resource.get(one, "") for one in ("url", "version", "name", "title"))
    return About(
        url,
        version,
        name,
        title,
        resource["content"],
        resource.get("caseSensitive", True),
        resource.get("language", ""),
        resource.get("supplements", ""),
        resource.get("valueSet", ""),
        declared,
    )


class ListedSystem:
    """A CodeSystem as a System."""

    def __init__(self, listed: CodeSystem) -> None:
        self.about = listed.about
        self._concepts = listed.concepts
        self._above = listed.above

    @cached_property
    def _numbers(self) -> dict[str, int]:
        if self.about.sensitive:
            return {one.code: number for number, one in enumerate(self._concepts)}
        return {one.code.casefold(): number for number, one in enumerate(self._concepts)}

    @cached_property
    def _parents(self) -> list[BitMap]:
        return [BitMap(n for code in above if (n := self.number(code)) is not None) for above in self._above]

    @cached_property
    def _children(self) -> list[BitMap]:
        found = [BitMap() for _ in self._concepts]
        for number, parents in enumerate(self._parents):
            for parent in parents:
                found[parent].add(number)
        return found

    @cached_property
    def _lines(self) -> list[str]:
        return [folded([c.code, c.display, *(d.value for d in c.designations)]) for c in self._concepts]

    def number(self, code: str) -> int | None:
        """See System."""
        return self._numbers.get(code if self.about.sensitive else code.casefold())

    def concepts(self, numbers: Sequence[int]) -> Sequence[Concept]:
        """See System."""
        return [self._concepts[number] for number in numbers]

    def glance(self, number: int) -> Concept:
        """See System; here it is at hand whole."""
        return self._concepts[number]

    def codes(self, numbers: BitMap | None = None) -> Iterable[tuple[int, str]]:
        """See System."""
        chosen = range(len(self._concepts)) if numbers is None else numbers
        return [(number, self._concepts[number].code) for number in chosen]

    def everything(self) -> BitMap:
        """See System."""
        return BitMap(range(len(self._concepts)))

    def inactive(self) -> BitMap:
        """See System."""
        return BitMap(number for number, one in enumerate(self._concepts) if one.inactive)

    def abstract(self) -> BitMap:
        """See System."""
        return BitMap(number for number, one in enumerate(self._concepts) if one.abstract)

    def parents(self, number: int) -> BitMap:
        """See System."""
        return self._parents[number]

    def children(self, number: int) -> BitMap:
        """See System."""
        return self._children[number]

    def roots(self) -> BitMap:
        """See System."""
        return BitMap(number for number, above in enumerate(self._parents) if not above)

    def leaves(self) -> BitMap:
        """See System."""
        return BitMap(number for number, below in enumerate(self._children) if not below)

    def above(self, number: int) -> BitMap:
        """See System."""
        return _reached(self._parents, number)

    def below(self, number: int) -> BitMap:
        """See System."""
        return _reached(self._children, number)

    def knows(self, name: str) -> bool:
        """See System."""
        declared = any(one.code == name for one in self.about.declared)
        return declared or any(p.code == name for one in self._concepts for p in one.properties)

    def valued(self, name: str, value: str) -> BitMap:
        """See System."""
        return BitMap(number for number, said in self._said(name) if said == value)

    def values(self, name: str) -> Iterable[tuple[str, BitMap]]:
        """See System."""
        found: dict[str, BitMap] = {}
        for number, said in self._said(name):
            found.setdefault(said, BitMap()).add(number)
        return found.items()

    def _said(self, name: str) -> Iterator[tuple[int, str]]:
        for number, one in enumerate(self._concepts):
            for each in one.properties:
                if each.code == name:
                    yield number, each.value

    def texts(self) -> Iterable[tuple[int, str]]:
        """See System."""
        return [(number, one.display) for number, one in enumerate(self._concepts)]

    def matching(self, wanted: list[str]) -> BitMap:
        """See System."""
        return BitMap(number for number, line in enumerate(self._lines) if met(wanted, line))


def _reached(steps: Sequence[BitMap], start: int) -> BitMap:
    """All that is reached in one step or more; itself never, though its system may say that it is above itself."""
    found, waiting = BitMap(), [start]
    while waiting:
        new = steps[waiting.pop()] - found
        found |= new
        waiting += new
    found.discard(start)
    return found


def read(resource: Any) -> ListedSystem:
    """A CodeSystem resource as a System."""
    return ListedSystem(code_system(resource))
