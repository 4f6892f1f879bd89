"""Operators between two collections: equality, order, Boolean logic, membership and union, in three values."""

from __future__ import annotations

from collections.abc import Callable

from onmaru.fhir.columnar import Column, union
from onmaru.fhir.fhirpath.errors import semantic
from onmaru.fhir.fhirpath.tree import Binary
from onmaru.fhir.fhirpath.values import Quantity
from onmaru.fhir.views import moments
from onmaru.fhir.views.arithmetic import calculate, number
from onmaru.fhir.views.compiler import Compiler
from onmaru.fhir.views.dialect import DECIMAL
from onmaru.fhir.views.quantities import MEASURES, measured
from onmaru.fhir.views.shaping import shaped
from onmaru.fhir.views.value import MOMENTS, NULL, NUMBERS, Kind, Value, absent, boolean, string

_SQL = {"and": "AND", "or": "OR"}


def apply(compiler: Compiler, tree: Binary, left: Value, right: Value) -> Value:
    """The value of a binary operator. Raises PathError for one that views do not support on such operands."""
    operator, at = tree.operator, tree.at
    if operator in ("and", "or", "xor", "implies"):
        return _logic(compiler, operator, left, right)
    if operator in ("=", "!=", "~", "!~"):
        found = equal(compiler, left, right, at) if "=" in operator else _equivalent(compiler, left, right, at)
        return boolean(f"(NOT {found})") if operator[0] == "!" and found != NULL else boolean(found)
    if operator in ("<", "<=", ">", ">="):
        return boolean(_ordered(compiler, operator, left, right, at))
    if operator == "in":
        return _within(compiler, left, right, at)
    if operator == "contains":
        return _within(compiler, right, left, at)
    if operator == "|":
        return united(compiler, left, right, at, once=True)
    if operator == "&":
        return _ampersand(compiler, left, right, at)
    return calculate(compiler, operator, left, right, at)


def _logic(compiler: Compiler, operator: str, left: Value, right: Value) -> Value:
    one, two = compiler.truth(left), compiler.truth(right)
    if operator in _SQL:
        return boolean(f"({one} {_SQL[operator]} {two})")
    if operator == "xor":
        return boolean(f"({one} <> {two})" if NULL not in (one, two) else NULL)
    return boolean(f"((NOT {one}) OR {two})")


def _ampersand(compiler: Compiler, left: Value, right: Value, at: int) -> Value:
    parts = [compiler.single(left), compiler.single(right)]
    if not {part.kind for part in parts} <= {"string", ""}:
        raise semantic("& joins texts", at)
    return string("(" + " || ".join(f"coalesce({part.sql}, '')" for part in parts) + ")")


# --- equality


def equal(compiler: Compiler, left: Value, right: Value, at: int) -> str:
    """`=`: TRUE, FALSE, or NULL where a side is empty or it cannot be known."""
    if left.choices is not None:
        return _any(compiler, [equal(compiler, one, right, at) for one in left.choices])
    if right.choices is not None:
        return _any(compiler, [equal(compiler, left, one, at) for one in right.choices])
    if NULL in (left.sql, right.sql):
        return NULL
    left, right = _alike(left, right)
    if left.many or right.many:
        return _lists_equal(compiler, left, right, at)
    return _one_equal(compiler, left, right, at)


def _any(compiler: Compiler, found: list[str]) -> str:
    known = [one for one in found if one != NULL]
    return f"coalesce({', '.join(known)})" if known else NULL


def _alike(left: Value, right: Value) -> tuple[Value, Value]:
    """A text beside a date or time is read as one: so are constants of type string meant."""
    for text, other in ((left, right), (right, left)):
        if isinstance(text.literal, str) and text.kind == "string" and other.kind in (*MOMENTS, "time"):
            found = moments.read(text.literal, other.kind)
            if found is not None:
                kind = "time" if other.kind == "time" else "dateTime"
                read = Value(text.sql, kind, literal=found)
                return (read, right) if text is left else (left, read)
    return left, right


