"""Strict evaluation (FHIRPath 2.0.0 §11): what is wrong with an expression before it meets any data.

Only what is certain is refused: an element that no possible type has, an order asked of what has none, a criterion that
cannot be a Boolean. Where the type cannot be known (`resolve()`, `children()`, a contained resource) nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from onmaru.fhir.fhirpath.compiler import Compiled, compiled
from onmaru.fhir.fhirpath.errors import semantic
from onmaru.fhir.fhirpath.node import labels
from onmaru.fhir.fhirpath.tree import (
    Binary,
    Call,
    Directed,
    Expression,
    Index,
    Literal,
    Member,
    Path,
    Special,
    Step,
    TypeTest,
    Unary,
    Variable,
)
from onmaru.fhir.fhirpath.types import FHIR, ancestors
from onmaru.fhir.fhirpath.values import kind
from onmaru.fhir.primitives import PRIMITIVES

_BOOLEAN, _STRING, _INTEGER = ("System.Boolean",), ("System.String",), ("System.Integer",)
_RESULTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            *("empty", "exists", "all", "allTrue", "anyTrue", "allFalse", "anyFalse", "subsetOf", "supersetOf", "not"),
            *("isDistinct", "startsWith", "endsWith", "contains", "matches", "matchesFull", "hasValue", "comparable"),
            *("is", "conformsTo", "memberOf", "subsumes", "subsumedBy", "htmlChecks", "toBoolean"),
        ),
        _BOOLEAN,
    ),
    **dict.fromkeys(
        (
            *("upper", "lower", "replace", "replaceMatches", "substring", "trim", "join", "split", "toChars", "encode"),
            *("decode", "escape", "unescape", "toString", "pathname"),
        ),
        _STRING,
    ),
    **dict.fromkeys(("count", "length", "indexOf", "lastIndexOf", "toInteger"), _INTEGER),
    "extension": ("Extension",),
}
_KEEPS = frozenset(
    {
        *(
            "where",
            "first",
            "last",
            "tail",
            "skip",
            "take",
            "single",
            "distinct",
            "trace",
            "exclude",
            "intersect",
            "sort",
        ),
        *("defineVariable", "checkModifiers"),
    }
)
_NEEDS_ORDER = frozenset({"first", "last", "tail", "skip", "take"})
_ITEMWISE = frozenset({"where", "select", "exists", "all", "repeat", "repeatAll", "sort", "aggregate", "iif"})


class Known(msgspec.Struct, frozen=True):
    """What is known of a collection. `types`: all that its items may be, None where unknown."""

    types: frozenset[str] | None = None
    ordered: bool = True


UNKNOWN = Known()


def checked(text: str, type_name: str = "") -> Compiled:
    """The compiled expression, refused where it is certainly wrong on a context of the FHIR type `type_name`."""
    ready = compiled(text)
    this = Known(frozenset({type_name})) if labels(type_name) else UNKNOWN
    _known(ready.tree, this)
    return ready


def _known(tree: Expression, this: Known) -> Known:
    answer = _BY_NODE[type(tree)](tree, this)
    return answer


def _literal(tree: Literal, this: Known) -> Known:
    return UNKNOWN if tree.value is None else Known(frozenset({f"System.{kind(tree.value)}"}))


def _unknown(tree: Variable, this: Known) -> Known:
    return UNKNOWN


def _head(tree: Member | Call | Special, this: Known) -> Known:
    if isinstance(tree, Member) and tree.name in FHIR and this.types is not None:
        kept = frozenset(name for name in this.types if tree.name in ancestors(name))
        if kept:
            return Known(kept, this.ordered)
    return _step(tree, this, this)


def _path(tree: Path, this: Known) -> Known:
    found = _known(tree.head, this)
    for step in tree.steps:
        found = _step(step, found, this)
    return found


def _step(step: Step, given: Known, this: Known) -> Known:
    if isinstance(step, Member):
        return _member(step, given)
    if isinstance(step, Call):
        return _call(step, given, this)
    if isinstance(step, Index):
        _known(step.expression, this)
        _need_order(given, step.at)
        return given
    return this if step.name == "$this" else UNKNOWN


def _member(step: Member, given: Known) -> Known:
    if given.types is None:
        return UNKNOWN
    found = [children for name in given.types if (children := _children(name, step.name)) is not None]
    if not found:
        raise semantic("no element has this name here", step.at)
    types = [one for children in found for one in children]
    return Known(None if "" in types or "Resource" in types else frozenset(types), given.ordered)


def _children(type_name: str, label: str) -> tuple[str, ...] | None:
    """The types of an element; None where the type has none of this name."""
    if type_name in PRIMITIVES:
        return {"id": ("string",), "extension": ("Extension",), "value": ("",)}.get(label)
    if not labels(type_name):
        return None if type_name.startswith("System.") else ("",)
    known = labels(type_name).get(label)
    return None if known is None else tuple(known.members.values())


def _need_order(given: Known, at: int) -> None:
    if not given.ordered:
        raise semantic("the items have no order here", at)


def _call(step: Call, given: Known, this: Known) -> Known:
    if step.name in _NEEDS_ORDER:
        _need_order(given, step.at)
    if step.name in ("as", "ofType"):
        name = _written_type(step.arguments[0])
        return Known(frozenset({name}) if name else None, given.ordered)
    scope = given if step.name in _ITEMWISE else this
    arguments = [_known(argument, scope) for argument in step.arguments] if step.name != "is" else []
    return _result(step, given, arguments)


def _result(step: Call, given: Known, arguments: list[Known]) -> Known:
    name = step.name
    if name == "iif":
        criterion = arguments[0].types
        if criterion is not None and not criterion & {"System.Boolean", "boolean"}:
            raise semantic("the criterion of iif() is no Boolean", step.at)
        return _either(*arguments[1:])
    if name in _KEEPS:
        return given
    if name in ("select", "repeat", "repeatAll"):
        return Known(arguments[0].types, given.ordered and arguments[0].ordered)
    if name in ("union", "combine"):
        return _either(given, arguments[0])
    if name in ("children", "descendants"):
        return Known(None, False)
    return Known(frozenset(_RESULTS[name])) if name in _RESULTS else UNKNOWN


def _either(*known: Known) -> Known:
    types = [one.types for one in known]
    joined = None if None in types else frozenset().union(*(one for one in types if one is not None))
    return Known(joined, all(one.ordered for one in known))


def _written_type(tree: Expression) -> str:
    """A FHIR type's name, "" for one of System."""
    last = tree.steps[-1] if isinstance(tree, Path) else tree
    name = last.name if isinstance(last, Member) else ""
    return name if name in FHIR else ""


def _type_test(tree: TypeTest, this: Known) -> Known:
    given = _known(tree.operand, this)
    if tree.operator == "is":
        return Known(frozenset(_BOOLEAN))
    name = tree.type.rpartition(".")[2]
    return Known(frozenset({name}) if name in FHIR and not tree.type.startswith("System.") else None, given.ordered)


def _unary(tree: Unary, this: Known) -> Known:
    return Known(_known(tree.operand, this).types)


def _binary(tree: Binary, this: Known) -> Known:
    left, right = _known(tree.left, this), _known(tree.right, this)
    if tree.operator == "|":
        return _either(left, right)
    if tree.operator == "&":
        return Known(frozenset(_STRING))
    return UNKNOWN if tree.operator in ("+", "-", "*", "/", "div", "mod") else Known(frozenset(_BOOLEAN))


def _directed(tree: Directed, this: Known) -> Known:
    return _known(tree.expression, this)


_BY_NODE: Mapping[type, Callable[[Any, Known], Known]] = {
    Literal: _literal,
    Variable: _unknown,
    Member: _head,
    Call: _head,
    Special: _head,
    Path: _path,
    TypeTest: _type_test,
    Unary: _unary,
    Binary: _binary,
    Directed: _directed,
}
