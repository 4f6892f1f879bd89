"""What every step of compiling leans on: collections as SQL. An item that is used twice is said once and bound to a name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import msgspec

from onmaru.fhir.fhirpath.errors import too_costly
from onmaru.fhir.fhirpath.tree import Expression
from onmaru.fhir.views.definition import Constant
from onmaru.fhir.views.dialect import Dialect
from onmaru.fhir.views.value import NULL, ROOT, Value, absent

LONGEST = 1_000_000
"""Characters of one expression's SQL."""
_SIMPLE = re.compile(r'(?:[A-Za-z_][A-Za-z0-9_]*(?:\.["`][A-Za-z0-9_]+["`])*|[0-9.]+|\'[^\'\\]*\'|NULL)', re.ASCII)


class Scope(msgspec.Struct, frozen=True):
    """What names mean: `$this`, the whole resource, and the place of the row (`%rowIndex`)."""

    this: Value
    resource: Value
    row: str = "0"

    def at(self, item: Value) -> Scope:
        """The same for one item."""
        return msgspec.structs.replace(self, this=item)


class Compiler:
    """Compiles the expressions of one view. `warnings`: what is probably a mistake, but no error; `messages`: what its SQL
    may end a query with.
    """

    def __init__(self, dialect: Dialect, constants: Mapping[str, Constant], evaluate: Evaluate) -> None:
        self._evaluate = evaluate
        self.dialect = dialect
        self.constants = constants
        self.warnings: list[str] = []
        self.messages: dict[str, None] = {}
        self._names = 0

    def compile(self, tree: Expression, scope: Scope) -> Value:
        """The value of an expression. Raises PathError for what is wrong or not supported in views."""
        found = self._evaluate(self, tree, scope)
        if len(found.sql) > LONGEST:
            raise too_costly("the SQL of the expression grows too long", tree.at)
        return found

    def name(self) -> str:
        """A variable that nothing else is called."""
        self._names += 1
        return f"x{self._names}"

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def error(self, message: str) -> str:
        """SQL that ends the query. The message names a column or an expression, never a value."""
        self.messages[message] = None
        return self.dialect.error(message)

    # --- collections

    def bound(self, sql: str, body: Callable[[str], str]) -> str:
        """SQL that uses a value more than once but says it once."""
        if _SIMPLE.fullmatch(sql):
            return body(sql)
        name, d = self.name(), self.dialect
        return d.at(d.mapped(d.items(sql), name, body(name)), "0")

    def whole(self, value: Value) -> Value:
        """The same, with the whole resource as a group of its columns, where it has to be one value."""
        if value.sql != ROOT or value.column is None:
            return value
        fields = [(name, f"{ROOT}.{self.dialect.quoted(name)}") for name in value.column.columns]
        return value.of(self.dialect.struct(fields or [("nothing", "1")]))

    def listed(self, value: Value) -> str:
        """The items as a list, never NULL for a single value; may be NULL for a list."""
        value = self.whole(value)
        if value.many or value.sql == NULL:
            return value.sql
        name = self.name()
        return self.dialect.kept(self.dialect.items(value.sql), name, f"{name} IS NOT NULL")

    def count(self, value: Value) -> str:
        """How many items, 0 for none."""
        if value.choices is not None:
            return " + ".join(self.count(one) for one in value.choices) or "0"
        if value.sql in (NULL, ROOT):
            return "0" if value.sql == NULL else "1"
        if value.many:
            return f"coalesce({self.dialect.size(value.sql)}, 0)"
        return f"CASE WHEN {value.sql} IS NULL THEN 0 ELSE 1 END"

    def exists(self, value: Value) -> str:
        """Whether there is an item; a primitive with only extensions is one."""
        parts = list(value.choices) if value.choices is not None else [value]
        parts += [one.sibling for one in parts if one.sibling is not None]
        found = [
            f"coalesce({self.dialect.size(one.sql)} > 0, FALSE)" if one.many else f"{one.sql} IS NOT NULL"
            for one in parts
            if one.sql not in (NULL, ROOT)
        ]
        if value.sql == ROOT:
            return "TRUE"
        return f"({' OR '.join(found)})" if found else "FALSE"

    def single(self, value: Value, message: str = "") -> Value:
        """At most one item; more end the query with a message."""
        if not value.many:
            return value
        if value.sql == NULL:
            return value.of(NULL, many=False)
        d = self.dialect
        said = self.error(message or "an expression of the view needs one item where a resource has more")
        return value.of(
            self.bound(value.sql, lambda v: f"CASE WHEN {d.size(v)} > 1 THEN {said} ELSE {d.at(v, '0')} END"),
            many=False,
        )

    def each(self, given: Value, body: Callable[[Value], Value]) -> Value:
        """What `body` gives for each item, as one collection."""
        if given.choices is not None:
            return self.joined([self.each(one, body) for one in given.choices])
        if not given.many:
            return body(given)
        if given.sql == NULL and given.sibling is None:
            found = body(absent(given.type))
            return msgspec.structs.replace(found, many=True)
        name = self.name()
        sibling = given.sibling.of(NULL, many=False) if given.sibling else None
        item = msgspec.structs.replace(given, sql=name, many=False, sibling=sibling, literal=None)
        return self.collected(given.sql, name, body(item))

    def collected(self, items: str, name: str, found: Value) -> Value:
        """A value for each item called `name`, as one collection."""
        if found.choices is not None:
            branches = tuple(self.collected(items, name, one) for one in found.choices)
            return msgspec.structs.replace(found, choices=branches, many=True)
        sibling = self.collected(items, name, found.sibling) if found.sibling else None
        sql = NULL
        if found.sql != NULL:
            d = self.dialect
            made = d.mapped(items, name, found.sql)
            held = self.name()
            sql = d.flat(made) if found.many else d.kept(made, held, f"{held} IS NOT NULL")
        return msgspec.structs.replace(found, sql=sql, many=True, sibling=sibling, literal=None)

    def joined(self, values: list[Value]) -> Value:
        """What the branches of a choice give: one value where they are of one type, a choice otherwise."""
        found = [value for value in values if not value.absent]
        if len(found) < 2:
            return found[0] if found else (values[0] if values else absent())
        first = found[0]
        alike = all(v.type == first.type and v.many == first.many and v.column == first.column for v in found)
        if not alike or any(v.choices is not None or v.counted != first.counted for v in found):
            flat = [one for value in found for one in (value.choices if value.choices is not None else (value,))]
            return Value(NULL, "", any(v.many for v in flat), choices=tuple(flat))
        parts = ", ".join(value.sql for value in found)
        if not first.many:
            return first.of(f"coalesce({parts})")
        empty = self.dialect.items()
        return first.of(self.dialect.concat(*(f"coalesce({value.sql}, {empty})" for value in found)))

    def truth(self, value: Value) -> str:
        """A Boolean for an operator or criterion: a single item that is none is true (FHIRPath 2.0.0 §4.5)."""
        if value.choices is not None:
            return f"coalesce({', '.join([*map(self.truth, value.choices), NULL])})"
        value = self.single(value)
        if value.sql == NULL or value.kind == "boolean":
            return value.sql
        return f"CASE WHEN {value.sql} IS NOT NULL THEN TRUE END"


Evaluate = Callable[[Compiler, Expression, Scope], Value]
