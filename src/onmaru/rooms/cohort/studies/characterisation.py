"""Table 1: two cohorts side by side, each line with its standardised mean difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from onmaru.rooms.cohort.hiding import shown
from onmaru.rooms.cohort.studies import covariates, times
from onmaru.rooms.cohort.studies.asked import Study

LINES = 500


def script(told: Study, there: frozenset[str]) -> tuple[list[str], Sequence[str], Sequence[str]]:
    """Statements, CDM tables and results."""
    made = [*times.entered(told), *covariates.counted(there, told.before, 0)]
    return made, (*times.TABLES, *covariates.tables(there)), ("counted", "totals", "both_groups")


def found(told: Study, tables: Mapping[str, pa.Table], least: int) -> dict[str, Any]:
    """`people`: persons, age and sex of both; `lines`: counts, shares and difference by concept, the largest first.

    A line of which a group has few persons, or all but few, is left out and counted in `hidden`.
    """
    totals = {row["grp"]: row for row in tables["totals"].to_pylist()}
    both = tables["both_groups"].column("persons")[0].as_py()
    sizes = [totals.get(name, {"persons": 0})["persons"] for name in ("target", "comparator")]
    if min(sizes) < max(least, 1):
        few = [shown(size, least) for size in sizes]
        return {"people": [], "lines": [], "hidden": 0, "both": shown(both, least), "persons": few}
    lines, hidden = [], 0
    for row in tables["counted"].to_pylist():
        counts = [row["target"], row["comparator"]]
        if any(_few(count, size, least) for count, size in zip(counts, sizes, strict=True)):
            hidden += 1
            continue
        shares = [count / size for count, size in zip(counts, sizes, strict=True)]
        smd = covariates.difference(*shares)
        lines.append({"domain": row["domain"], "concept": row["concept"], "name": row["name"], "counts": counts,
                      "shares": shares, "smd": covariates.finite([smd])[0], "size": abs(smd)})  # fmt: skip
    lines.sort(key=lambda line: (-line["size"], line["domain"], line["concept"]))
    for line in lines:
        del line["size"]
    people = _people(totals["target"], totals["comparator"], least)
    return {"people": people, "lines": lines[:LINES], "hidden": hidden, "both": shown(both, least), "persons": sizes}


def _few(count: int, size: int, least: int) -> bool:
    return 0 < count < least or 0 < size - count < least


def _people(target: Mapping[str, Any], comparator: Mapping[str, Any], least: int) -> list[dict[str, Any]]:
    both = (target, comparator)
    age = covariates.apart(target["age"], comparator["age"], covariates.pooled(target["age_sd"], comparator["age_sd"]))
    told = [
        {"what": "age", "values": [[one["age"], one["age_sd"]] for one in both], "smd": covariates.finite([age])[0]}
    ]
    women = [round(one["female"] * one["persons"]) for one in both]
    if not any(_few(count, one["persons"], least) for count, one in zip(women, both, strict=True)):
        smd = covariates.difference(target["female"], comparator["female"])
        values = [[count, one["female"]] for count, one in zip(women, both, strict=True)]
        told.append({"what": "female", "values": values, "smd": covariates.finite([smd])[0]})
    return told
