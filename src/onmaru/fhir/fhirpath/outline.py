"""A tree as the FHIRPath Lab draws it: JSON of ExpressionType, Name, Arguments and the place in the expression."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

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
from onmaru.fhir.fhirpath.values import text

Drawn = dict[str, Any]


def outline(tree: Expression) -> str:
    """The Lab's JsonNode of an expression, as text; "{}" for one that nests too deep to draw."""
    try:
        return msgspec.json.encode(_drawn(tree)).decode()
    except RecursionError:
        return "{}"


def _node(kind: str, name: str, at: int, end: int, arguments: list[Drawn] | None = None) -> Drawn:
    found: Drawn = {"ExpressionType": kind, "Name": name, "Position": at, "Length": end - at}
    return found | ({"Arguments": arguments} if arguments else {})


def _drawn(tree: Expression) -> Drawn:
    return _BY_NODE[type(tree)](tree)


def _path(tree: Path) -> Drawn:
    """Steps nest: the last is the outermost node, and what it is taken of is its first argument."""
    found = _drawn(tree.head)
    for step in tree.steps:
        found = _step(step, found)
    return found


def _step(step: Step, focus: Drawn) -> Drawn:
    if isinstance(step, Member):
        return _node("ChildExpression", step.name, step.at, step.end, [focus])
    if isinstance(step, Call):
        return _node("FunctionCallExpression", step.name, step.at, step.end, [focus, *map(_drawn, step.arguments)])
    if isinstance(step, Index):
        return _node("IndexerExpression", "[]", step.at, step.end, [focus, _drawn(step.expression)])
    return _special(step)


def _special(tree: Special) -> Drawn:
    return _node("AxisExpression", f"builtin.{tree.name[1:]}", tree.at, tree.end)


def _head(tree: Member | Call) -> Drawn:
    return _step(tree, _node("AxisExpression", "builtin.that", tree.at, tree.at))


def _literal(tree: Literal) -> Drawn:
    return _node("ConstantExpression", "{}" if tree.value is None else text(tree.value), tree.at, tree.end)


def _type_test(tree: TypeTest) -> Drawn:
    named = _node("ConstantExpression", tree.type, tree.end - len(tree.type), tree.end)
    return _node("BinaryExpression", tree.operator, tree.at, tree.end, [_drawn(tree.operand), named])


def _binary(tree: Binary) -> Drawn:
    return _node("BinaryExpression", tree.operator, tree.at, tree.end, [_drawn(tree.left), _drawn(tree.right)])


def _directed(tree: Directed) -> Drawn:
    direction = "desc" if tree.descending else "asc"
    return _node("UnaryExpression", direction, tree.at, tree.end, [_drawn(tree.expression)])


_BY_NODE: Mapping[type, Callable[[Any], Drawn]] = {
    Path: _path,
    Literal: _literal,
    Member: _head,
    Call: _head,
    Special: _special,
    Variable: lambda tree: _node("VariableRefExpression", tree.name, tree.at, tree.end),
    Unary: lambda tree: _node("UnaryExpression", tree.operator, tree.at, tree.end, [_drawn(tree.operand)]),
    Binary: _binary,
    TypeTest: _type_test,
    Directed: _directed,
}
