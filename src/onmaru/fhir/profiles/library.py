"""Everything that validation knows by canonical: R4's own definitions and, above them, those of a tenant's packages.

What is shipped is unpacked once and read piece by piece; everything compiled is kept by the library that compiled it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any, TypeVar

import msgspec
import zstandard

from onmaru.fhir.fhirpath.types import FHIR
from onmaru.fhir.profiles import tree
from onmaru.fhir.profiles.definition import Definition, bare, definition
from onmaru.fhir.profiles.tree import Tree
from onmaru.fhir.terminology import terminology
from onmaru.fhir.terminology.members import Members
from onmaru.fhir.terminology.terminology import Terminology, defined

BASE = "http://hl7.org/fhir/StructureDefinition/"
KINDS = ("StructureDefinition", "ValueSet", "CodeSystem")
# Definitions that rest on one another, one inside the other's making; those in use rest on five or six
DEEPEST = 64
D = TypeVar("D")
M = TypeVar("M")


class _Shipped(msgspec.Struct):
    definitions: dict[str, msgspec.Raw]


@cache
def _shipped() -> _Shipped:
    packed = resources.files("onmaru.fhir.data").joinpath("profiles.zst").read_bytes()
    return msgspec.msgpack.decode(zstandard.decompress(packed), type=_Shipped)


_definition = msgspec.msgpack.Decoder(Definition).decode


class Library:
    """`added`: (resource type, canonical) → JSON of a resource that passed structural validation. Never changes.

    `terms`: what to ask of code systems and value sets; those among `added` where none is given.
    """

    def __init__(self, added: Mapping[tuple[str, str], bytes] | None = None, terms: Terminology | None = None) -> None:
        self._added = added or {}
        self.terms = terms or _terms(self._added)
        self._read: dict[str, Definition] = {}
        self._trees: dict[str, Tree | None] = {}
        self._making: set[str] = set()
        # Validations run in threads: what one is making is waited for, not taken for unknown
        self._alone = threading.RLock()
        self.plans: dict[Any, Any] = {}

    def definition(self, canonical: str) -> Definition | None:
        """A StructureDefinition, None where it is not known."""
        url = bare(canonical)
        if url not in self._read:
            own, shipped = self._added.get(("StructureDefinition", url)), _shipped().definitions
            if own is not None and not _own(url):
                self._read[url] = definition(msgspec.json.decode(own))
            elif url in shipped:
                self._read[url] = _definition(shipped[url])
            else:
                return None
        return self._read[url]

    def members(self, canonical: str) -> Members | None:
        """The compiled value set; None where it, or a set it is made of, is unknown or made of itself."""
        return self.terms.members(canonical)

    def _make(
        self, url: str, kept: dict[str, M | None], find: Callable[[str], D | None], make: Callable[[D], M | None]
    ) -> None:
        """Keep what is made of a definition; nothing where it is unknown, made of itself or of DEEPEST others, or was made
        by another thread meanwhile."""
        found = find(url)
        if found is None or url in self._making or url in kept or len(self._making) >= DEEPEST:
            return
        self._making.add(url)
        try:
            kept[url] = make(found)
        finally:
            self._making.discard(url)

    def tree(self, canonical: str) -> Tree | None:
        """The elements of a definition, its snapshot made where it brings none; None where it or its base is unknown
        or grows beyond use."""
        url = bare(canonical)
        if url not in self._trees:
            with self._alone:
                self._make(url, self._trees, self.definition, self._tree)
        return self._trees.get(url)

    def _tree(self, found: Definition) -> Tree | None:
        try:
            if found.whole:
                return tree.whole(found)
            base = self.tree(found.base)
            return None if base is None else tree.laid_over(base, found.rules, self.child)
        except tree.Bulky:
            return None

    def child(self, parent: Tree, label: str) -> Tree | None:
        """The child of an element: its own, that of its one profile, or that of its type."""
        own = parent.children.get(label)
        if own is not None:
            return own
        if parent.rule.content:
            return self.below(parent.rule.content.split("."), label)
        for one in parent.rule.types[:1]:
            for url in (*one.profiles[:1], BASE + one.code):
                top = self.tree(url)
                if top is not None and label in top.children:
                    return top.children[label]
        return None

    def below(self, path: list[str], label: str) -> Tree | None:
        """A child of an element that a content reference names: `Questionnaire.item`."""
        here = self.tree(BASE + path[0])
        for part in path[1:]:
            here = here.children.get(part.removesuffix("[x]")) if here is not None else None
        return here.children.get(label) if here is not None else None


def _terms(added: Mapping[tuple[str, str], bytes]) -> Terminology:
    found = [one for (kind, _), body in added.items() if kind in terminology.KINDS and (one := defined(kind, body))]
    return Terminology(found) if found else terminology.core()


def _own(url: str) -> bool:
    """Whether a canonical is that of one of R4's types: what everything stands on, nobody redefines."""
    return url.startswith(BASE) and url.removeprefix(BASE) in FHIR


@cache
def core() -> Library:
    """R4 alone."""
    return Library()
