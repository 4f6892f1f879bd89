"""The audit trail in PostgreSQL: one chain for all workers. A block goes in where the chain ends, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from threading import Lock

from onmaru.engines.postgres.bodies import Box
from onmaru.engines.postgres.link import Link
from onmaru.engines.sqlite.connection import Keys
from onmaru.engines.trail import SealedTrail
from onmaru.kernel.audit import Access
from onmaru.kernel.seal import seal_block

_TAIL = "SELECT n, next, seal FROM tail"
_ADD = """WITH moved AS (
 UPDATE tail SET n = :n, next = :next, seal = :seal WHERE n = :before AND seal = :previous RETURNING 1)
 INSERT INTO block SELECT :n, :first::int8, :rows::bytea, :seal FROM moved"""


class PgTrail(SealedTrail):
    """`take` hands over the buffered rows; `store`, in any thread, seals and writes them. `link` is the trail's own."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._box = Box(keys.pages, "audit")
        self._link = link
        self._key = keys.seals
        self._storing = Lock()
        self._taken: list[Access] = []
        super().__init__(link, keys.genesis("audit"))

    @property
    def waiting(self) -> bool:
        """Whether rows are buffered or were not stored yet."""
        return bool(self._rows or self._taken)

    def take(self) -> None:
        """The rows buffered so far are to be stored next."""
        self._taken += [self._rows.popleft() for _ in range(len(self._rows))]

    def store(self) -> None:
        """Seal what was taken as one block where the chain ends, wherever others have moved that; it is durable then."""
        with self._storing:
            rows = self._taken
            if not rows:
                return
            packed = self.packed(rows)
            if not self._added(rows, packed):
                with self._link.transaction():
                    self._catch_up(" FOR UPDATE")
                    self._added(rows, packed)
            self._taken = self._taken[len(rows) :]

    def _buffered(self) -> Sequence[Access]:
        return [*self._taken, *self._rows]

    def _catch_up(self, how: str = "") -> None:
        self.block, self._next, self.seal = self._link.execute(_TAIL + how).fetchone()

    def _added(self, rows: Sequence[Access], packed: bytes) -> bool:
        number = self.block + 1
        seal = seal_block(self._key, self.seal, number, packed)
        following = self._next + len(rows)
        values = {"n": number, "first": self._next, "next": following, "seal": seal}
        stored = {"rows": self._box.seal(number, packed), "before": self.block, "previous": self.seal}
        self._link.execute(_ADD, {**values, **stored})
        if not self._link.changes():
            return False
        self.block, self.seal, self._next = number, seal, following
        return True

    def blocks(self, after: int = 0) -> Iterator[tuple[int, int, bytes, bytes]]:
        """(number, first row number, packed rows, seal) in order, other workers' among them."""
        for number, first, rows, seal in self._link.execute(
            "SELECT n, first, rows, seal FROM block WHERE n > ? ORDER BY n LIMIT 101", (after,)
        ):
            packed = self._box.open(number, rows)
            if packed:
                yield number, first, packed, seal

    def _emptied(self, block: int) -> bytes:
        return self._box.seal(block, b"")

    def _stored(self, number: int) -> tuple[int, bytes]:
        first, packed = super()._stored(number)
        return first, self._box.open(number, packed)

    def _together(self) -> AbstractContextManager[object]:
        return self._link.transaction()
