"""Small cells: a researcher is not told of fewer persons than the site's threshold, nor given two counts that tell them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from onmaru.kernel.caller import Caller
from onmaru.kernel.room import Hall
from onmaru.rooms.cohort.running import Found, Step

SMALLEST = 10
# They answer for the data and see every count
KEEPERS = frozenset({"data-manager", "system"})


def smallest(hall: Hall) -> int:
    """Below how many persons a count is hidden from this caller; 1: nothing is."""
    return threshold(hall.caller, hall.settings)


def threshold(caller: Caller, settings: Mapping[str, Any]) -> int:
    """The same of a caller and the room's settings."""
    if not caller.roles.isdisjoint(KEEPERS):
        return 1
    return max(1, int(settings.get("smallest_cell", SMALLEST)))


def shown(count: int | None, least: int) -> int | None:
    """The count, or None where it is small; 0 tells of nobody and stays."""
    return None if count is not None and 0 < count < least else count


def masked(found: Found, least: int) -> dict[str, Any]:
    """A result as it may be shown: counts that are small, or that differ by few from the count before, are None."""
    told = {name: getattr(found, name) for name in ("name", "t", "digest", "sql")}
    steps = _steps(found.steps, least)
    hidden = any(step["persons"] is None for step in steps)
    last = steps[-1]
    return {**told, "persons": last["persons"], "entries": last["entries"], "steps": steps, "hidden": hidden}


def _steps(steps: Sequence[Step], least: int) -> list[dict[str, Any]]:
    before: int | None = None
    told = []
    for step in steps:
        count = shown(step.persons, least)
        if count is not None and before is not None and 0 < before - count < least:
            count = None
        before = before if count is None else count
        whole = count is not None
        alone = _alone(step, count, least)
        told.append({"name": step.name, "persons": count, "entries": step.entries if whole else None, "alone": alone})
    return told


def _alone(step: Step, count: int | None, least: int) -> int | None:
    """Who meets the rule alone is told only where that and who is left do not differ by few."""
    alone = shown(step.alone, least)
    if alone is None or least == 1:
        return alone
    return alone if count is not None and (alone == count or alone - count >= least) else None
