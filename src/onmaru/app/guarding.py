"""Follows the audit trail of a tenant in motion and raises alarms on unusual access, each into the trail itself.

How far it is stands in the trail too, as a row of its own beside the alarms it raised: killed at any moment it neither
forgets one nor raises one again.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec

from onmaru.app.house import Seat, now
from onmaru.kernel.accounts import Accounts
from onmaru.kernel.alarms import ALARM, WATCHER, Known, Watch, kin
from onmaru.kernel.audit import Access

# Blocks of the trail that are read again at the start, for what is usual and what was raised already
BACK = 2000
# Blocks after which the place is noted though nothing was raised
MARK = 500


class Guard:
    """One tenant's watch. `step` takes a block of the trail, whose index has followed; False when there was none."""

    def __init__(self, seat: Seat, accounts: Accounts) -> None:
        self._trail = seat.home.trail
        self._index = seat.home.index
        self._labels = seat.tenant.gate.labels
        self._accounts, self._tenant = accounts, seat.tenant.name
        self._watch = Watch(Known(self._own, self._marked, self._kin))
        self._stood = self._block = self._noted = -1

    def _place(self) -> int:
        """The last block that was watched; of a trail that nobody has watched yet, its end."""
        rows = self._trail.page(user=WATCHER, count=1)
        if rows:
            return int(rows[0][1].request)
        return self._trail.block

    def step(self) -> bool:
        """Judge the next block; alarms and the place are added to the trail in one go."""
        if self._stood < 0:
            self._stood = self._noted = self._place()
            self._block = max(0, self._stood - BACK)
        found = next(self._blocks(), None)
        if found is None:
            return False
        number, first, packed = found
        rows = self._trail.rows(packed)
        alarms = [alarm for n, row in enumerate(rows, start=first) for alarm in self._watch.see(n, row)]
        self._block = number
        if number <= self._stood:
            return True
        if alarms or (number - self._noted >= MARK and any(row.user != WATCHER for row in rows)):
            for alarm in alarms:
                self._trail.add(alarm)
            self._trail.add(Access(now(), WATCHER, (), "", "execute", ALARM[:-1], (), True, "", str(number), ""))
            self._noted = number
        return True

    def _blocks(self) -> Iterator[tuple[int, int, bytes]]:
        return ((number, first, packed) for number, first, packed, _ in self._trail.blocks(self._block))

    def _own(self, user: str) -> str:
        found = self._accounts.user(self._tenant, user)
        return found.patient if found is not None else ""

    def _marked(self, patient: str) -> Iterator[str]:
        return (f"{system}|{code}" for system, code in self._labels.of(patient))

    def _kin(self, own: str, patient: str) -> bool:
        mine, other = self._body(own), self._body(patient)
        return mine is not None and other is not None and kin(_parsed(mine), _parsed(other))

    def _body(self, patient: str) -> bytes | None:
        found = self._index.latest("Patient", patient, self._index.file.position)
        return found.body if found is not None else None


@lru_cache(maxsize=64)
def _parsed(body: bytes) -> dict[str, Any]:
    read: dict[str, Any] = msgspec.json.decode(body)
    return read
