"""What a search asks of a tenant's own parameters: up to where their rows are made, and the tables these lie in.

Its one law: rows only ever save opening bodies; what they are not sure of, or do not reach, a body is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from pyroaring import BitMap

from onmaru.engines.index.scan import scan
from onmaru.engines.index.tables import Tables
from onmaru.engines.index.work import Work
from onmaru.fhir.query import Clause, Parameter

# What rows answer; other modifiers are asked of bodies
_ASKED = {
    "token": ("", "not", "missing"),
    "string": ("", "exact", "contains", "missing"),
    "reference": ("", "missing"),
    "date": ("", "missing"),
    "uri": ("", "missing"),
    "number": ("", "missing"),
    "quantity": ("", "missing"),
}
# These ask the clock: what they give today they need not give tomorrow
_CLOCK = re.compile(r"\b(?:now|today|timeOfDay)\b")


def lasting(parameter: Parameter) -> bool:
    """Whether what its expression gives on a version never changes, so that rows can be made of it."""
    return not _CLOCK.search(parameter.expression)


def answered(clause: Clause) -> bool:
    """Whether rows say anything of such a clause."""
    return clause.modifier in _ASKED.get(clause.parameter.kind, ())


def looked_up(file: Tables, found: BitMap, clause: Clause, work: Work) -> tuple[BitMap, bool, BitMap]:
    """Which of `found` the rows keep, whether that is certain, and those that lie behind the rows."""
    fresh = found.copy()
    fresh.remove_range(0, file.position + 1)
    scanned = scan(file, clause)
    work.read(len(scanned.bits))
    known = found - fresh
    return known - scanned.bits if scanned.negated else known & scanned.bits, scanned.exact, fresh


class Owned(Protocol):
    """Where the finder asks for the rows of own parameters."""

    def of(self, parameter: Parameter) -> Tables | None:
        """The tables with its rows, whole up to their `position`; None where its definition, as it stands, has none."""

    def drop(self, positions: Sequence[int], until: int) -> None:
        """Take rows out: an erasure at `until`, or before it, took these positions."""


class Unowned:
    """No rows of any."""

    def of(self, parameter: Parameter) -> Tables | None:
        """None."""
        return None

    def drop(self, positions: Sequence[int], until: int) -> None:
        """There are none."""
