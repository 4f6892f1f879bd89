"""What does not fit into memory for a while, on the disk. Its law: nobody reads it but the process that wrote it.

The file has no name and its key is in memory alone, so nothing of it outlives the process.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Spilt(NamedTuple):
    """Where one piece lies: bytes from the beginning of the file, and how many."""

    at: int
    size: int


class Spill:
    """Pieces put are got back by where they lie, until `close` or nobody holds this. OSError where the disk is full."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file, name = tempfile.mkstemp(dir=folder)
        Path(name).unlink()
        self.close = weakref.finalize(self, os.close, self._file)
        self._box = AESGCM(AESGCM.generate_key(256))
        self._end = 0

    def put(self, piece: bytes) -> Spilt:
        """Keep a piece; it need not be on the disk before memory is short."""
        # Where a piece lies is its own, so no nonce comes twice
        sealed = self._box.encrypt(self._end.to_bytes(12, "big"), piece, None)
        rest, at = memoryview(sealed), self._end
        while rest:
            written = os.pwrite(self._file, rest, at)
            rest, at = rest[written:], at + written
        place = Spilt(self._end, len(sealed))
        self._end += len(sealed)
        return place

    def get(self, place: Spilt) -> bytes:
        """The piece that lies there."""
        return self._box.decrypt(place.at.to_bytes(12, "big"), os.pread(self._file, place.size, place.at), None)
