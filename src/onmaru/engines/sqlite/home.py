"""The home of one tenant: its log, index and trail in one process, committed in groups, fenced against a second home.

A group is written by `commit`, reaches the disk by `sync` (any thread) and is acknowledged by `settle`.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import apsw

from onmaru.engines.keyring import sync_folder
from onmaru.engines.sqlite.connection import Keys, checkpoint, connect, truncated
from onmaru.engines.sqlite.follower import SqliteIndex
from onmaru.engines.sqlite.group import Group
from onmaru.engines.sqlite.index import IndexFile
from onmaru.engines.sqlite.log import SqliteLog
from onmaru.engines.sqlite.trail import SqliteTrail
from onmaru.kernel.log import Draft, Version
from onmaru.kernel.timing import Timing

INDEX_GROUP = 5000
# Buffered bytes, with 2,000 for each entry's own cost, from which a group is written in slices
LARGE = 256 << 10


class Taken(Exception):
    """Another process is this tenant's home."""


class Mark(NamedTuple):
    """How far a commit reached, and the files it wrote that have to be synced."""

    t: int
    files: tuple[int, ...]


class Home:
    """Log (kernel/log.py) of one tenant, with the index applied as it appends. Not thread-safe but for `sync`."""

    def __init__(self, folder: Path, keys: Keys, now: Callable[[], int]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._lock = hold(folder / "home.lock")
        self.keys = keys
        self.synced = Timing()
        self._disk = ThreadPoolExecutor(1, "disk")
        self.entries = SqliteLog(folder, keys, now)
        self.trail = SqliteTrail(folder, keys)
        self.index = SqliteIndex(IndexFile(folder, keys), self.entries)
        if not self.index.sound():
            self._rebuild()
        self.index.catch_up()
        self._files = tuple(
            os.open(f"{path}-wal", os.O_RDWR | os.O_CREAT, 0o600) for path in (self.entries.path, self.trail.path)
        )
        self.sync(Mark(self.entries.tip(), self._files))
        sync_folder(folder)

    def _rebuild(self) -> None:
        """The index is a projection: throw it away and follow again."""
        self.index.close()
        for suffix in ("", "-wal", "-shm"):
            (self.folder / f"idx.db{suffix}").unlink(missing_ok=True)
        self.index = SqliteIndex(IndexFile(self.folder, self.keys), self.entries)

    def append(self, expected: int, drafts: Sequence[Draft]) -> Sequence[Version]:
        """Append and note for the index; visible to this process at once."""
        made = self.entries.append(expected, drafts)
        for version, draft in zip(made, drafts, strict=True):
            self.index.add(version, draft.keys)
        return made

    def read(self, after: int, limit: int) -> Sequence[Version]:
        """Durable versions in order."""
        return self.entries.read(after, limit)

    def bodies(self, positions: Sequence[int], most: int) -> tuple[int, list[bytes]]:
        """Many bodies, read beside the loop."""
        return self.entries.stored.read(positions, most)

    def head(self) -> int:
        """The durable head."""
        return self.entries.head()

    def tip(self) -> int:
        """The appended head."""
        return self.entries.tip()

    def wait(self, t: int) -> None:
        """Commit, sync and settle now, when `t` is not durable yet or audit rows wait."""
        if t > self.head() or self.trail.waiting:
            mark = self.commit()
            synced = self._disk.submit(self.sync, mark)
            self.index.apply()
            synced.result()
            self.settle(mark)

    def waiting(self) -> bool:
        """Whether anything is buffered."""
        return self.entries.tip() > self.entries.head() or self.trail.waiting

    def ends(self) -> tuple[int, str, int, str]:
        """Where both chains stand: position, seal, block, seal of the block."""
        return self.head(), self.entries.seal.hex(), self.trail.block, self.trail.seal.hex()

    def commit(self) -> Mark:
        """Write the group: entries and audit rows. The index follows by `follow` before the group may be settled."""
        rows = self.commit_trail()
        return Mark(self.entries.tip(), (*self.commit_entries().files, *rows.files))

    def commit_entries(self) -> Mark:
        """Write the buffered entries, here and now."""
        wrote = self.entries.tip() > self.entries.head()
        return Mark(self.entries.commit(), self._files[:1] if wrote else ())

    def commit_trail(self) -> Mark:
        """Write the buffered audit rows, which no position waits for."""
        wrote = self.trail.waiting
        self.trail.commit()
        return Mark(self.entries.head(), self._files[1:] if wrote else ())

    @property
    def large(self) -> bool:
        """Whether the buffered entries had better be written in slices: see `Pump`."""
        return self.entries.buffered > LARGE

    def end_group(self, group: Group) -> Mark:
        """The group is written; how far it reaches and what is to be synced."""
        self.entries.ended(group)
        return Mark(group.t, self._files[:1])

    def follow(self, t: int) -> bool:
        """Index a slice of what was appended, short enough not to keep a reader waiting; False when all up to `t` is."""
        return self.index.file.position < t and self.index.step()

    def sync(self, mark: Mark) -> None:
        """Force the write-ahead logs that the group was written to onto the disk."""
        started = perf_counter()
        for handle in mark.files:
            os.fdatasync(handle)
        self.synced.add(perf_counter() - started)

    def settle(self, mark: Mark) -> None:
        """The group is on the disk: move the durable head; commit the index when enough has gathered."""
        self.entries.settle(mark.t)
        file = self.index.file
        due = file.position - file.committed >= INDEX_GROUP and not self.index.under_way
        if due and file.position <= self.entries.head():
            self.index.commit()

    def grown(self, limit: int) -> list[Path]:
        """Files whose write-ahead log is longer than `limit` bytes."""
        paths = (self.entries.path, self.trail.path, self.folder / "idx.db")
        return [path for path in paths if _size(Path(f"{path}-wal")) > limit]

    def tidy(self, limit: int) -> None:
        """Checkpoint such files here and now; for a loader, which answers nobody meanwhile."""
        for path in self.grown(limit):
            checkpoint(path, self.keys.pages)

    def reader(self) -> apsw.Connection:
        """A connection of its own to the log's headers, for a thread that looks them through."""
        return connect(self.entries.path, self.keys.pages, cache_mb=2, readonly=True)

    def emptied(self) -> bool:
        """Leave nothing in the write-ahead logs of log and index, so that no page from before an erasure stays in one.

        False, at once, while another connection reads there; what it holds up leaves with it, or when the house closes.
        """
        self.wait(self.tip())
        self.index.apply()
        self.index.commit()
        done = [truncated(db) for db in (self.entries.db, self.index.base)]
        return all(done)

    def close(self) -> None:
        """Make everything durable and let the tenant go."""
        self.wait(self.tip() + 1)
        self.index.commit()
        self._disk.shutdown()
        for handle in self._files:
            os.close(handle)
        self.index.close()
        self.trail.close()
        self.entries.close()
        os.close(self._lock)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def hold(path: Path) -> int:
    """Lock a file for this process until its handle is closed; Taken while another holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise Taken(f"{path.parent.name}: another process serves this tenant") from error
    return handle
