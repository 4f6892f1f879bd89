"""Pure: counts and thresholds to a verdict. What could not be asked is told apart from what passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from onmaru.rooms.quality.checks import Check

Outcome = Literal["passed", "failed", "not-applicable"]


class Counted(msgspec.Struct, frozen=True):
    """What was counted for a check: `why` tells why nothing was, else it is ""."""

    id: str
    violated: int
    total: int
    why: str = ""


class Threshold(msgspec.Struct, frozen=True):
    """A site's own threshold for a check, in percent; nobody changes one without a name and a reason."""

    check: str
    percent: float
    owner: str
    reason: str


class Verdict(msgspec.Struct, frozen=True, rename="camel"):
    """A check, its counts and what they mean. `percent` is None where nothing was counted."""

    check: Check
    violated: int
    total: int
    percent: float | None
    threshold: float
    outcome: Outcome
    why: str
    owner: str = ""


def judged(checks: Mapping[str, Check], counted: Sequence[Counted], own: Mapping[str, Threshold]) -> list[Verdict]:
    """A verdict a count, in their order; counts of checks that are on the list no more are left out."""
    return [_judged(checks[one.id], one, own.get(one.id)) for one in counted if one.id in checks]


def _judged(check: Check, one: Counted, own: Threshold | None) -> Verdict:
    threshold = own.percent if own else check.threshold
    owner = own.owner if own else ""
    why = one.why or ("" if one.total else "no-rows")
    if why:
        return Verdict(check, 0, 0, None, threshold, "not-applicable", why, owner)
    percent = 100 * one.violated / one.total
    failed = one.violated > 0 if threshold == 0 else percent > threshold
    outcome: Outcome = "failed" if failed else "passed"
    return Verdict(check, one.violated, one.total, round(percent, 4), threshold, outcome, "", owner)


def totals(verdicts: Sequence[Verdict]) -> dict[str, dict[str, int]]:
    """How many of each outcome there are, in all and by category; those that do not apply are in no percentage."""
    found: dict[str, dict[str, int]] = {}
    for one in verdicts:
        for group in ("all", one.check.category):
            row = found.setdefault(group, {"passed": 0, "failed": 0, "not-applicable": 0})
            row[one.outcome] += 1
    return found
