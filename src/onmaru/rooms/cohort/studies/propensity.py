"""Propensity: who was likely to be in the target by all that was known before, matched and weighted, and how balanced it is.

Equal inputs give equal pairs: persons are taken in the order of their number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from onmaru.fhir.outcome import invalid
from onmaru.rooms.cohort.hiding import shown
from onmaru.rooms.cohort.statistics import matching
from onmaru.rooms.cohort.studies import covariates, times
from onmaru.rooms.cohort.studies.asked import Study

# Covariates that at least this share of all have, the commonest first
SHARE, MOST = 0.01, 200
_CHOSEN = """CREATE TABLE chosen AS
SELECT row_number() OVER (ORDER BY target + comparator DESC, domain, concept) - 1 AS place, domain, concept, name,
    target, comparator
FROM counted WHERE target + comparator >= greatest({least}, {share} * (SELECT sum(persons) FROM totals))
    AND target + comparator < (SELECT sum(persons) FROM totals)
ORDER BY place LIMIT {most}"""
_LINES = """CREATE TABLE lines AS
SELECT row_number() OVER (ORDER BY subject_id) - 1 AS line, subject_id, grp, age, female FROM people"""
_ROWS = "CREATE TABLE rows AS SELECT line, grp, age, female FROM lines ORDER BY line"
_CELLS = """CREATE TABLE cells AS
SELECT l.line, c.place FROM features f JOIN lines l ON l.subject_id = f.subject_id
JOIN chosen c ON c.domain = f.domain AND c.concept = f.concept ORDER BY l.line, c.place"""


def script(told: Study, there: frozenset[str]) -> tuple[list[str], Sequence[str], Sequence[str]]:
    """Statements, CDM tables and results."""
    # The day of entry is left out: what happens on it may follow from the choice
    made = [*times.entered(told), *covariates.counted(there, told.before, 1)]
    made += [_CHOSEN.format(least=2, share=SHARE, most=MOST), _LINES, _ROWS, _CELLS]
    return made, (*times.TABLES, *covariates.tables(there)), ("rows", "cells", "chosen")


def found(told: Study, tables: Mapping[str, pa.Table], least: int) -> dict[str, Any]:
    """`balance`: each covariate's difference before, after matching and after weighting; `overlap`: persons by score."""
    rows = tables["rows"].to_pylist()
    treated = [int(row["grp"] == "target") for row in rows]
    sizes = [sum(treated), len(treated) - sum(treated)]
    if min(sizes) < max(least, 5):
        raise invalid("processing", "has too few persons to be compared", "target", 422)
    chosen = tables["chosen"].to_pylist()
    cells = list(
        zip(tables["cells"].column("line").to_pylist(), tables["cells"].column("place").to_pylist(), strict=True)
    )
    people = [(float(row["age"]), float(row["female"])) for row in rows]
    result = matching.compared(treated, people, cells, len(chosen))
    own = [("person", 0, "age"), ("person", 0, "female")]
    names = [*own, *((one["domain"], one["concept"], one["name"]) for one in chosen)]
    balance = [
        {"domain": domain, "concept": concept, "name": name, "smd": covariates.finite(line)}
        for (domain, concept, name), line, few in zip(
            names, result.differences, _small(chosen, sizes, least), strict=True
        )
        if not few
    ]
    overlap = [[shown(one, least) for one in bins] for bins in result.overlap]
    told_of = {"persons": sizes, "pairs": shown(result.pairs, least), "auc": result.auc, "weight": result.weight}
    return {**told_of, "balance": balance, "overlap": overlap}


def _small(chosen: list[dict[str, Any]], sizes: list[int], least: int) -> list[bool]:
    """Whether a covariate's counts are small; age and sex come first."""
    pairs = [((one["target"], one["comparator"]), sizes) for one in chosen]
    few = [any(0 < n < least or 0 < size - n < least for n, size in zip(*pair, strict=True)) for pair in pairs]
    return [False, False, *few]
