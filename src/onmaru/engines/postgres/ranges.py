"""Ranges of the index tables as bitmaps, kept by the worker: what was read once is asked for again only from there on.

Rows are only added, and at positions above all before, so a range that is known up to a position lacks nothing but what
came after it. Of one key's range not even that, while only this worker wrote: its own rows are added as they are put. An
erasure, or a group that is given up, forgets all of them.
"""

from __future__ import annotations

import re
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from pyroaring import BitMap

from onmaru.engines.postgres.groups import GROUPS, PIECE
from onmaru.engines.postgres.link import Link
from onmaru.engines.postgres.schema import COLUMNS

# About how many bytes they may take in memory
KEPT = 64 << 20
# What a range costs beside its positions, two bytes each
OWN = 400
_KEYED = re.compile(r"SELECT t FROM (\w+) WHERE (\w+ = \?(?: AND \w+ = \?)*)")
Values = tuple[object, ...] | Mapping[str, object]


class Ranges:
    """Positions by statement and values, with the position up to which each is known."""

    def __init__(self, link: Link, position: int) -> None:
        self._link = link
        # Since when nobody but this worker has written
        self._alone = position
        # Whether a statement asks for one key; by table those that do, with the places of its columns
        self._followed: dict[str, bool] = {}
        self._keyed: dict[str, dict[str, tuple[int, ...]]] = {}
        self._known: OrderedDict[tuple[object, ...], tuple[BitMap, int]] = OrderedDict()
        self._bytes = 0

    def read(self, sql: str, values: Values, upto: int) -> BitMap:
        """The positions that `SELECT t FROM … WHERE …` names; all that there are up to the position `upto`, at least."""
        key = _key(sql, values)
        found, known = self._known.get(key, (None, 0))
        if found is None or known < upto:
            followed = self._follows(sql)
            if found is None or known < self._alone or not followed:
                found = self._more(found or BitMap(), sql, values, known)
            self._keep(key, found, upto)
        else:
            self._known.move_to_end(key)
        return found.copy()

    def _follows(self, sql: str) -> bool:
        """Whether a statement asks for one key's range: from its first time on, rows that are put are added to it."""
        if sql not in self._followed:
            keyed = _KEYED.fullmatch(sql)
            self._followed[sql] = keyed is not None
            if keyed is not None:
                names = COLUMNS[keyed[1]]
                asked = tuple(names.index(one) for one in keyed[2].replace(" = ?", "").split(" AND "))
                self._keyed.setdefault(keyed[1], {})[sql] = asked
        return self._followed[sql]

    def put(self, rows: Mapping[str, Iterable[tuple[Any, ...]]]) -> None:
        """This worker puts these rows."""
        for table, statements in self._keyed.items():
            place = COLUMNS[table].index("t")
            for row in rows.get(table, ()):
                for sql, asked in statements.items():
                    kept = self._known.get((sql, *[row[one] for one in asked]))
                    if kept is not None:
                        kept[0].add(row[place])
                        self._bytes += 2

    def others(self, upto: int) -> None:
        """Other workers wrote, up to this position."""
        self._alone = upto

    def whole(self, sql: str, values: Values, at: int) -> BitMap:
        """The positions in the one array that a statement gives; asked again when `at` is not where it was asked."""
        key = _key(sql, values)
        found, known = self._known.get(key, (None, 0))
        if found is None or known != at:
            found = BitMap(self._link.execute(sql, values).get or ())
            self._keep(key, found, at)
        return found.copy()

    def _more(self, found: BitMap, sql: str, values: Values, known: int) -> BitMap:
        since: Values
        if isinstance(values, Mapping):
            since = {**values, "since": known, "piece": known >> PIECE}
        else:
            since = (*values, known, *([known >> PIECE] if _grouped(sql) else ()))
        fresh = self._link.execute(_since(sql, named=isinstance(values, Mapping)), since).get
        return found | BitMap(fresh) if fresh else found

    def _keep(self, key: tuple[object, ...], found: BitMap, upto: int) -> None:
        before = self._known.pop(key, None)
        self._bytes += _weight(found) - (_weight(before[0]) if before else 0)
        self._known[key] = found, upto
        while self._bytes > KEPT:
            _, (gone, _) = self._known.popitem(last=False)
            self._bytes -= _weight(gone)

    def forget(self) -> None:
        """Nothing is known any more."""
        self._known.clear()
        self._bytes = 0


def _key(sql: str, values: Values) -> tuple[object, ...]:
    return (sql, *(values.items() if isinstance(values, Mapping) else map(_short, values)))


def _short(value: object) -> object:
    """A value to tell ranges apart by; of a list of numbers a digest, for it may be long."""
    return blake2b(array("q", value).tobytes(), digest_size=16).digest() if isinstance(value, list) else value


def _weight(found: BitMap) -> int:
    return OWN + 2 * len(found)


@lru_cache(maxsize=200)
def _since(sql: str, *, named: bool) -> str:
    """The same for positions beyond one that is bound last, as one array: a row each would cost ten times as much."""
    head, _, where = sql.partition(" WHERE ")
    source = head.removeprefix("SELECT t ")
    more = f" AND piece >= {':piece' if named else '?'}" if _grouped(sql) else ""
    return f"SELECT array_agg(t) {source} WHERE ({where}) AND t > {':since' if named else '?'}{more}"


@lru_cache(maxsize=200)
def _grouped(sql: str) -> bool:
    """Whether the rows that a statement reads lie together (groups.py), a piece of the log in reach of their index."""
    return sql.removeprefix("SELECT t FROM ").partition(" ")[0] in GROUPS
