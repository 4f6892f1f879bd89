"""A code system as its owner delivers it, read to facts: made by loaders (adapters), taken by a store of systems (engines).

A line that is not of its form is refused with its file, number and reason; the others are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from onmaru.fhir.terminology.concepts import Designation, Property
from onmaru.fhir.terminology.system import About


class Term(msgspec.Struct, frozen=True):
    """A concept. `alias`: another number that links of this delivery call it by. `loose`: said again, it is passed over."""

    code: str
    display: str
    definition: str = ""
    designations: tuple[Designation, ...] = ()
    properties: tuple[Property, ...] = ()
    abstract: bool = False
    inactive: bool = False
    alias: int | None = None
    loose: bool = False


class Said(msgspec.Struct, frozen=True):
    """More of a concept that was given before. `display` "" leaves that which it has; `weak`: only where it has none.

    `code` a number: an alias. `loose`: what is said of no concept of this system is passed over.
    """

    code: str | int
    designations: tuple[Designation, ...] = ()
    properties: tuple[Property, ...] = ()
    display: str = ""
    weak: bool = False
    loose: bool = False


class Link(msgspec.Struct, frozen=True):
    """A concept stands directly below another: codes, or aliases where they are numbers. `loose`: what names a concept that
    is not of this system is passed over and not refused."""

    child: str | int
    parent: str | int
    loose: bool = False


class Refused(msgspec.Struct, frozen=True):
    """A line that was not taken."""

    file: str
    line: int
    reason: str


Fact = Term | Said | Link | Refused
# Moves a bar on by so many bytes
Advance = Callable[[int], None]


class Stage(msgspec.Struct, frozen=True):
    """One file. `facts` gives (line, fact) in the order of the file, every time the same; `size` is in bytes."""

    path: Path
    size: int
    facts: Callable[[Advance], Iterator[tuple[int, Fact]]]


class Delivery(msgspec.Struct, frozen=True):
    """One system in one version. `mark` tells this delivery from every other: a broken load goes on only with its own."""

    about: About
    mark: str
    stages: tuple[Stage, ...]


class Outcome(msgspec.Struct, frozen=True):
    """What a load came to. `refused`: the first lines that were not taken, of `refusals` in all."""

    about: About
    concepts: int
    links: int
    refusals: int
    refused: tuple[Refused, ...]
    resumed: bool


class Listed(msgspec.Struct, frozen=True):
    """A system that is kept. `whole` False: its load was broken off."""

    url: str
    version: str
    title: str
    concepts: int
    bytes: int
    whole: bool
