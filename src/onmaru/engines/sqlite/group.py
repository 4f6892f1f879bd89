"""One group of appended versions on its way into the log's file: in slices, so that nobody waits for the whole of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import apsw

from onmaru.engines.chain import Body, Row

# A body that is not written between two answers but in a thread, with the commit
HEAVY = 256 << 10
SLICE_ROWS = 100
SLICE_BYTES = 1 << 20


class Group:
    """Rows up to position `t`. `done`: they are committed. A failure leaves all of them to be written again."""

    def __init__(
        self,
        t: int,
        entries: Sequence[Row],
        light: Sequence[Body],
        heavy: Sequence[Body],
        erasures: Sequence[tuple[int, Sequence[int]]],
    ) -> None:
        self.t = t
        self.heavy, self.erasures = heavy, erasures
        self.done = False
        self._entries, self._light = entries, light
        self._entered = self._stored = 0

    def next_entries(self) -> Sequence[Row]:
        """The next rows of entries to write."""
        start, self._entered = self._entered, self._entered + SLICE_ROWS
        return self._entries[start : self._entered]

    def next_bodies(self) -> Sequence[Body]:
        """The next bodies to write but the heavy ones."""
        start, size = self._stored, 0
        most = min(start + SLICE_ROWS, len(self._light))
        while self._stored < most and size < SLICE_BYTES:
            size += len(self._light[self._stored][4] or b"")
            self._stored += 1
        return self._light[start : self._stored]

    @contextmanager
    def undone_on_error(self, db: apsw.Connection) -> Iterator[None]:
        """Within the group's transaction, begun when it is not open; an error takes all of it back."""
        try:
            if not db.in_transaction:
                db.execute("BEGIN IMMEDIATE")
            yield
        except BaseException:
            self._entered = self._stored = 0
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
