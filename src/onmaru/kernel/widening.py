"""Clauses that stand for more than is written, with what they stand for: value sets, and hierarchies of codes and places.

Its one law: a hierarchy is walked with the caller's sight, so that nothing hidden leads from one place to another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec

from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.fhir.query import Chain, Clause, Either, Has, Node, Query, Ref, Text, Token, Value, Wide
from onmaru.fhir.search.catalogue import nature as nature_of
from onmaru.fhir.search.clauses import HIERARCHIES
from onmaru.kernel.gate import Sight
from onmaru.kernel.index import Index
from onmaru.kernel.terms import Terms

MOST = 10_000
"""Codes or places that one value may stand for."""


def widened(query: Query, index: Index, t: int, sight: Sight, terms: Callable[[], Terms]) -> Query:
    """The query without Wide nodes. Raises Invalid (400) for what terminology does not know, or what is too much."""
    if not _any_wide(query.clauses):
        return query
    walk = _Walk(index, t, sight, terms)
    return msgspec.structs.replace(query, clauses=tuple(walk.node(one) for one in query.clauses))


def _any_wide(nodes: Sequence[Node]) -> bool:
    return any(isinstance(node, Wide) or _any_wide(_below(node)) for node in nodes)


def _below(node: Node) -> Sequence[Node]:
    if isinstance(node, Chain):
        return [inner for _, inner in node.inner]
    if isinstance(node, Either):
        return [one for _, one in node.of]
    return [node.inner] if isinstance(node, Has) else ()


class _Walk:
    """Puts every Wide node of one query into plain words."""

    def __init__(self, index: Index, t: int, sight: Sight, terms: Callable[[], Terms]) -> None:
        self._index = index
        self._t = t
        self._sight = sight
        self._terms = terms

    def node(self, node: Node) -> Node:
        if isinstance(node, Wide):
            return self._wide(node.clause)
        if isinstance(node, Has):
            return Has(node.type, node.parameter, self.node(node.inner))
        if isinstance(node, Chain):
            return Chain(node.parameter, tuple((type, self.node(inner)) for type, inner in node.inner))
        if isinstance(node, Either):
            return Either(tuple((type, self.node(one)) for type, one in node.of))
        return node

    def _wide(self, clause: Clause) -> Clause:
        found: dict[Value, None] = {}
        for value in clause.values:
            found.update(dict.fromkeys(self._values(clause, value)))
        if len(found) > MOST:
            raise _too_many(clause)
        return Clause(clause.parameter, "not" if clause.modifier == "not-in" else "", tuple(found))

    def _values(self, clause: Clause, value: Value) -> Collection[Value]:
        if isinstance(value, Text):
            return self._members(clause, value.text)
        if isinstance(value, Token):
            return self._concepts(clause, value)
        return self._places(clause, value) if isinstance(value, Ref) else [value]

    def _members(self, clause: Clause, value_set: str) -> list[Value]:
        codes = self._terms().codes(value_set, MOST)
        if codes is None:
            raise _unknown(clause, f"the value set is not known here, or has more than {MOST} codes")
        return [_as_kept(clause, system, code) for system, code in codes]

    def _concepts(self, clause: Clause, value: Token) -> list[Value]:
        system, code = value.system or nature_of(clause.parameter.sp), value.code or ""
        terms = self._terms()
        found = terms.below(system, code) if clause.modifier == "below" else terms.above(system, code)
        if found is None:
            raise _unknown(clause, "the code or its system is not known here")
        if len(found) > MOST:
            raise _too_many(clause)
        return [_as_kept(clause, system, one) for one in found]

    def _places(self, clause: Clause, value: Ref) -> list[Value]:
        types = [type for type in clause.parameter.targets if type in HIERARCHIES and value.type in ("", type)]
        step = self._down if clause.modifier == "below" else self._up
        found: list[Value] = [value]
        for type in types:
            known = {value.id}
            newest = [value.id]
            while newest:
                newest = [id for id in step(type, newest) if id not in known]
                known.update(newest)
                if len(known) > MOST:
                    raise _too_many(clause)
            found += [Ref(type, id) for id in sorted(known - {value.id})]
        return found

    def _down(self, type: str, ids: Sequence[str]) -> list[str]:
        """What lies right within these, as far as it is seen."""
        through = search.parameters(type)[HIERARCHIES[type]]
        inside = Clause(through, "", tuple(Ref(type, id) for id in ids))
        query = Query((type,), (inside,), count=MOST + 1, total="none")
        return [version.id for version in self._index.find(query, self._t, 0, 0, self._sight).versions]

    def _up(self, type: str, ids: Sequence[str]) -> list[str]:
        """What these lie right within, as far as they are seen themselves."""
        sp = search.parameters(type)[HIERARCHIES[type]].sp
        found: dict[str, None] = {}
        for id in ids:
            version = self._index.latest(type, id, self._t)
            if version is None or version.body is None:
                continue
            if self._sight.shows(version, self._index.compartments(version), self._index.keys):
                rows = self._index.keys(version).reference
                found.update(dict.fromkeys(at for one, kind, at in rows if one == sp and kind == type))
        return list(found)


def _as_kept(clause: Clause, system: str, code: str) -> Token:
    """A code as its rows are: an element that implies its system is kept without it, a string without case."""
    nature = nature_of(clause.parameter.sp)
    if nature == "string":
        return Token(system, code.casefold())
    return Token("" if nature == system else system, code)


def _unknown(clause: Clause, why: str) -> Invalid:
    return invalid("not-supported", f"parameter {clause.parameter.code}:{clause.modifier}: {why}")


def _too_many(clause: Clause) -> Invalid:
    text = f"parameter {clause.parameter.code}:{clause.modifier}: stands for more than {MOST} values"
    return invalid("too-costly", text)
