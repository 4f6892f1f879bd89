"""Whether a version of a model is active: worked out from the log, from who wrote what in which order.

Its one law: nothing makes a model active but a physician's approval of this very version, given after a back-test of this
very version met limits that had been written down before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from onmaru.rooms.monitor.models.entry import Entry, Limit, Step

Roles = Callable[[str], frozenset[str]]
# Who may write down limits and withdraw a model, who keeps reports, who approves
LIMITING, REPORTING, APPROVING = (
    frozenset({"physician", "data-manager"}), frozenset({"data-manager", "system"}), frozenset({"physician"}),
)  # fmt: skip
WITHDRAWING = LIMITING | {"system"}
# The figures of a back-test that can be limited: where each is told
FIGURES: Mapping[str, tuple[str | int, ...]] = {
    "auroc": ("model", "auroc"),
    "auroc lower": ("model", "auroc 95 %", 0),
    "auprc": ("model", "auprc"),
    "calibration slope": ("calibration slope",),
    "calibration intercept": ("calibration intercept",),
    "labelled stays": ("model", "labelled stays"),
    "stays": ("model", "stays"),
    "sensitivity at 1/100 h": ("model", "sensitivity at 1/100 h"),
    "sensitivity at 2/100 h": ("model", "sensitivity at 2/100 h"),
    "sensitivity at 4/100 h": ("model", "sensitivity at 4/100 h"),
    "utility": ("model", "utility"),
}
# Without a word on each of these, limits say too little: who is ranked, how high, and of how many
NEEDED: Mapping[str, tuple[str, ...]] = {
    "auroc": ("least",), "calibration slope": ("least", "most"), "labelled stays": ("least",),
}  # fmt: skip


class Standing(msgspec.Struct, frozen=True):
    """`missing`: what stands between the version and its approval: `limits`, `back-test`, `figures`, in that order.

    `failed`: the figures that do not meet their limits, with what they are. The steps are those that count.
    """

    state: Literal["shadow", "active"]
    missing: tuple[str, ...]
    failed: Mapping[str, float | None]
    limits: Step | None
    back_test: Step | None
    approval: Step | None
    withdrawal: Step | None
    watch: Step | None


def figure(figures: Mapping[str, Any], name: str) -> float | None:
    """A figure of a report by its name in FIGURES; None where the report does not tell it."""
    found: Any = figures
    for key in FIGURES[name]:
        try:
            found = found[key]
        except (KeyError, IndexError, TypeError):
            return None
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def failing(limits: Mapping[str, Limit], figures: Mapping[str, Any]) -> Mapping[str, float | None]:
    """The figures that do not meet their limits; one that is not told meets none."""
    found: dict[str, float | None] = {}
    for name, limit in limits.items():
        value = figure(figures, name) if name in FIGURES else None
        low, high = limit.least is not None, limit.most is not None
        if value is None or (low and value < (limit.least or 0)) or (high and value > (limit.most or 0)):
            found[name] = value
    return found


def lacking(limits: Mapping[str, Limit]) -> tuple[str, ...]:
    """What limits have to say and these do not: `least auroc` …"""
    ends = {name: msgspec.to_builtins(limit) for name, limit in limits.items()}
    return tuple(f"{end} {name}" for name, asked in NEEDED.items() for end in asked if end not in ends.get(name, {}))


def standing(entry: Entry, steps: Sequence[Step], roles: Roles) -> Standing:
    """Where a version stands by the steps of its tenant, in log order; `roles`: those that a user holds now."""
    mine = [one for one in steps if one.entry == entry.id and one.by == one.named]
    limits = _last(mine, "limits", LIMITING, roles)
    reports = [one for one in mine if one.digest == entry.digest]
    tested = _last(reports, "back-test", REPORTING, roles)
    if tested is not None and (limits is None or tested.t < limits.t):
        tested = None
    failed = failing(limits.limits, tested.figures) if limits and tested else {}
    missing = _missing(limits, tested, failed)
    approval = _last(reports, "approval", APPROVING, roles)
    withdrawal = _last(mine, "withdrawal", WITHDRAWING, roles)
    grounds = {one.name for one in (limits, tested) if one is not None}
    stands = (
        approval is not None
        and not missing
        and grounds == set(approval.cites)
        and (withdrawal is None or withdrawal.t < approval.t)
        and approval.t > entry.t
    )
    return Standing(
        "active" if stands else "shadow", missing, failed, limits, tested, approval, withdrawal,
        _last(reports, "watch", REPORTING, roles),
    )  # fmt: skip


def all_standing(entries: Sequence[Entry], steps: Sequence[Step], roles: Roles) -> Mapping[str, Standing]:
    """By entry. An approval of one version ends those of the model's other versions for good: they need another one."""
    found = {entry.id: standing(entry, steps, roles) for entry in entries}
    last: dict[str, int] = {}
    for entry in entries:
        approval = found[entry.id].approval
        last[entry.name] = max(last.get(entry.name, 0), approval.t if approval else 0)
    names = {entry.id: entry.name for entry in entries}
    return {id: _beside(one, last[names[id]]) for id, one in found.items()}


def _beside(one: Standing, last: int) -> Standing:
    overtaken = one.approval is not None and one.approval.t < last
    return msgspec.structs.replace(one, state="shadow") if overtaken else one


def _last(steps: Sequence[Step], kind: str, allowed: frozenset[str], roles: Roles) -> Step | None:
    """The last step of a kind that was written by somebody who may take it."""
    found = (one for one in reversed(steps) if one.kind == kind and not roles(one.by).isdisjoint(allowed))
    return next(found, None)


def _missing(limits: Step | None, tested: Step | None, failed: Mapping[str, float | None]) -> tuple[str, ...]:
    if limits is None or lacking(limits.limits):
        return ("limits", "back-test")
    if tested is None:
        return ("back-test",)
    return ("figures",) if failed else ()
