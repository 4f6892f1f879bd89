"""Pure: who is told of an alert and when, from the alert's own steps and the roster alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from onmaru.rooms.monitor.alerts.alert import RESTARTS, UNREACHED, Alert
from onmaru.rooms.monitor.alerts.rules import RUNGS, SECOND, Pace, Rung, Urgency, paces

# Telling again ends after so long: by then it is everybody's, on every page
LONGEST = 12 * 3600 * SECOND
MOST = 200


class Shift(msgspec.Struct, frozen=True):
    """Who stands on which rung of a ward's ladder from `start` up to `end`, µs. `ward` "" is every ward."""

    user: str
    rung: Rung
    ward: str
    start: int
    end: int


class Telling(msgspec.Struct, frozen=True):
    """One time that a rung is told. `number` counts from where the ladder last began, whose count is `round`."""

    round: int
    number: int
    rung: Rung
    at: int

    def id(self, alert: str) -> str:
        """The same for the same telling, so that two workers tell once."""
        return f"told-{alert.removeprefix('alert-')}-{self.round}-{self.number}"


def began(alert: Alert) -> tuple[int, int]:
    """Where the ladder stands at its foot: which round, and when that began (µs)."""
    rounds = [step.at for step in alert.steps if step.code in RESTARTS]
    snoozes = [step for step in alert.steps if step.code == "snooze"]
    start = rounds[-1] if rounds else alert.raised
    return len(rounds) + len(snoozes), max(start, alert.snoozed)


def pace(alert: Alert, own: Mapping[Urgency, Pace] | None = None) -> Pace:
    """The ladder of an alert's urgency."""
    table = own or paces()
    found = {name: one for name, one in table.items() if name == alert.urgency}
    return found.get(alert.urgency, table["routine"])  # type: ignore[call-overload,no-any-return]  # an urgency of another's


def tellings(alert: Alert, now: int) -> Iterator[Telling]:
    """Every telling of the round that is going, due by `now`; none once somebody acknowledged it or said what came of it."""
    if alert.closed is not None or alert.acknowledged is not None:
        return
    round, start = began(alert)
    own = pace(alert)
    rungs = [rung for rung in RUNGS if rung in own.after]
    # An alert that reached nobody has no use for the rung that it did not reach
    if alert.rule == UNREACHED:
        rungs = rungs[len(rungs) // 2 :]
    first = own.after[rungs[0]]
    number = 0
    for place, rung in enumerate(rungs):
        at = start + (own.after[rung] - first) * SECOND
        last = place + 1 == len(rungs)
        until = start + (LONGEST if last else (own.after[rungs[place + 1]] - first) * SECOND)
        while at < until and at <= now and number < MOST:
            yield Telling(round, number, rung, at)
            number, at = number + 1, at + own.repeat * SECOND


def on_duty(roster: Sequence[Shift], ward: str, rung: Rung, at: int) -> tuple[str, ...]:
    """Who stands on a rung then: of the ward, else of every ward."""
    there = [one for one in roster if one.rung == rung and one.start <= at < one.end]
    own = [one.user for one in there if one.ward == ward and ward]
    return tuple(sorted(set(own or [one.user for one in there if not one.ward])))


def deadline(alert: Alert) -> int:
    """By when somebody must have been reached, µs."""
    return began(alert)[1] + pace(alert).reached * SECOND


def in_time(alert: Alert) -> int:
    """By when the first rung must have acknowledged it, µs: when the second is told."""
    after = sorted(pace(alert).after.values())
    return alert.raised + (after[1] if len(after) > 1 else after[0]) * SECOND
