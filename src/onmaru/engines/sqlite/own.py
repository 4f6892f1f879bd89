"""The rows of a tenant's own search parameters: a file each beside the index, made while searches go on, gone with it.

Its one law: a file says up to which position its rows are whole, and that is never more than is durable.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from heapq import merge
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from pyroaring import BitMap

from onmaru.engines.index.follower import FollowedIndex
from onmaru.engines.index.names import TYPES
from onmaru.engines.index.owned import lasting
from onmaru.engines.index.rows import Rows
from onmaru.engines.index.tables import Tables
from onmaru.engines.sqlite.connection import Keys, truncated
from onmaru.engines.sqlite.index import IndexFile
from onmaru.fhir.query import Parameter
from onmaru.fhir.search.own import Own, rows
from onmaru.kernel.log import Version
from onmaru.kernel.rules import Indexed

FOLDER = "own"
# Parameters that have rows; more are asked of bodies
MOST = 50
# How long one step holds the loop, and how many positions may wait to be committed
SECONDS, GROUP = 0.004, 5_000
CACHE_MB = 16
# Pages of its write-ahead log after which they are moved into the file
PAGES = 2_000
# Another way of making rows makes them anew
FORMAT = "1"
TABLES = ("tok", "ref", "dat", "str", "qty")


class Defined(NamedTuple):
    """One parameter with the types it is defined on."""

    parameter: Parameter
    types: frozenset[str]

    @property
    def mark(self) -> str:
        """What its rows depend on, as the name of their folder."""
        one = self.parameter
        text = "\0".join((FORMAT, one.kind, one.expression, *sorted(self.types)))
        return blake2b(text.encode(), digest_size=16).hexdigest()


class OwnFile(IndexFile):
    """The rows of one parameter, and nothing of the versions that they are of."""

    def __init__(self, folder: Path, keys: Keys, defined: Defined) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        super().__init__(folder, keys, cache_mb=CACHE_MB)
        self.base.pragma("wal_autocheckpoint", PAGES)
        self.folder = folder
        self.defined = defined
        self.until = self.fact("until") or 0

    def put(self, rows: Mapping[str, list[tuple[Any, ...]]]) -> None:
        """Without display texts: nothing that needs them is asked of these rows."""
        super().put({**rows, "txt": []})

    def take(self, versions: Iterable[Version], top: int) -> None:
        """Make the rows of these, which are all up to `top` that matter here, for as long as a step may take."""
        self.begin()
        made, started, reached = Rows(self), perf_counter(), top
        for version in versions:
            made.bare(version.type, version.t, rows(version.body or b"{}", self.defined.parameter))
            if perf_counter() - started > SECONDS:
                reached = version.t
                break
        made.flush()
        self.position = self.begun = reached
        if reached - self.committed >= GROUP:
            self.commit(b"")

    def drop(self, positions: Sequence[int], until: int) -> None:
        """Take rows out, durably, and say for which position of the log that holds."""
        self.erase(positions)
        self.until = max(until, self.until)
        self.base.execute("INSERT OR REPLACE INTO fact VALUES('until', ?)", (self.until,))
        self.commit(b"")
        truncated(self.base)

    def positions(self) -> BitMap:
        """All that has rows here."""
        return BitMap(t for table in TABLES for (t,) in self.base.execute(f"SELECT t FROM {table}"))

    def destroy(self) -> None:
        """The definition is no more, or not this one."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class OwnFiles:
    """Owned (engines/index/owned.py) of one tenant. `parameters`: the definitions as they stand; `head`: what is durable.

    Not thread-safe: it is stepped on the loop that searches.
    """

    def __init__(
        self, folder: Path, keys: Keys, index: FollowedIndex, parameters: Callable[[], Own], head: Callable[[], int]
    ) -> None:
        self._folder = folder / FOLDER
        self._keys = keys
        self._index = index
        self._parameters = parameters
        self._head = head
        self._seen: Own | None = None
        self._files: dict[Parameter, OwnFile] = {}
        if self._folder.is_dir():
            self._settle()

    def of(self, parameter: Parameter) -> Tables | None:
        """See the protocol."""
        return self._files.get(parameter) if self._seen is self._parameters() else None

    def drop(self, positions: Sequence[int], until: int) -> None:
        """See the protocol."""
        for file in self._files.values():
            file.drop(positions, until)

    def step(self) -> bool:
        """Make some rows, for a few milliseconds; whether there is more to do."""
        if self._seen is not self._parameters():
            self._settle()
        top = min(self._head(), self._index.file.position)
        behind = [one for one in self._files.values() if one.position < top]
        if not behind:
            for file in self._files.values():
                file.commit(b"")
            return False
        file = min(behind, key=lambda one: one.position)
        file.take(self._waiting(file, top), top)
        return True

    def _waiting(self, file: OwnFile, top: int) -> Iterator[Version]:
        """The versions of its types with a body behind where it is, in order."""
        live = (self._index.file.by_type[TYPES[type]] for type in file.defined.types)
        for t in merge(*(bits.iter_equal_or_larger(file.position + 1) for bits in live)):
            if t > top:
                return
            version = self._index.glance(t)
            if version is not None and version.body is not None:
                yield version

    def standing(self) -> Sequence[Indexed]:
        """Each parameter and up to where it has rows; None where it is asked of bodies alone."""
        head = self._head()
        told = []
        for one in definitions(self._parameters()):
            file = self.of(one.parameter)
            parameter = one.parameter
            reached = None if file is None else min(file.position, head)
            whole = not lasting(parameter)
            told.append(Indexed(parameter.code, parameter.url, sorted(one.types), reached, head, whole))
        return told

    def _settle(self) -> None:
        """Have a file open for each definition as it stands, and remove those of definitions that are no more."""
        wanted = self._parameters()
        lasts = [one for one in definitions(wanted) if lasting(one.parameter)][:MOST]
        marks = {one.mark for one in lasts}
        before, self._files = self._files, {}
        for one in lasts:
            file = before.get(one.parameter)
            if file is not None and file.defined == one:
                self._files[one.parameter] = before.pop(one.parameter)
        for file in before.values():
            file.commit(b"")
            file.close()
        for folder in self._folder.iterdir() if self._folder.is_dir() else ():
            if folder.name not in marks:
                shutil.rmtree(folder, ignore_errors=True)
        for one in lasts:
            if one.parameter not in self._files:
                self._files[one.parameter] = self._opened(one)
        self._seen = wanted

    def _opened(self, one: Defined) -> OwnFile:
        """Its file; made anew where it tells of more than the log holds, and without what was erased meanwhile."""
        file = OwnFile(self._folder / one.mark, self._keys, one)
        if max(file.position, file.until) > self._head():
            file.destroy()
            file = OwnFile(self._folder / one.mark, self._keys, one)
        gone = file.positions() - BitMap().union(*self._index.file.by_type.values())
        if gone:
            file.drop(list(gone), self._head())
        return file

    def close(self) -> None:
        """Keep what was made."""
        for file in self._files.values():
            file.commit(b"")
            file.close()
        self._files, self._seen = {}, None


def definitions(own: Own) -> list[Defined]:
    """Each definition once."""
    types: dict[Parameter, set[str]] = {}
    for type, codes in own.items():
        for parameter in codes.values():
            types.setdefault(parameter, set()).add(type)
    return [Defined(parameter, frozenset(found)) for parameter, found in types.items()]
