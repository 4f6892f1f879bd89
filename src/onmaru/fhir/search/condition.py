"""Conditions of the subset as Python expressions: what `.where(…)` and boolean SearchParameters ask of an element."""

from __future__ import annotations

from onmaru.fhir.search.expression import (
    Both,
    Call,
    Equal,
    Is,
    Literal,
    Member,
    Name,
    Node,
    Unreadable,
)
from onmaru.fhir.search.shape import Element, elements


def condition(node: Node, var: str, element: Element) -> str:
    """The text of a boolean expression over `var`, an instance of the element's Struct. Raises Unreadable."""
    if isinstance(node, Both):
        return f"({condition(node.left, var, element)} and {condition(node.right, var, element)})"
    if isinstance(node, Equal):
        return _equal(node, var, element)
    if isinstance(node, Is) and node.of == Call(None, "resolve", None):
        return f"refers({var}, {node.type!r})"
    if isinstance(node, Call) and node.function == "exists" and node.of is not None:
        return _any([f"{var}.{one} is not None" for one in _attributes(node.of, element)])
    if isinstance(node, Call) and node.function == "hasExtension" and isinstance(node.argument, Literal):
        return f"any(e.url == {node.argument.value!r} for e in {var}.extension or ())"
    raise Unreadable(f"{node!r} is no condition of the subset")


def _equal(node: Equal, var: str, element: Element) -> str:
    """FHIRPath equality: with an absent side neither `=` nor `!=` holds."""
    if not isinstance(node.right, Literal):
        raise Unreadable(f"{node!r} compares with no literal")
    value = repr(node.right.value)
    if node.same:
        return _any([f"{var}.{one} == {value}" for one in _attributes(node.left, element)])
    found = _attributes(node.left, element)
    return _any([f"({var}.{one} is not None and {var}.{one} != {value})" for one in found])


def _any(tests: list[str]) -> str:
    return tests[0] if len(tests) == 1 else "(" + " or ".join(tests) + ")"


def _attributes(path: Node, element: Element) -> list[str]:
    """Attributes of a path of one element, relative or from the element's own type."""
    if isinstance(path, Member) and path.of == Name(element.type):
        path = Name(path.name)
    if not isinstance(path, Name) or element.struct is None:
        raise Unreadable(f"{path!r} is no single element")
    found = elements(element.struct).get(path.name)
    if found is None or any(one.many for one in found):
        raise Unreadable(f"{element.type} has no single element {path.name}")
    return [one.attribute for one in found]
