"""The Log in SQLite: `entry` holds the sealed headers for ever, `body` what can be erased, both by position."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import apsw

from onmaru.engines.chain import Body, Chain, Row, version_of
from onmaru.engines.packing import packer
from onmaru.engines.sqlite.bodies import Bodies
from onmaru.engines.sqlite.connection import Keys, connect
from onmaru.engines.sqlite.group import HEAVY, Group
from onmaru.kernel.log import Draft, Moved, Version

SCHEMA = """
CREATE TABLE IF NOT EXISTS entry(
  t INTEGER PRIMARY KEY, ver INTEGER NOT NULL, op TEXT NOT NULL, at INTEGER NOT NULL, caller TEXT NOT NULL,
  purpose TEXT NOT NULL, request TEXT NOT NULL, epoch INTEGER NOT NULL, com BLOB NOT NULL, seal BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS body(t INTEGER PRIMARY KEY, salt BLOB, type TEXT, id TEXT, z BLOB);
CREATE TABLE IF NOT EXISTS erased(t INTEGER PRIMARY KEY, by INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS fact(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
"""
# What nearly every version is: one that was not erased. Two questions by row id cost a third less than a join.
HEADER = "SELECT ver, op, at, caller, purpose, request FROM entry WHERE t = ?"
STORED = "SELECT type, id, z FROM body WHERE t = ?"
ENTRY = "INSERT INTO entry VALUES(?,?,?,?,?,?,?,?,?,?)"
BODY = "INSERT INTO body VALUES(?,?,?,?,?)"
# The name of an erased version is that of the erasure which took it.
SELECT = """SELECT e.t, coalesce(b.type, y.type), coalesce(b.id, y.id), e.ver, e.op, e.at, b.z,
 e.caller, e.purpose, e.request
FROM entry e LEFT JOIN body b ON b.t = e.t LEFT JOIN erased x ON x.t = e.t LEFT JOIN body y ON y.t = x.by """


class SqliteLog:
    """One tenant's log. Appends collect in memory, `commit` writes them as one group, `settle` moves the durable head.

    A large group is written in slices (`begin`, `write`, `finish`, `ended`); what comes meanwhile goes with the next.
    """

    def __init__(self, folder: Path, keys: Keys, now: Callable[[], int]) -> None:
        self.path = folder / "log.db"
        self.db = connect(self.path, keys.pages, cache_mb=64)
        self.db.execute(SCHEMA)
        last: Any = self.db.execute("SELECT t, at, seal, epoch FROM entry ORDER BY t DESC LIMIT 1").fetchone()
        start = last or (0, 0, keys.genesis("log"), 1)
        self._chain = Chain(keys.seals, now, *start)
        self._durable = self._chain.t
        self.pending: list[Version] = []
        self._entries: list[Row] = []
        self._bodies: list[Body] = []
        self.buffered = 0
        self.group: Group | None = None
        self._finishing = threading.Lock()
        self._lent = False
        self._pages = keys.pages
        self._beside: apsw.Connection | None = None
        self._erasures: list[tuple[int, Sequence[int]]] = []
        self.stored = Bodies(self.path, keys.pages)
        self._pack = packer()

    def tip(self) -> int:
        """The last appended position."""
        return self._chain.t

    def head(self) -> int:
        """The last durable position."""
        return self._durable

    def append(self, expected: int, drafts: Sequence[Draft]) -> Sequence[Version]:
        """Give positions; stamp, seal and buffer. Raise Moved when the tip is not `expected`."""
        if expected != self._chain.t:
            raise Moved
        salts = os.urandom(16 * len(drafts))
        made = [self._one(draft, salts[16 * n : 16 * n + 16]) for n, draft in enumerate(drafts)]
        self.pending += made
        return made

    def _one(self, draft: Draft, salt: bytes) -> Version:
        version, entry, body = self._chain.add(draft, salt)
        self._entries.append(entry)
        self._bodies.append(body)
        self.buffered += 2000 + len(body[4] or b"")
        if draft.op == "erase":
            self._erasures.append((version.t, draft.erases))
        return version

    @property
    def seal(self) -> bytes:
        """The seal at the tip."""
        return self._chain.seal

    def commit(self) -> int:
        """Write everything buffered, a group under way first; not yet durable. Returns the position it reaches."""
        while self.group is not None or self._entries:
            group = self.group or self.begin()
            while self.write(group):
                pass
            self.finish(group)
            self.ended(group)
        return self._chain.t

    def begin(self) -> Group:
        """Take what is buffered as one group: `write` until that says False, `finish`, `ended`. Only `commit` may cut in."""
        light = [row for row in self._bodies if len(row[4] or b"") < HEAVY]
        heavy = [row for row in self._bodies if len(row[4] or b"") >= HEAVY]
        self.group = group = Group(self._chain.t, self._entries, light, heavy, self._erasures)
        self._entries, self._bodies, self._erasures, self.buffered = [], [], [], 0
        return group

    def write(self, group: Group) -> bool:
        """Put a short slice of the group into its transaction; False when only `finish` is left to do."""
        entries = group.next_entries()
        bodies = () if entries else group.next_bodies()
        if entries or bodies:
            with group.undone_on_error(self.db):
                self.db.executemany(ENTRY, entries)
                self.db.executemany(BODY, map(self._packed, bodies))
        return bool(entries or bodies)

    def finish(self, group: Group) -> None:
        """Write what is heavy and commit. In another thread only between `lend` and `ended`."""
        with self._finishing:
            if group.done:
                return
            with group.undone_on_error(self.db):
                self.db.executemany(BODY, map(self._packed, group.heavy))
                for t, taken in group.erasures:
                    self._erase(t, taken)
                self.db.execute("COMMIT")
            group.done = True

    def lend(self) -> None:
        """Another thread is about to `finish`: until `ended`, read on a connection of our own."""
        self._lent = True

    def ended(self, group: Group) -> None:
        """The group is in the file, whichever thread put it there."""
        self._lent = False
        if self.group is group and group.done:
            self.group = None
            self.pending = [version for version in self.pending if version.t > group.t]

    def _packed(self, row: Body) -> Body:
        t, salt, type, id, body = row
        return t, salt, type, id, None if body is None else self._pack(body)

    @property
    def reader(self) -> apsw.Connection:
        """The connection to read on just now."""
        if not self._lent:
            return self.db
        if self._beside is None:
            self._beside = connect(self.path, self._pages, cache_mb=16, readonly=True)
        return self._beside

    def _erase(self, by: int, taken: Sequence[int]) -> None:
        """Take salt, type, id and body of earlier versions; their headers and the chain stay.

        The erasure's own row keeps type, id and these positions, so that a reader is told 410, a follower knows whom to
        forget, and nobody can take another body away in its name.
        """
        self.db.executemany("INSERT OR REPLACE INTO erased VALUES(?,?)", [(t, by) for t in taken])
        self.db.executemany("DELETE FROM body WHERE t = ?", ((t,) for t in taken))

    def settle(self, t: int) -> None:
        """Everything up to `t` has reached the disk."""
        self._durable = max(self._durable, t)

    def read(self, after: int, limit: int) -> Sequence[Version]:
        """Durable versions at after+1 …; an erased one has no body."""
        return versions(self.reader, after, min(limit, self._durable - after))

    def version(self, t: int) -> Version | None:
        """The version at one position, durable or not yet."""
        if self.pending and t >= self.pending[0].t:
            return self.pending[t - self.pending[0].t] if t <= self._chain.t else None
        db = self.reader
        body: Any = db.execute(STORED, (t,)).fetchone()
        if body is None:
            row = db.execute(SELECT + "WHERE e.t = ?", (t,)).fetchone()
            return version_of(row) if row else None
        type, id, z = body
        header: Any = db.execute(HEADER, (t,)).fetchone()
        ver, op, at, caller, purpose, request = header
        return version_of((t, type, id, ver, op, at, z, caller, purpose, request))

    def at(self, microseconds: int) -> int:
        """The last position recorded before `microseconds`, by binary search."""
        low, high = 0, self._chain.t
        pending = {version.t: version.at for version in self.pending}
        while low < high:
            middle = (low + high + 1) // 2
            recorded = pending.get(middle) or self.reader.execute("SELECT at FROM entry WHERE t = ?", (middle,)).get
            low, high = (middle, high) if recorded < microseconds else (low, middle - 1)
        return low

    def seal_at(self, t: int) -> bytes | None:
        """The seal of a written entry, None where there is none."""
        found = self.reader.execute("SELECT seal FROM entry WHERE t = ?", (t,)).get
        return found if isinstance(found, bytes) else None

    def close(self) -> None:
        """Close without writing what is buffered."""
        self.stored.close()
        if self._beside is not None:
            self._beside.close()
        self.db.close()


def versions(db: apsw.Connection, after: int, limit: int) -> list[Version]:
    """At most `limit` versions at after+1 …; an erased one has no body."""
    return [
        version_of(row) for row in db.execute(SELECT + "WHERE e.t > ? ORDER BY e.t LIMIT ?", (after, max(limit, 0)))
    ]
