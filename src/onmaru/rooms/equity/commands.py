"""`onmaru equity …`: a board as lines, and the site's table of regions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from onmaru.kernel import measures
from onmaru.kernel.room import Command, Hall
from onmaru.rooms.equity import board as boards
from onmaru.rooms.equity.regions import load
from onmaru.rooms.equity.routes import SCOPE, year

Say = Callable[[Mapping[str, Any]], None]
DONE = 0


def board(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """A line a dimension, and one of the measure last."""
    told = boards.begun(hall, measures.asked(hall.record, args["measure"], year(args)))()
    for one in told.pop("dimensions"):
        say(one)
    say(told)
    return DONE


def regions(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Put the site's table in the place of the one before."""
    say({"regions": load(hall, Path(args["file"]).expanduser(), args["source"])})
    return DONE


COMMANDS = (
    Command(
        "board", "Count a measure by every dimension, without small cells.",
        (("measure", "id of a Measure, or the name it came with"), ("year", "a calendar year")), SCOPE, board,
    ),
    Command(
        "regions", "Load how deprived each region is, by an index of the site's choice.",
        (("file", "CSV of field,region,deprivation; 1 is the most deprived fifth"), ("source", "whose index, of when")),
        SCOPE, regions,
    ),
)  # fmt: skip