def _one_equal(compiler: Compiler, left: Value, right: Value, at: int) -> str:
    kinds = {left.kind, right.kind}
    if kinds <= NUMBERS:
        return f"({number(compiler, left)} = {number(compiler, right)})"
    if kinds <= MOMENTS or kinds == {"time"}:
        return f"({moments.order(compiler, left, right)} = 0)"
    if _measures(left, right):
        return measured(compiler, "=", left, right, at)
    if len(kinds) > 1:
        return f"CASE WHEN {left.sql} IS NOT NULL AND {right.sql} IS NOT NULL THEN FALSE END"
    if kinds == {"complex"}:
        left, right = same_shape(compiler, left, right)
    return f"({left.sql} = {right.sql})"


def _measures(left: Value, right: Value) -> bool:
    quantity = isinstance(left.literal, Quantity) or isinstance(right.literal, Quantity)
    return quantity or (left.type in MEASURES and right.type in MEASURES)


def same_shape(compiler: Compiler, left: Value, right: Value) -> tuple[Value, Value]:
    """Two groups with the columns of both; anything else as it is."""
    one, other = left.column, right.column
    if left.kind != "complex" or one is None or other is None or one.columns == other.columns:
        return left, right
    both = joined_shape(one, other)
    return shaped(compiler, left, both), shaped(compiler, right, both)


def joined_shape(one: Column, other: Column) -> Column:
    """A group that holds either of two. Raises PathError where they are of different types."""
    if one.type != other.type:
        raise semantic("values of different types are not compared")
    return union(one, other)


def _lists_equal(compiler: Compiler, left: Value, right: Value, at: int) -> str:
    if left.kind != right.kind and not {left.kind, right.kind} <= NUMBERS and not {left.kind, right.kind} <= MOMENTS:
        both = f"{compiler.exists(left)} AND {compiler.exists(right)}"
        return f"CASE WHEN {both} THEN FALSE END"
    if left.kind == "complex":
        left, right = same_shape(compiler, left, right)
    d = compiler.dialect

    def compared(one: str, two: str) -> str:
        return (
            f"CASE WHEN coalesce({d.size(one)}, 0) = 0 OR coalesce({d.size(two)}, 0) = 0 THEN NULL"
            f" WHEN {d.size(one)} <> {d.size(two)} THEN FALSE ELSE {one} = {two} END"
        )

    first, second = _comparable(compiler, left), _comparable(compiler, right)
    return compiler.bound(first, lambda one: compiler.bound(second, lambda two: compared(one, two)))


def _comparable(compiler: Compiler, value: Value) -> str:
    """A list whose items SQL compares by itself: numbers as decimals."""
    items = compiler.listed(value)
    if value.kind not in NUMBERS:
        return items
    name = compiler.name()
    return compiler.dialect.mapped(items, name, f"CAST({number(compiler, value.of(name))} AS {DECIMAL})")


def _equivalent(compiler: Compiler, left: Value, right: Value, at: int) -> str:
    """`~`: as `=`, but two empty collections are alike, and texts regardless of case and white space."""
    if left.many or right.many or left.choices is not None or right.choices is not None:
        left, right = compiler.single(left), compiler.single(right)
    if left.choices is not None or right.choices is not None or "complex" in (left.kind, right.kind):
        raise semantic("~ is supported on primitive values only", at)
    if left.kind == right.kind == "string":
        left, right = _folded(left), _folded(right)
    found = equal(compiler, left, right, at)
    both = f"({left.sql} IS NULL AND {right.sql} IS NULL)"
    return both if found == NULL else f"coalesce({found}, {both})"


def _folded(value: Value) -> Value:
    return value.of(f"lower(regexp_replace(trim({value.sql}), '[ ]+', ' '))") if value.sql != NULL else value


# --- order


