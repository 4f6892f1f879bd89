"""Deep verification: the index is followed again beside the stored one and compared row by row; every blob is opened."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import apsw

from onmaru.engines.folder import earned
from onmaru.engines.index.follower import SLICE, decoded
from onmaru.engines.keyring import Keyring
from onmaru.engines.sqlite.connection import Keys, connect
from onmaru.engines.sqlite.index import IndexFile
from onmaru.engines.sqlite.log import versions
from onmaru.engines.sqlite.own_deep import OwnDeep, Read
from onmaru.engines.sqlite.schema import INSERTS
from onmaru.engines.sqlite.verify import Report, Wrong

POSITION = {
    "ver": 0,
    "hist": 1,
    "dead": 0,
    "comp": 1,
    "link": 1,
    "heir": 1,
    "pc": 4,
    "tok": 3,
    "ref": 2,
    "dat": 3,
    "str": 2,
    "qty": 4,
    "txt": None,
}


Rows = Iterator[tuple[Any, ...]]


class Deep:
    """Adds to a report that found nothing wrong so far."""

    INDEX = "idx.db"

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
            self._report.add(Wrong(self.INDEX, 1, "the file does not open with this tenant's key"))
            return
        try:
            stored.execute("BEGIN")  # beside a running server all of it is to be of one moment
            position = stored.execute("SELECT value FROM fact WHERE name = 'position'").get
            rebuilt = self._rebuilt(scratch, position if isinstance(position, int) else 0)
            for table in INSERTS:
                self._compare(table, named(stored, table), named(rebuilt.base, table))
            rebuilt.close()
        except apsw.Error:
            self._report.add(Wrong(self.INDEX, "page", "unreadable"))
        finally:
            stored.close()
        log = connect(self._folder / "log.db", self._keys.pages, readonly=True)
        self._own(lambda after, limit: versions(log, after, limit), scratch)
        log.close()
        self._blobs()

    def _own(self, read: Read, scratch: Path) -> None:
        """Compare the rows of the tenant's own search parameters; each worker's lie in its home."""
        try:
            for code, table, stored, again in OwnDeep(self._folder, self._keys, scratch).pairs(read, named):
                self._compare(table, stored, again, f"own/{code}")
        except apsw.Error:
            self._report.add(Wrong("own", "page", "unreadable"))

    def _rebuilt(self, scratch: Path, position: int) -> IndexFile:
        file = IndexFile(scratch, self._keys)
        log = connect(self._folder / "log.db", self._keys.pages, readonly=True)
        while file.position < position:
            batch = versions(log, file.position, min(SLICE, position - file.position))
            file.apply([(version, decoded(version)) for version in batch])
        log.close()
        return file

    def _compare(self, table: str, stored: Rows, rebuilt: Rows, file: str = "") -> None:
        column = POSITION[table]
        for here, there in zip_longest(stored, rebuilt):
            self._report.index_rows += 1
            if here != there:
                # In order, the lesser of two different rows is the one that the other side lacks.
                row = min((one for one in (here, there) if one), key=lambda one: [(x is not None, x) for x in one])
                entry = row[column] if column is not None else "row"
                self._report.add(Wrong(file or self.INDEX, entry, f"a row of {table} differs from a rebuild"))
                return

    def _blobs(self) -> None:
        folder = self._folder / "blobs"
        for path in sorted(folder.glob("??/*")) if folder.exists() else ():
            self._report.blobs += 1
            try:
                name = earned(path, self._ring)
            except OSError:
                name = ""
            if name != path.name:
                self._report.add(Wrong("blobs", path.name, "its bytes are not those that gave it its name"))


def named(db: apsw.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    """A table's rows in order, with names for the surrogate keys that depend on what was followed when."""
    columns: list[Any] = db.execute(f"PRAGMA table_info({table})").fetchall()
    shown, joins = [], ""
    for _, column, *_ in columns:
        if column == "rid":
            shown.append("r.type || '/' || r.id")
            joins += f" LEFT JOIN res r ON r.rid = {table}.rid"
        elif column == "s":
            shown.append("y.url")
            joins += f" LEFT JOIN sys y ON y.s = {table}.s"
        elif column == "pats":
            shown.append(
                "(SELECT group_concat(id) FROM (SELECT p.id FROM json_each('[' || pats || ']') j"
                " JOIN res p ON p.rid = j.value ORDER BY p.id))"
            )
        else:
            shown.append(f"{table}.{column}")
    order = ",".join(str(number) for number in range(1, len(shown) + 1))
    rows: Any = db.execute(f"SELECT {', '.join(shown)} FROM {table}{joins} ORDER BY {order}")
    return iter(rows)
