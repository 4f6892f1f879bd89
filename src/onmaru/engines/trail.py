"""The audit trail of any SQL engine: a group's rows are one sealed, compressed block; the viewer's index follows behind."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

import msgspec
import zstandard

from onmaru.engines.index.database import Database
from onmaru.kernel.alarms import found_under
from onmaru.kernel.audit import Access
from onmaru.kernel.audit_retention import Stretch

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Access]).decode
# Blocks that a purge looks at, or takes, in one go
PURGED = 100


class SealedTrail:
    """Reads' and refusals' chain of one tenant. An engine seals and stores the buffered rows as one block.

    `block` and `seal` are where the chain ends; the next row has number `_next`.
    """

    def __init__(self, db: Database, genesis: bytes) -> None:
        self.db = db
        self._pack = zstandard.ZstdCompressor(level=1).compress
        self._unpack = zstandard.ZstdDecompressor().decompress
        # Rows are read in order: the next is mostly of the same block, which never changes
        self._opened: tuple[int, int, list[Access]] = (0, 0, [])
        self.block, self._next, self.seal = 0, 1, genesis
        last: Any = db.execute("SELECT n, first, rows, seal FROM block ORDER BY n DESC LIMIT 1").fetchone()
        if last:
            self.block, self.seal = last[0], last[3]
            first, rows = self._block(self.block)
            self._next = first + len(rows)
        # Rows come from threads too: a deque is appended to and taken from without losing any
        self._rows: deque[Access] = deque()
        # Rows are indexed in the order of their blocks, so the last row tells the last block
        seen: Any = db.execute("SELECT n, block FROM seen ORDER BY n DESC LIMIT 1").fetchone()
        self._indexed: int = seen[0] if seen else 0
        self._indexed_block: int = seen[1] if seen else 0

    def packed(self, rows: Sequence[Access]) -> bytes:
        """Rows as a block holds them."""
        return self._pack(_encode(rows))

    def add(self, access: Access) -> None:
        """Buffer one row."""
        self._rows.append(access)

    @property
    def waiting(self) -> bool:
        """Whether rows are buffered."""
        return bool(self._rows)

    @property
    def count(self) -> int:
        """How many rows there are, buffered ones included."""
        return self._next - 1 + len(self._buffered())

    def _buffered(self) -> Sequence[Access]:
        """The rows that no block holds yet, oldest first."""
        return self._rows.copy()

    def blocks(self, after: int = 0) -> Iterator[tuple[int, int, bytes, bytes]]:
        """(number, first row number, packed rows, seal) in order; the emptied one before which all was purged is none."""
        sql = "SELECT n, first, rows, seal FROM block WHERE n > ? AND length(rows) > 0 ORDER BY n"
        return iter(self.db.execute(sql, (after,)))

    def rows(self, packed: bytes) -> list[Access]:
        """The rows of one block."""
        return _decode(self._unpack(packed))

    def older(self, before: int, after: int) -> Sequence[Stretch]:
        """See `audit_retention.Thinned`."""
        found: list[Stretch] = []
        for number, first, packed, _ in islice(self.blocks(after), PURGED):
            rows = self.rows(packed)
            if any(row.at >= before for row in rows):
                break
            found.append(Stretch(number, first, rows))
        return found

    def purge(self, gone: Sequence[Stretch]) -> None:
        """See `audit_retention.Thinned`: the last block keeps its number and seal, from which the chain goes on."""
        block = gone[-1].block
        whose = [(patient, n) for one in gone for n, row in one.numbered() for patient in found_under(row)]
        with self._together():
            self.db.execute("UPDATE block SET rows = ? WHERE n = ?", (self._emptied(block), block))
            self.db.execute("DELETE FROM block WHERE n < ?", (block,))
            self.db.execute("DELETE FROM seen WHERE n <= ?", (gone[-1].last,))
            self.db.executemany("DELETE FROM whose WHERE patient = ? AND n = ?", whose)
        self._opened = (0, 0, [])

    def _emptied(self, block: int) -> bytes:
        """What stands for the rows of a block that was purged."""
        return b""

    def _together(self) -> AbstractContextManager[object]:
        """A transaction of the viewer's index."""
        raise NotImplementedError

    @property
    def lag(self) -> int:
        """How many written rows the viewer's index has not followed yet."""
        return self._next - 1 - self._indexed

    def follow(self) -> bool:
        """Bring the viewer's index up by one block; False when there was none to follow."""
        found = next(self.blocks(self._indexed_block), None)
        if found is None:
            return False
        number, first, packed, _ = found
        rows = list(enumerate(self.rows(packed), start=first))
        with self._together():
            self.db.executemany(
                "INSERT INTO seen VALUES(?,?,?,?) ON CONFLICT DO NOTHING", [(n, r.at, r.user, number) for n, r in rows]
            )
            self.db.executemany(
                "INSERT INTO whose VALUES(?,?) ON CONFLICT DO NOTHING",
                [(p, n) for n, r in rows for p in found_under(r)],
            )
        self._indexed, self._indexed_block = rows[-1][0], number
        return True

    def page(
        self, *, patient: str = "", user: str = "", since: int = 0, until: int = 2**62, before: int = 0, count: int = 50
    ) -> Sequence[tuple[int, Access]]:
        """Rows newest first, below row number `before` (0: from the end), those still buffered among them.

        What is not indexed yet is followed first; who must not be held up by that has looked at `lag` before.
        """
        while self.follow():
            pass
        fresh = [
            (number, row)
            for number, row in reversed(list(enumerate(self._buffered(), start=self._next)))
            if (not before or number < before)
            and (not patient or patient in found_under(row))
            and (not user or user == row.user)
            and since <= row.at < until
        ]
        source = "whose w JOIN seen s ON s.n = w.n" if patient else "seen s"
        found: Any = self.db.execute(
            f"""SELECT s.n, s.block FROM {source} WHERE (:patient = '' OR {"w.patient = :patient" if patient else "TRUE"})
            AND (:user = '' OR s.user = :user) AND s.at >= :since AND s.at < :until AND (:before = 0 OR s.n < :before)
            ORDER BY s.n DESC LIMIT :count""",
            {"patient": patient, "user": user, "since": since, "until": until, "before": before, "count": count},
        ).fetchall()
        return [*fresh, *((number, self._row(number, block)) for number, block in found)][:count]

    def _row(self, number: int, block: int) -> Access:
        first, rows = self._block(block)
        return rows[number - first]

    def _block(self, number: int) -> tuple[int, list[Access]]:
        """The number of a block's first row, and its rows."""
        opened = self._opened
        if opened[0] != number:
            first, packed = self._stored(number)
            opened = self._opened = (number, first, self.rows(packed))
        return opened[1:]

    def _stored(self, number: int) -> tuple[int, bytes]:
        """The number of a block's first row, and its packed rows."""
        first, packed = self.db.execute("SELECT first, rows FROM block WHERE n = ?", (number,)).fetchone()
        return first, packed
