"""An expression's tree to SQL on one row's columns, node by node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from onmaru.fhir.fhirpath.errors import semantic
from onmaru.fhir.fhirpath.tree import (
    Binary,
    Call,
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
from onmaru.fhir.views import literals
from onmaru.fhir.views.arithmetic import signed
from onmaru.fhir.views.compiler import Compiler, Scope
from onmaru.fhir.views.definition import Constant
from onmaru.fhir.views.dialect import Dialect
from onmaru.fhir.views.functions import call
from onmaru.fhir.views.navigation import child, indexed, narrowed
from onmaru.fhir.views.operators import apply
from onmaru.fhir.views.value import Value, absent, boolean, integer


def compiler(dialect: Dialect, constants: Mapping[str, Constant]) -> Compiler:
    """What compiles one view's expressions."""
    return Compiler(dialect, constants, _evaluate)


def _evaluate(compiler: Compiler, tree: Expression, scope: Scope) -> Value:
    found = _BY_NODE.get(type(tree))
    if found is None:
        raise semantic("sorting is not supported in views", tree.at)
    return found(compiler, tree, scope)


def _path(compiler: Compiler, tree: Path, scope: Scope) -> Value:
    found = compiler.compile(tree.head, scope)
    for step in tree.steps:
        found = _step(compiler, step, found, scope)
    return found


def _step(compiler: Compiler, step: Step, given: Value, scope: Scope) -> Value:
    if isinstance(step, Member):
        return child(compiler, given, step.name, step.at)
    if isinstance(step, Call):
        return call(compiler, given, step, scope)
    if isinstance(step, Index):
        return indexed(compiler, given, compiler.compile(step.expression, scope), step.at)
    return _special(compiler, step, scope)


def _head(compiler: Compiler, tree: Member | Call, scope: Scope) -> Value:
    if isinstance(tree, Member) and tree.name == scope.this.type:
        return scope.this
    return _step(compiler, tree, scope.this, scope)


def _special(compiler: Compiler, tree: Special, scope: Scope) -> Value:
    if tree.name != "$this":
        raise semantic(f"{tree.name} is not supported in views", tree.at)
    return scope.this


def _literal(compiler: Compiler, tree: Literal, scope: Scope) -> Value:
    return absent() if tree.value is None else literals.literal(compiler.dialect, tree.value)


def _variable(compiler: Compiler, tree: Variable, scope: Scope) -> Value:
    if tree.name == "rowIndex":
        return integer(scope.row)
    if tree.name in ("resource", "context", "rootResource"):
        return scope.resource
    if tree.name in compiler.constants:
        return literals.constant(compiler.dialect, compiler.constants[tree.name])
    if tree.name in literals.URLS:
        return literals.literal(compiler.dialect, literals.URLS[tree.name])
    raise semantic(f"no constant is called {tree.name[:64]}", tree.at)


def _type_test(compiler: Compiler, tree: TypeTest, scope: Scope) -> Value:
    found = narrowed(compiler, compiler.compile(tree.operand, scope), tree.type, tree.at)
    if tree.operator == "as":
        return found
    given = compiler.exists(compiler.compile(tree.operand, scope))
    return boolean(f"CASE WHEN {given} THEN {compiler.exists(found)} END")


def _unary(compiler: Compiler, tree: Unary, scope: Scope) -> Value:
    return signed(compiler, tree.operator, compiler.compile(tree.operand, scope), tree.at)


def _binary(compiler: Compiler, tree: Binary, scope: Scope) -> Value:
    left, right = compiler.compile(tree.left, scope), compiler.compile(tree.right, scope)
    return apply(compiler, tree, left, right)


_BY_NODE: Mapping[type, Callable[[Compiler, Any, Scope], Value]] = {
    Literal: _literal,
    Variable: _variable,
    Member: _head,
    Call: _head,
    Special: _special,
    Path: _path,
    TypeTest: _type_test,
    Unary: _unary,
    Binary: _binary,
}
