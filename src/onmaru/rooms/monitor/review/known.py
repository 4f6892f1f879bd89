"""What is known of one patient at a moment: the readings and limits that the versions so far stand for.

Its one law: a version's facts replace those of the version before it, from when it was recorded and not sooner.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

from onmaru.kernel.log import Version
from onmaru.rooms.monitor.alerts.facts import NONE, Facts, facts
from onmaru.rooms.monitor.alerts.signals import Seen
from onmaru.rooms.monitor.limits import in_force
from onmaru.rooms.monitor.reading import Reading
from onmaru.rooms.monitor.scoring import Scored

NEVER = 2**62


class Known:
    """Of `patient`; `fresh` in µs: how long a reading counts in a score."""

    def __init__(self, patient: str, fresh: int) -> None:
        self._patient = patient
        self._fresh = fresh
        self._said: dict[str, Facts] = {}
        # Of each measure the readings by when they were measured
        self._by_time: dict[str, list[tuple[int, str, Reading]]] = {}

    def take(self, version: Version) -> tuple[Facts, Facts]:
        """Take a version: what its resource said before, and what it says now. What is another patient's says nothing."""
        said = facts(version)
        said = said if said.patient == self._patient else NONE
        before = self._said.pop(version.name, NONE)
        for one in before.readings:
            row = (one.at, one.source, one)
            mine = self._by_time[one.measure]
            del mine[bisect_left(mine, row)]
        for one in said.readings:
            insort(self._by_time.setdefault(one.measure, []), (one.at, one.source, one))
        if said is not NONE:
            self._said[version.name] = said
        return before, said

    def scored(self, at: int, name: str = "news2") -> Scored:
        """A score as it stood at `at` (µs)."""
        limits = [one.limit for one in self._said.values() if one.limit is not None]
        return Seen(list(self._newest(at)), in_force(limits, at), self._fresh).scored(name, at)

    def due(self, after: int) -> int:
        """When the score may next change without anything being written; NEVER when it will not."""
        return min((one for one in self._dues(after) if one > after), default=NEVER)

    def _dues(self, after: int) -> Iterator[int]:
        for mine in self._by_time.values():
            place = bisect_right(mine, after, key=lambda row: row[0])
            if place:
                yield mine[place - 1][0] + self._fresh
            if place < len(mine):
                yield mine[place][0]
        for said in self._said.values():
            if said.limit is not None:
                yield said.limit.start
                yield said.limit.end

    def _newest(self, at: int) -> Iterator[Reading]:
        """Of each measure what was read last by `at`, from every source."""
        for mine in self._by_time.values():
            place = bisect_right(mine, at, key=lambda row: row[0])
            if place:
                last = mine[place - 1][0]
                yield from (row[2] for row in mine[bisect_left(mine, last, key=lambda row: row[0]) : place])
