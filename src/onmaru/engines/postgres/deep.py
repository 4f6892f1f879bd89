"""Index rows of a tenant compared with a rebuild of them from its log, made in a scratch SQLite index beside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onmaru.engines.index.tables import NAMES
from onmaru.engines.postgres.link import Link

PART = 10_000
_COLUMNS = {
    "ver": ("t", "rid", "type", "live", "pats"),
    "hist": ("rid", "t"),
    "dead": ("by", "t"),
    "comp": ("rid", "t"),
    "link": ("rid", "t"),
    "heir": ("rid", "t"),
    "pc": ("rid", "sp", "c", "s", "t"),
    "tok": ("sp", "c", "s", "t"),
    "ref": ("sp", "rid", "t"),
    "dat": ("sp", "lo", "hi", "t"),
    "str": ("sp", "norm", "t"),
    "qty": ("sp", "value", "c", "s", "t"),
    "txt": ("sp", "norm", "c", "s"),
}
_PEOPLE = """(SELECT string_agg(p.id, ',' ORDER BY p.id) FROM res p
 WHERE pats <> '' AND p.rid = ANY(string_to_array(pats, ',')::int4[]))"""
_SHOWN = {"rid": "r.type || '/' || r.id", "s": 'y.url COLLATE "C"', "pats": _PEOPLE}
_JOINS = {"rid": " LEFT JOIN res r ON r.rid = {0}.rid", "s": " LEFT JOIN sys y ON y.s = {0}.s"}


def named(link: Link, table: str) -> Iterator[tuple[Any, ...]]:
    """A table's rows in order, with names for the surrogate keys that depend on what was followed when.

    Gives the rows that the SQLite engine's own `named` gives; read through a cursor, so in a transaction.
    """
    if table not in NAMES:
        raise ValueError("not a table of the index")
    columns = _COLUMNS[table]
    shown = [_SHOWN.get(one, f"{table}.{one}") for one in columns]
    joins = "".join(_JOINS[one].format(table) for one in columns if one in _JOINS)
    order = ", ".join(f"{number} NULLS FIRST" for number in range(1, len(shown) + 1))
    link.script(f"DECLARE rows_{table} CURSOR FOR SELECT {', '.join(shown)} FROM {table}{joins} ORDER BY {order}")
    try:
        while some := link.execute(f"FETCH {PART} FROM rows_{table}"):
            yield from some
    finally:
        link.script(f"CLOSE rows_{table}")
