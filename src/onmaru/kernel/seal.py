"""Seals: each header commits to its body by a salted hash, and its seal to the seal before it. A header holds no identifier.

Seals are keyed by a secret kept outside the data directory: who can write the files but lacks it cannot reseal the chain.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256

import msgspec

_encode = msgspec.msgpack.Encoder().encode
ERASURE = b"\x02"


class Header(msgspec.Struct, frozen=True, array_like=True):
    """What the chain keeps of one version for ever, even after its body is erased. `at` is µs since 1970 UTC."""

    t: int
    version: int
    op: str
    at: int
    caller: str
    purpose: str
    request: str
    epoch: int
    commitment: bytes


def commitment(salt: bytes, type: str, id: str, body: bytes | None, *, mark: bytes = b"\x01") -> bytes:
    """SHA-256 over salt, `Type/id` and body; a deletion commits to an absent body, which differs from an empty one.

    `mark` tells a resource's body from what is no resource: an erasure commits to `positions(…)` with the mark ERASURE.
    """
    digest = sha256(salt)
    digest.update(f"{type}/{id}".encode())
    digest.update(b"\x00" if body is None else mark)
    if body is not None:
        digest.update(body)
    return digest.digest()


def positions(erased: Sequence[int]) -> bytes:
    """What an erasure commits to: the positions whose bodies it takes, in ascending order, as MessagePack."""
    return _encode(sorted(erased))


def genesis(key: bytes, tenant: str, chain: str) -> bytes:
    """What a chain begins with: it belongs to one tenant and one file."""
    return hmac.digest(key, f"{tenant}/{chain}".encode(), "sha256")


def seal(key: bytes, previous: bytes, header: Header) -> bytes:
    """HMAC-SHA-256 over the previous seal and this header's MessagePack form."""
    return hmac.digest(key, previous + _encode(header), "sha256")


def seal_block(key: bytes, previous: bytes, number: int, rows: bytes) -> bytes:
    """The audit trail's chain: one seal a block of rows."""
    return hmac.digest(key, previous + number.to_bytes(8, "big") + rows, "sha256")
