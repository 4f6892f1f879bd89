"""What an expression is before it runs: the SQL of its collection, its FHIR type, and the columns that lie below it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from onmaru.fhir.columnar import Column
from onmaru.fhir.primitives import INTEGERS, PRIMITIVES

NULL = "NULL"
ROOT = "t"
"""What every stage calls the rows that it reads; the whole resource is its columns."""
Kind = Literal["boolean", "integer", "decimal", "string", "date", "dateTime", "time", "complex", ""]
_KINDS: dict[str, Kind] = {
    "boolean": "boolean",
    "decimal": "decimal",
    "date": "date",
    "dateTime": "dateTime",
    "instant": "dateTime",
    "time": "time",
    "integer64": "integer",
    "": "",
    **dict.fromkeys(INTEGERS, "integer"),
}
NUMBERS = frozenset({"integer", "decimal"})
MOMENTS = frozenset({"date", "dateTime"})


class Value(msgspec.Struct, frozen=True):
    """A collection: `many` items as one SQL list without NULLs, else at most one as one SQL value, NULL for none.

    `type`: a FHIR type, System's types by their FHIR names; "" where nothing is known. `column`: the shape of a group.
    `sibling`: ids and extensions of a primitive. `choices`: the branches of a `value[x]`, of which an item has one.
    `literal`: the System value that was written. `counted`: a decimal made by calculating, not text.
    """

    sql: str
    type: str
    many: bool = False
    column: Column | None = None
    sibling: Value | None = None
    choices: tuple[Value, ...] | None = None
    literal: Any = None
    counted: bool = False

    @property
    def absent(self) -> bool:
        """Whether the table has nothing that could be here."""
        return self.sql == NULL and not self.choices and self.sibling is None

    @property
    def kind(self) -> Kind:
        """How it is compared and calculated with."""
        found = _KINDS.get(self.type)
        if found is not None:
            return found
        return "string" if self.type in PRIMITIVES else "complex"

    def of(self, sql: str, *, many: bool | None = None) -> Value:
        """The same kind of thing by other SQL."""
        return msgspec.structs.replace(
            self, sql=sql, many=self.many if many is None else many, sibling=None, literal=None
        )


def absent(type: str = "", *, many: bool = False) -> Value:
    """A collection that is always empty."""
    return Value(NULL, type, many)


def boolean(sql: str) -> Value:
    return Value(sql, "boolean")


def string(sql: str, *, many: bool = False) -> Value:
    return Value(sql, "string", many)


def integer(sql: str) -> Value:
    return Value(sql, "integer")


def decimal(sql: str) -> Value:
    """A decimal that was calculated."""
    return Value(sql, "decimal", counted=True)
