"""The dialect of Spark SQL (4 and later, session time zone UTC)."""

from __future__ import annotations

from collections.abc import Sequence

from onmaru.fhir.views.dialect import DECIMAL, Type, Unnest

_TYPES: dict[Type, str] = {
    "boolean": "BOOLEAN",
    "integer": "INT",
    "decimal": DECIMAL,
    "text": "STRING",
    "date": "DATE",
    "double": "DOUBLE",
    "long": "BIGINT",
}


class Spark:
    """Dialect (dialect.py)."""

    name = "spark"

    def quoted(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    def text(self, value: str) -> str:
        # Spark puts variables in place of ${name} before it reads the text
        escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("$", "\\u0024")
        return f"'{escaped}'"

    def type(self, type: Type) -> str:
        return _TYPES[type]

    def list_type(self, of: str) -> str:
        return f"ARRAY<{of}>"

    def struct_type(self, fields: Sequence[tuple[str, str]]) -> str:
        return f"STRUCT<{', '.join(f'{self.quoted(name)}: {of}' for name, of in fields)}>"

    def struct(self, fields: Sequence[tuple[str, str]]) -> str:
        return f"named_struct({', '.join(f'{self.text(name)}, {value}' for name, value in fields)})"

    def mapped(self, items: str, variable: str, body: str) -> str:
        return f"transform({items}, {variable} -> {body})"

    def kept(self, items: str, variable: str, condition: str) -> str:
        return f"filter({items}, {variable} -> {condition})"

    def flat(self, items: str) -> str:
        return f"flatten(filter({items}, f -> f IS NOT NULL))"

    def size(self, items: str) -> str:
        return f"array_size({items})"

    def at(self, items: str, index: str) -> str:
        return f"get({items}, {index})"

    def part(self, items: str, start: str, count: str | None) -> str:
        length = f"greatest(array_size({items}), 0)" if count is None else f"({count})"
        return f"slice({items}, ({start}) + 1, {length})"

    def reversed(self, items: str) -> str:
        return f"reverse({items})"

    def distinct(self, items: str) -> str:
        return f"array_distinct({items})"

    def holds(self, items: str, item: str) -> str:
        return f"array_contains({items}, {item})"

    def items(self, *items: str) -> str:
        return f"array({', '.join(items)})"

    def concat(self, *lists: str) -> str:
        return f"concat({', '.join(lists)})"

    def joined(self, items: str, separator: str) -> str:
        return f"array_join({items}, {separator})"

    def attempt(self, value: str, type: str) -> str:
        return f"try_cast({value} AS {type})"

    def decimal(self, text: str) -> str:
        return self.attempt(text, DECIMAL)

    def error(self, message: str) -> str:
        return f"raise_error({self.text(message)})"

    def extracted(self, text: str, pattern: str, group: int) -> str:
        return f"regexp_extract({text}, {self.text(pattern)}, {group})"

    def key(self, text: str, plain: str, pattern: str) -> str:
        return f"nullif({self.extracted(text, pattern, 1)}, '')"

    def matches(self, text: str, pattern: str) -> str:
        return f"regexp_like({text}, concat('(?s)', {pattern}))"

    def last_day(self, date: str) -> str:
        return f"last_day({date})"

    def instant(self, text: str, *, zoned: bool) -> str:
        return f"unix_micros(try_cast({text} AS TIMESTAMP))"

    def timestamp(self, text: str) -> str:
        return self.attempt(text, "TIMESTAMP")

    def unnested(self, stage: Unnest) -> str:
        columns = "".join(f"t.{self.quoted(name)}, " for name in stage.columns)
        element, index = self.quoted(stage.element), self.quoted(stage.index)
        outer = "OUTER " if stage.outer else ""
        place = f"coalesce(g.{index}, 0) AS {index}" if stage.outer else f"g.{index}"
        return (
            f"SELECT {columns}g.{element}, {place} FROM {stage.source} t"
            f" LATERAL VIEW {outer}posexplode({stage.items}) g AS {index}, {element}"
        )
