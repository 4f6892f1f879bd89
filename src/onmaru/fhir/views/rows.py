"""A view's selects as a chain of SQL stages: each unnests or unites the rows of the one before; the last gives columns."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from onmaru.fhir.columnar import Column
from onmaru.fhir.fhirpath.errors import PathError, semantic
from onmaru.fhir.fhirpath.parser import parse as parse_path
from onmaru.fhir.outcome import Invalid, Issue
from onmaru.fhir.views.compiler import Scope
from onmaru.fhir.views.definition import OutputColumn, Select, ViewDefinition
from onmaru.fhir.views.dialect import Dialect, Unnest
from onmaru.fhir.views.nodes import compiler
from onmaru.fhir.views.output import Output, output
from onmaru.fhir.views.repeating import repeated
from onmaru.fhir.views.value import NULL, ROOT, Value, absent

LONGEST = 4_000_000
"""Characters of a view's SQL."""


class Compiled(msgspec.Struct, frozen=True):
    """A view as SQL of one dialect over one table. `warnings`: what is probably a mistake in its expressions.

    `messages`: what the SQL may end the query with, by the engine's own error; no other text of an engine may be told.
    """

    sql: str
    columns: tuple[Output, ...]
    warnings: tuple[str, ...]
    messages: tuple[str, ...]


class _Rows(msgspec.Struct, frozen=True):
    """Rows so far: the stage that gives them, and its columns."""

    name: str
    columns: tuple[str, ...]


def compile(view: ViewDefinition, tree: Column, dialect: Dialect, source: str, carried: Sequence[str] = ()) -> Compiled:
    """The SQL of a view. `tree`: the columns of its resource's table; `source`: SQL of the table's name.

    `carried`: columns of the table beside those of the tree, which the answer has last and under their own names.

    Raises Invalid (422) with every expression that is wrong, not supported in views, or of another type than it claims.
    """
    return _View(view, tree, dialect, carried).compiled(source)


