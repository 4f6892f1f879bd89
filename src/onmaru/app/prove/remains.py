"""What a kill or a power cut left behind, held to what was acknowledged: nothing below it is lost, every seal verifies,
every projection equals a rebuild.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from onmaru.app.house import MAIN, House, Place
from onmaru.app.verifying import examined
from onmaru.engines.duck.nested.sums import NAME
from onmaru.engines.duck.tables import ColumnarTables
from onmaru.engines.sqlite.rows import HotTables
from onmaru.kernel.gate import ALL
from onmaru.kernel.lake import View

# Other batches than the house follows in, so that a rebuild is no repetition.
BATCH = 333


def place_in(folder: Path) -> Place:
    """The folders of a house that lies in one folder."""
    return Place(folder / "home", folder / "keys", folder / "witness")


def copied(folder: Path, to: Path) -> Path:
    """A copy to look at, so that the next start finds the house as it was left; sockets hold nothing."""
    return Path(shutil.copytree(folder, to, ignore=shutil.ignore_patterns("*.sock")))


def checked(folder: Path, position: int, rows: int, *, deep: bool) -> tuple[int, int]:
    """Hold the house in `folder` to an acknowledged position and audit row; what it reaches now."""
    with opened(place_in(folder), deep=deep) as house:
        return held(house, position, rows)


@contextmanager
def opened(where: Place, *, deep: bool) -> Iterator[House]:
    """Verify what is left as it lies, open it, and verify it again with every projection brought up."""
    left = House(where, rooms=())
    if (left.folder(MAIN) / "tenant.key").exists():
        _verified(left, deep=False)
    house = House(where)
    try:
        house.catch_up(MAIN)
        house.seat(MAIN).home.index.commit()
        _verified(house, deep=deep)
        projected(house)
        yield house
    finally:
        house.close()


def held(house: House, position: int, rows: int) -> tuple[int, int]:
    """Neither the head nor the audit trail is shorter than it was; what they are now."""
    home = house.seat(MAIN).home
    head, count = home.head(), home.trail.count
    assert head >= position, f"acknowledged position {position} is lost, the head is {head}"
    assert count >= rows, f"acknowledged audit row {rows} is lost, there are {count}"
    return head, count


def _verified(house: House, *, deep: bool) -> None:
    report = examined(house, MAIN, deep=deep)
    assert report.ok, str(report.wrong[0])


def projected(house: House) -> None:
    """Every hot and every columnar table equals one followed from zero."""
    seat, (keys, ring) = house.seat(MAIN), house.keys(MAIN)
    with tempfile.TemporaryDirectory(prefix="onmaru-rebuilt-") as scratch:
        hot = HotTables(Path(scratch), keys.pages, seat.hot.projections)
        columnar = ColumnarTables(
            Path(scratch), ring.key("lake"), seat.columnar.projections, seat.columnar.derivations.wanted
        )
        try:
            for projection in hot.projections:
                while hot.catch_up(projection, seat.home, BATCH):
                    pass
            for projection in columnar.projections:
                while columnar.catch_up(projection, seat.home, BATCH):
                    pass
            for _, physical in hot.tables.values():
                _same(physical, *(_hot(one, physical) for one in (seat.hot, hot)))
            for name in (name for name in columnar.tables if columnar.layout(name).files):
                _same(name, *(_columnar(one, name) for one in (seat.columnar, columnar)))
        finally:
            hot.close()
            columnar.close()


# What its rows say is their sum, however many batches it came in
_ADDED = f"""SELECT type, system, code, unit, _patient, sum(n) AS n, min(first) AS first, max(last) AS last,
    min(least) AS least, max(most) AS most FROM "{NAME}" GROUP BY type, system, code, unit, _patient"""  # noqa: S608 - ours


def _hot(tables: HotTables, physical: str) -> Iterable[Any]:
    return tables.db.execute(f'SELECT * FROM "{physical}"')  # noqa: S608 - a table of ours


def _columnar(tables: ColumnarTables, name: str) -> Iterable[Any]:
    asked = _ADDED if name == NAME else f'SELECT * FROM "{name}"'  # noqa: S608 - a table of ours
    found = tables.query(View(name, asked, (name,)), {}, ALL)
    return (_filled(row) for row in found.to_pylist())


def _filled(value: Any) -> Any:
    """Without what is NULL: a table that was followed may have a column that only something erased had filled."""
    if isinstance(value, dict):
        return sorted((name, _filled(held)) for name, held in value.items() if held is not None)
    return [_filled(one) for one in value] if isinstance(value, list) else value


def _same(name: str, ours: Iterable[Any], theirs: Iterable[Any]) -> None:
    assert sorted(map(repr, ours)) == sorted(map(repr, theirs)), f"table {name} differs from a rebuild"
