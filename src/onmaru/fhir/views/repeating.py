"""`repeat`: every element reached by going down again and again, in the order of the document, as one list expression.

The recursion is unrolled as deep as the table's columns go, so that SQL needs none.
"""

from __future__ import annotations

from collections.abc import Sequence

from onmaru.fhir.columnar import DEPTH, Column, table
from onmaru.fhir.fhirpath.errors import semantic
from onmaru.fhir.fhirpath.tree import Expression
from onmaru.fhir.views.compiler import Compiler, Scope
from onmaru.fhir.views.operators import joined_shape
from onmaru.fhir.views.shaping import shaped
from onmaru.fhir.views.value import NULL, Value, absent


def repeated(compiler: Compiler, paths: Sequence[Expression], scope: Scope) -> Value:
    """What `paths` reach from `$this`, from what they reach, and so on; each element before what lies below it."""
    levels = _levels(compiler, paths, scope)
    if not levels:
        return absent(many=True)
    whole = levels[0]
    for level in levels[1:]:
        whole = joined_shape(whole, level)
    walk = _Walk(compiler, paths, levels, whole)
    return Value(walk.below(scope, 0), whole.type, True, Column(whole.type, "group", True, whole.columns))


def _levels(compiler: Compiler, paths: Sequence[Expression], scope: Scope) -> list[Column]:
    """The shape of the elements at each depth, as far as the table has any."""
    levels: list[Column] = []
    found = _children(compiler, paths, scope)
    while found:
        if len(levels) == DEPTH:
            raise semantic("a repeat has no end")
        shape = table(found[0].type)
        for value in found:
            if value.column is None or value.column.kind != "group":
                raise semantic("a repeat goes through elements that have elements, not deeper than a table holds")
            shape = joined_shape(shape, Column(value.type, "group", columns=value.column.columns))
        levels.append(shape)
        found = _children(compiler, paths, scope.at(Value("x", shape.type, column=shape)))
    return levels


def _children(compiler: Compiler, paths: Sequence[Expression], scope: Scope) -> list[Value]:
    found = [compiler.compile(path, scope) for path in paths]
    if any(value.choices is not None for value in found):
        raise semantic("choose a type with ofType() in a repeat")
    return [value for value in found if value.sql != NULL]


class _Walk:
    def __init__(self, compiler: Compiler, paths: Sequence[Expression], levels: list[Column], whole: Column) -> None:
        self._compiler = compiler
        self._paths = paths
        self._levels = levels
        self._whole = whole

    def below(self, scope: Scope, depth: int) -> str:
        """SQL of the list of all that is reached from `$this`, whose children have the shape of this depth."""
        d, compiler = self._compiler.dialect, self._compiler
        shape = self._levels[depth]
        lists = []
        for value in _children(compiler, self._paths, scope):
            made = shaped(compiler, value, shape)
            lists.append(f"coalesce({compiler.listed(made)}, {d.items()})")
        children = d.concat(*lists) if len(lists) > 1 else lists[0]
        name = compiler.name()
        item = Value(name, shape.type, column=shape)
        itself = d.items(shaped(compiler, item, self._whole).sql)
        if depth + 1 < len(self._levels):
            itself = d.concat(itself, f"coalesce({self.below(scope.at(item), depth + 1)}, {d.items()})")
        return d.flat(d.mapped(children, name, itself))
