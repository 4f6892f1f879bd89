"""Pure: how a plan stands at a moment. Every state has a name; none of them is what is left when nothing else is known.

Its one law: silence is a state of its own and never normal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from onmaru.rooms.remote.adherence import Cell, cells
from onmaru.rooms.remote.plan import STANDING, Plan

State = Literal["unreadable", "on-hold", "planned", "ended", "unreachable", "silent", "late", "waiting", "receiving"]
# What needs somebody comes first
ORDER: tuple[State, ...] = (
    "unreachable", "silent", "unreadable", "late", "waiting", "receiving", "on-hold", "planned", "ended",
)  # fmt: skip


class Contact(msgspec.Struct, frozen=True):
    """One attempt to reach the patient at `at` (µs); `answered` None: nobody knows yet."""

    at: int
    answered: bool | None


class Standing(msgspec.Struct, frozen=True):
    """`last`: what the last reading is of, µs, 0 for none. `quiet`: since when nothing came. `failed`: attempts since then
    that nobody answered; `reached`: when somebody was reached since then, 0 for nobody.
    """

    state: State
    last: int
    quiet: int
    failed: int
    reached: int
    cells: Mapping[str, Sequence[Cell]]


def standing(
    plan: Plan, times: Mapping[str, Sequence[int]], contacts: Sequence[Contact], since: int, now: int
) -> Standing:
    """`times`: by an activity's key, when the readings are of, ascending; periods that end after `since` are told."""
    found = {one.key: cells(plan, one, times.get(one.key, ()), since, now) for one in plan.activities}
    known = [at for one in plan.activities for at in times.get(one.key, ()) if plan.start <= at <= now]
    last = max(known, default=0)
    quiet = max(last, plan.start)
    after = [one for one in contacts if quiet < one.at <= now]
    failed = sum(one.answered is False for one in after)
    reached = max((one.at for one in after if one.answered), default=0)
    state = _state(plan, found, (quiet, failed, reached), now)
    return Standing(state, last, quiet, failed, reached, found)


def _state(plan: Plan, found: Mapping[str, Sequence[Cell]], heard: tuple[int, int, int], now: int) -> State:
    if plan.faults:
        return "unreadable"
    if plan.status not in STANDING or (plan.end is not None and plan.end <= now):
        return "ended"
    if plan.status == "on-hold":
        return "on-hold"
    if now < plan.start:
        return "planned"
    return _going(plan, found, heard, now)


def _going(plan: Plan, found: Mapping[str, Sequence[Cell]], heard: tuple[int, int, int], now: int) -> State:
    """Silent: nothing came for the plan's time although a period ended in it that something was due in."""
    quiet, failed, reached = heard
    ended = [[one for one in mine if not one.open] for mine in found.values()]
    due = any(one.came == 0 and one.end > quiet for mine in ended for one in mine)
    if due and now >= quiet + plan.silence:
        return "unreachable" if failed >= plan.attempts and not reached else "silent"
    if any(mine and mine[-1].came < mine[-1].due for mine in ended):
        return "late"
    return "receiving" if any(ended) else "waiting"
