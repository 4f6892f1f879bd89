"""What the objects of a backup hold, and how they are sealed: under the backup's key, and the tenant's where it is its data.

Each object is bound to its name, so that none can stand in for another. A destroyed tenant's data cannot be opened here
either.
"""

from __future__ import annotations

import hmac
import os
from hashlib import sha256
from typing import Any, TypeVar

import msgspec
import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from onmaru.engines.keyring import Keyring

FORMAT = 1
CONFIG = "onmaru-backup"
T = TypeVar("T")


class Damaged(Exception):
    """An object is missing, or is not what was written. The text names the object."""


class Config(msgspec.Struct, frozen=True):
    """What a repository is: for how many days its points are kept at least, and who may prune it (Ed25519, hex)."""

    format: int
    made: int
    keep_days: int
    pruner: str


class Part(msgspec.Struct, frozen=True, array_like=True):
    """Rows of the log and of the audit as their tables hold them, in order."""

    entries: list[tuple[Any, ...]] = []
    bodies: list[tuple[Any, ...]] = []
    erased: list[tuple[Any, ...]] = []
    blocks: list[tuple[Any, ...]] = []


class Point(msgspec.Struct, frozen=True):
    """A moment that can be gone back to. `parts` are those that came since the point before, with their SHA-256.

    `t`, `seal`, `block` and `audit` are where the chains stood, `entry_at` the time of the last entry, `at` that of the
    point (µs since 1970 UTC). `key` is the tenant's wrapped key, `accounts` its people and apps, sealed under it. `gone`:
    blobs that lie here and that the tenant has no more. `whole` False: a step of a backup that was not finished.
    """

    tenant: str
    number: int
    at: int
    t: int
    seal: str
    entry_at: int
    block: int
    audit: str
    key: bytes
    parts: list[tuple[str, str]] = []
    accounts: bytes = b""
    gone: list[str] = []
    whole: bool = False


class Proof(msgspec.Struct, frozen=True):
    """A point was restored and everything in it proved. Counts of what was looked at."""

    at: int
    entries: int
    bodies: int
    audit_rows: int
    blobs: int


class Box:
    """Seals and opens objects with one key. A sealed object is a nonce of 12 bytes, then AES-256-GCM over zstd."""

    def __init__(self, key: bytes) -> None:
        self._box = AESGCM(key)

    def seal(self, name: str, value: Any) -> bytes:
        """`value` in msgpack, sealed for the object `name`."""
        nonce = os.urandom(12)
        packed = zstandard.ZstdCompressor(level=1).compress(msgspec.msgpack.encode(value))
        return nonce + self._box.encrypt(nonce, packed, name.encode())

    def open(self, name: str, data: bytes, type: type[T]) -> T:
        """The value of an object; Damaged where it is none of this key's, or another object's."""
        try:
            packed = self._box.decrypt(data[:12], data[12:], name.encode())
            return msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(packed), type=type)
        except (InvalidTag, ValueError, zstandard.ZstdError, msgspec.MsgspecError) as error:
            raise Damaged(f"{name} is not what was written, or of another key") from error


def own_box(secret: bytes) -> Box:
    """For what the backup says of itself."""
    return Box(_derived(secret, b"points"))


def tenant_box(secret: bytes, ring: Keyring) -> Box:
    """For a tenant's data: opened by the backup's key and the tenant's together."""
    return Box(HKDF(SHA256(), 32, salt=ring.key("backup"), info=b"onmaru:backup:tenant").derive(secret))


def folder_of(secret: bytes, tenant: str) -> str:
    """The folder of a tenant, whose name does not tell whose it is."""
    return hmac.new(_derived(secret, b"names"), tenant.encode(), sha256).hexdigest()[:32]


def _derived(secret: bytes, use: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"onmaru:backup:" + use).derive(secret)