class _View:
    def __init__(self, view: ViewDefinition, tree: Column, dialect: Dialect, carried: Sequence[str]) -> None:
        self._view = view
        self._dialect = dialect
        self._compiler = compiler(dialect, {constant.name: constant for constant in view.constants})
        self._root = Value(ROOT, view.resource, column=tree)
        self._carried = tuple(carried)
        self._columns = (*tree.columns, *carried)
        self._issues: list[Issue] = []
        self._stages: list[tuple[str, str]] = []
        self._elements = 0

    def compiled(self, source: str) -> Compiled:
        scope = Scope(self._root, self._root)
        conditions = [self._condition(path, at, scope) for path, at in self._view.where]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        kept = ", ".join(f"t.{self._dialect.quoted(name)}" for name in self._columns) or "1 AS nothing"
        rows = self._stage(f"SELECT {kept} FROM {source} t{where}", self._columns)
        rows, outputs = self._select(self._view.select, rows, scope)
        if self._issues:
            raise Invalid(self._issues, 422)
        quoted = self._dialect.quoted
        given = [f"{one.sql} AS {quoted(one.name)}" for one in outputs]
        final = ", ".join([*given, *(f"{ROOT}.{quoted(name)}" for name in self._carried)])
        stages = ",\n".join(f"{name} AS ({sql})" for name, sql in self._stages)
        sql = f"WITH {stages}\nSELECT {final} FROM {rows.name} t"
        if len(sql) > LONGEST:
            raise Invalid([Issue("too-costly", "the view's SQL grows too long", self._view.select.at)], 422)
        return Compiled(sql, tuple(outputs), tuple(self._compiler.warnings), tuple(self._compiler.messages))

    def _stage(self, sql: str, columns: tuple[str, ...]) -> _Rows:
        name = f"s{len(self._stages)}"
        self._stages.append((name, sql))
        return _Rows(name, columns)

    def _problem(self, at: str, error: PathError) -> None:
        self._issues.append(Issue("too-costly" if error.kind == "too-costly" else "invalid", str(error), at))

    def _value(self, expression: str, at: str, scope: Scope) -> Value:
        try:
            return self._compiler.compile(parse_path(expression), scope)
        except PathError as error:
            self._problem(at, error)
            return absent()

    def _condition(self, expression: str, at: str, scope: Scope) -> str:
        found = self._value(expression, f"{at}.path", scope)
        if found.choices is not None:
            found = next((one for one in found.choices if one.kind == "boolean"), found)
        if found.kind not in ("boolean", "") or found.choices:
            self._problem(f"{at}.path", semantic("a where has to give a Boolean"))
            return NULL
        return f"coalesce({self._compiler.single(found).sql}, FALSE)"

    def _select(self, select: Select, rows: _Rows, scope: Scope) -> tuple[_Rows, list[Output]]:
        """The rows of a selection structure for each of these rows, and its columns."""
        if select.way:
            rows, scope = self._through(select, rows, scope)
        outputs = [self._output(column, scope) for column in select.columns]
        for inner in select.selects:
            rows, found = self._select(inner, rows, scope)
            outputs += found
        if select.unions:
            rows, found = self._union(select.unions, rows, scope)
            outputs += found
        return rows, outputs

    def _through(self, select: Select, rows: _Rows, scope: Scope) -> tuple[_Rows, Scope]:
        """One row for each item, which is then `$this`."""
        items = self._items(select, scope)
        self._elements += 1
        names = (f"e{self._elements}", f"i{self._elements}")
        outer = select.way == "forEachOrNull"
        if items.sql == NULL:
            sql = self._nothing(rows, names, outer=outer)
        else:
            sql = self._dialect.unnested(
                Unnest(rows.name, rows.columns, self._compiler.listed(items), names, outer=outer)
            )
        made = self._stage(sql, (*rows.columns, *names))
        element, index = (f"{ROOT}.{self._dialect.quoted(name)}" for name in names)
        this = absent(items.type) if items.sql == NULL else items.of(element, many=False)
        return made, Scope(this, self._root, index)

    def _nothing(self, rows: _Rows, names: tuple[str, str], *, outer: bool) -> str:
        """The stage of a list that no resource has: no list is opened row by row."""
        quoted = self._dialect.quoted
        kept = "".join(f"t.{quoted(name)}, " for name in rows.columns)
        none = f"CAST(NULL AS {self._dialect.type('text')}) AS {quoted(names[0])}"
        place = f"CAST(0 AS {self._dialect.type('long')}) AS {quoted(names[1])}"
        return f"SELECT {kept}{none}, {place} FROM {rows.name} t{'' if outer else ' WHERE false'}"

    def _items(self, select: Select, scope: Scope) -> Value:
        at = f"{select.at}.{select.way}"
        if select.way == "repeat":
            try:
                return repeated(self._compiler, [parse_path(path) for path in select.paths], scope)
            except PathError as error:
                self._problem(at, error)
                return absent(many=True)
        items = self._value(select.paths[0], at, scope)
        if items.choices:
            self._problem(at, semantic("the elements may be of several types: choose one with ofType()"))
        return absent(items.type, many=True) if items.choices is not None else items

    def _output(self, column: OutputColumn, scope: Scope) -> Output:
        value = self._value(column.path, f"{column.at}.path", scope)
        try:
            return output(self._compiler, column, value)
        except PathError as error:
            self._problem(column.at, error)
            return Output(column.name, column.type, column.collection, NULL, self._dialect.type("text"))

    def _union(self, branches: Sequence[Select], rows: _Rows, scope: Scope) -> tuple[_Rows, list[Output]]:
        """The rows of every branch; from here on their columns are columns of the stage."""
        first: list[Output] = []
        parts = []
        start = self._elements
        for branch in branches:
            made, outputs = self._select(branch, rows, scope)
            first = first or outputs
            self._alike(branch, first, outputs)
            parts.append((made, outputs))
        self._elements += 1
        names = [f"o{start}_{self._elements}_{place}" for place in range(len(first))]
        quoted = self._dialect.quoted
        selects = []
        for made, outputs in parts:
            kept = [f"{ROOT}.{quoted(name)}" for name in rows.columns]
            given = [f"{one.sql} AS {quoted(name)}" for one, name in zip(outputs, names, strict=False)]
            selects.append(f"SELECT {', '.join([*kept, *given])} FROM {made.name} t")
        joined = self._stage("\nUNION ALL ".join(selects), (*rows.columns, *names))
        known = [
            msgspec.structs.replace(one, sql=f"{ROOT}.{quoted(name)}") for one, name in zip(first, names, strict=True)
        ]
        return joined, known

    def _alike(self, branch: Select, first: list[Output], outputs: list[Output]) -> None:
        """Names were compared when the view was read; here types are."""
        for one, other in zip(first, outputs, strict=False):
            if one.many != other.many or one.sql_type != other.sql_type:
                text = f"column {other.name} has another type in another select of the unionAll"
                self._issues.append(Issue("invalid", text, branch.at))
