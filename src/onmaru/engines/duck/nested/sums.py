"""Who had a code, and how often: rows of person, code and unit, with when first and last, and the least and most value.

Its one law: added up, its rows say what counting the standing codings says; what no file can know is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from onmaru.engines.duck.vault import SORTED_GROUP, Vault

NAME = "Coded"
# How many sums are sorted at a time
ROWS = 1_000_000
KEY = ("system", "code", "unit", "_patient", "_patients", "_labels")
SUMS = pa.schema(
    [
        *((name, pa.string()) for name in KEY),
        ("n", pa.int64()),
        ("first", pa.string()),
        ("last", pa.string()),
        ("least", pa.float64()),
        ("most", pa.float64()),
    ]
)
SHOWN = pa.schema(
    [pa.field("type", pa.string()), *(SUMS.field(name) for name in ("system", "code", "unit", "n"))]
    + [SUMS.field(name) for name in ("first", "last", "least", "most", "_patient")]
)
"""The table's columns as SQL sees them."""
_CAST = "TRY_CAST(value AS DOUBLE)"
_NUMBER = f"CASE WHEN isfinite({_CAST}) THEN {_CAST} END"
# Of the sums of any types, and of the codings of one
SUMMED = f"SELECT {', '.join(SHOWN.names)} FROM {{rows}}"
COUNTED = (
    "SELECT '{type}' AS type, system, code, unit, count(*) AS n, min(occurred) AS first, max(occurred) AS last, "
    f"min({_NUMBER}) AS least, max({_NUMBER}) AS most, _patient FROM {{rows}} GROUP BY system, code, unit, _patient"
)


def summed(rows: pa.Table) -> pa.Table:
    """The sums of codings that are sorted by code, system, patient and time; what was ended is not counted."""
    rows = rows.filter(pc.is_null(rows.column("_ended"))).combine_chunks()
    if not rows.num_rows:
        return SUMS.empty_table()
    held = {name: rows.column(name).combine_chunks() for name in (*KEY, "occurred", "value")}
    runs = pa.table(
        {"run": _runs(held), "at": pa.array(range(rows.num_rows), pa.int64()), "number": _numbers(held["value"])}
    )
    each = runs.group_by("run", use_threads=False).aggregate(
        [("at", "min"), ("at", "max"), ("number", "min"), ("number", "max")]
    )
    begins, ends = (each.column(name).combine_chunks() for name in ("at_min", "at_max"))
    columns = [held[name].take(begins) for name in KEY]
    many = pc.add(pc.subtract(ends, begins), 1)
    times = [held["occurred"].take(one) for one in (begins, ends)]
    return pa.table([*columns, many, *times, each.column("number_min"), each.column("number_max")], schema=SUMS)


def gathered(vault: Vault, names: Sequence[str]) -> str:
    """One file of the sums in several: a code's rows lie together, so that who asks for it reads few others. Its name.

    It is made some codes at a time, so that memory does not grow with the whole.
    """
    every = vault.dataset(names, SUMS)
    with vault.writing(SUMS) as made:
        for codes in _ranges(every):
            found = every.scanner(filter=ds.field("code").isin(codes)).to_table()
            rows = found.sort_by([(name, "ascending") for name in ("code", "system", "_patient")]).combine_chunks()
            for batch in rows.to_batches(max_chunksize=SORTED_GROUP):
                made.add(batch)
    return made.name


def _ranges(every: Any) -> Iterator[list[str]]:
    """The codes in order, so many at a time as have ROWS rows together."""
    counts: Counter[str] = Counter()
    for batch in every.scanner(columns=["code"]).to_batches():
        for one in pc.value_counts(batch.column("code")):
            counts[one["values"].as_py()] += one["counts"].as_py()
    part: list[str] = []
    rows = 0
    for code in sorted(counts):
        if part and rows + counts[code] > ROWS:
            yield part
            part, rows = [], 0
        part.append(code)
        rows += counts[code]
    if part:
        yield part


def _runs(held: dict[str, Any]) -> Any:
    """The number of the run that a row is in: a new one begins where the key changes, or where times begin to be missing."""
    rows = len(held["code"])
    breaks = pa.array([False] * (rows - 1), pa.bool_())
    for name in KEY:
        before, after = held[name].slice(0, rows - 1), held[name].slice(1)
        breaks = pc.or_(breaks, pc.or_(pc.fill_null(pc.not_equal(before, after), False), _missing(before, after)))
    breaks = pc.or_(breaks, _missing(held["occurred"].slice(0, rows - 1), held["occurred"].slice(1)))
    return pc.cumulative_sum(pc.cast(pa.concat_arrays([pa.array([False]), breaks]), pa.int64()))


def _missing(before: Any, after: Any) -> Any:
    """Where one of two is missing and the other is not."""
    return pc.xor(pc.is_null(before), pc.is_null(after))


def _numbers(values: Any) -> Any:
    """Decimals as they were written, as numbers; None where one is none that can be counted with."""
    try:
        found = pc.cast(values, pa.float64())
    except pa.ArrowInvalid:
        return pa.array([_number(value) for value in values.to_pylist()], pa.float64())
    return pc.if_else(pc.is_finite(found), found, None)


def _number(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if isfinite(found) else None
