"""A cohort as files: what was asked, the expression and SQL that were run, at which position, and what came of it.

Its one law: whole or not at all, and from the files alone the same cohort can be run again.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.csv as csv

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Hall
from onmaru.rooms.cohort import hiding
from onmaru.rooms.cohort.asking import Wanted
from onmaru.rooms.cohort.running import begun, found


def export(hall: Hall, asked: Wanted, folder: Path) -> dict[str, Any]:
    """Write `definition.json`, `circe.json`, `cohort.sql`, `result.json` and, for who sees persons, `persons.csv`.

    409 when `folder` holds anything already. They are written beside the folder and put in its place by one rename.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise invalid("conflict", "is there already and not an empty folder", "DIR", 409)
    least = hiding.smallest(hall)
    results = begun(hall, asked, who=least == 1)()
    told = hiding.masked(found(asked, results), least)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = folder.with_name(f".{folder.name}.{os.urandom(4).hex()}")
    scratch.mkdir(mode=0o700)
    try:
        _put(scratch / "cohort.sql", told["sql"].encode())
        for name, value in (("definition", asked.said), ("circe", asked.circe), ("result", _result(told))):
            _put(scratch / f"{name}.json", msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
        if least == 1:
            with (scratch / "persons.csv").open("wb") as file:
                csv.write_csv(results.tables["who"], file)
        if folder.exists():
            folder.rmdir()
        scratch.rename(folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return {name: told[name] for name in ("name", "persons", "entries", "t", "digest")}


def _result(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "sql"}


def _put(path: Path, raw: bytes) -> None:
    with path.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
