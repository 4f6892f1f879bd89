"""Stable keys: the same resource has the same number in every rebuild, export and site, and nothing has to be remembered."""

from __future__ import annotations

from hashlib import sha256

MOST = 2**63 - 1


def number(name: str, part: str = "") -> int:
    """63 bits of SHA-256 over `Type/id` and the part; the chance that two of 100 million meet is below 1 in 1,800."""
    digest = sha256(f"{name}#{part}".encode()).digest()
    return int.from_bytes(digest[:8], "big") & MOST
