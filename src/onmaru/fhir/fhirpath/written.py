"""A tree back to text: parsing it again gives the same tree. Brackets show the order in which operators are applied."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from onmaru.fhir.fhirpath.parser import RESERVED
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
from onmaru.fhir.fhirpath.values import Long, Quantity, kind, text

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_ESCAPES = {"\\": "\\\\", "'": "\\'", "`": "\\`", "\r": "\\r", "\n": "\\n", "\t": "\\t", "\f": "\\f"}
_ATOMS = (Member, Call, Special, Variable, Path)


def write(tree: Expression) -> str:
    """The expression in one line."""
    return _BY_NODE[type(tree)](tree)


def _escaped(value: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in value)


def name(value: str) -> str:
    """An identifier, in backticks where it needs them."""
    return value if _NAME.fullmatch(value) and value not in RESERVED else f"`{_escaped(value)}`"


def _literal(tree: Literal) -> str:
    value = tree.value
    if value is None:
        return "{}"
    named = kind(value)
    if named == "String":
        return f"'{_escaped(value)}'"
    if named in ("Date", "DateTime", "Time"):
        mark = {"Date": "@", "DateTime": "@", "Time": "@T"}[named]
        return f"{mark}{value}" + ("T" if named == "DateTime" and len(value.fields) < 4 else "")
    if isinstance(value, Quantity):
        unit = value.unit if value.calendar else f"'{_escaped(value.unit)}'"
        return f"{text(value.value)} {unit}"
    return f"{value}L" if isinstance(value, Long) else text(value)


def _operand(tree: Expression) -> str:
    bare = isinstance(tree, _ATOMS) or (isinstance(tree, Literal) and not isinstance(tree.value, Quantity))
    return write(tree) if bare else f"({write(tree)})"


def _path(tree: Path) -> str:
    return _operand(tree.head) + "".join(map(_step, tree.steps))


def _step(step: Step) -> str:
    return f"[{write(step.expression)}]" if isinstance(step, Index) else f".{write(step)}"


def _call(tree: Call) -> str:
    return f"{name(tree.name)}({', '.join(map(write, tree.arguments))})"


def _type_name(written: str) -> str:
    return ".".join(map(name, written.split(".")))


_BY_NODE: Mapping[type, Callable[[Any], str]] = {
    Literal: _literal,
    Member: lambda tree: name(tree.name),
    Special: lambda tree: str(tree.name),
    Variable: lambda tree: f"%{name(tree.name)}",
    Call: _call,
    Directed: lambda tree: f"{_operand(tree.expression)} {'desc' if tree.descending else 'asc'}",
    Path: _path,
    Unary: lambda tree: f"{tree.operator}{_operand(tree.operand)}",
    Binary: lambda tree: f"{_operand(tree.left)} {tree.operator} {_operand(tree.right)}",
    TypeTest: lambda tree: f"{_operand(tree.operand)} {tree.operator} {_type_name(tree.type)}",
}
