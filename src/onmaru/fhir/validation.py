"""The path-reporting validator: walks parsed JSON by the definitions and lists every problem, each at its exact path.

It decides what is valid; the fast decoder in `structure` only saves its time. Issue codes are those of FHIR's
issue-type: structure (JSON shape, unknown, repeated), required, value (bad primitive), invariant (two of one choice).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from onmaru.fhir.definitions import RESOURCE_TYPES, Element, Member, elements, members, primitive_patterns
from onmaru.fhir.narrative import div_reason
from onmaru.fhir.outcome import Issue
from onmaru.fhir.primitives import INTEGERS, MAX_INTEGER, PRIMITIVES, reason
from onmaru.fhir.syntax import DEPTH, Number, Object, parse

Issues = Iterator[Issue]
REPEATED = "The member is given more than once."
MOST = 1000
"""Problems told of one resource: a hostile one must not make an answer many times its size."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def problems(raw: bytes, type_name: str | None = None, *, deep: bool = True, depth: int = DEPTH) -> list[Issue]:
    """Every problem of the JSON bytes of one resource, up to MOST; none where it is valid.

    Raises Invalid 400 for what is not JSON.
    """
    found = _resource(parse(raw, depth), type_name or "", type_name, deep)
    told = list(islice(found, MOST))
    if len(told) == MOST and next(found, None):
        told.append(Issue("too-costly", f"There are more problems than these {MOST}.", severity="information"))
    return told


def _under(path: str, name: str) -> str:
    if _PLAIN.fullmatch(name):
        return f"{path}.{name}"
    shown = "".join(c for c in name[:64] if c.isprintable() and c != "`")
    return f"{path}.`{shown}`"


def _resource(tree: Any, path: str, wanted: str | None, deep: bool, *, contained: bool = False) -> Issues:
    """A resource at `path`, "" where it is outermost and its own type begins the path."""
    if not isinstance(tree, Object):
        yield Issue("structure", "A resource must be a JSON object.", path or wanted or "Resource")
        return
    if not tree and path:
        yield Issue("structure", "A resource may not be empty.", path)
        return
    name = tree.get("resourceType")
    if not isinstance(name, str) or name not in RESOURCE_TYPES:
        code = "required" if "resourceType" not in tree else "value"
        yield Issue(code, "resourceType must name a resource type of FHIR R4.", f"{path or 'Resource'}.resourceType")
        return
    if wanted is not None and name != wanted:
        yield Issue("value", f"resourceType must be {wanted} here.", f"{wanted}.resourceType")
        return
    path = path or name
    if contained and "contained" in tree:
        yield Issue("invariant", "A contained resource may not contain another (dom-2).", f"{path}.contained")
    yield from _object(tree, name, path, deep)


def _object(tree: Object, type_name: str, path: str, deep: bool) -> Issues:
    """The members of a resource or of an element of a complex type."""
    resource = type_name in RESOURCE_TYPES
    if not resource and not tree.keys() - {"id"}:
        yield Issue("invariant", "The element has neither value nor children (ele-1).", path)
    if not tree:
        return
    for name in tree.repeated:
        yield Issue("structure", REPEATED, _under(path, name))
    known = members(type_name)
    for name, value in tree.items():
        member = known.get(name)
        if resource and name == "resourceType":
            continue
        if member is None:
            yield Issue("structure", f"{type_name} has no such element in FHIR R4.", _under(path, name))
        else:
            yield from _member(tree, name, value, member, path, deep)
    yield from _cardinality(tree, type_name, path)


def _cardinality(tree: Object, type_name: str, path: str) -> Issues:
    """Required elements that are missing, and second members of one choice."""
    for element in elements(type_name):
        there = [
            name for name in map(element.member, element.types) if name in tree or _sibling_of(name, element) in tree
        ]
        if element.min and not there:
            yield Issue("required", "The element is required.", f"{path}.{element.label}")
        if len(there) > 1:
            for name in there:
                text = f"Only one of {element.label} may be given, here are {len(there)}."
                yield Issue("invariant", text, f"{path}.{name}")


