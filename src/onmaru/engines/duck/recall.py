"""Rows of small files that were written or read not long ago, so that a question need not open them again.

Its law: a file never changes, so that what is remembered of it is true until it leaves; with its vault all of it goes.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from itertools import count

import pyarrow as pa

SMALL = 256 * 1024  # bytes of rows in memory
MOST = 64 * 1024 * 1024  # of all vaults of this process together


class _Shared:
    """What all vaults of the process remember together: the longest unasked leaves first."""

    def __init__(self) -> None:
        # The end of a vault may be noticed in any thread, within any of these
        self._lock = threading.RLock()
        self._kept: OrderedDict[tuple[int, str], pa.Table] = OrderedDict()
        self._bytes = 0

    def keep(self, key: tuple[int, str], rows: pa.Table) -> None:
        with self._lock:
            self.drop(key)
            self._kept[key] = rows
            self._bytes += rows.get_total_buffer_size()
            while self._bytes > MOST:
                self.drop(next(iter(self._kept)))

    def found(self, key: tuple[int, str]) -> pa.Table | None:
        with self._lock:
            rows = self._kept.get(key)
            if rows is not None:
                self._kept.move_to_end(key)
            return rows

    def drop(self, key: tuple[int, str]) -> None:
        with self._lock:
            rows = self._kept.pop(key, None)
            self._bytes -= rows.get_total_buffer_size() if rows is not None else 0

    def leave(self, number: int) -> None:
        for key in list(self._kept):
            if key[0] == number:
                self.drop(key)


_shared = _Shared()
_numbers = count()


class Recall:
    """What one vault remembers."""

    def __init__(self) -> None:
        self._number = next(_numbers)
        weakref.finalize(self, _shared.leave, self._number)

    def keep(self, name: str, rows: pa.Table) -> None:
        """Remember a file's rows, if they are few."""
        if rows.get_total_buffer_size() <= SMALL:
            _shared.keep((self._number, name), rows)

    def found(self, name: str) -> pa.Table | None:
        """The rows of a file, where they are remembered."""
        return _shared.found((self._number, name))

    def forget(self, name: str) -> None:
        """The file is gone."""
        _shared.drop((self._number, name))
