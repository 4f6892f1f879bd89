"""A search string as a test of one resource: only what the resource's own elements answer, nothing that cannot match."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl

import msgspec

from onmaru.fhir import search
from onmaru.fhir.keys import Keys
from onmaru.fhir.outcome import Invalid, Issue, invalid
from onmaru.fhir.query import Clause, Missing
from onmaru.fhir.structure import RESOURCE_TYPES


class Criteria(msgspec.Struct, frozen=True):
    """All clauses hold of a resource of `type`; no clause: every one of them."""

    type: str
    clauses: tuple[Clause, ...] = ()


def criteria(text: str, where: str, of: str = "") -> Criteria:
    """Understand `Type?name=value&…`, or with `of` also `name=value&…`; `Invalid` 422 says why it can never be met."""
    head, mark, rest = text.partition("?")
    type_name, asked = (head, rest) if mark or not of else (of, text)
    if type_name not in RESOURCE_TYPES:
        raise invalid("value", "does not begin with a resource type of FHIR R4", where, 422)
    if of and type_name != of:
        raise invalid("value", "asks for another resource type than the trigger's", where, 422)
    try:
        pairs = parse_qsl(asked, keep_blank_values=True, errors="strict", max_num_fields=50)
        query = search.parse((type_name,), pairs)
    except Invalid as error:
        raise Invalid([Issue(one.code, one.text, where) for one in error.issues], 422) from error
    except ValueError as error:
        raise invalid("value", "the search is not percent-encoded UTF-8 or too long", where, 422) from error
    own = tuple(clause for clause in query.clauses if isinstance(clause, Clause))
    if len(own) != len(query.clauses) or len(own) != len(pairs):
        text = "only search parameters of the resource's own elements are watched: no chains, includes or sorting"
        raise invalid("not-supported", text, where, 422)
    _check_possible(own, where)
    return Criteria(type_name, own)


def _check_possible(clauses: Sequence[Clause], where: str) -> None:
    """Refuse what no resource meets, and what cannot be judged from one resource alone."""
    absent: set[int] = set()
    present: set[int] = set()
    ids = []
    for clause in clauses:
        _check_judged(clause, where)
        if any(isinstance(value, Missing) for value in clause.values):
            sought = {value.missing for value in clause.values if isinstance(value, Missing)}
            if len(sought) == 1:
                (absent if True in sought else present).add(clause.parameter.sp)
        elif clause.modifier != "not":
            present.add(clause.parameter.sp)
            if clause.parameter.code == "_id":
                ids.append({getattr(value, "text", "") for value in clause.values})
    if absent & present or (ids and not set.intersection(*ids)):
        raise invalid("value", "no resource can meet all of this at once", where, 422)


def _check_judged(clause: Clause, where: str) -> None:
    if clause.parameter.code in ("_id", "_lastUpdated"):
        return
    try:
        search.matches(Keys(), clause)
    except (KeyError, NotImplementedError, LookupError) as error:
        raise invalid("not-supported", "this modifier is not watched", where, 422) from error
