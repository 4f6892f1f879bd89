"""Seals: each header commits to its body by a salted hash and to the header before it. A header holds no identifier."""

from __future__ import annotations

from hashlib import sha256

import msgspec

GENESIS = bytes(32)
_encode = msgspec.msgpack.Encoder().encode


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


def commitment(salt: bytes, type: str, id: str, body: bytes | None) -> bytes:
    """SHA-256 over salt, `Type/id` and body; a deletion commits to an absent body, which differs from an empty one."""
    digest = sha256(salt)
    digest.update(f"{type}/{id}".encode())
    digest.update(b"\x00" if body is None else b"\x01")
    if body is not None:
        digest.update(body)
    return digest.digest()


def seal(previous: bytes, header: Header) -> bytes:
    """SHA-256 over the previous seal and this header's MessagePack form."""
    digest = sha256(previous)
    digest.update(_encode(header))
    return digest.digest()


def seal_block(previous: bytes, number: int, rows: bytes) -> bytes:
    """The audit trail's chain: one seal a block of rows."""
    digest = sha256(previous)
    digest.update(number.to_bytes(8, "big"))
    digest.update(rows)
    return digest.digest()
