"""OHDSI's Achilles over the CDM that its caller sees: its own SQL by `duckcdm`, as one script; nothing of it is kept.

Its one law: results are counts of few persons too, so that they are for data managers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

from onmaru.fhir.outcome import invalid
from onmaru.kernel.lake import Results, Script
from onmaru.kernel.room import Hall
from onmaru.rooms.quality.running import SECONDS, columns

# Tables of results begin so; distributions have figures besides a count
PREFIX = "achilles"
STRATA = tuple(f"stratum_{number}" for number in range(1, 6))
FIGURES = (
    "min_value",
    "max_value",
    "avg_value",
    "stdev_value",
    "median_value",
    "p10_value",
    "p25_value",
    "p75_value",
    "p90_value",
)
_READ = re.compile(r"\bmain\.(\w+)", re.I)
_LEFT = ("DELETE FROM", "DROP TABLE", "ANALYZE", "TRUNCATE")


class Analysis(NamedTuple):
    """One of Achilles' analyses: its statements, the tables that it reads, and those that it leaves."""

    number: int
    name: str
    statements: tuple[str, ...]
    tables: frozenset[str]
    results: tuple[str, ...]


def analyses(only: str = "") -> Iterator[Analysis]:
    """Those that OHDSI's reports are made of, in their order; `only`: one number. `Invalid` 404 for none of them."""
    from duckcdm.achilles import analysis_details, available

    details = analysis_details()
    wanted = [number for number in available() if not only or str(number) == only]
    if not wanted:
        raise invalid("not-found", "there is no such analysis", status=404)
    for number in wanted:
        made = tuple(_statements(number))
        names = {name.lower() for one in made for name in _READ.findall(one)}
        left = tuple(sorted(name for name in names if name.startswith(f"{PREFIX}_")))
        yield Analysis(number, details[number]["analysis_name"], made, frozenset(names - {*left}), left)


def _statements(number: int) -> Iterator[str]:
    from duckcdm.sqlrender import render, split_sql, translate

    text = (files("duckcdm.achilles") / "sql" / f"{number}.sql").read_text("utf-8")
    places = (
        "cdmDatabaseSchema",
        "scratchDatabaseSchema",
        "resultsDatabaseSchema",
        "vocabDatabaseSchema",
        "tempEmulationSchema",
    )
    given = {**dict.fromkeys(places, "main"), "schemaDelim": ".", "tempAchillesPrefix": PREFIX, "cdmVersion": "5.4"}
    told = {"source_name": "onmaru", "achilles_version": "1.7.2", "singleThreaded": False}
    for one in split_sql(translate(render(text, **given, **told), "duckdb")):
        bare = re.sub(r"--[^\n]*\n?", "", one).strip()
        if bare and not bare.upper().startswith(_LEFT):
            yield bare


def script(hall: Hall, asked: Sequence[Analysis]) -> tuple[Script, list[Analysis]]:
    """The analyses that this CDM has the tables for, as one script; and those that it has not."""
    there = {*columns(hall.lake), *hall.lake.published()}
    can = [one for one in asked if one.tables <= there]
    statements = tuple(text for one in can for text in one.statements)
    tables, results = (
        sorted({name for one in can for name in one.tables}),
        [name for one in can for name in one.results],
    )
    seconds = float(hall.settings.get("seconds", SECONDS))
    made = Script("achilles", statements, tuple(tables), tuple(results), seconds=seconds, rowwise=True)
    return made, [one for one in asked if one not in can]


def rows(asked: Sequence[Analysis], results: Results) -> Iterator[Mapping[str, Any]]:
    """Each result: analysis, its name, strata, count, and the figures of a distribution."""
    for one in asked:
        for name in one.results:
            for row in results.tables[name].to_pylist() if name in results.tables else ():
                told = {key: row.get(key) for key in ("count_value", *STRATA, *FIGURES) if row.get(key) is not None}
                yield {"analysis": one.number, "name": one.name, **told}
