"""The functions that views may call, each as SQL. What is not here is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from onmaru.fhir.fhirpath.errors import semantic
from onmaru.fhir.fhirpath.tree import Call, Expression, Literal, Member, Path
from onmaru.fhir.views import boundaries, conversion, texts
from onmaru.fhir.views.arithmetic import number
from onmaru.fhir.views.compiler import Compiler, Scope
from onmaru.fhir.views.dialect import DECIMAL
from onmaru.fhir.views.navigation import child, indexed, narrowed, reference_key, resource_key
from onmaru.fhir.views.operators import distinct, same_shape, united
from onmaru.fhir.views.value import NULL, NUMBERS, ROOT, Value, absent, boolean, decimal, integer, string


class _Function(NamedTuple):
    run: Callable[[Compiler, Value, Call, Scope], Value]
    least: int
    most: int


_TABLE: dict[str, _Function] = {}
_Run = Callable[[Compiler, Value, Call, Scope], Value]


def _function(name: str, least: int = 0, most: int | None = None) -> Callable[[_Run], _Run]:
    def enter(run: _Run) -> _Run:
        _TABLE[name] = _Function(run, least, least if most is None else most)
        return run

    return enter


def call(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    """The value of a function on a collection. Raises PathError for an unknown one or a wrong count of arguments."""
    function = _TABLE.get(step.name)
    if function is None:
        raise semantic(f"the function {step.name[:64]}() is not supported in views", step.at)
    if not function.least <= len(step.arguments) <= function.most:
        raise semantic(f"{step.name}() takes another number of arguments", step.at)
    return function.run(compiler, given, step, scope)


def _on(compiler: Compiler, tree: Expression, item: Value, scope: Scope) -> Value:
    return compiler.compile(tree, scope.at(item))


def _type(tree: Expression) -> str:
    """A type that an argument names: `Patient`, `FHIR.Patient` or 'Patient'."""
    if isinstance(tree, Member):
        return tree.name
    if isinstance(tree, Path) and isinstance(tree.head, Member) and len(tree.steps) == 1:
        step = tree.steps[0]
        if isinstance(step, Member):
            return f"{tree.head.name}.{step.name}"
    if isinstance(tree, Literal) and isinstance(tree.value, str):
        return tree.value
    raise semantic("expected the name of a type", tree.at)


# --- existence


@_function("exists", 0, 1)
def _exists(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    return boolean(compiler.exists(_where(compiler, given, step, scope) if step.arguments else given))


@_function("empty")
def _empty(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    return boolean(f"(NOT {compiler.exists(given)})")


@_function("hasValue")
def _has_value(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    return boolean("FALSE" if given.kind == "complex" or given.sql == NULL else f"({compiler.count(given)} = 1)")


@_function("not")
def _not(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    truth = compiler.truth(given)
    return boolean(NULL if truth == NULL else f"(NOT {truth})")


@_function("all", 1)
def _all(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    found = compiler.each(given, lambda item: boolean(f"coalesce({_criterion(compiler, step, item, scope)}, FALSE)"))
    if not given.many:
        return boolean(f"(NOT {compiler.exists(given)} OR {found.sql})")
    return boolean(f"(NOT coalesce({compiler.dialect.holds(found.sql, 'FALSE')}, FALSE))")


def _booleans(name: str, wanted: str, *, every: bool) -> None:
    @_function(name)
    def run(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
        if given.kind not in ("boolean", ""):
            raise semantic(f"{name}() is asked of Booleans", step.at)
        looked = ("FALSE" if wanted == "TRUE" else "TRUE") if every else wanted
        held = (
            f"coalesce({compiler.dialect.holds(compiler.listed(given), looked)}, FALSE)"
            if given.sql != NULL
            else "FALSE"
        )
        return boolean(f"(NOT {held})" if every else held)


_booleans("allTrue", "TRUE", every=True)
_booleans("allFalse", "FALSE", every=True)
_booleans("anyTrue", "TRUE", every=False)
_booleans("anyFalse", "FALSE", every=False)


@_function("count")
def _count(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    return integer(f"({compiler.count(given)})")


@_function("distinct")
def _distinct(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    return distinct(compiler, given, step.at)


@_function("isDistinct")
def _is_distinct(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    return boolean(f"({compiler.count(given)} = {compiler.count(distinct(compiler, given, step.at))})")


# --- filtering


def _criterion(compiler: Compiler, step: Call, item: Value, scope: Scope) -> str:
    return compiler.truth(_on(compiler, step.arguments[0], item, scope))


@_function("where", 1)
def _where(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    if given.choices is not None:
        return compiler.joined([_where(compiler, one, step, scope) for one in given.choices])
    if given.sql == NULL:
        _criterion(compiler, step, given.of(NULL, many=False), scope)  # what is wrong is told though nothing is there
        return absent(given.type, many=given.many)
    if given.many:
        name = compiler.name()
        condition = _criterion(compiler, step, given.of(name, many=False), scope)
        return given.of(compiler.dialect.kept(given.sql, name, f"coalesce({condition}, FALSE)"))
    if given.sql == ROOT:
        condition = _criterion(compiler, step, given, scope)
        return given.of(f"CASE WHEN {condition} THEN {compiler.whole(given).sql} END")

    def held(name: str) -> str:
        return f"CASE WHEN {_criterion(compiler, step, given.of(name), scope)} THEN {name} END"

    return given.of(compiler.bound(given.sql, held))


@_function("select", 1)
def _select(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    return compiler.each(given, lambda item: _on(compiler, step.arguments[0], item, scope))


@_function("ofType", 1)
@_function("as", 1)
def _of_type(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    return narrowed(compiler, given, _type(step.arguments[0]), step.at)


@_function("is", 1)
def _is(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    found = narrowed(compiler, given, _type(step.arguments[0]), step.at)
    return boolean(f"CASE WHEN {compiler.exists(given)} THEN {compiler.exists(found)} END")


@_function("extension", 1)
def _extension(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    url = compiler.single(compiler.compile(step.arguments[0], scope))
    if url.kind not in ("string", ""):
        raise semantic("extension() takes the url of an extension", step.at)
    extensions = child(compiler, given, "extension", step.at)
    if extensions.absent or url.sql == NULL:
        return absent("Extension", many=True)
    name = compiler.name()
    held = child(compiler, extensions.of(name, many=False), "url", step.at)
    return extensions.of(compiler.dialect.kept(extensions.sql, name, f"{held.sql} = {url.sql}"))


# --- subsetting


@_function("first")
def _first(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    return given if not given.many and given.choices is None else indexed(compiler, given, integer("0"), step.at)


@_function("last")
def _last(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    if not given.many:
        return given
    if given.choices is not None:
        raise semantic("choose a type with ofType() before last()", step.at)
    d = compiler.dialect
    return given.of(NULL if given.sql == NULL else d.at(d.reversed(given.sql), "0"), many=False)


@_function("single")
def _single(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    if given.choices is not None and given.many:
        raise semantic("choose a type with ofType() before single()", step.at)
    return compiler.single(given)


def _part(compiler: Compiler, given: Value, bounds: tuple[str, str | None], step: Call) -> Value:
    if given.choices is not None:
        raise semantic(f"choose a type with ofType() before {step.name}()", step.at)
    if given.sql == NULL:
        return absent(given.type, many=True)
    return given.of(compiler.dialect.part(compiler.listed(given), *bounds), many=True)


def _number(compiler: Compiler, step: Call, scope: Scope) -> str:
    found = compiler.single(compiler.compile(step.arguments[0], scope))
    if found.kind != "integer":
        raise semantic(f"{step.name}() takes a whole number", step.at)
    return f"greatest({found.sql}, 0)"


@_function("tail")
def _tail(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    return _part(compiler, given, ("1", None), step)


@_function("skip", 1)
def _skip(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    return _part(compiler, given, (_number(compiler, step, scope), None), step)


@_function("take", 1)
def _take(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    return _part(compiler, given, ("0", _number(compiler, step, scope)), step)


@_function("union", 1)
@_function("combine", 1)
def _union(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    other = compiler.compile(step.arguments[0], scope)
    return united(compiler, given, other, step.at, once=step.name == "union")


# --- utility


@_function("iif", 2, 3)
def _iif(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    condition = compiler.truth(compiler.compile(step.arguments[0], scope))
    found = [compiler.compile(tree, scope) for tree in step.arguments[1:]]
    then, other = _one_type(compiler, found[0], found[1] if len(found) > 1 else absent(found[0].type), step.at)
    known = other if then.absent else then
    then, other = compiler.whole(then), compiler.whole(other)
    if known.many or known.choices is not None:
        return united(
            compiler,
            _when(compiler, then, condition),
            _when(compiler, other, f"NOT coalesce({condition}, FALSE)"),
            step.at,
            once=False,
        )
    return known.of(f"CASE WHEN {condition} THEN {then.sql} ELSE {other.sql} END")


def _one_type(compiler: Compiler, then: Value, other: Value, at: int) -> tuple[Value, Value]:
    """The two answers of iif() as one type: numbers as decimals."""
    if then.absent or other.absent:
        return then, other
    if {then.kind, other.kind} <= NUMBERS and not (then.many or other.many):
        if (then.type, then.counted) == (other.type, other.counted):
            return then, other
        return decimal(_cast(compiler, then)), decimal(_cast(compiler, other))
    if then.kind != other.kind:
        raise semantic("the two answers of iif() need one type", at)
    return same_shape(compiler, then, other)


def _cast(compiler: Compiler, value: Value) -> str:
    return f"CAST({number(compiler, value)} AS {DECIMAL})"


def _when(compiler: Compiler, value: Value, condition: str) -> Value:
    if value.absent:
        return value
    return value.of(f"CASE WHEN {condition} THEN {compiler.listed(value)} END", many=True)


@_function("join", 0, 1)
def _join(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    separator = compiler.single(compiler.compile(step.arguments[0], scope)) if step.arguments else string("''")
    if given.kind not in ("string", "") or separator.kind not in ("string", ""):
        raise semantic("join() joins texts", step.at)
    if given.sql == NULL:
        return string("''")
    joined = compiler.dialect.joined(compiler.listed(given), separator.sql)
    return string(f"coalesce({joined}, '')")


@_function("getResourceKey")
def _resource_key(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    return resource_key(compiler, given, step.at)


@_function("getReferenceKey", 0, 1)
def _reference_key(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    wanted = _type(step.arguments[0]).rpartition(".")[2] if step.arguments else ""
    return reference_key(compiler, given, wanted, step.at)


@_function("lowBoundary", 0, 1)
@_function("highBoundary", 0, 1)
def _boundary(compiler: Compiler, given: Value, step: Call, scope: Scope) -> Value:
    digits = None
    if step.arguments:
        asked = compiler.compile(step.arguments[0], scope).literal
        if not isinstance(asked, int) or isinstance(asked, bool):
            raise semantic(f"{step.name}() takes a written whole number", step.at)
        digits = asked
    return boundaries.boundary(compiler, given, digits, high=step.name == "highBoundary", at=step.at)


def _enter(table: dict[str, texts.Of], count: dict[str, tuple[int, int]]) -> None:
    for name, of in table.items():
        least, most = count.get(name, (0, 0))

        def run(compiler: Compiler, given: Value, step: Call, scope: Scope, of: texts.Of = of) -> Value:
            found = [compiler.single(compiler.compile(tree, scope)) for tree in step.arguments]
            return of(compiler, compiler.single(given), found, step.at)

        _TABLE[name] = _Function(run, least, most)


_enter(texts.TABLE, texts.ARGUMENTS)
_enter(conversion.TABLE, {})
