"""`onmaru lake export`: the resource tables as plain Parquet for one caller, whole or not at all, all of one position."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq

from onmaru.engines.keyring import sync_folder
from onmaru.fhir.outcome import invalid
from onmaru.kernel.lake import View
from onmaru.kernel.room import Hall

CARD = "lake.json"
# Positions asked for at a time: so many rows are in memory at most
STEP = 100_000


def export(hall: Hall, names: Sequence[str], t: int, folder: Path) -> dict[str, Any]:
    """Write `TYPE.parquet` for each table as it was at `t`, and a card that tells whose and of when the files are.

    Each part that is read is audited with its patients. Gives the rows by table and the position. `Invalid` 409 when the
    folder holds anything already, 503 when the tables have not followed to `t`.
    """
    with whole(folder) as scratch:
        rows = {name: _table(hall, name, t, scratch / f"{name}.parquet") for name in names}
        files = {name: _digest(scratch / f"{name}.parquet") for name in names}
        caller = hall.caller
        card = {"t": t, "tenant": caller.tenant, "user": caller.user, "purpose": caller.purpose}
        (scratch / CARD).write_bytes(msgspec.json.encode({**card, "rows": rows, "sha256": files}))
    return {**rows, "t": t}


def _table(hall: Hall, name: str, t: int, path: Path) -> int:
    lake, of = hall.lake.at(t), hall.lake.layout(name).columns
    sql = f'SELECT * FROM "{name}" WHERE _t > :after AND _t <= :upto ORDER BY _t'  # noqa: S608 - a table of ours
    view = View(f"lake_export@{t}: {name}", sql, (name,), secondary=True)
    rows = 0
    with pq.ParquetWriter(path, of, compression="zstd") as writer:
        for after in range(0, t, STEP):
            part = lake.query(view, {"after": after, "upto": after + STEP}).table
            writer.write_table(part.cast(of))
            rows += part.num_rows
    path.chmod(0o600)
    return rows


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return file_digest(file, "sha256").hexdigest()


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` that takes its place when all went well, else goes."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise invalid("conflict", "is there already and not an empty folder", "DIR", 409)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = folder.with_name(f".{folder.name}.{os.urandom(4).hex()}")
    scratch.mkdir(mode=0o700)
    try:
        yield scratch
        sync_folder(scratch)
        if folder.exists():
            folder.rmdir()
        scratch.rename(folder)
        sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
