"""A tenant's record between a home and the database, whole and verbatim: the same entries, salts, seals and audit blocks.

The index is made anew on the other side; nothing is deleted on this one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import apsw
import msgspec
import zstandard

from onmaru.engines.chain import version_of
from onmaru.engines.index.follower import decoded
from onmaru.engines.postgres.bodies import Box
from onmaru.engines.postgres.link import Link, columns
from onmaru.engines.postgres.log import PUT
from onmaru.engines.postgres.schema import prepare, schema_of
from onmaru.engines.postgres.tables import PgTables
from onmaru.engines.sqlite import log as sqlite_log
from onmaru.engines.sqlite import trail as sqlite_trail
from onmaru.engines.sqlite.connection import Keys, connect
from onmaru.engines.sqlite.home import Home
from onmaru.kernel.log import Version

SLICE = 500
FILES = ("log.db", "audit.db", "idx.db")
_BESIDE = ("", "-wal", "-shm")
Told = Callable[[int], None]
Rows = Sequence[tuple[Any, ...]]
_ENTRIES = "SELECT t, ver, op, at, caller, purpose, request, epoch, com, seal FROM entry WHERE t > ? ORDER BY t LIMIT ?"
_BODIES = "SELECT t, salt, type, id, z FROM body WHERE t > ? AND t <= ? ORDER BY t"
_ERASED = "SELECT t, by FROM erased ORDER BY t"
_BLOCKS = "SELECT n, first, rows, seal FROM block WHERE n > ? ORDER BY n LIMIT ?"


class Occupied(Exception):
    """There is a record of this tenant where it was to be moved."""


def to_database(address: str, folder: Path, keys: Keys, told: Told) -> None:
    """Copy a tenant from its files, which nobody may have open, into the database. `told`: how far it has come.

    Nobody can serve it there before `arrived`.
    """
    schema, genesis = schema_of(keys.tenant), (keys.genesis("log"), keys.genesis("audit"))
    link = Link(address, schema)
    source, trail = (connect(folder / name, keys.pages, readonly=True) for name in FILES[:2])
    try:
        _cleared(link, schema)
        prepare(link, keys.tenant, genesis)
        link.execute("INSERT INTO fact VALUES('moving', '')")
        _entries_in(link, source, keys, told)
        _blocks_in(link, trail, keys)
        link.execute("INSERT INTO mark SELECT 'moved', t FROM head")
    finally:
        for one in (link, source, trail):
            one.close()


def arrived(address: str, tenant: str) -> None:
    """What was copied into the database is served there from now on."""
    link = Link(address, schema_of(tenant))
    try:
        link.execute("DELETE FROM fact WHERE name = 'moving'")
    finally:
        link.close()


def _cleared(link: Link, schema: str) -> None:
    """Take away what a move that was cut short has left; Occupied when a whole record is there."""
    if not link.execute("SELECT 1 FROM pg_namespace WHERE nspname = ?", (schema,)):
        return
    if not link.execute("SELECT 1 FROM fact WHERE name = 'moving'") and link.execute("SELECT 1 FROM entry LIMIT 1"):
        raise Occupied
    link.script(f'DROP SCHEMA "{schema}" CASCADE')


def _entries_in(link: Link, source: apsw.Connection, keys: Keys, told: Told) -> None:
    box, tables, t = Box(keys.pages, "bodies"), PgTables(link, keys.codes, 0, 1), 0
    erased: Rows = source.execute(_ERASED).fetchall()
    while entries := _all(source, _ENTRIES, (t, SLICE)):
        first, t = t, entries[-1][0]
        bodies = _all(source, _BODIES, (first, t))
        packed = [(*row[:4], None if row[4] is None else box.seal(row[0], row[4])) for row in bodies]
        with link.transaction():
            tables.apply([(one, decoded(one)) for one in _versions(source, first, t)])
            last = entries[-1]
            values = (*columns(entries), *(columns(packed) or [()] * 5), t, last[3], last[9], tables.last_rid)
            link.execute(PUT, values)
        told(len(entries))
    with link.transaction():
        link.executemany("INSERT INTO erased VALUES(?, ?)", erased)
        # Whoever still serves the tenant elsewhere is not its leader any more
        link.execute("UPDATE head SET epoch = 1 + (SELECT coalesce(max(epoch), 0) FROM entry)")


def _versions(source: apsw.Connection, after: int, t: int) -> list[Version]:
    rows = source.execute(sqlite_log.SELECT + "WHERE e.t > ? AND e.t <= ? ORDER BY e.t", (after, t))
    return [version_of(row) for row in rows]


def _blocks_in(link: Link, trail: apsw.Connection, keys: Keys) -> None:
    box, n = Box(keys.pages, "audit"), 0
    unpack = zstandard.ZstdDecompressor().decompress
    while blocks := _all(trail, _BLOCKS, (n, SLICE)):
        n = blocks[-1][0]
        sealed = [(number, first, box.seal(number, rows), seal) for number, first, rows, seal in blocks]
        number, first, rows, seal = blocks[-1]
        with link.transaction():
            link.executemany("INSERT INTO block VALUES(?, ?, ?, ?)", sealed)
            following = first + len(msgspec.msgpack.decode(unpack(rows)))
            link.execute("UPDATE tail SET n = ?, next = ?, seal = ?", (number, following, seal))


def to_home(address: str, folder: Path, keys: Keys, now: Callable[[], int], told: Told) -> None:
    """Copy a tenant from the database into files, with an index; workers that serve it are stopped by a later epoch."""
    if any((folder / name).exists() for name in FILES):
        raise Occupied
    link = Link(address, schema_of(keys.tenant))
    scratch = [folder / f"{name}.moving" for name in FILES[:2]]
    for path in scratch:
        for suffix in _BESIDE:
            Path(f"{path}{suffix}").unlink(missing_ok=True)
    target, trail = (connect(path, keys.pages) for path in scratch)
    try:
        link.execute("UPDATE head SET epoch = epoch + 1")
        target.execute(sqlite_log.SCHEMA)
        trail.execute(sqlite_trail.SCHEMA)
        _entries_out(link, target, keys, told)
        _blocks_out(link, trail, keys)
    finally:
        for one in (link, target, trail):
            one.close()
    for path in scratch:
        path.rename(path.with_suffix(""))
    Home(folder, keys, now).close()


def _entries_out(link: Link, target: apsw.Connection, keys: Keys, told: Told) -> None:
    box, t = Box(keys.pages, "bodies"), 0
    while entries := _all(link, _ENTRIES, (t, SLICE)):
        first, t = t, entries[-1][0]
        bodies = _all(link, _BODIES, (first, t))
        with target:
            target.executemany(sqlite_log.ENTRY, entries)
            opened = [(*row[:4], None if row[4] is None else box.open(row[0], row[4])) for row in bodies]
            target.executemany(sqlite_log.BODY, opened)
        told(len(entries))
    target.executemany("INSERT INTO erased VALUES(?, ?)", link.execute(_ERASED))


def _blocks_out(link: Link, trail: apsw.Connection, keys: Keys) -> None:
    box, n = Box(keys.pages, "audit"), 0
    while blocks := _all(link, _BLOCKS, (n, SLICE)):
        n = blocks[-1][0]
        with trail:
            opened = [(number, first, box.open(number, rows), seal) for number, first, rows, seal in blocks]
            trail.executemany("INSERT INTO block VALUES(?, ?, ?, ?)", opened)


def _all(source: Any, sql: str, values: tuple[int, ...]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = source.execute(sql, values).fetchall()
    return found


def set_aside(address: str, tenant: str, name: str) -> None:
    """Give the tenant's schema another name, under which nobody serves it."""
    link = Link(address, "")
    try:
        link.script(f'ALTER SCHEMA "{schema_of(tenant)}" RENAME TO "{name}"')
    finally:
        link.close()
