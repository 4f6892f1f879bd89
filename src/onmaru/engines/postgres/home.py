"""One worker's part in a tenant: log, index and trail in one schema that other workers of the same tenant use beside it.

Who appends holds the lock of the head's row from the first draft of a group to its commit, so positions are dense and a
condition evaluated at the tip holds; a foreign epoch stops the worker. The disk is waited for after the lock is let go.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from asyncpg import InsufficientPrivilegeError

from onmaru.engines.chain import Chain
from onmaru.engines.postgres.follower import PgIndex
from onmaru.engines.postgres.link import Link
from onmaru.engines.postgres.log import PUT, PgLog
from onmaru.engines.postgres.renewal import renew
from onmaru.engines.postgres.schema import FORMAT, prepare, schema_of, unsample
from onmaru.engines.postgres.tables import PgTables
from onmaru.engines.postgres.trail import PgTrail
from onmaru.engines.sqlite.connection import Keys
from onmaru.engines.sqlite.home import Taken, hold
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.kernel.log import Draft, Moved, Version
from onmaru.kernel.timing import Timing

_HEAD = "SELECT h.t, h.at, h.seal, h.epoch, h.rid, (SELECT coalesce(max(m.t), 0) FROM mark m) FROM head h"
# Erased index words leave the pages when these are cleaned
_WORDS = ("body", "str", "txt", "toks", "refs", "dats", "qty", "pcs", "comps", "ver", "link", "heir")

_CLEAR = ("str", "txt")
# Bytes of a table and its indexes that are written anew within a few seconds
_ANEW = 256 << 20


class Mark(NamedTuple):
    """How far a commit reached, and whether entries (1) and audit rows (2) of it have yet to reach the disk."""

    t: int
    files: tuple[int, ...]


class PgHome:
    """Log (kernel/log.py) of one tenant with its index. Not thread-safe but for `sync`.

    `listeners` are told each version that another worker appended, before any reader is answered with it.
    """

    def __init__(self, address: str, keys: Keys, now: Callable[[], int], folder: Path | None = None) -> None:
        self._lock_of = None if folder is None else hold(folder / "home.lock")
        self.schema = schema = schema_of(keys.tenant)
        self.address, self.keys = address, keys
        self.synced = Timing()
        self._now = now
        self._link = Link(address, schema, synchronous=False)
        prepare(self._link, keys.tenant, (keys.genesis("log"), keys.genesis("audit")))
        if self._link.execute("SELECT value FROM fact WHERE name = 'format'").get != FORMAT:
            raise invalid("not-supported", f"tenant {keys.tenant} was written by another version of Onmaru")
        if self._link.execute("SELECT 1 FROM fact WHERE name = 'moving'"):
            raise Taken(f"{keys.tenant}: it is being moved here; `onmaru move` again finishes that")
        unsample(self._link)
        renew(self._link, keys)
        self._disk = Link(address, schema)
        self._beside = Link(address, schema)
        self.worker = uuid.uuid4().hex
        self.listeners: list[Callable[[Version], None]] = []
        row = self._settled_at_opening()
        self.entries = PgLog(self._link, keys.pages, self._chain(row))
        self.epoch = self.entries.chain.epoch
        # How far this worker itself has committed
        self._reached = row[0]
        self.index = PgIndex(PgTables(self._link, keys.codes, row[0], row[4] + 1), self.entries)
        self.trail = PgTrail(self._beside, keys)
        self.index.tables.ready()
        self._link.prepare(PUT)

    def _settled_at_opening(self) -> Any:
        """The head, and all of it durable: what a worker that died had appended was written, if not yet to the disk."""
        row = self._link.execute(_HEAD).fetchone()
        self._disk.execute("SELECT settle(?, ?)", (self.worker, row[0]))
        self._disk.execute("DELETE FROM mark WHERE t < (SELECT max(t) FROM mark) AND worker <> ?", (self.worker,))
        return row

    def _chain(self, row: Any) -> Chain:
        return Chain(self.keys.seals, self._now, row[0], row[1], row[2], row[3])

    def append(self, expected: int, drafts: Sequence[Draft]) -> Sequence[Version]:
        """Append under the lock of the head and note for the index; visible to this worker at once."""
        self._lock()
        if expected != self.tip():
            self._let_go_soon()
            raise Moved
        made = self.entries.append(drafts)
        for version, draft in zip(made, drafts, strict=True):
            self.index.add(version, draft.keys)
        return made

    def _lock(self) -> None:
        """Hold the append lock, and know all that was appended before."""
        if self._link.in_transaction:
            return
        self._held()
        self._link.script("BEGIN")
        try:
            row = self._link.execute(_HEAD + " FOR UPDATE OF h").fetchone()
            self._learn(row)
            self._fenced(row)
        except BaseException:
            self._link.script("ROLLBACK")
            raise

    def _held(self) -> None:
        """What is pending was decided under a lock; where that was lost with its connection, all of it is given up."""
        if self.entries.pending and not self._link.in_transaction:
            self._give_up()
            raise invalid("transient", "the database went away before this was written", status=503)

    def _fenced(self, row: Any) -> None:
        if row[3] != self.epoch:
            raise invalid("transient", "this tenant has moved to another leader", status=503)

    def _learn(self, row: Any) -> None:
        """Take in what other workers appended up to the head in `row`."""
        t, _, _, epoch, rid, durable = row
        if t > self.tip() and epoch == self.epoch:
            after = self.tip()
            erased = [p for (p,) in self._link.execute("SELECT t FROM erased WHERE by > ? AND by <= ?", (after, t))]
            self.index.heard(t, rid + 1, erased)
            self.entries.chain = self._chain(row)
            if self.listeners:
                for version in self.entries.between(after, t):
                    for listener in self.listeners:
                        listener(version)
        self.entries.durable = max(self.entries.durable, min(durable, self.tip()))

    def refresh(self) -> None:
        """Know what other workers have made durable; nothing to be learnt while this one appends."""
        if not self._link.in_transaction:
            self._learn(self._link.execute(_HEAD).fetchone())

    def _let_go_soon(self) -> None:
        """Keep the lock for who decides again at once; let it go when nobody appends in this very turn."""
        try:
            asyncio.get_running_loop().call_soon(self._let_go)
        except RuntimeError:
            self._let_go()

    def _let_go(self) -> None:
        if self._link.in_transaction and not self.entries.pending:
            self._link.script("ROLLBACK")

    def read(self, after: int, limit: int) -> Sequence[Version]:
        """Durable versions in order."""
        return self.entries.read(after, limit)

    def bodies(self, positions: Sequence[int], most: int) -> tuple[int, list[bytes]]:
        """Many bodies, on the connection that audit rows are written on."""
        return self.entries.many(self._beside, positions, most)

    def head(self) -> int:
        """The durable head, as far as this worker knows."""
        return self.entries.durable

    def tip(self) -> int:
        """The appended head, as far as this worker knows."""
        return self.entries.chain.t

    def wait(self, t: int) -> None:
        """Commit and reach the disk now, when `t` is not durable yet or audit rows wait."""
        if t > self.head() or self.waiting():
            mark = self.commit()
            self.sync(mark)
            self.settle(mark)

    def waiting(self) -> bool:
        """Whether anything is buffered."""
        return self.appended or self.trail.waiting

    @property
    def appended(self) -> bool:
        """Whether this worker appended what is not durable yet."""
        return bool(self.entries.pending) or self._reached > self.head()

    def ends(self) -> tuple[int, str, int, str]:
        """Where both chains stand, durably: position, seal, block, seal of the block."""
        t = self.head()
        return t, self.entries.seal_at(t, self.keys.genesis("log")).hex(), self.trail.block, self.trail.seal.hex()

    def commit(self) -> Mark:
        """Commit the group, entries and audit rows."""
        rows = self.commit_trail()
        entries = self.commit_entries()
        return Mark(entries.t, (*entries.files, *rows.files))

    def commit_entries(self) -> Mark:
        """Put the buffered entries and their index rows, commit, and let the lock go."""
        self._held()
        if self.entries.pending:
            try:
                self.index.apply()
                self.entries.put(self.index.tables.last_rid)
                self._link.script("COMMIT")
            except BaseException:
                self._give_up()
                raise
            self.entries.written()
            self._reached = self.tip()
        return Mark(self._reached, (1,) if self._reached > self.head() else ())

    def _give_up(self) -> None:
        """The group could not be written: none of it was, and nobody was told that it is. Begin again from the database."""
        if self._link.in_transaction:
            self._link.script("ROLLBACK")
        row = self._link.execute(_HEAD).fetchone()
        self.entries.given_up(self._chain(row))
        self.index.given_up()
        self.index.file = self.index.tables = PgTables(self._link, self.keys.codes, row[0], row[4] + 1)

    def commit_trail(self) -> Mark:
        """Hand the buffered audit rows over, for `sync` to store."""
        self.trail.take()
        return Mark(self.head(), (2,) if self.trail.waiting else ())

    @property
    def large(self) -> bool:
        """A group goes in a few statements, however large."""
        return False

    def follow(self, t: int) -> bool:
        """The index is written with the group."""
        return False

    def sync(self, mark: Mark) -> None:
        """Wait until what the group wrote is on the disk, and tell the other workers."""
        started = perf_counter()
        if 2 in mark.files:
            self.trail.store()
        if 1 in mark.files:
            self._disk.execute("SELECT settle(?, ?)", (self.worker, mark.t))
        self.synced.add(perf_counter() - started)

    def settle(self, mark: Mark) -> None:
        """The group is on the disk: move the durable head."""
        self.entries.durable = max(self.entries.durable, min(mark.t, self.tip()))

    def grown(self, limit: int) -> list[Any]:
        """Its write-ahead log is the database's own business."""
        return []

    def tidy(self, limit: int) -> None:
        """See `grown`."""

    def reader(self) -> Link:
        """A connection of its own to the log's headers, for a thread that looks them through."""
        return Link(self.address, self.schema)

    def emptied(self) -> bool:
        """Have the database clean the pages that erased rows lay in, and give up what its write-ahead log told of them.

        A cleaned page keeps old bytes in its gaps, so the tables of words in clear are written anew unless they are too
        large for others to wait; False while another worker reads there. The log's segments go where the database's
        administrator has granted that (docs/operate/erasure.md), else in their time.
        """
        self.wait(self.tip())
        for table in _WORDS:
            self._disk.script(f"VACUUM {table}")
        try:
            self._disk.script("SET lock_timeout = '300ms'")
            for table in _CLEAR:
                ((size,),) = self._disk.execute("SELECT pg_total_relation_size(to_regclass(?))", (table,))
                if size <= _ANEW:
                    self._disk.script(f"VACUUM (FULL) {table}")
        except Invalid:
            return False
        finally:
            self._disk.script("RESET lock_timeout")
        for asked in ("SELECT pg_switch_wal()", "CHECKPOINT"):
            with suppress(InsufficientPrivilegeError):
                self._disk.script(asked)
        return True

    def close(self) -> None:
        """Make everything durable and leave."""
        self.wait(self.tip() + 1)
        self._let_go()
        for link in (self._link, self._disk, self._beside):
            link.close()
        if self._lock_of is not None:
            os.close(self._lock_of)
