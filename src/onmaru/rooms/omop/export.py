"""`onmaru omop export`: the CDM tables as files, whole or not at all, for one Caller whose disclosure is audited."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Hall
from onmaru.rooms.omop.asking import table
from onmaru.rooms.omop.cdm import CLINICAL, COLUMNS, schema

LINEAGE = ("_source", "_version", "_t")


def export(hall: Hall, folder: Path) -> dict[str, Any]:
    """Write `TABLE.parquet` and `TABLE.csv` for each table and `lineage`; 409 when `folder` holds anything already.

    The files are written beside the folder and put in its place by one rename. Returns rows by table and the position.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise invalid("conflict", "is there already and not an empty folder", "DIR", 409)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = folder.with_name(f".{folder.name}.{os.urandom(4).hex()}")
    scratch.mkdir(mode=0o700)
    try:
        written = _write(hall, scratch)
        if folder.exists():
            folder.rmdir()
        scratch.rename(folder)
        _sync(folder.parent)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return written


def _write(hall: Hall, folder: Path) -> dict[str, Any]:
    counts: dict[str, Any] = {}
    lineage = []
    for name in CLINICAL:
        columns = COLUMNS[name]
        answer = table(hall, name)
        counts[name] = answer.table.num_rows
        counts["t"] = min(counts.get("t", answer.t), answer.t)
        _both(folder, name, answer.table.select([column for column, _, _ in columns]).cast(schema(name)))
        key = answer.table.column(columns[0][0])
        if columns[0][1] != "n":  # cdm_source has no key
            key = pa.nulls(answer.table.num_rows, pa.int64())
        named = pa.array([name] * answer.table.num_rows, pa.string())
        traced = [answer.table.column(column) for column in LINEAGE]
        lineage.append(pa.table([named, key, *traced], ["table", "id", "source", "version", "t"]))
    _both(folder, "lineage", pa.concat_tables(lineage))
    _sync(folder)
    return counts


def _both(folder: Path, name: str, data: pa.Table) -> None:
    pq.write_table(data, folder / f"{name}.parquet", compression="zstd")
    csv.write_csv(data, folder / f"{name}.csv")
    for suffix in ("parquet", "csv"):
        _sync(folder / f"{name}.{suffix}")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
