"""The whole board in one run, true at one position."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.lake import Run, Script
from onmaru.kernel.measures import table
from onmaru.kernel.room import Hall
from onmaru.rooms.insight.operations.blocks import BLOCKS, LOOKED_AT, macros, view

LONGEST = 366
VIEWS = tuple(dict.fromkeys(name for block in BLOCKS for name in block.views))


class Begun(msgspec.Struct, frozen=True):
    """A board that was permitted: calling it computes, in any thread."""

    first: date
    last: date
    minutes: int
    run: Run

    def __call__(self) -> dict[str, Any]:
        results = self.run()
        told = {block.name: results.tables[f"board_{block.name}"].to_pylist() for block in BLOCKS}
        return {
            "from": self.first.isoformat(), "to": self.last.isoformat(), "t": results.t,
            "theatre_minutes": self.minutes, **told,
        }  # fmt: skip


def permit(hall: Hall) -> None:
    """Refuse, with an audit row, whoever may not see the board; `Invalid` 403."""
    hall.lake.script(Script("operations", (), (), (), rowwise=True))


def begun(hall: Hall, first: str, last: str) -> Begun:
    """Decide now: for data managers, since a ward is few people. `Invalid` 400 for days that are none."""
    begins, ends = _day(first, "from"), _day(last, "to")
    if not 0 <= (ends - begins).days < LONGEST:
        raise invalid("value", f"goes over 1 to {LONGEST} days", "to")
    views = [table(hall.lake, view(name), LOOKED_AT.get(name, "true")) for name in VIEWS]
    blocks = [f"CREATE TABLE board_{block.name} AS {block.sql}" for block in BLOCKS]
    results = tuple(f"board_{block.name}" for block in BLOCKS)
    tables = tuple(dict.fromkeys(view(name).resource for name in VIEWS))
    seconds = float(hall.settings.get("seconds", 60))
    script = Script(
        "operations", (*macros(begins, ends), *views, *blocks), tables, results, seconds=seconds, rowwise=True
    )
    return Begun(begins, ends, int(hall.settings.get("theatre_minutes", 0)), hall.lake.script(script))


def _day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text) if len(text) == 10 else date.min.replace(day=32)
    except ValueError:
        raise invalid("value", "is not a day written as YYYY-MM-DD", name) from None
