"""Types and reflection: what an item is, in the models FHIR (R4's definitions) and System (FHIRPath's own).

A primitive of FHIR *is* of each type that it specialises, but `as` and `ofType` choose among the types that a choice
can have, so they take a primitive only as the type that it was written as (decision 0075).
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import msgspec

from onmaru.fhir.definitions import bases, kinds
from onmaru.fhir.fhirpath.errors import semantic
from onmaru.fhir.fhirpath.node import Node, labels
from onmaru.fhir.fhirpath.values import KINDS, kind
from onmaru.fhir.primitives import PRIMITIVES

SYSTEM = frozenset({*KINDS.values(), "Any"})
FHIR = frozenset(kinds()) | PRIMITIVES | frozenset(bases()) | frozenset(bases().values())


class TypeInfo(msgspec.Struct, frozen=True):
    """What `type()` gives. `baseType` is qualified."""

    namespace: str
    name: str
    baseType: str


class Specifier(msgspec.Struct, frozen=True):
    """A resolved type specifier; `namespace` is "" where it was not written."""

    namespace: str
    name: str


@lru_cache(maxsize=4096)
def specifier(written: str, at: int = -1) -> Specifier:
    """`Patient`, `FHIR.Patient` or `System.String`. Raises PathError for a name that no model has."""
    namespace, point, name = written.rpartition(".")
    if not point:
        namespace, name = "", written
    if namespace not in ("", "FHIR", "System"):
        raise semantic(f"no model is called {_short(namespace)}", at)
    # System.Patient names nothing and so matches nothing, but only a name that no model has is a mistake
    if name not in FHIR and name not in SYSTEM:
        raise semantic(f"no type is called {_short(written)}", at)
    return Specifier(namespace, name)


def _short(name: str) -> str:
    return name if len(name) <= 64 else name[:64] + "…"


def ancestors(type_name: str) -> frozenset[str]:
    """A FHIR type and all that it specialises; none for a name that R4 has not."""
    return _ancestors(type_name) if type_name in FHIR else frozenset()


@cache
def _ancestors(type_name: str) -> frozenset[str]:
    found = {type_name}
    while type_name:
        type_name = base(type_name)
        found.add(type_name)
    return frozenset(found - {""})


def base(type_name: str) -> str:
    """The type that one specialises directly, "" for a root."""
    if "." in type_name and type_name in kinds():
        return "BackboneElement" if "modifierExtension" in labels(type_name) else "Element"
    return bases().get(type_name, "")


def name_of(node: Node) -> str:
    """The name of a node's type as reflection tells it: a backbone's is the type it specialises."""
    return base(node.type) if "." in node.type else node.type


def is_a(item: Any, wanted: Specifier) -> bool:
    """Whether an item is of a type or of one that specialises it."""
    if item.__class__ is Node:
        if not item.type:
            return wanted.namespace != "FHIR" and kind(item.value) == wanted.name
        return wanted.namespace != "System" and wanted.name in ancestors(item.type)
    return wanted.namespace != "FHIR" and wanted.name in (kind(item), "Any")


def chosen(item: Any, wanted: Specifier) -> bool:
    """Whether `as` and `ofType` take an item."""
    if item.__class__ is Node and item.type in PRIMITIVES:
        return wanted.namespace != "System" and item.type == wanted.name
    return is_a(item, wanted)


def reflected(item: Any) -> TypeInfo | None:
    """What `type()` says of an item; None where nothing is known of it."""
    if item.__class__ is Node and item.type:
        name = name_of(item)
        above = base(name)
        return TypeInfo("FHIR", name, f"FHIR.{above}" if above else "System.Any")
    named = kind(item.value if item.__class__ is Node else item)
    return TypeInfo("System", named, "System.Any") if named else None
