"""What the last runs counted and the site's own thresholds: two site tables, so that both can be read like any other."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from onmaru.kernel.lake import View
from onmaru.kernel.room import Hall
from onmaru.rooms.quality.verdicts import Counted, Threshold

COUNTS, OWN = "quality_count", "quality_threshold"
# Runs that are kept: three months of nightly ones
RUNS = 100
_NUMBER, _TEXT = pa.int64(), pa.string()
_COUNTS = pa.schema(
    [("t", _NUMBER), ("ran", _NUMBER), ("id", _TEXT), ("violated", _NUMBER), ("total", _NUMBER), ("why", _TEXT)]
)
_OWN = pa.schema([("check", pa.string()), ("percent", pa.float64()), ("owner", pa.string()), ("reason", pa.string())])
LAST = View(
    "quality_last",
    f"SELECT id, violated, total, why, t, ran FROM {COUNTS} WHERE ran = (SELECT max(ran) FROM {COUNTS})",  # noqa: S608 - our own name
    (COUNTS,),
    secondary=True,
)
EVERY = View("quality_every", f"SELECT t, ran, id, violated, total, why FROM {COUNTS}", (COUNTS,), secondary=True)  # noqa: S608
TREND = View(
    "quality_trend",
    f"SELECT ran, t, violated, total FROM {COUNTS} WHERE id = :id ORDER BY ran",  # noqa: S608
    (COUNTS,),
    secondary=True,
)
THRESHOLDS = View("quality_thresholds", f'SELECT "check", percent, owner, reason FROM {OWN}', (OWN,), secondary=True)  # noqa: S608


def keep(hall: Hall, counted: Sequence[Counted], t: int, at: int) -> None:
    """Add a run, of which `at` is when (µs since 1970 UTC); the oldest beyond RUNS are let go."""
    new = pa.table(
        {
            "t": [t] * len(counted), "ran": [at] * len(counted), "id": [one.id for one in counted],
            "violated": [one.violated for one in counted], "total": [one.total for one in counted],
            "why": [one.why for one in counted],
        },
        schema=_COUNTS,
    )  # fmt: skip
    old = hall.lake.query(EVERY, {}).table.cast(_COUNTS) if _there(hall, COUNTS) else _COUNTS.empty_table()
    runs = sorted(set(old.column("ran").to_pylist()))[-(RUNS - 1) :]
    if runs:
        old = old.filter(pc.field("ran") >= runs[0])
    hall.lake.publish(COUNTS, pa.concat_tables([old, new]))


def last(hall: Hall) -> tuple[list[Counted], int, int]:
    """What the last run counted, its position and when it was; nothing, 0 and 0 where none was."""
    if not _there(hall, COUNTS):
        return [], 0, 0
    rows = hall.lake.query(LAST, {}).table.to_pylist()
    counted = [Counted(row["id"], row["violated"], row["total"], row["why"]) for row in rows]
    return counted, rows[0]["t"] if rows else 0, rows[0]["ran"] if rows else 0


def trend(hall: Hall, id: str) -> list[dict[str, int]]:
    """What every kept run counted for one check, oldest first."""
    if not _there(hall, COUNTS):
        return []
    rows = hall.lake.query(TREND, {"id": id}).table.to_pylist()
    return [{"at": row["ran"], "t": row["t"], "violated": row["violated"], "total": row["total"]} for row in rows]


def thresholds(hall: Hall) -> dict[str, Threshold]:
    """The site's own thresholds by check."""
    if not _there(hall, OWN):
        return {}
    rows = hall.lake.query(THRESHOLDS, {}).table.to_pylist()
    return {row["check"]: Threshold(row["check"], row["percent"], row["owner"], row["reason"]) for row in rows}


def set_threshold(hall: Hall, new: Threshold) -> None:
    """Put one in the place of what stood for its check."""
    all_of_them = {**thresholds(hall), new.check: new}.values()
    columns = {name: [getattr(one, name) for one in all_of_them] for name in _OWN.names}
    hall.lake.publish(OWN, pa.table(columns, schema=_OWN))


def _there(hall: Hall, name: str) -> bool:
    return any(table.name == name for table in hall.lake.tables())
