"""What a clause and a sort mean on one resource: the oracle's rules, which every engine falls back on."""

from __future__ import annotations

from typing import Any

from onmaru.fhir import search
from onmaru.fhir.keys import Keys
from onmaru.fhir.query import Clause, Sort
from onmaru.fhir.search.catalogue import CONTENT, NARRATIVE
from onmaru.fhir.search.fulltext import holds
from onmaru.fhir.search.own import rows
from onmaru.kernel.log import Version


def clause_holds(version: Version, keys: Keys, clause: Clause) -> bool:
    """One clause on one resource; `_id` and `_lastUpdated` are the server's own and not among the keys."""
    code = clause.parameter.code
    if code == "_id":
        return any(getattr(value, "text", None) == version.id for value in clause.values) != (clause.modifier == "not")
    if code == "_lastUpdated":
        stamped = Keys(date=[(clause.parameter.sp, version.at, version.at + 1)])
        return search.matches(stamped, clause)
    if clause.parameter.expression:
        return search.matches(rows(version.body or b"{}", clause.parameter), clause)
    if clause.parameter.sp in (NARRATIVE, CONTENT):
        return holds(version.body or b"", clause.values, narrative=clause.parameter.sp == NARRATIVE)
    return search.matches(keys, clause)


def sort_value(keys: Keys, version: Version, sort: Sort) -> Any:
    """What a resource is ordered by; None when it lacks the element."""
    if sort.parameter.code == "_lastUpdated":
        return version.at
    if sort.parameter.code == "_id":
        return version.id
    if sort.parameter.expression:
        keys = rows(version.body or b"{}", sort.parameter)
    return search.sort_key(keys, sort.parameter, sort.descending)
