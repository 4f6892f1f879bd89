"""Many bodies of a tenant's log at once, on a connection of their own, so that a thread can read them beside the loop."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import apsw
import zstandard

from onmaru.engines.packing import unpacker
from onmaru.engines.sqlite.connection import connect

SELECT = "SELECT t, z FROM body WHERE t IN (SELECT value FROM json_each(?)) ORDER BY t"


class Bodies:
    """Reads what is committed. No statement is left open between calls: it would keep an erasure from its work."""

    def __init__(self, path: Path, pages: bytes) -> None:
        self._path = path
        self._pages = pages
        self._db: apsw.Connection | None = None
        self._unpack = unpacker()
        self._turn = threading.Lock()

    def read(self, positions: Sequence[int], most: int) -> tuple[int, list[bytes]]:
        """See `Log.bodies`."""
        with self._turn:
            if self._db is None:
                self._db = connect(self._path, self._pages, cache_mb=16, readonly=True)
            rows = self._db.execute(SELECT, (str(list(positions)),))
            packed: list[bytes] = []
            size, last = 0, 0
            for t, z in rows:
                if size >= most:
                    rows.close()
                    break
                last = t
                if z is not None:
                    packed.append(z)
                    size += zstandard.frame_content_size(z)
            else:
                last = positions[-1]
            unpack = self._unpack
            return sum(1 for t in positions if t <= last), [unpack(z) for z in packed]

    def close(self) -> None:
        """Close the connection."""
        with self._turn:
            if self._db is not None:
                self._db.close()
                self._db = None
