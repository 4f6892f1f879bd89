"""Files that count no more stay while anybody may still read them, and leave with the last reader."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Leases:
    """Counts readers; `retire` takes what removes old files."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers = 0
        self._leaving: list[Callable[[], object]] = []

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Nothing retired from now on is removed before this ends."""
        with self._lock:
            self._readers += 1
        try:
            yield
        finally:
            with self._lock:
                self._readers -= 1
            self.sweep()

    def retire(self, remove: Callable[[], object]) -> None:
        """Remove something as soon as nobody reads; call it after the manifest that no longer names it is saved."""
        with self._lock:
            self._leaving.append(remove)
        self.sweep()

    def sweep(self) -> None:
        """Remove what may leave now."""
        with self._lock:
            if not self._readers:
                for remove in self._leaving:
                    remove()
                self._leaving.clear()
