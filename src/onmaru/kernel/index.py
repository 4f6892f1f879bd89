"""The seam between the Record and an engine: the log's first follower, asked for versions at a position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec
from pyroaring import BitMap

from onmaru.fhir.keys import Keys
from onmaru.fhir.query import Query
from onmaru.kernel.gate import Compartments, Sight
from onmaru.kernel.log import Version

# (search parameter, type, id or url)
Reference = tuple[int, str, str]


class Found(msgspec.Struct, frozen=True):
    """One page: the matches in order, how many there are in all (None: not counted) and whether more follow.

    `plan`: how they were found, a line a step, where the query asks for it; every count in it is of what the caller sees.
    """

    versions: Sequence[Version]
    total: int | None
    more: bool
    plan: Sequence[str] = ()


class Index(Protocol):
    """Answers about the record as it was at `t`, for a caller with `sight`. Follows appends before they are durable."""

    def touched(self, after: int, t: int) -> Sequence[Version]:
        """The versions at positions after+1 … t, durable or not."""

    def latest(self, type: str, id: str, t: int) -> Version | None:
        """The newest version at or below `t`, deletions included; None when there never was one."""

    def expect(self, names: Sequence[tuple[str, str]]) -> None:
        """The newest versions of these (type, id) are about to be asked for; an engine far away fetches them together."""

    def numbered(self, type: str, id: str, version: int, t: int) -> Version | None: ...

    def reach(self, t: int) -> None:
        """Take everything up to `t` into account, for a decision taken there; readers look at what is durable."""

    def positions(self, type: str, id: str, t: int) -> Sequence[int]:
        """Where the versions of a resource at or below `t` stand, erased ones included, in ascending order."""

    def belonging(self, patient: str, t: int) -> Sequence[tuple[str, str]]:
        """(type, id) of all of which some version at or below `t` was in a patient's compartment; not what was erased."""

    def referring(self, by: tuple[str, str], targets: Sequence[tuple[str, str]], t: int) -> Sequence[tuple[str, str]]:
        """(type, id) of all of which some version at or below `t` refers to a target by a search parameter (type, code)."""

    def keys(self, version: Version) -> Keys:
        """Search keys of a version that has a body."""

    def references(self, version: Version) -> Sequence[Reference]:
        """The rows of its keys that name what it refers to; () for a version without a body."""

    def compartments(self, version: Version) -> Compartments:
        """Patients whose compartments the version is in; for a deletion those of the version before it.

        Its own are those of its time; what it inherits is that of now, by the newest versions of what it refers to.
        """

    def history(self, type: str, id: str, bounds: tuple[int, int, int], count: int, sight: Sight) -> Found:
        """Versions newest first with bounds (t, before, since): position ≤ t, < before when set, recorded ≥ since µs."""

    def find(self, query: Query, t: int, after: int, offset: int, sight: Sight) -> Found:
        """Matches of `query` that `sight` sees, those after position `after` (0: from the start) in the query's order."""

    def recorded(self, microseconds: int) -> int:
        """The last position recorded before a time in µs since 1970 UTC."""

    def standing(self, query: Query, t: int, sight: Sight) -> BitMap:
        """The positions of all matches of `query` that `sight` sees, in no other order than their own."""

    def seen(self, positions: BitMap, type: str, t: int, sight: Sight) -> BitMap:
        """Which of these versions of one type, current at `t`, `sight` sees."""

    def marked(self, type: str, t: int, sight: Sight) -> Iterator[Version | None]:
        """Versions current at `t` of a type ("": of all) that between them bear every profile, tag and label that any that
        `sight` sees does; None where others may be answered between.
        """

    def inside(self, patients: Sequence[str]) -> BitMap:
        """The positions of all versions in these patients' compartments."""

    def owned(self, after: int, t: int) -> BitMap:
        """Those of after+1 … t that are in some patient's compartment."""

    def named(self, positions: BitMap) -> frozenset[str]:
        """The patients in whose compartments versions at these positions are, inherited ones too."""
