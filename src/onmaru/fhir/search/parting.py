"""A search too costly to be answered at once, parted into searches that are not: what is alternative is asked apart.

Its one law: the union of what the parts of a node find is what the node finds.
"""

from __future__ import annotations

from collections.abc import Iterator

from onmaru.fhir.outcome import invalid
from onmaru.fhir.query import Chain, Clause, Either, Has, Node, Query
from onmaru.fhir.search.cost import ALWAYS, check, passes

PARTS = 5_000
"""Parts that one search may have."""
# What is not in a list is in none of its parts
_WHOLE = frozenset({"not", "not-in", "missing"})


def parted(node: Node) -> Iterator[Node]:
    """The node itself where it is granted at any size, else its alternatives one by one."""
    if passes(Query((), (node,))) <= ALWAYS:
        yield node
    elif isinstance(node, Clause):
        values = [node.values] if node.modifier in _WHOLE else [(value,) for value in node.values]
        yield from (Clause(node.parameter, node.modifier, some) for some in values)
    elif isinstance(node, Chain):
        yield from (Chain(node.parameter, ((type, one),)) for type, inner in node.inner for one in parted(inner))
    elif isinstance(node, Has):
        yield from (Has(node.type, node.parameter, one) for one in parted(node.inner))
    elif isinstance(node, Either):
        yield from (Either(((type, one),)) for type, inner in node.of for one in parted(inner))
    else:
        yield node


def parts(query: Query) -> list[list[Query]]:
    """For each clause the searches that it stands for; without a clause one of everything."""
    whole = [[Query(query.types, (one,)) for one in parted(node)] for node in query.clauses]
    return whole or [[Query(query.types)]]


def check_parts(query: Query, positions: int) -> None:
    """`Invalid` (400, too-costly) where even a part might touch too much of a record of so many positions."""
    found = parts(query)
    if sum(map(len, found)) > PARTS:
        raise invalid("too-costly", f"the search has more than {PARTS} parts; use fewer alternatives")
    for one in (one for some in found for one in some):
        check(one, positions)
