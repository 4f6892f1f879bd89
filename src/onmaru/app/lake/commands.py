"""The lake's commands. They are no room's, since every room stands on these tables; but they run as a room's do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from onmaru.app.lake.export import export as write
from onmaru.app.lake.viewing import view
from onmaru.engines.duck.asked import checked, told
from onmaru.engines.duck.nested.followed import Resources
from onmaru.fhir.outcome import invalid
from onmaru.kernel.lake import Lake, View
from onmaru.kernel.room import Command, Hall, Room

Say = Callable[[Mapping[str, Any]], None]
SCOPE = "user/*.rs"
DONE = 0
# So much of a statement stands in the audit trail
SHOWN = 2_000


def filled(lake: Lake) -> list[str]:
    """The resource tables that have files."""
    return [table.name for table in Resources.tables if lake.layout(table.name).files]


def status(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """A line a table, then all together: how many rows the caller sees, files and bytes, the position and its age."""
    names = filled(hall.lake)
    counts = {row["type"]: row["rows"] for row in _counted(hall, names)}
    total = {"tables": len(names), "rows": 0, "files": 0, "bytes": 0}
    for name in names:
        layout = hall.lake.layout(name)
        line = {"rows": counts[name], "files": layout.files, "bytes": layout.bytes}
        say({"table": name, **line})
        total = {key: value + line.get(key, 0) for key, value in total.items()}
    at = hall.lake.query(View("lake_status", "SELECT 1 WHERE false", ("Patient",), secondary=True), {})
    say({**total, "t": at.t, "behind": round(at.behind, 3)})
    return DONE


def _counted(hall: Hall, names: list[str]) -> list[dict[str, Any]]:
    if not names:
        return []
    sql = " UNION ALL ".join(f"SELECT '{name}' AS type, count(*) AS rows FROM \"{name}\"" for name in names)  # noqa: S608 - our own names
    rows: list[dict[str, Any]] = hall.lake.query(
        View("lake_status", sql, tuple(names), secondary=True), {}
    ).table.to_pylist()
    return rows


def sql(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Each row of a SELECT, then how many there were, the position they were true at, and its age."""
    lake = hall.lake
    asked, names = checked(args["sql"], [table.name for table in lake.tables()])
    text = " ".join(args["sql"].split())[:SHOWN]
    when = args.get("at", "")
    if when:
        lake = lake.at(position(when))
    with told():
        answer = lake.query(View(f"lake{f'@{when}' if when else ''}: {text}", asked, names, secondary=True), {})
    for row in answer.table.to_pylist():
        say(row)
    say({"rows": answer.table.num_rows, "t": answer.t, "behind": round(answer.behind, 3)})
    return DONE


def position(text: str) -> int:
    """A position that was typed."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise invalid("value", "a position is a whole number", "at")
    return int(text)


def export(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Write the resource tables into a new or empty folder; the last line tells the rows."""
    lake, when = hall.lake, args.get("at", "")
    t = position(when) if when else lake.layout("Patient").t
    # What others sum up is given out as its rows alone
    names = [name for name in filled(lake) if "_t" in lake.layout(name).columns.names]
    say(write(hall, names, t, Path(args["dir"]).expanduser().resolve()))
    return DONE


_AT = ("--at", "A past position to ask.")
LAKE = Room(
    name="lake",
    commands=(
        Command("status", "Tell what tables there are, and how far they are behind the log.", (), SCOPE, status),
        Command(
            "sql",
            "Ask the tables by one SELECT, as a data manager.",
            (("sql", "a SELECT of DuckDB's"), _AT),
            SCOPE,
            sql,
        ),
        Command(
            "view",
            "Run a ViewDefinition over the tables and write its rows to a file.",
            (
                ("file", "the ViewDefinition, JSON"),
                ("output", "a new file: .parquet, .arrow, .csv, .ndjson or .json"),
                ("--limit", "How many rows at most."),
            ),
            SCOPE,
            view,
        ),
        Command(
            "export",
            "Write all tables as Parquet for one caller.",
            (("dir", "a new or empty folder"), _AT),
            SCOPE,
            export,
        ),
    ),
    scopes=(SCOPE,),
)
