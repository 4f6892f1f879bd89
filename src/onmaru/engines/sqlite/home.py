"""The home of one tenant: its log, index and trail in one process, committed in groups, fenced against a second home.

A group is written by `commit`, reaches the disk by `sync` (any thread) and is acknowledged by `settle`.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from onmaru.engines.keyring import sync_folder
from onmaru.engines.sqlite.connection import Keys, checkpoint, truncated
from onmaru.engines.sqlite.follower import SqliteIndex
from onmaru.engines.sqlite.index import IndexFile
from onmaru.engines.sqlite.log import SqliteLog
from onmaru.engines.sqlite.trail import SqliteTrail
from onmaru.kernel.log import Draft, Version

INDEX_GROUP = 5000
INDEX_SLICE = 100


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
        self._lock = _lock(folder / "home.lock")
        self.keys = keys
        self._disk = ThreadPoolExecutor(1, "disk")
        self.entries = SqliteLog(folder, keys, now)
        self.trail = SqliteTrail(folder, keys)
        self.index = SqliteIndex(IndexFile(folder, keys), self.entries)
        if not self.index.sound():
            self._rebuild()
        self.index.catch_up()
        self._files = [
            os.open(f"{path}-wal", os.O_RDWR | os.O_CREAT, 0o600) for path in (self.entries.path, self.trail.path)
        ]
        self.sync(Mark(self.entries.tip(), tuple(self._files)))
        sync_folder(folder)

    def _rebuild(self) -> None:
        """The index is a projection: throw it away and follow again."""
        self.index.file.close()
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
            # Both files: a group that another thread is syncing just now counts here only once it is on the disk
            synced = self._disk.submit(self.sync, Mark(mark.t, tuple(self._files)))
            self.index.apply()
            synced.result()
            self.settle(mark)

    def waiting(self) -> bool:
        """Whether anything is buffered."""
        return self.entries.tip() > self.entries.head() or self.trail.waiting

    def commit(self) -> Mark:
        """Write the group: entries and audit rows. The index follows by `follow` before the group may be settled."""
        wrote = [bool(self.entries.pending), self.trail.waiting]
        t = self.entries.commit()
        self.trail.commit()
        return Mark(t, tuple(handle for handle, dirty in zip(self._files, wrote, strict=True) if dirty))

    def follow(self) -> bool:
        """Index a slice of what was appended, short enough not to keep a reader waiting; False when all is indexed."""
        return self.index.apply(INDEX_SLICE)

    def sync(self, mark: Mark) -> None:
        """Force the write-ahead logs that the group was written to onto the disk."""
        for handle in mark.files:
            os.fdatasync(handle)

    def settle(self, mark: Mark) -> None:
        """The group is on the disk: move the durable head; commit the index when enough has gathered."""
        self.entries.settle(mark.t)
        file = self.index.file
        if file.position - file.committed >= INDEX_GROUP and file.position <= self.entries.head():
            self.index.commit()

    def grown(self, limit: int) -> list[Path]:
        """Files whose write-ahead log is longer than `limit` bytes."""
        paths = (self.entries.path, self.trail.path, self.index.file.path)
        return [path for path in paths if _size(Path(f"{path}-wal")) > limit]

    def tidy(self, limit: int) -> None:
        """Checkpoint such files here and now; for a loader, which answers nobody meanwhile."""
        for path in self.grown(limit):
            checkpoint(path, self.keys.pages)

    def emptied(self) -> bool:
        """Leave nothing in the write-ahead logs of log and index, so that no page from before an erasure stays in one.

        False, at once, while another connection reads there; what it holds up leaves with it, or when the house closes.
        """
        self.wait(self.tip())
        self.index.apply()
        self.index.commit()
        done = [truncated(db) for db in (self.entries.db, self.index.file.db)]
        return all(done)

    def close(self) -> None:
        """Make everything durable and let the tenant go."""
        self.wait(self.tip() + 1)
        self.index.commit()
        self._disk.shutdown()
        for handle in self._files:
            os.close(handle)
        self.index.file.close()
        self.trail.close()
        self.entries.close()
        os.close(self._lock)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _lock(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise Taken(f"{path.parent.name}: another process serves this tenant") from error
    return handle
