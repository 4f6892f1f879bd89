"""Cuts what a follower has yet to take into batches that hold the loop for a few milliseconds at most.

Projections are pure, so a version too large to be looked at here is looked at aside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from onmaru.app.aside import Aside
from onmaru.app.errands import Project, Projected
from onmaru.kernel.errand import HEAVY
from onmaru.kernel.index import Index
from onmaru.kernel.log import Version
from onmaru.kernel.projection import Projection, Row

SLICE = 100
# How long one batch may take, and how many bytes it may hold
SECONDS = 0.004
BYTES = 512 << 10


class Pieces:
    """The versions of one tenant in batches, out of the memory of the index where they were written lately."""

    def __init__(self, index: Index, aside: Aside) -> None:
        self._index = index
        self._aside = aside

    def next(self, position: int, head: int, most: int, limit: int = BYTES) -> Sequence[Version]:
        """At most `most` versions after `position`, of about `limit` bytes or one of any size."""
        batch: list[Version] = []
        size = 0
        while position < min(head, position + most) and len(batch) < most and size < limit:
            (version,) = self._index.touched(position, position + 1)
            size += len(version.body or b"")
            batch.append(version)
            position += 1
        return batch

    async def gathered(self, position: int, head: int, most: int, limit: int) -> Sequence[Version]:
        """A large batch, taken together between other answers."""
        batch: list[Version] = []
        size = 0
        while len(batch) < most and size < limit and (some := self.next(position + len(batch), head, SLICE)):
            batch += some
            size += sum(len(version.body or b"") for version in some)
            await asyncio.sleep(0)
        return batch

    async def heavy(self, projection: Projection, batch: Sequence[Version]) -> Mapping[int, Sequence[Row]]:
        """The rows of those versions that are too large to be looked at here."""
        made: dict[int, Sequence[Row]] = {}
        for version in batch:
            if version.body is not None and len(version.body) > HEAVY and version.type in projection.types:
                reply = await self._aside.carry(Project(version.body, projection.name, replace(version, body=None)))
                if isinstance(reply, Projected):
                    made[version.t] = reply.rows
        return made


def sized(count: int, seconds: float) -> int:
    """How many versions the next batch should have, when `count` took so long."""
    return max(1, min(SLICE, int(count * SECONDS / max(seconds, 0.0001))))
