"""The abstract syntax tree: frozen records, each with its place in the expression."""

from __future__ import annotations

from typing import Any

import msgspec


class Literal(msgspec.Struct, frozen=True):
    """A System value; None is the empty collection `{}`."""

    value: Any
    at: int
    end: int


class Member(msgspec.Struct, frozen=True):
    name: str
    at: int
    end: int


class Special(msgspec.Struct, frozen=True):
    """`$this`, `$index` or `$total`."""

    name: str
    at: int
    end: int


class Variable(msgspec.Struct, frozen=True):
    """`%name`."""

    name: str
    at: int
    end: int


class Call(msgspec.Struct, frozen=True):
    name: str
    arguments: tuple[Expression, ...]
    at: int
    end: int


class Directed(msgspec.Struct, frozen=True):
    """An argument of `sort` with `asc` or `desc`."""

    expression: Expression
    descending: bool
    at: int
    end: int


class Index(msgspec.Struct, frozen=True):
    """The step `[expression]`."""

    expression: Expression
    at: int
    end: int


class Path(msgspec.Struct, frozen=True):
    """`head.step.step[0]`: what each step takes is what the one before gives."""

    head: Expression
    steps: tuple[Step, ...]
    at: int
    end: int


class Unary(msgspec.Struct, frozen=True):
    operator: str
    operand: Expression
    at: int
    end: int


class Binary(msgspec.Struct, frozen=True):
    operator: str
    left: Expression
    right: Expression
    at: int
    end: int


class TypeTest(msgspec.Struct, frozen=True):
    """`operand is type` or `operand as type`."""

    operator: str
    operand: Expression
    type: str
    at: int
    end: int


Step = Member | Special | Call | Index
Expression = Literal | Member | Special | Variable | Call | Directed | Path | Unary | Binary | TypeTest
