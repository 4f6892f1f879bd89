"""The SQL that a view is made of, said once for every engine; a dialect is the few texts that differ.

Lists are the engine's own and count from 0 here; a NULL list is an empty collection. No text reads a file or a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from onmaru.fhir.columnar import Column

Type = Literal["boolean", "integer", "decimal", "text", "date", "double", "long"]
DECIMAL = "DECIMAL(38, 12)"
"""What decimals are calculated, compared and given out in."""


class Dialect(Protocol):
    """Texts of one engine. Arguments are SQL, but for names, plain texts and types."""

    name: str

    def quoted(self, name: str) -> str: ...

    def text(self, value: str) -> str:
        """A literal."""

    def type(self, type: Type) -> str: ...

    def list_type(self, of: str) -> str: ...

    def struct_type(self, fields: Sequence[tuple[str, str]]) -> str: ...

    def struct(self, fields: Sequence[tuple[str, str]]) -> str: ...

    def mapped(self, items: str, variable: str, body: str) -> str: ...

    def kept(self, items: str, variable: str, condition: str) -> str: ...

    def flat(self, items: str) -> str:
        """A list of lists as one; inner NULLs are left out."""

    def size(self, items: str) -> str:
        """How many; NULL for a NULL list."""

    def at(self, items: str, index: str) -> str:
        """The item at a place from 0; NULL outside."""

    def part(self, items: str, start: str, count: str | None) -> str:
        """Items from a place that is not negative: so many, or all that follow."""

    def reversed(self, items: str) -> str: ...

    def distinct(self, items: str) -> str:
        """Each item once, in the order of its first place. `items` may be said more than once."""

    def holds(self, items: str, item: str) -> str: ...

    def items(self, *items: str) -> str:
        """A list of these."""

    def concat(self, *lists: str) -> str: ...

    def joined(self, items: str, separator: str) -> str: ...

    def attempt(self, value: str, type: str) -> str:
        """A cast that gives NULL where it fails."""

    def decimal(self, text: str) -> str:
        """A text as DECIMAL, NULL where it is none that fits. `text` may be said more than once."""

    def error(self, message: str) -> str:
        """What ends the query; the message is plain text."""

    def extracted(self, text: str, pattern: str, group: int) -> str:
        """What a group of a pattern matches, '' where it does not; the pattern is plain text without backslashes."""

    def key(self, text: str, plain: str, pattern: str) -> str:
        """What the first group of a pattern holds, else NULL; a text that matches `plain` from end to end is that itself."""

    def matches(self, text: str, pattern: str) -> str:
        """Whether a pattern (SQL) is found in a text."""

    def last_day(self, date: str) -> str: ...

    def instant(self, text: str, *, zoned: bool) -> str:
        """µs since 1970 of a date or time, at UTC where it has an offset; NULL where it is none."""

    def timestamp(self, text: str) -> str:
        """A TIMESTAMP, at UTC where the text has an offset; NULL where it is none."""

    def unnested(self, stage: Unnest) -> str:
        """A SELECT that gives one row for each item."""


class Unnest:
    """One stage of a view: `items` of each row of `source`, which carries `columns`, as `element` and its place `index`."""

    def __init__(self, source: str, columns: Sequence[str], items: str, names: tuple[str, str], *, outer: bool) -> None:
        self.source = source
        self.columns = columns
        self.items = items
        self.element, self.index = names
        self.outer = outer


_STORED: dict[str, Type] = {"boolean": "boolean", "integer": "integer"}


def type_of(dialect: Dialect, column: Column) -> str:
    """The SQL type of a stored column: decimals and JSON are text."""
    if column.kind == "group":
        found = dialect.struct_type([(name, type_of(dialect, below)) for name, below in column.columns.items()])
    else:
        found = dialect.type(_STORED.get(column.kind, "text"))
    return dialect.list_type(found) if column.many else found
