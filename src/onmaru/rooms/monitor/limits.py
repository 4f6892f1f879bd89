"""A patient's own limits, and which of NEWS2's saturation scales a patient is on.

Its one law: the second scale is used only where a clinician's order says so, and while that order holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from onmaru.kernel.room import Hall
from onmaru.rooms.monitor import views

SCALE = "news2-scale"


class Limit(msgspec.Struct, frozen=True):
    """A patient's own threshold of one rule, or NEWS2's scale, from `start` up to `end` (µs)."""

    rule: str
    value: int
    start: int
    end: int


def in_force(limits: Sequence[Limit], now: int) -> Mapping[str, int]:
    """Each rule's limit that has begun and not ended; of two the one begun later."""
    going = sorted(
        (one for one in limits if one.start <= now < one.end), key=lambda one: (one.start, one.end, one.value)
    )
    return {one.rule: one.value for one in going}


def scale(limits: Sequence[Limit], now: int) -> str:
    """NEWS2's scale by these limits of one patient: `1` or `2`."""
    return "2" if in_force(limits, now).get(SCALE) == 2 else "1"


def chosen(hall: Hall, now: int, patient: str = "") -> Mapping[str, str]:
    """The scale of each patient with a limit that holds at `now` (µs); of one patient, or of all."""
    found: dict[str, list[Limit]] = {}
    for row in hall.lake.query(views.LIMITS, {"now": now, "one": patient}).table.to_pylist():
        found.setdefault(row["patient"], []).append(Limit(row["rule"], row["value"], row["low"], row["high"]))
    return {whose: scale(limits, now) for whose, limits in found.items()}
