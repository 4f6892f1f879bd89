"""`_include` and `_revinclude` as written (R4 search 3.1.1.5.4), each to the reference parameter that it follows."""

from __future__ import annotations

from onmaru.fhir.query import Include
from onmaru.fhir.search.catalogue import types as known_types
from onmaru.fhir.search.clauses import known
from onmaru.fhir.search.written import Malformed


def forward(text: str, types: tuple[str, ...], *, iterate: bool) -> Include:
    """`*`, `Type:*` or `Type:reference[:Target]`; without `:iterate` from a searched type. Raises Malformed."""
    found = _link(text, iterate=iterate)
    if types and not iterate and found.source not in ("*", *types):
        raise Malformed("starts from a type that is not searched; with :iterate it starts from what was included too")
    return found


def backward(text: str, types: tuple[str, ...], *, iterate: bool) -> Include:
    """`*`, `Type:*` or `Type:reference[:Target]`; without `:iterate` towards a searched type. Raises Malformed."""
    found = _link(text, iterate=iterate)
    if found.parameter is None:
        return found
    targets = {found.target} if found.target else set(found.parameter.targets)
    if types and not iterate and targets.isdisjoint(types):
        raise Malformed("never points at a searched type")
    return found


def _link(text: str, *, iterate: bool) -> Include:
    source, _, rest = text.partition(":")
    code, _, target = rest.partition(":")
    if text in ("*", "*:*"):
        return Include("*", None, "", iterate)
    if source not in known_types() or not code:
        raise Malformed("is Type:reference or Type:reference:Target")
    if code == "*" and target in ("", *known_types()):
        return Include(source, None, target, iterate)
    found = known(source).get(code)
    if found is None or found.kind != "reference":
        raise Malformed("names no reference parameter of the type")
    if target and target not in found.targets:
        raise Malformed("the reference never points at that type")
    return Include(source, found, target, iterate)
