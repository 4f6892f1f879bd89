"""Where on disk a stored body lies, so that an auditor can point at the very bytes."""

from __future__ import annotations

from pathlib import Path

import apsw

from onmaru.engines.sqlite.connection import Keys, connect


def where(folder: Path, keys: Keys, name: str) -> dict[str, object] | None:
    """File, offset and length of the newest stored body of `Type/id` or of a bare id; None where there is none.

    The body lies encrypted: the bytes at that place are the page cipher's. A body too long for one page continues on
    others; the place given is that of its first part. What still waits in the write-ahead log is moved to the file first.
    """
    path = folder / "log.db"
    db = connect(path, keys.pages)
    try:
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        type, _, id = name.rpartition("/")
        row = db.execute(
            "SELECT b.t, type, id, salt, z FROM body b JOIN entry e ON e.t = b.t "
            "WHERE id = ? AND (? = '' OR type = ?) AND z IS NOT NULL AND op <> 'erase' ORDER BY b.t DESC",
            (id, type, type),
        ).fetchone()
        if row is None:
            return None
        t, type, id, salt, z = row
        image = db.serialize("main")
        record = image.find(salt + f"{type}{id}".encode())
        offset = record + len(salt) + len(f"{type}{id}".encode())
        length = 0
        while length < len(z) and image[offset + length : offset + length + 1] == z[length : length + 1]:
            length += 1
        return {
            "file": str(path),
            "offset": offset,
            "length": length,
            "whole": len(z),
            "entry": t,
            "resource": f"{type}/{id}",
        }
    finally:
        db.close()
