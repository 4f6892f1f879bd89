"""The laws that every room inherits and that need a store to be seen: denial, tenants, following, and views that run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.journey_ward import everything, patient
from tests.web_house import House as WebHouse

from onmaru.app import rooms
from onmaru.app.house import House, Place, system
from onmaru.engines.duck.tables import ColumnarTables
from onmaru.engines.sqlite.rows import HotTables
from onmaru.kernel.gate import ALL
from onmaru.kernel.lake import View
from onmaru.kernel.log import Log, Version
from onmaru.kernel.projection import Projection, Row, Table
from onmaru.kernel.record import Change
from onmaru.kernel.room import Room

ROOMS = rooms.all_rooms()
ROUTES = [(room, route) for room in ROOMS for route in room.routes]
VIEWS = [(room, view) for room in ROOMS for view in room.views]
DERIVATIONS = [
    (one, {setting.name: setting.default for setting in room.settings}) for room in ROOMS for one in room.derivations
]
PROJECTIONS = [projection for room in ROOMS for projection in room.projections]
KEY = b"k" * 32


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(Place(tmp_path / "home", tmp_path / "keys", tmp_path / "witness"), ROOMS)
    yield made
    made.close()


def put(house: House, tenant: str, *bodies: Mapping[str, Any]) -> None:
    """Write each body in a transaction of its own and follow it at once: batches of one."""
    record = house.hall(system(tenant)).record
    for body in bodies:
        change = Change("update", body["resourceType"], body["id"], msgspec.json.encode(body))
        house.seat(tenant).home.wait(record.write([change])[-1].version.t)
        house.catch_up(tenant)


def take_away(house: House, tenant: str, type: str, id: str) -> None:
    done = house.hall(system(tenant)).record.write([Change("delete", type, id)])
    house.seat(tenant).home.wait(done[-1].version.t)
    house.catch_up(tenant)


Store = HotTables | ColumnarTables


def rows(stores: Iterable[Store], tables: Sequence[Table]) -> dict[str, list[str]]:
    """Every row that stands in the tables, as sorted text."""
    found: dict[str, list[str]] = {}
    for table in tables:
        for store in stores:
            if table.name in store.tables:
                names = ", ".join(["_source", "_version", "_patient", *(f'"{name}"' for name, _ in table.columns)])
                view = View("rows", f"SELECT {names} FROM {table.name}", (table.name,))
                found[table.name] = sorted(map(repr, store.query(view, {}, ALL).to_pylist()))
    return found


def standing(house: House, tenant: str) -> dict[str, list[str]]:
    seat = house.seat(tenant)
    return rows((seat.hot, seat.columnar), [table for one in PROJECTIONS for table in one.tables])


def follow(store: Store, log: Log) -> None:
    for projection in store.projections:
        while store.catch_up(projection, log):
            pass


def test_following_one_entry_at_a_time_gives_the_rows_of_a_rebuild(house: House, tmp_path: Path) -> None:
    put(house, "main", *everything(), patient("p1", "김민수", "1", birth="1958-03-03"))
    take_away(house, "main", "Patient", "p3")
    followed = standing(house, "main")
    assert any(followed.values())
    hot = HotTables(tmp_path, KEY, PROJECTIONS)
    columnar = ColumnarTables(tmp_path, KEY, PROJECTIONS, DERIVATIONS)
    for store in (hot, columnar):
        follow(store, house.seat("main").home)
    assert rows((hot, columnar), [table for one in PROJECTIONS for table in one.tables]) == followed
    hot.close()
    columnar.close()


def test_another_tenant_changes_nothing(house: House) -> None:
    put(house, "main", *everything())
    before = standing(house, "main")
    put(house, "other", patient("p1", "박다른", "9"), patient("p9", "최또한", "10"))
    assert standing(house, "main") == before
    assert all("박다른" not in row for table in standing(house, "main").values() for row in table)


@pytest.mark.parametrize("engine", ["memory", "sqlite", "postgres"], indirect=True)
def test_every_route_denies_a_stranger_and_leaves_an_audit_line(tmp_path: Path, engine: str) -> None:
    house = WebHouse(tmp_path, rooms=ROOMS, engine=engine)
    askers = {
        "": 401,
        house.token("elsewhere", "system", tenant="other"): 403,
        house.token("narrow", "data-manager", scopes="user/Slot.rs"): 403,
    }
    house.rows()
    for room, route in ROUTES:
        path = f"/rooms/{room.name}{re.sub(r'{.*?}', 'x', route.path)}"
        for token, status in askers.items():
            assert house.ask(route.method, path, token=token).status == status, path
            (line,) = house.added()
            assert not line.allowed and line.reason, path
    house.close()


class Elsewhere:
    """A projection whose tables are all kept by one kind of store."""

    def __init__(self, projection: Projection, store: Any) -> None:
        self.name, self.version, self.types = projection.name, projection.version, projection.types
        self.tables = tuple(msgspec.structs.replace(table, store=store) for table in projection.tables)
        self._apply = projection.apply

    def apply(self, batch: Sequence[Version]) -> Iterable[tuple[Version, Sequence[Row]]]:
        return self._apply(batch)


def blanks(sql: str) -> dict[str, Any]:
    """A value for each parameter: one where SQL counts, nothing elsewhere."""
    counted = set(re.findall(r"(?i)\b(?:LIMIT|OFFSET)\s+:(\w+)", sql))
    return {name: 1 if name in counted else None for name in re.findall(r"(?<![:\w]):([a-zA-Z]\w*)", sql)}


def columnar_only(view: View) -> bool:
    """Whether a table of the view is kept for analysis: those are asked together with the site's own tables."""
    stores = {table.name: table.store for one in PROJECTIONS for table in one.tables}
    return any(stores.get(name) != "hot" for name in view.tables)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ColumnarTables, HotTables]]:
    """All tables in one store of each kind, with nothing in them."""
    folder = tmp_path_factory.mktemp("stores")
    columnar = ColumnarTables(folder, KEY, [Elsewhere(one, "columnar") for one in PROJECTIONS], DERIVATIONS)
    hot = HotTables(folder, KEY, [Elsewhere(one, "hot") for one in PROJECTIONS])
    yield columnar, hot
    columnar.close()
    hot.close()


@pytest.mark.parametrize(("room", "view"), VIEWS, ids=lambda one: one.name)
def test_every_view_runs_on_every_engine_that_may_keep_its_tables(
    room: Room, view: View, stores: tuple[ColumnarTables, HotTables]
) -> None:
    columnar, hot = stores
    names = columnar.query(view, blanks(view.sql), ALL).column_names
    if not columnar_only(view):
        assert hot.query(view, blanks(view.sql), ALL).column_names == names
