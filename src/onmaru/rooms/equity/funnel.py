"""Where on the way a gap opens: between which steps groups differ most, beyond what chance alone makes of equal groups."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from onmaru.rooms.equity.inequality.groups import Dimension, Group
from onmaru.rooms.equity.inequality.simple import difference
from onmaru.rooms.equity.inequality.summary import DRAWS, draws

CHANCE = 0.05


class Gap(msgspec.Struct, frozen=True):
    """Who of the step before reached `step`: the highest share of a group less the lowest, in percentage points.

    `p`: how often chance makes such a difference of groups that are equal.
    """

    step: int
    high: str
    low: str
    difference: float
    p: float


class Opening(msgspec.Struct, frozen=True):
    """Each step's gap, and the step where it opens; None where chance may have made them all (Bonferroni)."""

    gaps: tuple[Gap, ...]
    step: int | None


def opening(groups: Sequence[tuple[str, Sequence[int]]]) -> Opening | None:
    """Of groups with the persons who reached each step; None where there are not two groups."""
    if len(groups) < 2:
        return None
    found = [gap for step in range(1, len(groups[0][1])) if (gap := _gap(groups, step))]
    clear = [gap for gap in found if gap.p * len(found) < CHANCE]
    return Opening(tuple(found), max(clear, key=lambda gap: gap.difference).step if clear else None)


def _gap(groups: Sequence[tuple[str, Sequence[int]]], step: int) -> Gap | None:
    there = [Group(name, steps[step - 1], steps[step]) for name, steps in groups if steps[step - 1]]
    if len(there) < 2:
        return None
    asked = Dimension(tuple(there), ordered=False, favourable=True)
    seen = difference(asked) or 0.0
    ranked = sorted(there, key=lambda group: group.estimate)
    as_much = sum(1 for drawn in draws(asked, equal=True) if (difference(drawn) or 0.0) >= seen)
    return Gap(step, ranked[-1].name, ranked[0].name, seen, (as_much + 1) / (DRAWS + 1))
