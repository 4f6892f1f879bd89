"""Index rows of a tenant compared with a rebuild of them from its log, made in a scratch SQLite index beside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from onmaru.engines.chain import Chain
from onmaru.engines.index.follower import SLICE, decoded
from onmaru.engines.index.rows import NAMES
from onmaru.engines.postgres.link import Link
from onmaru.engines.postgres.log import PgLog
from onmaru.engines.postgres.schema import COLUMNS
from onmaru.engines.sqlite import deep
from onmaru.engines.sqlite.index import IndexFile

_PEOPLE = """(SELECT string_agg(p.id, ',' ORDER BY p.id) FROM res p
 WHERE pats <> '' AND p.rid = ANY(string_to_array(pats, ',')::int4[]))"""
_SHOWN = {"rid": "r.type || '/' || r.id", "s": 'y.url COLLATE "C"', "pats": _PEOPLE}
_JOINS = {"rid": " LEFT JOIN res r ON r.rid = {0}.rid", "s": " LEFT JOIN sys y ON y.s = {0}.s"}


def named(link: Link, table: str) -> Iterator[tuple[Any, ...]]:
    """A table's rows in order, with names for the surrogate keys that depend on what was followed when.

    Gives the rows that the SQLite engine's own `named` gives; streamed, so in a transaction.
    """
    if table not in NAMES:
        raise ValueError("not a table of the index")
    columns = COLUMNS[table]
    shown = [_SHOWN.get(one, f"{table}.{one}") for one in columns]
    joins = "".join(_JOINS[one].format(table) for one in columns if one in _JOINS)
    order = ", ".join(f"{number} NULLS FIRST" for number in range(1, len(shown) + 1))
    # What a version with very many keys says twice may be there twice
    return link.stream(f"SELECT DISTINCT {', '.join(shown)} FROM {table}{joins} ORDER BY {order}")


class PgDeep(deep.Deep):
    """Adds to a report on a tenant in PostgreSQL that found nothing wrong so far; within a transaction of `link`."""

    INDEX = "index"

    def compare(self, link: Link, scratch: Path) -> None:
        """Compare index and blobs; `scratch` is an empty folder for the rebuild."""
        rebuilt = self._followed(link, scratch)
        for table in NAMES:
            self._compare(table, named(link, table), deep.named(rebuilt.base, table))
        rebuilt.close()
        log = PgLog(link, self._keys.pages, Chain(self._keys.seals, lambda: 0, rebuilt.position, 0, b"", 0))
        self._own(log.read, scratch)
        self._blobs()

    def _followed(self, link: Link, scratch: Path) -> IndexFile:
        file = IndexFile(scratch, self._keys)
        t: int = link.execute("SELECT t FROM head").get
        log = PgLog(link, self._keys.pages, Chain(self._keys.seals, lambda: 0, t, 0, b"", 0))
        while batch := log.read(file.position, SLICE):
            file.apply([(version, decoded(version)) for version in batch])
        return file
