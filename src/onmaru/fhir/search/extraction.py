"""Extraction: a decoded resource to its search keys, by a function compiled once for its type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from onmaru.fhir.keys import Keys
from onmaru.fhir.search import compile, values
from onmaru.fhir.search.branches import branches
from onmaru.fhir.search.catalogue import (
    ID,
    LAST_UPDATED,
    Definition,
    answerable,
    compartment,
    definitions,
    numbered,
)
from onmaru.fhir.search.expression import parse_expression

LABELS = compile.Feed(-1, "label")


def actions(type: str) -> list[tuple[str, compile.Action]]:
    """(expression, action) of every answerable parameter of `type`, and of the security labels.

    `_id` and `_lastUpdated` are left out: they are the server's, set after extraction.
    """
    made: list[tuple[str, compile.Action]] = [("Resource.meta.security", LABELS)]
    within = compartment(type)
    for definition in definitions(type).values():
        if answerable(definition, type) and definition.parameter.sp not in (ID, LAST_UPDATED):
            made.append((definition.expression, _action(definition, type, within)))
    return made


def _action(definition: Definition, type: str, within: frozenset[int]) -> compile.Action:
    parameter = definition.parameter
    if parameter.kind != "composite":
        return compile.Feed(
            parameter.sp, parameter.kind, "patient" if parameter.sp in within else _folded(parameter.sp)
        )
    parts = zip(parameter.components, definition.components, strict=True)
    return compile.Pair(
        parameter.sp,
        tuple(
            (compile.Feed(part.sp, part.kind, _folded(part.sp)), tuple(branches(parse_expression(expression), type)))
            for part, expression in parts
        ),
    )


def _folded(sp: int) -> str:
    return "folded" if numbered(sp).nature == "string" else ""


def compiled(struct: type[msgspec.Struct]) -> Callable[[Any], Keys]:
    """The extractor for a resource's Struct class, whose name is the resource type."""
    tree = compile.grow(struct.__name__, actions(struct.__name__))
    space: dict[str, Any] = {}
    exec(compile.source(struct, tree), space)  # noqa: S102  built from our own trees, see compile's law
    extract: Callable[[Any], Keys] = space["make_extract"](values.RULES, Keys, values.refers)
    return extract


_COMPILED: dict[type, Callable[[Any], Keys]] = {}


def extract(resource: Any) -> Keys:
    """The keys of a decoded resource; its type's extractor is compiled at the first of its kind.

    A Patient with an id is in its own compartment. Raises KeyError for a Struct that is no resource type.
    """
    struct = type(resource)
    make = _COMPILED.get(struct)
    if make is None:
        make = _COMPILED[struct] = compiled(struct)
    keys = make(resource)
    if struct.__name__ == "Patient" and resource.id is not None:
        keys.patients.append(resource.id)
    return keys
