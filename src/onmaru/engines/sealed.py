"""A sealed file: bytes of any length encrypted in chunks that can be read one by one, and a card that tells what they are.

Layout: SALT random bytes; chunks of CHUNK bytes of content, the last perhaps shorter, each with TAG bytes; card; its length.
Each file has a key of its own and each chunk its number as nonce, so that a chunk moved, left out, doubled or taken from
another file does not open; the card says how long the content is, so that nothing can be cut off.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import BinaryIO

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CHUNK = 1 << 20
SALT = 32
TAG = 16
LENGTH = 4
CARD_AT_MOST = 1 << 16
_CARD = b"card".rjust(12, b"\xff")  # no chunk has this number


class Card(msgspec.Struct, frozen=True):
    """What the gate needs to know of the content, and what the content is: SHA-256 in hex and number of bytes."""

    patient: str
    label: str
    digest: str
    size: int


class Damaged(OSError):
    """The file is not what was written."""


def write(file: BinaryIO, key: bytes, salt: bytes, data: Iterable[bytes], whose: tuple[str, str]) -> Card:
    """Seal `data` into an empty file, a chunk at a time; `whose`: patient and label."""
    box = _box(key, salt)
    digest, size = sha256(), 0
    file.write(salt)
    for number, chunk in enumerate(_chunks(data)):
        digest.update(chunk)
        size += len(chunk)
        file.write(box.encrypt(_nonce(number), chunk, None))
    card = Card(*whose, digest.hexdigest(), size)
    sealed = box.encrypt(_CARD, msgspec.msgpack.encode(card), None)
    file.write(sealed + len(sealed).to_bytes(LENGTH, "big"))
    return card


def _chunks(data: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of CHUNK; what is held is never more than a piece and one part of `data`."""
    held = bytearray()
    for part in data:
        view = memoryview(part)
        while len(view) >= CHUNK - len(held):
            taken = CHUNK - len(held)
            held += view[:taken]
            yield bytes(held)
            held.clear()
            view = view[taken:]
        held += view
    if held:
        yield bytes(held)


class Reader(io.RawIOBase):
    """The content of a sealed file, from any place, holding one chunk. Raises Damaged where it is not what was written."""

    def __init__(self, file: BinaryIO, key: bytes) -> None:
        super().__init__()
        self._file = file
        end = file.seek(0, io.SEEK_END)
        file.seek(0)
        self._box = _box(key, file.read(SALT))
        self.card = self._read_card(end)
        self._at = 0
        self._number, self._chunk = -1, b""

    def _read_card(self, end: int) -> Card:
        self._file.seek(max(0, end - LENGTH))
        length = int.from_bytes(self._file.read(LENGTH), "big")
        start = end - LENGTH - length
        if not TAG < length < CARD_AT_MOST or start < SALT:
            raise Damaged("a sealed file has no card")
        self._file.seek(start)
        try:
            card = msgspec.msgpack.decode(self._box.decrypt(_CARD, self._file.read(length), None), type=Card)
        except (InvalidTag, msgspec.MsgspecError) as error:
            raise Damaged("the card of a sealed file does not open") from error
        chunks = -(-card.size // CHUNK)
        if start != SALT + card.size + chunks * TAG:
            raise Damaged("a sealed file is longer or shorter than its card says")
        return card

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def seekable(self) -> bool:
        """Any place can be read without those before it."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place of the content."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.card.size}[whence]
        if base + offset < 0:
            raise ValueError("a place before the beginning")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: object) -> int:
        """At most what is left of the present chunk."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # whatever can be written into
        if self._at >= self.card.size or not len(view):
            return 0
        number, within = divmod(self._at, CHUNK)
        part = self._opened(number)[within : within + len(view)]
        view[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _opened(self, number: int) -> bytes:
        if number != self._number:
            start = SALT + number * (CHUNK + TAG)
            self._file.seek(start)
            sealed = self._file.read(min(CHUNK, self.card.size - number * CHUNK) + TAG)
            try:
                self._chunk = self._box.decrypt(_nonce(number), sealed, None)
            except InvalidTag as error:
                raise Damaged(f"chunk {number} of a sealed file does not open") from error
            self._number = number
        return self._chunk

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()


def _box(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt=salt, info=b"onmaru:sealed file").derive(key))


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")
