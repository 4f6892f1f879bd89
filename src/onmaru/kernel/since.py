"""What a decision that was prepared has to look at again: the versions appended since, and no others."""

from __future__ import annotations

import msgspec

from onmaru.fhir.query import Clause, Query
from onmaru.kernel.index import Index
from onmaru.kernel.log import Version
from onmaru.kernel.meaning import clause_holds
from onmaru.kernel.record import Change


class Target(msgspec.Struct, frozen=True):
    """What a change applies to: the id it will have and the version that is there now, if any."""

    id: str
    current: Version | None
    done: bool = False


class Since:
    """What was appended between the position at which targets were found and the one at which they are needed.

    `hiding`: a patient is hidden from the caller, so that any version may hide a target that refers to it.
    """

    def __init__(self, index: Index, after: int, t: int, hiding: bool) -> None:
        self._hiding = hiding
        self._keys = index.keys
        self._versions = index.touched(after, t)
        self._names = {version.name for version in self._versions}

    def touches(self, change: Change, target: Target) -> bool:
        """Whether the target of a change could be another one now."""
        if self._hiding or not self._versions:
            return bool(self._versions)
        if {f"{change.type}/{target.id}", f"{change.type}/{change.id}"} & self._names:
            return True
        condition = change.if_none_exist if change.op == "create" else change.condition
        return condition is not None and any(self._matches(version, condition) for version in self._versions)

    def _matches(self, version: Version, condition: Query) -> bool:
        """Whether a condition may be met by a version; one that asks about other resources may be by any."""
        if not all(isinstance(clause, Clause) for clause in condition.clauses):
            return True
        if version.type not in condition.types or version.body is None:
            return False
        keys = self._keys(version)
        return all(clause_holds(version, keys, clause) for clause in condition.clauses if isinstance(clause, Clause))
