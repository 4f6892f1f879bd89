"""A client's closure table (R4 terminology-service.html#closure): which of the concepts it uses subsumes which.

Its one law: what a version of the table told is never told otherwise, so that a client can go on from any of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from pyroaring import BitMap

from onmaru.fhir.outcome import invalid
from onmaru.fhir.terminology.coded import system_at_hand
from onmaru.fhir.terminology.system import System
from onmaru.fhir.terminology.terminology import Terminology

# Steps, concepts and entries of one table
STEPS, CONCEPTS, ENTRIES = 2_000, 5_000, 50_000
Json = dict[str, Any]


class Step(msgspec.Struct, frozen=True, array_like=True):
    """What one request added: concepts as (system, code), entries as (system, code, what subsumes it), unknown codes."""

    concepts: Sequence[tuple[str, str]] = ()
    entries: Sequence[tuple[str, str, str]] = ()
    unmatched: Sequence[tuple[str, str]] = ()


class Table(msgspec.Struct, frozen=True):
    """`base` is the version with which it began: a table that is begun anew goes on counting, so no version means two."""

    base: int = 0
    steps: tuple[Step, ...] = ()

    @property
    def version(self) -> int:
        """What the next request may go on from."""
        return self.base + len(self.steps)

    @property
    def concepts(self) -> Sequence[tuple[str, str]]:
        """All of them, as they were added."""
        return [one for step in self.steps for one in step.concepts]


def begun(before: Table | None) -> Table:
    """An empty table; every older version is beyond going on from."""
    return Table(0 if before is None else before.version + 1)


def added(table: Table, terms: Terminology, asked: Iterable[tuple[str, str]]) -> Step:
    """What a request adds; concepts that are there already add nothing. Invalid 404 for a system that is not at hand."""
    known = dict.fromkeys(table.concepts)
    fresh = [one for one in dict.fromkeys(asked) if one not in known]
    if len(known) + len(fresh) > CONCEPTS or len(table.steps) >= STEPS:
        raise invalid(
            "too-costly", f"a table has at most {CONCEPTS} concepts and {STEPS} versions; begin it anew", "", 413
        )
    entries: list[tuple[str, str, str]] = []
    unmatched: list[tuple[str, str]] = []
    for url in dict.fromkeys(url for url, _ in fresh):
        system = system_at_hand(terms, url)
        mine = [code for one, code in fresh if one == url]
        unmatched += [(url, code) for code in mine if system.number(code) is None]
        entries += [(url, *pair) for pair in _pairs(system, [code for one, code in known if one == url], mine)]
    if sum(len(step.entries) for step in table.steps) + len(entries) > ENTRIES:
        raise invalid("too-costly", f"a table has at most {ENTRIES} entries", "", 413)
    return Step(fresh, entries, unmatched)


def _pairs(system: System, before: Sequence[str], fresh: Sequence[str]) -> list[tuple[str, str]]:
    """(code, what subsumes it) of all pairs of which one at least is fresh."""
    numbers = {number: code for code in (*before, *fresh) if (number := system.number(code)) is not None}
    new = BitMap(number for code in fresh if (number := system.number(code)) is not None)
    there = BitMap(numbers)
    found = []
    for number in there:
        above = system.above(number) & (there if number in new else new)
        found += [(numbers[number], numbers[one]) for one in above]
    return found


def since(table: Table, version: str) -> Sequence[Step]:
    """The steps after a version; Invalid 400 for what is none, 404 for one that this table cannot go on from."""
    if not version.isascii() or not version.isdecimal() or len(version) > 9:
        raise invalid("value", "not a version that this server gave", "version")
    number = int(version)
    if not table.base <= number <= table.version:
        raise invalid("not-found", "the table was begun anew since; begin it anew too", "version", 404)
    return table.steps[number - table.base :]


def told(name: str, version: int, steps: Iterable[Step], date: str) -> Json:
    """The ConceptMap that answers: a source is subsumed by its target."""
    groups: dict[str, dict[str, list[Json]]] = {}
    for step in steps:
        for url, code, above in step.entries:
            groups.setdefault(url, {}).setdefault(code, []).append({"code": above, "equivalence": "subsumes"})
        for url, code in step.unmatched:
            groups.setdefault(url, {}).setdefault(code, []).append({"equivalence": "unmatched"})
    found: Json = {"resourceType": "ConceptMap", "version": str(version), "name": name, "status": "active"}
    found |= {"experimental": True, "date": date}
    if groups:
        found["group"] = [_group(url, elements) for url, elements in groups.items()]
    return found


def _group(url: str, elements: Mapping[str, list[Json]]) -> Json:
    return {"source": url, "target": url, "element": [{"code": code, "target": to} for code, to in elements.items()]}
