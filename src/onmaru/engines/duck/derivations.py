"""All derivations of one tenant's columnar tables: which table is whose, when one is behind, and who renews it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from onmaru.engines.duck.derived import Derived, Source
from onmaru.engines.duck.leases import Leases
from onmaru.engines.duck.nested.scope import Scope
from onmaru.engines.duck.reader import Reader
from onmaru.kernel.derivation import Derivation
from onmaru.kernel.log import Version
from onmaru.kernel.projection import Projection, Table

MEMORY = "3GB"
Wanted = Sequence[tuple[Derivation, Mapping[str, Any]]]


class Derivations:
    """`source`: the SELECT of a base or site table, or of what came of a base after a position. `stands`: a projection's
    position. `sites`: site tables by their file.

    `calm`: the thread that must not wait for a renewal; another one makes it.
    """

    def __init__(self, folder: Path, key: bytes, wanted: Wanted, leases: Leases) -> None:
        self.wanted = wanted
        self.calm: int | None = None
        # Kept open: to open a database costs as much as twenty small statements
        self._reader = Reader(MEMORY)
        self._made = [Derived(folder, key, one, self._reader) for one in wanted]
        self._leases = leases
        self._asked: set[str] = set()
        self._renewing = threading.RLock()
        self.source: Source
        self.stands: Callable[[str], int]
        self.sites: Callable[[], Mapping[str, str]]

    @property
    def tables(self) -> Mapping[str, Table]:
        """Every table that they make or promise."""
        return {name: table for one in self._made for name, table in one.tables.items()}

    def owns(self, name: str) -> bool:
        """Whether nobody may publish a table of this name."""
        return any(one.owns(name) for one in self._made)

    def empty(self, name: str) -> pa.Table:
        """A table that is promised and that nobody has filled; KeyError when there is none of that name."""
        found = [table for one in self._made if (table := one.empty(name)) is not None]
        if not found:
            raise KeyError(name)
        return found[0]

    def columns(self, name: str) -> tuple[pa.Schema, int]:
        """A table's columns, and the position it was made of."""
        one = next(one for one in self._made if one.owns(name))
        return one.columns(name), one.state.position

    def note(self, projection: Projection, batch: Sequence[Version]) -> None:
        """What was followed just now ended versions; rows made of what it erased leave at once."""
        mine = [version for version in batch if version.type in projection.types]
        ended = [(version.name, version.t) for version in mine if version.version > 1]
        erased = any(version.op == "erase" for version in mine)
        for one in self._made:
            if one.derivation.projection == projection.name:
                one.note(ended, erased=erased)
                if erased and one.state.position:
                    self._renew(one)

    def freshen(self, names: Sequence[str]) -> None:
        """Renew what these tables are of, but in the thread that must not wait."""
        for one in self._made:
            if any(one.keeps(name) for name in names):
                self._asked.add(one.derivation.name)
                if self.calm != threading.get_ident():
                    self._renew(one)

    def renew(self) -> None:
        """Bring every derivation up to its base."""
        for one in self._made:
            self._renew(one)

    def follow(self) -> None:
        """The same for those that anybody ever asked for: who uses none of these tables pays nothing for them."""
        for one in self._made:
            if one.state.position or one.derivation.name in self._asked:
                self._renew(one)

    def remembers(self, name: str) -> bool:
        """Whether a table keeps what nothing names any more, so that a rebuild may have less of it."""
        return any(one.codes(name) for one in self._made)

    def _renew(self, one: Derived) -> None:
        with self._renewing, self._leases.reading():
            stands, mark = partial(self.stands, one.derivation.projection), one.mark(self.sites())
            if (one.state.position, one.state.sites) != (stands(), mark):
                left = one.refresh(stands, mark, self.source)
                self._leases.retire(partial(one.vault.remove, left))

    def selects(self, names: Sequence[str], scope: Scope) -> Iterator[tuple[str, str]]:
        """The SELECTs of those tables that are made here, after those that these need."""
        for one in self._made:
            if mine := [name for name in names if one.keeps(name)]:
                yield from one.selects(mine, scope, self.source)

    def reached(self, names: Sequence[str]) -> list[int]:
        """The positions that these tables were made of."""
        return [one.state.position for one in self._made if any(one.owns(name) for name in names)]

    def close(self) -> None:
        """Let DuckDB go."""
        self._reader.close()
