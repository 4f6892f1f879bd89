"""Index rows that lie together: those of one key that come in one batch are one row of the database's, which no index of
its own covers twice.

Their one law: a view of the table's own name shows each position by itself, so whoever reads need not know of it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import NamedTuple

# Positions of one piece, as a power of two: of a long range a worker reads again only the pieces since it last looked
PIECE = 14
# How far apart those that lie together may be
SPAN = 2**15 - 1


class Group(NamedTuple):
    """What holds the rows of one table, and by what they are found."""

    table: str
    found: str


_SINCE = f"(t >> {PIECE})"
GROUPS = {
    "comp": Group("comps", f"rid, {_SINCE}"),
    # A patient's rows lie side by side and are few: what the code leaves open is looked at
    "pc": Group("pcs", "rid, c"),
    "tok": Group("toks", f"sp, c, s, {_SINCE}"),
    "ref": Group("refs", f"sp, rid, {_SINCE}"),
    "dat": Group("dats", "sp, lo, hi"),
}


def made(columns: Mapping[str, Sequence[str]], types: Mapping[str, Sequence[str]]) -> str:
    """The statements that make them. `t` is the position of a row alone; of several one that none is behind.

    `more`: how far before it each of several is. A row has 24 bytes of the database's own and an index over all columns
    as much again; so no index is unique, and equal keys are kept once in each of its pages.
    """
    return "".join(_made(name, dict(zip(columns[name], types[name], strict=True)), GROUPS[name]) for name in GROUPS)


def _made(name: str, columns: Mapping[str, str], group: Group) -> str:
    # The wide ones first, so that nothing lies between
    lying = ", ".join(f"{one} {type}" for one, type in sorted(columns.items(), key=lambda held: held[1] != "int8"))
    keys = ", ".join(one for one in columns if one != "t")
    return f"""
CREATE TABLE {group.table}({lying}, more int2[]);
CREATE INDEX {group.table}_of ON {group.table}({group.found});
CREATE VIEW {name} AS SELECT {keys}, t - unnest(coalesce(more, '{{0}}')) AS t, {_SINCE} AS piece FROM {group.table};
"""


def putting(columns: Mapping[str, Sequence[str]], types: Mapping[str, Sequence[str]], kept: Container[str]) -> str:
    """One statement that inserts rows into all tables, each given as one array a column, and last a position.

    No row is behind that, nor more than SPAN before it. Of the tables `kept` rows that are there are left as they are;
    looking for them doubles what an insert costs.
    """
    last = f"${1 + sum(map(len, types.values()))}::int4"
    return _putting(types, lambda table, rows: _several(table, columns, rows, last, kept))


def putting_one(columns: Mapping[str, Sequence[str]], types: Mapping[str, Sequence[str]], kept: Container[str]) -> str:
    """The same for the rows of one version, of which no two lie together; without a position."""
    return _putting(types, lambda table, rows: _single(table, columns, rows, kept))


def _putting(types: Mapping[str, Sequence[str]], inserted: Callable[[str, str], str]) -> str:
    parts, count = [], 0
    for number, (table, each) in enumerate(types.items()):
        arrays = ", ".join(f"${count + n}::{type}[]" for n, type in enumerate(each, start=1))
        count += len(each)
        parts.append(f"p{number} AS (INSERT INTO {inserted(table, f'unnest({arrays})')})")
    return f"WITH {', '.join(parts)} SELECT 1"


def _single(table: str, columns: Mapping[str, Sequence[str]], rows: str, kept: Container[str]) -> str:
    into = f"{GROUPS[table].table}({', '.join(columns[table])})" if table in GROUPS else table
    return f"{into} SELECT * FROM {rows}" + (" ON CONFLICT DO NOTHING" if table in kept else "")


def _several(table: str, columns: Mapping[str, Sequence[str]], rows: str, last: str, kept: Container[str]) -> str:
    if table not in GROUPS:
        return _single(table, columns, rows, kept)
    keys = ", ".join(one for one in columns[table] if one != "t")
    return (
        f"{GROUPS[table].table}({keys}, t, more) SELECT {keys}, CASE WHEN count(*) > 1 THEN {last} ELSE max(t) END,"
        f" CASE WHEN count(*) > 1 THEN array_agg(({last} - t)::int2) END"
        f" FROM {rows} AS w({', '.join(columns[table])}) GROUP BY {keys}"
    )


# What lies together with a position that was taken is written anew without it. The table `taken` has the positions
_ALONE = "DELETE FROM {0} WHERE more IS NULL AND t IN (SELECT t FROM taken)"
_AMONG = """UPDATE {0} SET
 more = ARRAY(SELECT o FROM unnest(more) o WHERE NOT EXISTS (SELECT FROM taken k WHERE k.t = {0}.t - o))
 WHERE EXISTS (SELECT FROM unnest(more) o JOIN taken k ON k.t = {0}.t - o)"""
_NOTHING = "DELETE FROM {0} WHERE more = '{{}}'"


def taking(table: str) -> Sequence[str]:
    """The statements, one after the other, that leave of the positions in `taken` nothing in a table."""
    return [one.format(GROUPS[table].table) for one in (_ALONE, _AMONG, _NOTHING)]
