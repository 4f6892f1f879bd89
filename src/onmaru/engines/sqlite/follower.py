"""The Index door over the index file: follows the log after a start, and commits where the log is durable."""

from __future__ import annotations

from onmaru.engines.index.follower import SLICE, FollowedIndex, decoded
from onmaru.engines.sqlite.index import IndexFile
from onmaru.engines.sqlite.log import SqliteLog

GROUP = 5000


class SqliteIndex(FollowedIndex):
    """The index of one tenant in its file."""

    def __init__(self, file: IndexFile, log: SqliteLog) -> None:
        super().__init__(file, log)
        self._file = file
        self.base = file.base
        self._entries = log

    def sound(self) -> bool:
        """Whether the committed index belongs to this log."""
        return self._file.sound(self._entries.seal_at(self.file.position))

    def catch_up(self) -> None:
        """Follow the durable log from where the index stands; in slices, so memory stays bounded."""
        while batch := self._entries.read(self.file.position, SLICE):
            self.file.apply([(version, decoded(version)) for version in batch])
            self._forget([version for version in batch if version.op == "erase"])
            if self.file.position - self.file.committed >= GROUP:
                self.commit()

    def commit(self) -> None:
        """Commit what is applied; the caller has made sure that the log is durable up to there."""
        seal = self._entries.seal_at(self.file.position)
        if seal is not None:
            self._file.commit(seal)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
