"""What the board shows: for each block a file of SQL beside this one, over this room's views.

Days are the source's own. A moment is an instant where it says one: a mere day has no hours and is in no duration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files

import msgspec

from onmaru.fhir.columnar import read
from onmaru.fhir.views import ViewDefinition, parse

# What of a view's rows any block looks at: the others are not made, of ten years' visits those of nine
LOOKED_AT: Mapping[str, str] = {
    "stays": "status = 'in-progress' OR (status = 'finished' AND within(ended))",
    "appointments": "within(began)",
    "arrivals": "within(arrived)",
    "requests": "within(authored)",
    "reports": "request IN (SELECT request FROM requests)",
    "operations": "within(began)",
    "flags": "status = 'active'",
}


def macros(first: date, last: date) -> tuple[str, ...]:
    """What the blocks' SQL calls: `moment` of a dateTime, and whether one is `within` the days asked for.

    The texts are compared as they are, so that DuckDB hands the condition to who reads the files; `~` comes after all that
    a text of the last day goes on with.
    """
    return (
        "CREATE MACRO moment(said) AS CASE WHEN length(said) > 10 THEN TRY_CAST(said AS TIMESTAMP) END",
        f"CREATE MACRO within(said) AS (said >= '{first.isoformat()}' AND said < '{last.isoformat()}~')",
    )


class Block(msgspec.Struct, frozen=True):
    """A part of the board, and the views that it reads."""

    name: str
    views: tuple[str, ...]

    @property
    def sql(self) -> str:
        """The SELECT of its rows."""
        return (files(__package__) / f"{self.name}.sql").read_text("utf-8")


BLOCKS: Sequence[Block] = (
    Block("beds", ("places", "stays")),
    Block("census", ("stays",)),
    Block("stays", ("stays",)),
    Block("waiting", ("appointments", "arrivals")),
    Block("turnaround", ("requests", "reports")),
    Block("appointments", ("appointments",)),
    Block("theatres", ("operations", "places")),
    Block("alerts", ("flags",)),
)


@cache
def view(name: str) -> ViewDefinition:
    """One of this room's views."""
    return parse(read((files("onmaru.rooms.insight") / "views" / f"{name}.json").read_bytes()))