def _sibling_of(name: str, element: Element) -> str | None:
    return None if element.attribute else f"_{name}"


def _member(tree: Object, name: str, value: Any, member: Member, path: str, deep: bool) -> Issues:
    """One member: an array where the element repeats, one value where it does not."""
    here = f"{path}.{name}"
    many = member.element.max != 1
    if value is None:
        yield Issue("structure", "null is no value; leave the element out.", here)
    elif isinstance(value, list) != many:
        yield Issue("structure", "The element must be an array." if many else "The element may not be an array.", here)
    elif value == []:
        yield Issue("structure", "An array may not be empty; leave the element out.", here)
    elif many:
        yield from _array(tree, name, value, member, here, deep)
    elif member.sibling:
        yield from _sibling(value, here, name[1:] in tree)
    else:
        yield from _value(value, member, here, deep)


def _array(tree: Object, name: str, values: list[Any], member: Member, here: str, deep: bool) -> Issues:
    """A repeating element. Arrays of a primitive and of its `_` sibling fill each other's nulls (R4 json.html)."""
    other = tree.get(name[1:] if member.sibling else f"_{name}") if member.type in PRIMITIVES else None
    others = other if isinstance(other, list) else []
    if others and len(others) != len(values) and not member.sibling:
        yield Issue("structure", "The array and its _ sibling must have the same length.", here)
    for index, value in enumerate(values):
        place = f"{here}[{index}]"
        beside = index < len(others) and others[index] is not None
        if value is None and (beside or (member.sibling and others)):
            continue  # a sibling's null beside a null value is told at the value
        if value is None:
            yield Issue("structure", "null may only stand where the other array holds something.", place)
        elif member.sibling:
            yield from _sibling(value, place, beside)
        else:
            yield from _value(value, member, place, deep)


def _sibling(value: Any, here: str, has_value: bool) -> Issues:
    """The `_name` of a primitive: its id and extensions."""
    if not isinstance(value, Object):
        yield Issue("structure", "The member must be an object with id or extension.", here)
    elif has_value and value.keys() == {"id"}:
        yield from _value(value["id"], members("Element")["id"], f"{here}.id", True)
    else:
        yield from _object(value, "Element", here, True)


def _value(value: Any, member: Member, here: str, deep: bool) -> Issues:
    type_name = member.type
    if type_name in PRIMITIVES:
        why = _primitive(value, type_name)
        if why:
            yield Issue("structure" if why.startswith("must be a JSON") else "value", f"The {type_name} {why}.", here)
    elif type_name == "Resource":
        if deep or member.element.name == "contained":
            yield from _resource(value, here, None, True, contained=member.element.name == "contained")
    elif not isinstance(value, Object):
        yield Issue("structure", f"The {type_name} must be a JSON object.", here)
    else:
        yield from _object(value, type_name, here, deep)


def _primitive(value: Any, name: str) -> str:
    """Why a JSON value is no `name`; "" when it is one."""
    if name == "boolean":
        return "" if isinstance(value, bool) else "must be a JSON boolean"
    if name == "decimal" or name in INTEGERS:
        return _number(value, name) if isinstance(value, Number) else "must be a JSON number"
    if isinstance(value, Number) or not isinstance(value, str):
        return "must be a JSON string"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "has half of a surrogate pair"
    return div_reason(value) if name == "xhtml" else reason(name, value)


def _number(token: Number, name: str) -> str:
    if not re.fullmatch(primitive_patterns()[name], token):
        return f"is not a valid {name}"
    if name in INTEGERS and (len(token) > 11 or not INTEGERS[name] <= int(token) <= MAX_INTEGER):
        return f"must be from {INTEGERS[name]} to {MAX_INTEGER}"
    return ""
