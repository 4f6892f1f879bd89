"""`onmaru omop …`: load a vocabulary, look, report, export."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from onmaru.kernel.room import Command, Hall
from onmaru.rooms.omop import coverage as reports
from onmaru.rooms.omop.asking import loaded, report
from onmaru.rooms.omop.deciding import READ, exported
from onmaru.rooms.omop.export import export as write
from onmaru.rooms.omop.reconcile import reconcile
from onmaru.rooms.omop.vocabulary import read

Say = Callable[[Mapping[str, Any]], None]
SCOPE = "user/*.rs"
DONE, NO = 0, 1


def vocabulary(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Publish the vocabulary files of a folder; a table that is not in it stays as it is."""
    found = read(Path(args["dir"]).expanduser())
    for name, file in found.items():
        hall.lake.publish(name, file.batches)
    say({name: file.rows for name, file in found.items()})
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


def reconciled(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """What came in and what became of it; 1 when a row is uncounted or missing. The last line is the total."""
    found = reconcile(hall)
    for part in ("types", "tables", "domains"):
        for line in found[part]:
            say({"report": part, **line})
    say({"report": "total", **found["total"]})
    return DONE if found["total"]["reconciled"] else NO


def export(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Write the CDM tables into a new or empty folder."""
    say(write(hall, Path(args["dir"]).expanduser().resolve()))
    return DONE


def mapping(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Write what was decided of source codes into a new file."""
    path = Path(args["file"]).expanduser()
    text = exported(hall)
    with path.open("x", encoding="utf-8") as opened:
        opened.write(text)
    say({"decisions": text.count("\n") - 1})
    return DONE


COMMANDS = (
    Command(
        "vocabulary", "Load the vocabulary files that Athena gives.", (("dir", "their folder"),), SCOPE, vocabulary
    ),
    Command("status", "Say what is loaded and how much there is.", (), SCOPE, status),
    Command(
        "coverage",
        "Report what has a standard concept and what has none.",
        (("--most", "How many unmapped codes to list."),),
        SCOPE,
        coverage,
    ),
    Command(
        "mapping",
        "Write what was decided of source codes as SOURCE_TO_CONCEPT_MAP.",
        (("file", "a new file"),),
        READ,
        mapping,
    ),
    Command("reconcile", "Account for every row: in = mapped + unmapped + not applicable.", (), SCOPE, reconciled),
    Command("export", "Write the CDM tables as Parquet and CSV.", (("dir", "a new or empty folder"),), SCOPE, export),
)
