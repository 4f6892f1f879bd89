"""Rows of a tenant's own search parameters compared with those that its log gives, made again in files beside."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import apsw

from onmaru.engines.index.follower import SLICE
from onmaru.engines.index.rows import Rows
from onmaru.engines.sqlite.connection import Keys, connect
from onmaru.engines.sqlite.own import FOLDER, TABLES, Defined, OwnFile, definitions
from onmaru.fhir.search.own import defined, rows
from onmaru.kernel.log import Version

# Versions after a position, at most so many
Read = Callable[[int, int], Sequence[Version]]
Named = Callable[[apsw.Connection, str], Iterator[tuple[Any, ...]]]


class OwnDeep:
    """What is stored under a tenant's folder, and the same made again below `scratch`."""

    def __init__(self, folder: Path, keys: Keys, scratch: Path) -> None:
        self._folder, self._keys, self._scratch = folder / FOLDER, keys, scratch / FOLDER

    def pairs(self, read: Read, named: Named) -> Iterator[tuple[str, str, Iterator[Any], Iterator[Any]]]:
        """(code of the parameter, table, rows as stored, rows made again) of every file whose definition stands.

        A file of a definition that is no more goes with the next start and says nothing.
        """
        for one in self._standing(read):
            stored = connect(self._folder / one.mark / "idx.db", self._keys.pages, checked=False, readonly=True)
            try:
                stored.execute("BEGIN")
                position: Any = stored.execute("SELECT value FROM fact WHERE name = 'position'").get
                again = self._again(one, read, position or 0)
                for table in TABLES:
                    yield one.parameter.code, table, named(stored, table), named(again.base, table)
                again.close()
            finally:
                stored.close()

    def _standing(self, read: Read) -> list[Defined]:
        if not self._folder.is_dir():
            return []
        newest: dict[str, Version] = {}
        for version in _all(read, 2**62):
            if version.type == "SearchParameter":
                newest[version.id] = version
        latest = sorted(newest.values(), key=lambda one: one.t, reverse=True)
        found: Mapping[str, Mapping[str, Any]] = defined([one.body for one in latest if one.body is not None])
        return [one for one in definitions(found) if (self._folder / one.mark / "idx.db").exists()]

    def _again(self, one: Defined, read: Read, position: int) -> OwnFile:
        shutil.rmtree(self._scratch, ignore_errors=True)
        file = OwnFile(self._scratch / one.mark, self._keys, one)
        made = Rows(file)
        for number, version in enumerate(_all(read, position)):
            if version.type in one.types and version.body is not None:
                made.bare(version.type, version.t, rows(version.body, one.parameter))
            if number % SLICE == 0:
                made.flush()
        made.flush()
        return file


def _all(read: Read, until: int) -> Iterator[Version]:
    after = 0
    while batch := read(after, SLICE):
        for version in batch:
            if version.t > until:
                return
            yield version
        after = batch[-1].t
