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
from onmaru.fhir.profiles import codes, tree
from onmaru.fhir.profiles.codes import CodeSystem, Members, ValueSet
from onmaru.fhir.profiles.definition import Definition, bare, definition
from onmaru.fhir.profiles.tree import Tree

BASE = "http://hl7.org/fhir/StructureDefinition/"
KINDS = ("StructureDefinition", "ValueSet", "CodeSystem")
# Definitions that rest on one another, one inside the other's making; those in use rest on five or six
DEEPEST = 64
D = TypeVar("D")
M = TypeVar("M")


class _Shipped(msgspec.Struct):
    definitions: dict[str, msgspec.Raw]
    value_sets: dict[str, msgspec.Raw]
    code_systems: dict[str, msgspec.Raw]


@cache
def _shipped() -> _Shipped:
    packed = resources.files("onmaru.fhir.data").joinpath("profiles.zst").read_bytes()
    return msgspec.msgpack.decode(zstandard.decompress(packed), type=_Shipped)


_definition = msgspec.msgpack.Decoder(Definition).decode
_value_set = msgspec.msgpack.Decoder(ValueSet).decode
_code_system = msgspec.msgpack.Decoder(CodeSystem).decode
Reader = Callable[[Mapping[str, Any]], Any]
_READERS: Mapping[str, Reader] = {
    "StructureDefinition": definition,
    "ValueSet": codes.value_set,
    "CodeSystem": codes.code_system,
}


class Library:
    """`added`: (resource type, canonical) → JSON of a resource that passed structural validation. Never changes."""

    def __init__(self, added: Mapping[tuple[str, str], bytes] | None = None) -> None:
        self._added = added or {}
        self._read: dict[tuple[str, str], Any] = {}
        self._trees: dict[str, Tree | None] = {}
        self._members: dict[str, Members | None] = {}
        self._making: set[str] = set()
        # Validations run in threads: what one is making is waited for, not taken for unknown
        self._alone = threading.RLock()
        self.plans: dict[Any, Any] = {}

    def definition(self, canonical: str) -> Definition | None:
        """A StructureDefinition, None where it is not known."""
        found: Definition | None = self._find("StructureDefinition", canonical, _shipped().definitions, _definition)
        return found

    def value_set(self, canonical: str) -> ValueSet | None:
        found: ValueSet | None = self._find("ValueSet", canonical, _shipped().value_sets, _value_set)
        return found

    def code_system(self, canonical: str) -> CodeSystem | None:
        found: CodeSystem | None = self._find("CodeSystem", canonical, _shipped().code_systems, _code_system)
        return found

    def _find(
        self, kind: str, canonical: str, shipped: dict[str, msgspec.Raw], decode: Callable[[msgspec.Raw], Any]
    ) -> Any:
        name = (kind, bare(canonical))
        if name not in self._read:
            if name in self._added and not _own(name[1]):
                self._read[name] = _READERS[kind](msgspec.json.decode(self._added[name]))
            elif name[1] in shipped:
                self._read[name] = decode(shipped[name[1]])
            else:
                return None
        return self._read[name]

    def members(self, canonical: str) -> Members | None:
        """The compiled value set; None where it, or a set it is made of, is unknown or made of itself."""
        url = bare(canonical)
        if url not in self._members:
            with self._alone:
                self._make(url, self._members, self.value_set, self._expanded)
        return self._members.get(url)

    def _expanded(self, found: ValueSet) -> Members | None:
        return codes.members(found, self.code_system, self.members)

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


def _own(url: str) -> bool:
    """Whether a canonical is that of one of R4's types: what everything stands on, nobody redefines."""
    return url.startswith(BASE) and url.removeprefix(BASE) in FHIR


@cache
def core() -> Library:
    """R4 alone."""
    return Library()
