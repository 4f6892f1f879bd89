"""A group of persons and how many of them have what is counted, and what every measure needs of groups.

An estimate is a percentage. Groups of an ordered dimension go from the most disadvantaged to the most advantaged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

import msgspec

PERCENT = 100.0


class Group(msgspec.Struct, frozen=True):
    """`events` of its `persons` (more than none) have what is counted."""

    name: str
    persons: int
    events: int

    @property
    def estimate(self) -> float:
        """In percent."""
        return PERCENT * self.events / self.persons


class Dimension(msgspec.Struct, frozen=True):
    """What a measure is asked of. `favourable`: more of it is better."""

    groups: tuple[Group, ...]
    ordered: bool
    favourable: bool


Measured = Callable[[Dimension], float | None]


def shares(groups: Sequence[Group]) -> list[float]:
    """Each group's part of all persons."""
    whole = sum(group.persons for group in groups)
    return [group.persons / whole for group in groups]


def average(groups: Sequence[Group]) -> float:
    """The estimate of all persons together, in percent."""
    return PERCENT * sum(group.events for group in groups) / sum(group.persons for group in groups)


def ranks(groups: Sequence[Group]) -> list[float]:
    """Where the middle of each ordered group stands among all persons, from 0 to 1."""
    parts = shares(groups)
    return [end - part / 2 for end, part in zip(accumulate(parts), parts, strict=True)]
