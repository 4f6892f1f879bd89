"""Bodies and audit blocks as the database holds them: compressed, then encrypted under the tenant's key for their place."""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE = 12


class Box:
    """AES-256-GCM under a key of its own for one use; what is sealed for one place does not open at another."""

    def __init__(self, key: bytes, use: str) -> None:
        self._box = AESGCM(HKDF(SHA256(), 32, salt=None, info=f"onmaru:postgres {use}".encode()).derive(key))

    def seal(self, place: int, data: bytes) -> bytes:
        """A random nonce, then the encrypted bytes with their tag."""
        nonce = os.urandom(NONCE)
        return nonce + self._box.encrypt(nonce, data, place.to_bytes(8, "big"))

    def open(self, place: int, data: bytes) -> bytes:
        """The bytes; raises `cryptography.exceptions.InvalidTag` where they are not what was sealed there."""
        return self._box.decrypt(data[:NONCE], data[NONCE:], place.to_bytes(8, "big"))
