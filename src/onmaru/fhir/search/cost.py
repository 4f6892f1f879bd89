"""What a query may cost at most, told from its shape alone: how often the whole record might have to be passed over.

Its one law: the number never depends on what is stored, so that a refusal tells nothing about what a caller may not see.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from onmaru.fhir.outcome import invalid
from onmaru.fhir.query import Chain, Clause, Date, Either, Has, Node, Number, Parts, Query, Text, Value, Wide
from onmaru.fhir.search.catalogue import CONTENT, NARRATIVE
from onmaru.fhir.search.fulltext import phrases, sought

MOST_ROWS = 50_000_000
"""Rows that a search may touch in the worst case: some seconds of one core; hardly any needs a thousandth of them."""
ALWAYS = 16
"""Passes that are granted however large the record is."""
POINTS = 10
"""What all clauses that read only the rows of their own values come to at most: every row there is, once."""
WORD = 2
"""A word that is looked for in free text: the strings and displays, and what has them."""
HOP = 2
"""One step of a chain or `_has`: from resources to their keys, and from there to what refers to them."""


def check(query: Query, positions: int) -> None:
    """Raise Invalid (400, too-costly) for a query that might touch too much of a record of so many positions."""
    needed = passes(query)
    if needed > ALWAYS and needed * positions > MOST_ROWS:
        raise invalid(
            "too-costly",
            f"the search may pass over the whole record {needed} times, which is too often for one of this size; "
            "use fewer alternatives, prefixes and chains",
        )


def passes(query: Query) -> int:
    """Passes over the record that all clauses and sort keys together may need; a clause that occurs twice counts once."""
    seen: set[Node] = set()
    nodes = [node for clause in query.clauses for node in _nodes(clause, seen)]
    hops = HOP * sum(isinstance(node, Chain | Has) for node in nodes)
    each = [of_clause(node) for node in nodes if isinstance(node, Clause)]
    points = sum(count for count in each if count <= 1)
    return min(points, POINTS) + sum(count for count in each if count > 1) + hops + len(query.sort)


def _nodes(node: Node, seen: set[Node]) -> Iterator[Node]:
    """The node and all below it that were not seen yet."""
    if node in seen:
        return
    seen.add(node)
    yield node
    if isinstance(node, Wide):
        yield from _nodes(node.clause, seen)
    elif isinstance(node, Has):
        yield from _nodes(node.inner, seen)
    elif isinstance(node, Chain):
        for _, inner in node.inner:
            yield from _nodes(inner, seen)
    elif isinstance(node, Either):
        for _, one in node.of:
            yield from _nodes(one, seen)


def of_clause(clause: Clause) -> int:
    """Passes for one clause: alternatives that lie apart share one, such as codes; open ranges need one each."""
    if clause.parameter.sp in (NARRATIVE, CONTENT):
        texts = [value.text for value in clause.values if isinstance(value, Text)]
        return WORD * sum(len(one.words) for text in texts for one in phrases(sought(text)))
    if clause.parameter.kind == "special":
        return 0
    if clause.modifier == "missing":
        return HOP
    if clause.modifier in ("contains", "text"):
        return len(clause.values)
    return _of_values(clause.values)


def _of_values(values: Sequence[Value]) -> int:
    ranges = [value for value in values if isinstance(value, Date | Number)]
    if ranges:
        return _of_ranges(ranges)
    composites = [value for value in values if isinstance(value, Parts)]
    if composites:
        return sum(_of_values([part]) for value in composites for part in value.parts)
    return 1


def _of_ranges(values: Sequence[Date | Number]) -> int:
    closed = sorted((value.low, value.high) for value in values if value.prefix == "eq")
    apart = all(one[1] <= next[0] for one, next in pairwise(closed))
    return len(values) - len(closed) + (1 if closed and apart else len(closed))