def _ordered(compiler: Compiler, operator: str, left: Value, right: Value, at: int) -> str:
    if left.choices is not None or right.choices is not None:
        return _choices_ordered(compiler, operator, left, right, at)
    left, right = _alike(compiler.single(left), compiler.single(right))
    kinds = {left.kind, right.kind} - {""}
    if NULL in (left.sql, right.sql):
        return NULL
    compare = next((run for fits, run in _ORDERS if fits(kinds, left, right)), None)
    if compare is None:
        raise semantic(f"{operator} does not compare these types", at)
    return compare(compiler, operator, left, right, at)


def _choices_ordered(compiler: Compiler, operator: str, left: Value, right: Value, at: int) -> str:
    """Of each branch that can be compared."""
    found = []
    for one in left.choices if left.choices is not None else (left,):
        for two in right.choices if right.choices is not None else (right,):
            a, b = _alike(one, two)
            if any(fits({a.kind, b.kind}, a, b) for fits, _ in _ORDERS):
                found.append(_ordered(compiler, operator, a, b, at))
    return _any(compiler, found)


def _plainly(compiler: Compiler, operator: str, left: Value, right: Value, at: int) -> str:
    return f"({number(compiler, left)} {operator} {number(compiler, right)})"


def _in_time(compiler: Compiler, operator: str, left: Value, right: Value, at: int) -> str:
    return f"({moments.order(compiler, left, right)} {operator} 0)"


_Fits = Callable[[set[Kind], Value, Value], bool]
_Compare = Callable[[Compiler, str, Value, Value, int], str]
_ORDERS: tuple[tuple[_Fits, _Compare], ...] = (
    (lambda kinds, left, right: kinds <= NUMBERS or kinds == {"string"}, _plainly),
    (lambda kinds, left, right: kinds <= MOMENTS or kinds == {"time"}, _in_time),
    (lambda kinds, left, right: _measures(left, right), measured),
)


# --- sets


def _within(compiler: Compiler, item: Value, items: Value, at: int) -> Value:
    """`item in items`."""
    item = compiler.single(item)
    if item.choices is not None or items.choices is not None:
        raise semantic("choose a type with ofType() before `in` or `contains`", at)
    if item.sql == NULL:
        return absent("boolean")
    if items.sql == NULL:
        return boolean(f"CASE WHEN {item.sql} IS NOT NULL THEN FALSE END")
    name = compiler.name()
    found = equal(compiler, items.of(name, many=False), item, at)
    kept = compiler.dialect.kept(compiler.listed(items), name, f"coalesce({found}, FALSE)")
    return boolean(f"CASE WHEN {item.sql} IS NOT NULL THEN coalesce({compiler.dialect.size(kept)} > 0, FALSE) END")


def united(compiler: Compiler, left: Value, right: Value, at: int, *, once: bool) -> Value:
    """The items of both, each once where `once`."""
    if left.choices is not None or right.choices is not None:
        raise semantic("choose a type with ofType() before joining collections", at)
    known = [value for value in (left, right) if not value.absent]
    if not known:
        return absent(left.type or right.type, many=True)
    first = known[0]
    if any((value.kind, value.counted) != (first.kind, first.counted) for value in known):
        raise semantic("collections of different types are not joined", at)
    if len(known) == 2 and first.kind == "complex":
        known = list(same_shape(compiler, *known))
    empty = compiler.dialect.items()
    lists = [f"coalesce({compiler.listed(value)}, {empty})" for value in known]
    both = known[0].of(compiler.dialect.concat(*lists) if len(lists) > 1 else lists[0], many=True)
    return distinct(compiler, both, at) if once else both


def distinct(compiler: Compiler, value: Value, at: int) -> Value:
    """Each item once."""
    if value.choices is not None:
        raise semantic("choose a type with ofType() before distinct()", at)
    if not value.many or value.sql == NULL:
        return value
    if value.kind != "decimal":
        return value.of(compiler.bound(value.sql, compiler.dialect.distinct))
    numbers = compiler.bound(_comparable(compiler, value), compiler.dialect.distinct)
    return Value(numbers, "decimal", True, counted=True)
