"""`onmaru insight …`: the board, measures counted, and reports counted again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from onmaru.kernel import measures
from onmaru.kernel.room import Command, Hall
from onmaru.rooms.insight import counting, reports, shipped
from onmaru.rooms.insight.operations import board
from onmaru.rooms.insight.operations.blocks import BLOCKS
from onmaru.rooms.insight.routes import told, year

Say = Callable[[Mapping[str, Any]], None]
DONE, NO = 0, 1


def operations(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """A line a row of each block, the position last."""
    found = board.begun(hall, args["from"], args["to"])()
    for block in BLOCKS:
        for row in found.pop(block.name):
            say({"block": block.name, **row})
    say(found)
    return DONE


def add(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Write the shipped measures that are not there."""
    say({"added": shipped.add(hall.record)})
    return DONE


def count(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Count a measure; nothing is written."""
    say(told(counting.begun(hall, measures.asked(hall.record, args["measure"], year(args["year"])))()))
    return DONE


def again(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Count a report once more; 1 where it is another number."""
    then = reports.named(hall.record, args["report"])
    found = then.beside(counting.begun(hall, then.asked, then.t)())
    say(found)
    return DONE if found["same"] else NO


COMMANDS = (
    Command(
        "operations", "Beds, stays, waiting, turnaround, appointments, theatres and alerts.",
        (("from", "first day"), ("to", "last day")), "user/*.rs", operations,
    ),
    Command("add", "Write the shipped measures that are not there.", (), "user/Measure.cruds", add),
    Command(
        "count", "Count a measure; nothing is written.",
        (("measure", "id of a Measure, or the name it came with"), ("year", "a calendar year")), "user/*.rs", count,
    ),
    Command(
        "again", "Count a report once more, at its position and by its version.",
        (("report", "id of a MeasureReport"),), "user/*.rs", again,
    ),
)  # fmt: skip
