"""Pure: what of a plan was due and what came, period by period.

Its one law, and the definition: an activity is due `frequency` times in each period of `every` from the plan's start on; a
period counts once it has ended; of what came in it at most `frequency` counts. Adherence is what counted over what was due.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import msgspec

from onmaru.rooms.remote.plan import Activity, Plan


class Cell(msgspec.Struct, frozen=True):
    """One period, from `start` up to `end` (µs). `open`: it has not ended, so that nothing is missed yet."""

    start: int
    end: int
    due: int
    came: int
    open: bool


def cells(plan: Plan, activity: Activity, times: Sequence[int], since: int, now: int) -> list[Cell]:
    """The periods that end after `since` and began by `now`; `times`: when the readings are of, in ascending order."""
    stop = min(now, plan.end) if plan.end is not None else now
    first = max(0, (since - plan.start) // activity.every)
    found: list[Cell] = []
    start = plan.start + first * activity.every
    while start < stop:
        end = start + activity.every
        # A period that the plan's end cuts short is not due
        if plan.end is None or end <= plan.end:
            came = bisect_left(times, end) - bisect_left(times, start)
            found.append(Cell(start, end, activity.frequency, came, end > now))
        start = end
    return found


def counted(found: Sequence[Cell]) -> tuple[int, int]:
    """(what counted, what was due) of the periods that have ended."""
    over = [one for one in found if not one.open]
    return sum(min(one.came, one.due) for one in over), sum(one.due for one in over)
