"""`onmaru omop …`: load a vocabulary, look, report, export."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from onmaru.kernel.room import Command, Hall
from onmaru.rooms.omop import coverage as reports
from onmaru.rooms.omop.asking import loaded, report
from onmaru.rooms.omop.export import export as write
from onmaru.rooms.omop.vocabulary import read

Say = Callable[[Mapping[str, Any]], None]
SCOPE = "user/*.rs"
DONE, NO = 0, 1


def vocabulary(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Publish the vocabulary files of a folder; a table that is not in it stays as it is."""
    found = read(Path(args["dir"]).expanduser())
    for name, table in found.items():
        hall.lake.publish(name, table)
    say({name: table.num_rows for name, table in found.items()})
    return DONE


def status(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """What is loaded and how many rows there are; 1 when two rows share an id."""
    (row,) = report(hall, "status")()
    say({"loaded": ", ".join(sorted(loaded(hall))) or "-", **row})
    return NO if row["shared_ids"] else DONE


def coverage(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """The coverage report; 1 when a row is uncounted. The last line is the total."""
    found = reports.coverage(hall, int(args.get("most") or reports.MOST))()
    for part in ("tables", "unmapped", "balance"):
        for line in found[part]:
            say({"report": part, **line})
    total = found["total"]
    say({"report": "total", "loaded": ", ".join(found["loaded"]) or "-", **total})
    return DONE if total["rows"] == total["mapped"] + total["unmapped"] + total["dropped"] else NO


def export(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Write the CDM tables into a new or empty folder."""
    say(write(hall, Path(args["dir"]).expanduser().resolve()))
    return DONE


COMMANDS = (
    Command(
        "vocabulary", "Load CONCEPT.csv and CONCEPT_RELATIONSHIP.csv.", (("dir", "their folder"),), SCOPE, vocabulary
    ),
    Command("status", "Say what is loaded and how much there is.", (), SCOPE, status),
    Command(
        "coverage",
        "Report what has a standard concept and what has none.",
        (("--most", "How many unmapped codes to list."),),
        SCOPE,
        coverage,
    ),
    Command("export", "Write the CDM tables as Parquet and CSV.", (("dir", "a new or empty folder"),), SCOPE, export),
)
