"""From a view to DuckDB's SQL: `:name` becomes `$name`, and every table is first narrowed to what the caller sees."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from onmaru.kernel.gate import SHARED, Sight

# Text that is no parameter comes first: strings, quoted names, comments and casts.
_PARTS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|::|:([A-Za-z_]\w*)")
_GIVEN = re.compile(r"\$(__\w+)")
BOUND = "__bound"
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


def bound(sql: str, params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A view's SQL as DuckDB takes it, and those of the parameters that it names."""
    text, names = dollars(sql.strip())
    return text, {name: value for name, value in params.items() if name in names}


def behind(selects: Mapping[str, str], given: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, pa.Table]]:
    """The SELECTs as views can hold them, and the data that they then need: a view has no parameters.

    A number stands in the text, where DuckDB hands it on to who reads the files; the rest in a table of one row.
    """
    numbers = {name: str(value) for name, value in given.items() if type(value) is int}

    def filled(found: re.Match[str]) -> str:
        return numbers.get(found[1]) or f'(SELECT "{found[1]}" FROM "{BOUND}")'

    row = {name: [value] for name, value in given.items() if name not in numbers}
    data = {BOUND: pa.table({name: pa.array(value, _kind(value[0])) for name, value in row.items()})} if row else {}
    return {name: _GIVEN.sub(filled, select) for name, select in selects.items()}, data


def _kind(value: Any) -> pa.DataType | None:
    """Of an empty list too it has to be known what it would hold."""
    return pa.list_(pa.string()) if isinstance(value, list) else None
