"""The site's table of regions: how deprived each is, by an index that the site names. None is shipped."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from onmaru.fhir.outcome import Invalid, Issue, invalid
from onmaru.kernel.room import Hall
from onmaru.rooms.equity.stratifiers import REGIONS

FIELDS = ("postalCode", "district", "city", "state")
COLUMNS = ["field", "region", "deprivation"]
LEVELS = ("1", "2", "3", "4", "5")
MOST = 1_000_000
_SCHEMA = pa.schema([*((name, pa.string()) for name in COLUMNS), ("source", pa.string())])


def load(hall: Hall, path: Path, source: str) -> int:
    """Publish a CSV of `field,region,deprivation` (1 is the most deprived fifth, 5 the least); how many regions it has.

    `Invalid` 400 with every line that is wrong, 403 for who keeps no tables.
    """
    if not source.strip():
        raise invalid("required", "say whose index it is, of which year", "source")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(_rows(csv.DictReader(file)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise invalid("not-found", "cannot be read as a CSV in UTF-8", "FILE") from error
    table = pa.Table.from_pylist([{**row, "source": source.strip()} for row in rows], schema=_SCHEMA)
    hall.lake.publish(REGIONS, table)
    return len(rows)


def _rows(reader: csv.DictReader[str]) -> Iterator[Mapping[str, str]]:
    if reader.fieldnames != COLUMNS:
        raise invalid("structure", f"the first line is {','.join(COLUMNS)}", "FILE")
    issues: list[Issue] = []
    seen: set[tuple[str, str]] = set()
    for line, row in enumerate(reader, 2):
        key = (row["field"], row["region"])
        if why := "is there twice" if key in seen else _wrong(row):
            issues.append(Issue("value", why, f"FILE line {line}"))
        seen.add(key)
        if len(seen) > MOST or len(issues) > 100:
            break
        if not why:
            yield {name: row[name] for name in COLUMNS}
    if issues:
        raise Invalid(issues)


def _wrong(row: Mapping[str, str | None]) -> str:
    if None in row or None in row.values():
        return "has not three columns"
    if row["field"] not in FIELDS:
        return f"field is none of {', '.join(FIELDS)}"
    if not (row["region"] or "").strip():
        return "region is empty"
    return "" if row["deprivation"] in LEVELS else "deprivation is none of 1 to 5"
