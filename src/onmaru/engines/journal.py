"""A journal: encrypted frames appended to segments, on the disk before anybody hears of it; short-lived, dropped whole.

Its law: what `append` returned for is read back after any crash; a frame that was cut off ends its segment.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from onmaru.engines.keyring import sync_folder

SALT, LENGTH = 32, 4
LARGEST = 1 << 28


class Journal:
    """Segments `N.journal` in `folder`; a new one is begun by each opening and by `roll`. From any thread."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder, self._key = folder, key
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # What an earlier run left, oldest first, to be read and dropped
        self.left = sorted(int(path.stem) for path in folder.glob("*.journal"))
        self.number = self.left[-1] if self.left else 0
        self._file = -1
        self._writing = threading.Lock()
        self.roll()

    def roll(self) -> int:
        """Begin the next segment; gives the number of the one that is now whole (0: none)."""
        with self._writing:
            return self._rolled()

    def _rolled(self) -> int:
        whole = self.number if self._file >= 0 else 0
        if self._file >= 0:
            os.close(self._file)
        self.number += 1
        self._file = os.open(self._path(self.number), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        salt = os.urandom(SALT)
        os.write(self._file, salt)
        os.fsync(self._file)
        sync_folder(self._folder)
        self._box, self._frames = _box(self._key, salt), 0
        return whole

    def append(self, data: bytes) -> None:
        """Put one frame on the disk. OSError leaves the segment's end undefined: roll before the next."""
        with self._writing:
            sealed = self._box.encrypt(self._frames.to_bytes(12, "big"), data, None)
            whole = memoryview(len(sealed).to_bytes(LENGTH, "big") + sealed)
            while whole:
                whole = whole[os.write(self._file, whole) :]
            os.fdatasync(self._file)
            self._frames += 1

    def read(self, number: int) -> Iterator[bytes]:
        """The frames of a segment up to the first that is not whole."""
        with self._path(number).open("rb") as file:
            salt = file.read(SALT)
            if len(salt) < SALT:
                return
            box, frames = _box(self._key, salt), 0
            while len(head := file.read(LENGTH)) == LENGTH and (length := int.from_bytes(head, "big")) <= LARGEST:
                try:
                    yield box.decrypt(frames.to_bytes(12, "big"), file.read(length), None)
                except InvalidTag:
                    return
                frames += 1

    def drop(self, number: int) -> None:
        """Destroy a segment that is whole."""
        self._path(number).unlink(missing_ok=True)
        sync_folder(self._folder)

    def close(self) -> None:
        """Write no more; what was written stays for the next opening."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:012}.journal"


def _box(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt=salt, info=b"onmaru:journal").derive(key))
