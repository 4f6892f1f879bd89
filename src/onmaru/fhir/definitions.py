"""What R4's base StructureDefinitions say of each type: its elements in order. Generated data, read once, lazily."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal

import msgspec
import zstandard

Kind = Literal["resource", "complex", "backbone"]


class Element(msgspec.Struct, frozen=True):
    """One child of a type. `name` is without `[x]`; `max` 0 is `*`.

    A type is a data type, a resource type, `Resource`, or the path of a backbone such as `Patient.contact`.
    `attribute`: carries no `_name` sibling (ids, `Extension.url`, `Narrative.div`).
    """

    name: str
    types: tuple[str, ...]
    min: int
    max: int
    choice: bool
    summary: bool
    modifier: bool
    attribute: bool

    @property
    def label(self) -> str:
        """The name as the specification writes it: `value[x]` for a choice."""
        return f"{self.name}[x]" if self.choice else self.name

    def member(self, type_name: str) -> str:
        """The JSON member that holds a value of `type_name`: `valueQuantity` for a choice, else the name."""
        return f"{self.name}{type_name[0].upper()}{type_name[1:]}" if self.choice else self.name


class Member(msgspec.Struct, frozen=True):
    """What a JSON name means inside a type: its element, the one type it holds, whether it is a `_name` sibling."""

    element: Element
    type: str
    sibling: bool


class _Data(msgspec.Struct):
    types: dict[str, tuple[Kind, msgspec.Raw]]
    primitives: dict[str, str]
    narrative: tuple[frozenset[str], frozenset[str]]
    bases: dict[str, str]


@cache
def _data() -> _Data:
    packed = resources.files("onmaru.fhir.data").joinpath("structure.zst").read_bytes()
    return msgspec.msgpack.decode(zstandard.decompress(packed), type=_Data)


_rows = msgspec.msgpack.Decoder(list[tuple[str, tuple[str, ...], int, int, int]])


@cache
def elements(type_name: str) -> tuple[Element, ...]:
    """The children of a resource type, data type or backbone path, in the specification's order.

    Raises KeyError for a name that R4 does not define.
    """
    return tuple(
        Element(name, types, least, most, bool(f & 4), bool(f & 1), bool(f & 2), bool(f & 8))
        for name, types, least, most, f in _rows.decode(_data().types[type_name][1])
    )


@cache
def kinds() -> dict[str, Kind]:
    """Every type and backbone path with its kind."""
    return {name: kind for name, (kind, _) in _data().types.items()}


def primitive_patterns() -> dict[str, str]:
    """Primitive → its regular expression in XML Schema's dialect, "" where the specification gives none."""
    return _data().primitives


def bases() -> dict[str, str]:
    """Type → the type that its definition specialises: `Age` → `Quantity`, `Patient` → `DomainResource`."""
    return _data().bases


@cache
def members(type_name: str) -> dict[str, Member]:
    """Every JSON name that an object of this type may have, but for `resourceType`."""
    found = {}
    for element in elements(type_name):
        for name in element.types:
            found[element.member(name)] = Member(element, name, False)
            if name in primitive_patterns() and not element.attribute:
                found[f"_{element.member(name)}"] = Member(element, name, True)
    return found


def narrative_lists() -> tuple[frozenset[str], frozenset[str]]:
    """The tags and the attributes that invariant txt-1 admits."""
    return _data().narrative


RESOURCE_TYPES: frozenset[str] = frozenset(name for name, kind in kinds().items() if kind == "resource")
