"""Deep verification: the index is followed again beside the stored one and compared row by row; every blob is opened."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path

import apsw
from cryptography.exceptions import InvalidTag

from onmaru.engines.folder import opened
from onmaru.engines.keyring import Keyring
from onmaru.engines.sqlite.connection import Keys, connect
from onmaru.engines.sqlite.follower import SLICE, decoded
from onmaru.engines.sqlite.index import INSERTS, IndexFile
from onmaru.engines.sqlite.log import versions
from onmaru.engines.sqlite.verify import Report, Wrong

POSITION = {
    "ver": 0,
    "hist": 1,
    "dead": 0,
    "comp": 1,
    "pc": 4,
    "tok": 3,
    "ref": 2,
    "dat": 3,
    "str": 2,
    "qty": 4,
    "txt": None,
}


class Deep:
    """Adds to a report that found nothing wrong so far."""

    def __init__(self, folder: Path, keys: Keys, ring: Keyring, report: Report) -> None:
        self._folder = folder
        self._keys = keys
        self._ring = ring
        self._report = report

    def run(self, scratch: Path) -> None:
        """Compare index and blobs; `scratch` is an empty folder for the rebuild."""
        try:
            stored = connect(self._folder / "idx.db", self._keys.pages, checked=False, readonly=True)
        except apsw.Error:
            self._report.add(Wrong("idx.db", 1, "the file does not open with this tenant's key"))
            return
        try:
            position = stored.execute("SELECT value FROM fact WHERE name = 'position'").get
            rebuilt = self._rebuilt(scratch, position if isinstance(position, int) else 0)
            for table in INSERTS:
                self._compare(stored, rebuilt.db, table)
            rebuilt.close()
        except apsw.Error:
            self._report.add(Wrong("idx.db", "page", "unreadable"))
        finally:
            stored.close()
        self._blobs()

    def _rebuilt(self, scratch: Path, position: int) -> IndexFile:
        file = IndexFile(scratch, self._keys)
        log = connect(self._folder / "log.db", self._keys.pages, readonly=True)
        while file.position < position:
            batch = versions(log, file.position, min(SLICE, position - file.position))
            file.apply([(version, decoded(version)) for version in batch if version.type])
            file.position = batch[-1].t
        log.close()
        return file

    def _compare(self, stored: apsw.Connection, rebuilt: apsw.Connection, table: str) -> None:
        sql = f"SELECT * FROM {table} ORDER BY " + ",".join(str(n + 1) for n in range(_width(rebuilt, table)))
        column = POSITION[table]
        for here, there in zip_longest(stored.execute(sql), rebuilt.execute(sql)):
            self._report.index_rows += 1
            if here != there:
                row = here or there
                entry = row[column] if row is not None and column is not None else "row"
                self._report.add(Wrong("idx.db", entry, f"a row of {table} differs from a rebuild"))
                return

    def _blobs(self) -> None:
        folder = self._folder / "blobs"
        for path in sorted(folder.glob("??/*")) if folder.exists() else ():
            self._report.blobs += 1
            try:
                name = opened(path, self._ring).name
            except (InvalidTag, ValueError, IndexError):
                name = ""
            if name != path.name:
                self._report.add(Wrong("blobs", path.name, "its bytes are not those that gave it its name"))


def _width(db: apsw.Connection, table: str) -> int:
    return len(db.execute(f"PRAGMA table_info({table})").fetchall())
