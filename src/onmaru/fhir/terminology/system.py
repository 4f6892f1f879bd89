"""A code system as everything here asks it: a numbered list of concepts, every question about which is a set of numbers.

So an answer about 350,000 concepts is as small as one about ten, its total is exact and a page of it is a slice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec
from pyroaring import BitMap

from onmaru.fhir.terminology.concepts import Concept


class Declared(msgspec.Struct, frozen=True, array_like=True):
    """A property that a system declares (CodeSystem.property)."""

    code: str
    kind: str
    uri: str = ""
    description: str = ""


class About(msgspec.Struct, frozen=True, array_like=True):
    """A code system without its concepts. `content` is CodeSystem.content; `whole`: no other code is one of it."""

    url: str
    version: str = ""
    name: str = ""
    title: str = ""
    content: str = "complete"
    sensitive: bool = True
    language: str = ""
    supplements: str = ""
    value_set: str = ""
    declared: tuple[Declared, ...] = ()

    @property
    def whole(self) -> bool:
        return self.content == "complete"


class System(Protocol):
    """Numbers run from 0; a set holds numbers of this system only. Safe in any thread; never changes."""

    about: About

    def number(self, code: str) -> int | None:
        """The number of a code, None for one that the system has not."""

    def concepts(self, numbers: Sequence[int]) -> Sequence[Concept]:
        """The concepts of some numbers, in their order."""

    def glance(self, number: int) -> Concept:
        """The concept without its designations and properties."""

    def codes(self, numbers: BitMap | None = None) -> Iterable[tuple[int, str]]:
        """(number, code) in order; None: of all concepts."""

    def everything(self) -> BitMap: ...

    def inactive(self) -> BitMap: ...

    def abstract(self) -> BitMap: ...

    def parents(self, number: int) -> BitMap: ...

    def children(self, number: int) -> BitMap: ...

    def roots(self) -> BitMap:
        """Concepts without a parent."""

    def leaves(self) -> BitMap:
        """Concepts without a child."""

    def above(self, number: int) -> BitMap:
        """Every concept that subsumes this one, itself not counted."""

    def below(self, number: int) -> BitMap:
        """Every concept that this one subsumes, itself not counted."""

    def knows(self, name: str) -> bool:
        """Whether the system declares or uses a property."""

    def valued(self, name: str, value: str) -> BitMap:
        """The concepts with this value of a property."""

    def values(self, name: str) -> Iterable[tuple[str, BitMap]]:
        """Each value of a property with its concepts."""

    def texts(self) -> Iterable[tuple[int, str]]:
        """(number, display) of all concepts."""

    def matching(self, wanted: list[str]) -> BitMap:
        """The concepts whose code, display or designations meet the words of a text filter (text.py)."""


def lies_below(system: System, code: str, top: str) -> bool | None:
    """Whether a code is another or is subsumed by it; None where the system has not both."""
    number, upper = system.number(code), system.number(top)
    if number is None or upper is None:
        return None
    return number == upper or upper in system.above(number)
