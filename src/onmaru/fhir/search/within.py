"""Compartments (FHIR R4 compartmentdefinition.html): which types may lie in one, and a search within it."""

from __future__ import annotations

from functools import cache

import msgspec

from onmaru.fhir.query import Clause, Either, Node, Query, Ref, Text
from onmaru.fhir.search.catalogue import data, parameters

COMPARTMENTS = frozenset({"Patient", "Encounter", "Practitioner", "RelatedPerson", "Device"})


@cache
def members(owner: str) -> tuple[str, ...]:
    """Types that may lie in the compartment of a resource of type `owner`, that of the owner among them."""
    return tuple(sorted({owner, *data().compartments[owner]}))


def within(query: Query, owner: str, id: str) -> Query:
    """The query narrowed to what lies in the compartment of `owner/id`.

    A Patient's is kept by the index, for the gate stands on it; the others are what their definitions say: a resource that
    refers to the owner through one of the named parameters.
    """
    if owner == "Patient":
        return msgspec.structs.replace(query, compartment=id)
    ways = tuple(way for type in query.types for way in _ways(owner, id, type))
    return msgspec.structs.replace(query, clauses=(*query.clauses, Either(ways)))


def _ways(owner: str, id: str, type: str) -> list[tuple[str, Node]]:
    known = parameters(type)
    codes = set(data().compartments[owner].get(type, []))
    found: list[tuple[str, Node]] = [
        (type, Clause(known[code], "", (Ref(owner, id),))) for code in sorted(codes & known.keys())
    ]
    if type == owner:
        found.append((type, Clause(known["_id"], "", (Text(id),))))
    return found
