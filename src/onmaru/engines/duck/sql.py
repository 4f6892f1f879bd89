"""From a view to DuckDB's SQL: `:name` becomes `$name`, and every table is first narrowed to what the caller sees."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from onmaru.kernel.gate import SHARED, Sight

# Text that is no parameter comes first: strings, quoted names, comments and casts.
_PARTS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|::|:([A-Za-z_]\w*)")
TYPE = "substr(_source, 1, instr(_source, '/') - 1)"


def dollars(sql: str) -> tuple[str, frozenset[str]]:
    """The SQL with `$name` for `:name`, and the names found."""
    names: set[str] = set()

    def change(part: re.Match[str]) -> str:
        if part[1] is None:
            return part[0]
        names.add(part[1])
        return f"${part[1]}"

    return _PARTS.sub(change, sql), frozenset(names)


def narrowed(table: str, ended: str, sight: Sight) -> tuple[str, dict[str, Any]]:
    """A SELECT of the standing rows that `sight` sees, and its parameters. `ended` is the table of ended versions or ""."""
    conditions: list[str] = []
    given: dict[str, Any] = {}
    if ended:
        conditions.append(f"NOT EXISTS (SELECT 1 FROM {ended} g WHERE g._source = r._source AND g._t > r._t)")
    if sight.denied:
        conditions.append("NOT list_has_any(string_split(_patients, ' '), $__denied)")
        given["__denied"] = sorted(sight.denied)
    if sight.concealed:
        conditions.append("_source NOT IN (SELECT unnest($__concealed))")
        given["__concealed"] = sorted(sight.concealed)
    if sight.masked:
        bears = "contains(' ' || r._labels || ' ', ' ' || m.m || ' ')"
        none = f"NOT EXISTS (SELECT 1 FROM (SELECT unnest($__masked) AS m) m WHERE {bears})"
        conditions.append(f"(list_contains($__lifted, r._patients) OR {none})" if sight.lifted else none)
        given["__masked"] = sight.marks
        given.update({"__lifted": sorted(sight.lifted)} if sight.lifted else {})
    if sight.only is not None:
        shared = "', '".join(sorted(SHARED))
        conditions.append(f"(list_contains($__only, _patient) OR (_patient = '' AND {TYPE} IN ('{shared}')))")
        given["__only"] = sorted(sight.only)
    if sight.types is not None:
        conditions.append(f"list_contains($__types, {TYPE})")
        given["__types"] = sorted(sight.types)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT * FROM {table} r{where}", given


def whole(sql: str, scopes: Sequence[tuple[str, str]], params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The view's SQL behind one CTE a table, with the parameters that it names."""
    text, names = dollars(sql.strip())
    if not scopes:
        return text, {name: value for name, value in params.items() if name in names}
    head = ", ".join(f'"{name}" AS NOT MATERIALIZED ({select})' for name, select in scopes)
    rest = ", " + text[5:] if text[:5].upper() == "WITH " else " " + text
    return f"WITH {head}{rest}", {name: value for name, value in params.items() if name in names}
