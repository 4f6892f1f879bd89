"""A score's table as data: which measures it takes, how they are rounded, and the points of each cell."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from onmaru.rooms.monitor.reading import rounded

NAMES = ("news2", "qsofa", "sirs", "sofa", "mews")


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of a score table. `bands`: least, most (both belong to it, "" is open) and points, of values in whole `step`s.
    `below`: a limit that the value is strictly under, and points; the first that holds counts, "" always holds.
    `answers`: points by letter. `when`: what must be known for this row to be the one. `either`: rows of one such name
    count once, by the worst that is known.
    """

    name: str
    measures: tuple[str, ...]
    step: str = ""
    bands: tuple[tuple[str, str, int], ...] = ()
    below: tuple[tuple[str, int], ...] = ()
    answers: Mapping[str, int] = {}
    when: Mapping[str, str] = {}
    either: str = ""

    def cells(self) -> tuple[int, ...]:
        """The points of every cell."""
        return (*(row[2] for row in self.bands), *(row[1] for row in self.below), *self.answers.values())

    def points(self, exact: Fraction | None, letter: str) -> int | None:
        """The points of a value in the table's unit or of an answer; None where no cell is for it."""
        if self.answers:
            return self.answers.get(letter)
        if exact is None:
            return None
        if self.below:
            return next((points for limit, points in self.below if not limit or exact < Fraction(limit)), None)
        value = Fraction(rounded(exact, self.step))
        for low, high, points in self.bands:
            if (not low or value >= Fraction(low)) and (not high or value <= Fraction(high)):
                return points
        return None


class ScoreTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One score. `verified`: its table was copied from the source it names; others are off until a hospital says so.

    `take`: the latest value of each measure, or the worst one within the time that values stay fresh.
    """

    name: str
    source: str
    verified: bool
    take: Literal["latest", "worst"]
    items: tuple[Item, ...]
    levels: tuple[tuple[str, int], ...]
    single: tuple[str, int] = ("", 0)

    def level(self, total: int, worst: int) -> str:
        """The level of a total, `worst` being the most points of one part."""
        found = next((name for name, least in self.levels if total >= least), "")
        order = [name for name, _ in self.levels]
        if self.single[0] and worst >= self.single[1] and order.index(found) > order.index("medium"):
            return self.single[0]
        return found


@cache
def score_tables() -> Mapping[str, ScoreTable]:
    """Every score table that ships, by name."""
    return {name: _read(name) for name in NAMES}


def _read(name: str) -> ScoreTable:
    text = (files(__package__) / "data" / "scores" / f"{name}.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), ScoreTable)
