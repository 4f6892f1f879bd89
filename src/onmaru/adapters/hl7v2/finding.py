"""Finding stored resources by their numbers: recent writes first, then a search; merged patients lead to the survivor."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from onmaru.adapters.hl7v2.context import Contexts
from onmaru.fhir import search
from onmaru.fhir.query import Clause, Query, Token
from onmaru.kernel.log import Version
from onmaru.kernel.record import Record

Number = tuple[str, str, str]
DECODER = msgspec.json.Decoder(float_hook=Decimal)
RECENT = 20_000
DECODED = 2_000


class Recent:
    """Versions that this door wrote last, by number: they may not be durable yet, so a search would not see them.

    One per tenant. A stale one is found out by the version check of the write and then forgotten.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, str], Version] = OrderedDict()
        self._ids: OrderedDict[tuple[str, str], Version] = OrderedDict()
        self._read: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._repeated: dict[tuple[int, bytes], None] = {}
        self.contexts = Contexts(self.by_id)

    def get(self, type: str, system: str, value: str) -> Version | None:
        return self._kept.get((type, system, value))

    def by_id(self, type: str, id: str) -> Version | None:
        return self._ids.get((type, id))

    def keep(self, version: Version, numbers: Sequence[Number]) -> None:
        """Remember a version that was just written under the numbers it has."""
        self._ids[(version.type, version.id)] = version
        for system, value, _ in numbers:
            self._kept[(version.type, system, value)] = version
            self._kept.move_to_end((version.type, system, value))
        while len(self._kept) > RECENT:
            self._kept.popitem(last=False)
        while len(self._ids) > RECENT:
            self._ids.popitem(last=False)

    def read(self, version: Version) -> dict[str, Any]:
        """A version's JSON, for reading only: it is the same object each time."""
        known = self._read.get(version.t)
        if known is None:
            known = self._read[version.t] = DECODER.decode(version.body or b"{}")
            while len(self._read) > DECODED:
                self._read.popitem(last=False)
        return known

    def repeats(self, version: Version, said: bytes) -> bool:
        """Whether these words were said of this version before and changed nothing."""
        return (version.t, said) in self._repeated

    def repeated(self, version: Version, said: bytes) -> None:
        """Note that these words, said of this version, change nothing whenever they are said again later."""
        if len(self._repeated) >= DECODED:
            self._repeated.clear()
        self._repeated[(version.t, said)] = None

    def forget(self) -> None:
        self.contexts.forget()
        self._kept.clear()
        self._ids.clear()
        self._read.clear()
        self._repeated.clear()


def condition(type: str, numbers: Sequence[Number]) -> Query:
    """The search for any of these numbers."""
    values = tuple(Token(system, value) for system, value, _ in numbers)
    clause = Clause(search.parameters(type)["identifier"], "", values)
    return Query((type,), (clause,), count=50, total="none")


class Finder:
    """Looks up all resources of one message; one search a type for what the recent writes do not hold."""

    def __init__(self, record: Record, recent: Recent) -> None:
        self.record = record
        self.recent = recent
        self.taken: set[tuple[str, str, str]] = set()

    def free(self, type: str, numbers: Sequence[Number]) -> Sequence[Number]:
        """The strongest number, to guard a creation with; none when something of another kind has these digits."""
        return [n for n in numbers[:1] if (type, n[0], n[1]) not in self.taken]

    def all(self, type: str, wanted: Sequence[Sequence[Number]]) -> list[list[Version]]:
        """For each set of numbers the versions that carry one of them, strongest number first."""
        missing = [n for numbers in wanted for n in numbers if self.recent.get(type, n[0], n[1]) is None]
        found: dict[tuple[str, str], list[Version]] = {}
        for start in range(0, len(missing), 40):
            for version in self.record.search(condition(type, missing[start : start + 40])).matches:
                for one in _identifiers(self.recent.read(version)):
                    found.setdefault((one.get("system", ""), one.get("value", "")), []).append(version)
        return [[v for n in numbers for v in self._of(type, n, found)] for numbers in wanted]

    def recent_or_read(self, type: str, id: str) -> Version:
        """One resource by id, as this door wrote it last, else as it is stored."""
        return self.recent.by_id(type, id) or self.record.read(type, id)

    def _of(self, type: str, number: Number, found: dict[tuple[str, str], list[Version]]) -> list[Version]:
        kept = self.recent.get(type, number[0], number[1])
        candidates = [kept] if kept is not None else found.get((number[0], number[1]), [])
        if candidates:
            self.taken.add((type, number[0], number[1]))
        return [version for version in candidates if _same_kind(self.recent.read(version), number)]


def _identifiers(resource: dict[str, Any]) -> list[dict[str, Any]]:
    master = resource.get("masterIdentifier")
    return [*resource.get("identifier", []), *([master] if master else [])]


def _same_kind(resource: dict[str, Any], number: Number) -> bool:
    """A medical record number never meets an account or social number of the same digits."""
    if not number[2]:
        return True
    for one in _identifiers(resource):
        if (one.get("system", ""), one.get("value")) == number[:2]:
            kinds = {c.get("code") for c in one.get("type", {}).get("coding", [])}
            return not kinds or number[2] in kinds
    return False
