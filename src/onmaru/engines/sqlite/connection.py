"""Opening an encrypted file: ChaCha20 pages with authentication, write-ahead log, no surprise checkpoints."""

from __future__ import annotations

from pathlib import Path

import apsw
import msgspec

from onmaru.kernel.seal import genesis

PAGE = 8192
# ms that a file held by another is waited for
BUSY = 10_000


class Keys(msgspec.Struct, frozen=True):
    """The keys of one tenant's files: for pages, for hashed codes, for seals (kept outside the data directory)."""

    tenant: str
    pages: bytes
    codes: bytes
    seals: bytes

    def genesis(self, chain: str) -> bytes:
        """What this tenant's `log` or `audit` chain begins with."""
        return genesis(self.seals, self.tenant, chain)


def connect(
    path: Path, key: bytes, *, cache_mb: int = 64, checked: bool = True, readonly: bool = False
) -> apsw.Connection:
    """Open (and make) `path`. `checked` False reads pages whose authentication fails, for verification only."""
    flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    connection = apsw.Connection(str(path), flags=flags)
    connection.pragma("cipher", "chacha20")
    if not checked:
        connection.pragma("hmac_check", 0)
    connection.execute(f'PRAGMA key="raw:{key.hex()}"')
    connection.set_busy_timeout(BUSY)
    connection.pragma("cache_size", -cache_mb * 1024)
    if not readonly:
        connection.pragma("page_size", PAGE)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "normal")
        connection.pragma("secure_delete", 1)
        connection.pragma("wal_autocheckpoint", 0)
    return connection


def truncated(connection: apsw.Connection) -> bool:
    """Move the whole write-ahead log into the file and leave none of it; False, at once, while others use it."""
    connection.set_busy_timeout(0)
    try:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except (apsw.BusyError, apsw.LockedError):
        return False
    finally:
        connection.set_busy_timeout(BUSY)
    return True


def checkpoint(path: Path, key: bytes) -> None:
    """Move what the write-ahead log holds into the file; runs in any thread on a connection of its own."""
    connection = connect(path, key, cache_mb=4)
    try:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    finally:
        connection.close()
