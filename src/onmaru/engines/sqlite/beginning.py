"""Whether a tenant's store was ever whole: one killed while its first files were made holds nothing that could be lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import apsw

from onmaru.engines.sqlite.connection import connect

# In the order in which they are made, each with what its first row tells of
FIRST = {"log.db": ("entry", "body", "erased"), "audit.db": ("block",), "idx.db": ("ver",)}
_BESIDE = ("", "-wal", "-shm", "-journal")
_MADE = {"tenant.key", "tenant.key.new", "home.lock", *(name + end for name in FIRST for end in _BESIDE)}


def half_made(folder: Path, pages: bytes) -> bool:
    """Whether the first files in `folder` are not all there yet, hold no row, and nothing lies beside them.

    Nothing can be acknowledged before all three are whole, so whatever else is found was put there later. What does not
    open with the key `pages` counts as something.
    """
    if any(path.name not in _MADE for path in folder.iterdir()):
        return False
    found = [_rows(folder, name, pages) for name in FIRST]
    return None in found and not any(found)


def _rows(folder: Path, name: str, pages: bytes) -> bool | None:
    """Whether a file holds a row; None when its tables are not there yet."""
    path = folder / name
    if not path.exists() or not path.stat().st_size + _size(path.with_name(f"{name}-wal")):
        return None
    try:
        db = connect(path, pages, readonly=True)
        try:
            return _any(db, FIRST[name])
        finally:
            db.close()
    except apsw.Error:
        # A journal is there only until the file has its write-ahead log: before its first table
        return None if path.with_name(f"{name}-journal").exists() else True


def _any(db: apsw.Connection, tables: Sequence[str]) -> bool | None:
    there = {table for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    asked = [table for table in tables if table in there]
    if any(db.execute(f"SELECT 1 FROM {table} LIMIT 1").get for table in asked):
        return True
    return None if len(asked) < len(tables) else False


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
