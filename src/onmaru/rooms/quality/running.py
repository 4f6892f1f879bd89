"""A run of checks: one script over the CDM that its caller may see; what was counted can be judged again at any time."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.lake import Run, Script
from onmaru.kernel.room import Hall
from onmaru.rooms.quality.checks import Check, checks
from onmaru.rooms.quality.statements import Plan, plan
from onmaru.rooms.quality.verdicts import Counted

TABLES = tuple(dict.fromkeys(check.table for check in checks()))


class Begun(msgspec.Struct, frozen=True):
    """A run that was permitted: calling `run` counts, in any thread."""

    asked: Sequence[Check]
    there: dict[str, tuple[str, ...]]
    plan: Plan
    run: Run


def begun(hall: Hall, asked: Sequence[Check]) -> Begun:
    """Decide now. `Invalid` 409 where the house has no CDM table at all."""
    known = {table.name: tuple(name for name, _ in table.columns) for table in hall.lake.tables()}
    there = {name: known[name] for name in TABLES if name in known}
    if "person" not in there:
        raise invalid("not-found", "this house has no CDM tables", status=409)
    made = plan(asked, there)
    seconds = float(hall.settings.get("seconds", 600))
    script = Script("quality", tuple(made.statements), tuple(there), ("found",), seconds=seconds)
    return Begun(asked, there, made, hall.lake.script(script))


def counted(begun: Begun) -> tuple[list[Counted], int]:
    """The counts of every check in the order asked, and the position that they are true at."""
    results = begun.run()
    rows = {row["number"]: row for row in results.tables["found"].to_pylist()}
    return [_one(begun, number, check, rows.get(number)) for number, check in enumerate(begun.asked)], results.t


def _one(begun: Begun, number: int, check: Check, row: dict[str, int] | None) -> Counted:
    if check.kind == "cdmTable":
        return Counted(check.id, int(check.table not in begun.there), 1)
    if check.kind == "cdmField":
        there = begun.there.get(check.table)
        if there is None:
            return Counted(check.id, 0, 0, "table-missing")
        return Counted(check.id, int(check.field not in there), 1)
    why = begun.plan.inapplicable.get(number, "")
    return Counted(check.id, row["violated"], row["total"]) if row and not why else Counted(check.id, 0, 0, why)
