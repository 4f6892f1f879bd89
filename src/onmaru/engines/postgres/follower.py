"""The Index door over the tables in PostgreSQL: opens many versions in one question, and hears what other workers wrote."""

from __future__ import annotations

from collections.abc import Sequence

from onmaru.engines.index.follower import FollowedIndex, bounded
from onmaru.engines.index.names import SEVERAL_AT_MOST, TYPES
from onmaru.engines.postgres.log import PgLog
from onmaru.engines.postgres.tables import PgTables
from onmaru.fhir.keys import Keys
from onmaru.kernel.log import Version


class PgIndex(FollowedIndex):
    """The index of one tenant as this worker sees it."""

    def __init__(self, file: PgTables, log: PgLog) -> None:
        super().__init__(file, log)
        self.tables = file
        self._entries = log
        # Names of which there was no version when they were looked for; the first one takes its name out
        self._unborn: set[str] = set()

    def heard(self, t: int, next_rid: int, erased: Sequence[int]) -> None:
        """Other workers appended up to `t` and took the bodies at the positions `erased`: forget what is not so any more."""
        for name in self.tables.learn(t, next_rid):
            self._current.pop(name, None)
            self._unborn.discard(name)
        self.tables.taken(erased)
        self._drop(erased)

    def expect(self, names: Sequence[tuple[str, str]]) -> None:
        """In four questions, whatever their number; those that there are not are remembered too."""
        unknown = [name for name in names if "/".join(name) not in self._current and "/".join(name) not in self._newest]
        if not unknown:
            return
        standing = self.tables.standings(unknown, self.file.position)
        self.ahead(list(standing.values()))
        self._current = bounded(self._current)
        for name in unknown:
            if name in standing:
                self._current["/".join(name)] = standing[name]
            elif len(self._unborn) < SEVERAL_AT_MOST:
                self._unborn.add("/".join(name))

    def _found(self, type: str, id: str, t: int) -> tuple[int, str] | None:
        """With the version itself, in one question."""
        if f"{type}/{id}" in self._unborn:
            return None
        found = self._entries.newest(TYPES.get(type, 0), id, t)
        if found is None:
            return None
        position, pats, version = found
        if version is not None and position not in self._kept:
            self._keep(version)
        return position, pats

    def commit(self) -> None:
        """Nothing waits here: rows are committed with their entries."""

    def given_up(self) -> None:
        """What was noted will never be appended."""
        self.pending.clear()
        self._newest.clear()
        self._current.clear()
        self._unborn.clear()
        self._kept.clear()
        self._whose.clear()
        self.veils.forget()
        self.verdicts.forget()
        self._bytes = 0
        self._steps = None

    def ahead(self, positions: Sequence[int]) -> None:
        """Have these versions in memory before they are asked for one by one."""
        missing = [t for t in positions if t not in self._kept]
        for version in self._entries.some(missing) if len(missing) > 1 else ():
            self._keep(version)
        unknown = [t for t in positions if t not in self._whose]
        if len(unknown) > 1:
            self._whose = bounded(self._whose)
            for t, pats in self.tables.whose(unknown):
                self._whose[t] = self._people(pats)

    def _applied(self, batch: Sequence[tuple[Version, Keys | None]]) -> None:
        """Whose the versions are is known from their keys."""
        super()._applied(batch)
        self._whose = bounded(self._whose)
        self._unborn.difference_update([version.name for version, _ in batch])
        for version, keys in batch:
            if keys is not None:
                self._whose[version.t] = tuple(keys.patients)
