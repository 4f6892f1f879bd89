"""The index tables made anew from the log, where another version of Onmaru made them: in one transaction, under the append
lock. Killed at any instant, the old tables stand and the next opening begins again.
"""

from __future__ import annotations

from onmaru.engines.chain import Chain
from onmaru.engines.index.follower import decoded
from onmaru.engines.postgres.link import Link
from onmaru.engines.postgres.log import PgLog
from onmaru.engines.postgres.schema import INDEX, remake
from onmaru.engines.postgres.tables import PgTables
from onmaru.engines.sqlite.connection import Keys

SLICE = 500


def renew(link: Link, keys: Keys) -> None:
    """See to it that the index is of this version's format."""
    if _is_current(link):
        return
    with link.transaction():
        t, rid = link.execute("SELECT t, rid FROM head FOR UPDATE").fetchone()
        if _is_current(link):  # another worker was quicker
            return
        remake(link)
        tables = PgTables(link, keys.codes, 0, rid + 1)
        log = PgLog(link, keys.pages, Chain(keys.seals, lambda: 0, t, 0, b"", 0))
        while batch := log.read(tables.position, SLICE):
            tables.apply([(version, decoded(version)) for version in batch])
        link.execute("UPDATE head SET rid = ?", (tables.last_rid,))
        noted = "INSERT INTO fact VALUES('index', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        link.execute(noted, (INDEX,))


def _is_current(link: Link) -> bool:
    return bool(link.execute("SELECT value FROM fact WHERE name = 'index'").get == INDEX)
