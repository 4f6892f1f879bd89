"""Whether a filled town is the lake that follows the log of the same resources, row for row."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from onmaru.app.house import MAIN, House, Place
from onmaru.app.town.filling import AT, BATCH, Size, fill
from onmaru.engines.duck.nested.followed import Resources
from onmaru.engines.duck.nested.sums import NAME as CODED
from onmaru.engines.duck.tables import ColumnarTables
from onmaru.engines.sqlite.log import SqliteLog
from onmaru.kernel.gate import ALL
from onmaru.kernel.lake import View
from onmaru.kernel.log import Draft

KEY = b"k" * 32
# How the rows of one person and code lie in files is not told, so they are added up
ADDED = f"""(SELECT type, system, code, unit, _patient, sum(n), min(first), max(last), min(least), max(most)
    FROM "{CODED}" GROUP BY ALL)"""  # noqa: S608 - a table of ours


def alike(size: Size, scratch: Path, workers: int) -> int:
    """Fill the town, log the same resources and follow them; rows compared. AssertionError names a differing table."""
    house = House(Place(scratch / "home", scratch / "keys", scratch / "witness"))
    try:
        resources = fill(house, size, workers, lambda amount: None)
        folder, (keys, ring) = house.folder(MAIN), house.keys(MAIN)
        known = size.projections
        filled = ColumnarTables(folder, ring.key("lake"), [*known, Resources()])
        (scratch / "log").mkdir()
        log = SqliteLog(scratch / "log", keys, lambda: AT)
        _logged(log, size)
        followed = ColumnarTables(scratch / "followed", KEY, [*known, Resources()])
        for projection in followed.projections:
            while followed.catch_up(projection, log):  # type: ignore[arg-type]  # as much of a log as is needed
                pass
        assert log.head() == resources, "the log has another number of positions"
        kept = [name for name, (_, owner) in followed.tables.items() if owner != "site"]
        names = [name for name in kept if any(store.layout(name).files for store in (filled, followed))]
        rows = sum(_same(name, filled, followed) for name in names)
        for one in (filled, followed, log):
            one.close()
        return rows
    finally:
        house.close()


def _logged(log: SqliteLog, size: Size) -> None:
    town, number = size.town(), count()
    for part in range(town.parts):
        drafts = [
            Draft("create", type, id, 1, raw, "simulate", "HRESCH", str(next(number)))
            for type, id, raw in town.resources(part)
        ]
        for at in range(0, len(drafts), BATCH):
            log.append(log.tip(), drafts[at : at + BATCH])
            log.settle(log.commit())


def _same(name: str, ours: ColumnarTables, theirs: ColumnarTables) -> int:
    """How many rows a table has, after comparing its columns and all rows."""
    assert ours.layout(name).columns == theirs.layout(name).columns, f"table {name} has other columns"
    rows = ADDED if name == CODED else f'"{name}"'
    sql = f"SELECT count(*) AS n, sum(hash(r)) AS sum, bit_xor(hash(r)) AS mixed FROM {rows} r"  # noqa: S608 - a table of ours
    found, wanted = (store.query(View(name, sql, (name,)), {}, ALL).to_pylist() for store in (ours, theirs))
    assert found == wanted, f"table {name} differs from what the log gives"
    return int(found[0]["n"])
