"""The audit trail purged of what is older than the law asks for: proven afterwards, refused below the floor, each engine."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.contract.conftest import SYSTEM, memory, postgres, sqlite

from onmaru.app import house as clock
from onmaru.app.house import House, Place, system
from onmaru.app.purging import Daily, purged, wish
from onmaru.app.running import Running
from onmaru.app.verifying import examined
from onmaru.engines.sqlite.connection import connect
from onmaru.engines.trail import PURGED
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.audit import Access, access
from onmaru.kernel.audit_retention import LEAST, Asked, Purge, bound, carrying_out, planning, row, stated, told
from onmaru.kernel.erasure import driven

NOW = int(datetime(2026, 11, 23, 9, tzinfo=UTC).timestamp()) * 1_000_000
YEAR = 366 * 86_400_000_000
WHY = Asked(LEAST, "retention plan 2026")


def read(at: int, patient: str = "p1") -> Access:
    return access(SYSTEM, "read", f"Patient/{patient}", at, patients=[patient])


@pytest.mark.parametrize("engine", ["memory", "sqlite", "postgres"])
def test_a_purge_takes_the_oldest_rows_alone_and_leaves_their_numbers_to_nobody(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    home = None
    if engine == "memory":
        tenant = memory()
    elif engine == "sqlite":
        tenant, home = sqlite(tmp_path / "main")
    else:
        tenant, home = postgres(request.getfixturevalue("database"))  # type: ignore[assignment]  # both are homes
    for number in range(6):
        # The fourth is young: what comes after it stays too, whatever its time
        tenant.trail.add(read(NOW - (YEAR if number == 3 else 3 * YEAR), f"p{number % 2}"))
        if home is not None:
            home.wait(home.tip())
    assert len(tenant.trail.page(patient="p0")) == 3
    plan = driven(planning(tenant.trail, WHY, NOW))  # type: ignore[arg-type]  # every trail can be thinned
    assert plan is not None and plan.last == 3
    tenant.trail.add(row(SYSTEM, WHY, plan, NOW))
    if home is not None:
        home.wait(home.tip())
    driven(carrying_out(tenant.trail, plan))  # type: ignore[arg-type]  # every trail can be thinned
    assert [number for number, _ in tenant.trail.page()] == [7, 6, 5, 4]
    assert [number for number, _ in tenant.trail.page(patient="p0")] == [5]
    assert stated(tenant.trail.page(count=1)[0][1]) == plan
    assert driven(planning(tenant.trail, WHY, NOW)) is None, "nothing is that old any more"  # type: ignore[arg-type]
    tenant.trail.add(read(NOW))
    if home is not None:
        home.wait(home.tip())
        home.close()
        if engine == "sqlite":
            _, home = sqlite(tmp_path / "main")
            assert [number for number, _ in home.trail.page(count=2)] == [8, 7]
            home.close()


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        (Asked(1, "too soon"), "years"),
        (Asked(0, "all of it"), "years"),
        (Asked(2, "the site keeps 5", 5), "years"),
        (Asked(3, "no setting goes below the law", 0), ""),
        (Asked(1, "no setting goes below the law", 0), "years"),
        (Asked(101, "nonsense"), "years"),
        (Asked(2, " - "), "reason"),
    ],
)
def test_what_has_to_be_kept_and_what_has_no_reason_is_refused(asked: Asked, where: str) -> None:
    trail = memory().trail
    trail.add(read(NOW - 9 * YEAR))
    if not where:
        assert driven(planning(trail, asked, NOW)) is not None  # type: ignore[arg-type]  # every trail can be thinned
        return
    with pytest.raises(Invalid) as refused:
        driven(planning(trail, asked, NOW))  # type: ignore[arg-type]  # every trail can be thinned
    assert (refused.value.status, refused.value.issues[0].expression) == (422, where)


def test_years_run_by_days_and_the_row_of_a_purge_cannot_be_made_up() -> None:
    leap = int(datetime(2028, 2, 29, 23, tzinfo=UTC).timestamp()) * 1_000_000
    assert datetime.fromtimestamp(bound(leap, 2) / 1e6, UTC) == datetime(2026, 2, 28, tzinfo=UTC)
    young = row(SYSTEM, WHY, Purge(4, 9, NOW - YEAR, 2), NOW)
    assert stated(young) is None, "it names what the law keeps"
    fair = row(SYSTEM, WHY, Purge(4, 9, bound(NOW, 2), 2), NOW)
    assert stated(fair) == Purge(4, 9, bound(NOW, 2), 2)
    for forged in (access(SYSTEM, "read", fair.target, NOW), access(SYSTEM, "erase", fair.target, NOW, denied="role")):
        assert stated(forged) is None
    assert stated(access(SYSTEM, "erase", "audit-purged?block=x", NOW)) is None
    assert told(None, done=True) == {"purged": False, "rows_up_to": 0, "before": None}


def filled(place: Place, blocks: int) -> House:
    house = House(place, rooms=())
    home = house.seat("main").home
    old = clock.now() - 4 * YEAR
    for number in range(blocks):
        home.trail.add(read(old + number))
        home.trail.add(read(old + number, "p2"))
        home.wait(home.tip())
    house.witness()
    home.trail.add(read(clock.now()))
    home.wait(home.tip())
    return house


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "home", tmp_path / "keys", tmp_path / "witness")


def test_verify_holds_after_a_purge_and_says_what_went_under_which_rule(place: Place) -> None:
    house = filled(place, PURGED + 3)
    rehearsed = purged(house, system("main"), wish(house, "main", None, "retention plan"), rehearse=True)
    assert (rehearsed["purged"], rehearsed["rows_up_to"]) == (False, 2 * PURGED + 6)
    assert examined(house, "main").purged is None
    done = purged(house, system("main"), wish(house, "main", None, "retention plan"), rehearse=False)
    assert done["purged"] is True
    report = examined(house, "main", deep=True)
    assert report.ok, report.wrong
    assert report.purged is not None and report.audit_rows == 2
    assert (report.purged.rows, report.purged.years) == (2 * PURGED + 6, 3)
    assert "제8조" in report.purged.rule
    house.close()
    again = House(place, rooms=())
    assert [found.target for _, found in again.seat("main").home.trail.page()][1:] == ["Patient/p1"]
    again.close()
    assert examined(again, "main", deep=True).ok


def test_what_is_cut_away_without_a_purge_or_beyond_one_is_found(place: Place) -> None:
    house = filled(place, 4)
    keys, _ = house.keys("main")

    def cut(block: int) -> None:
        db = connect(house.folder("main") / "audit.db", keys.pages)
        with db:
            db.execute("DELETE FROM block WHERE n < ?", (block,))
            db.execute("UPDATE block SET rows = x'' WHERE n = ?", (block,))
        db.close()

    trail = house.seat("main").home.trail
    some = trail.older(clock.now() - 3 * YEAR, 0)
    plan = Purge(some[1].block, some[1].last, bound(clock.now(), 2), 2)
    cut(1)
    assert not examined(house, "main").ok, "rows are missing and nothing says why"
    trail.add(row(system("main"), WHY, plan, clock.now()))
    house.seat("main").home.wait(house.seat("main").home.tip())
    assert examined(house, "main").ok, "a purge that was broken off"
    cut(2)
    assert examined(house, "main").ok
    cut(3)
    report = examined(house, "main")
    assert [(one.file, one.what) for one in report.wrong][:1] == [
        ("audit.db", "rows are missing and no purge says why")
    ]
    house.close()


@pytest.mark.parametrize("chosen", ["never", "daily"])
def test_a_purge_by_itself_is_made_only_where_the_settings_ask(place: Place, chosen: str) -> None:
    house = filled(place, 2)
    (place.home / "onmaru.toml").write_text(f'[tenant.main]\naudit_purge = "{chosen}"\n', "utf-8")

    async def served() -> None:
        running = Running(house)
        await running.motion("main").opened()
        daily = Daily(running)
        for _ in range(10 if chosen == "never" else 500):
            await asyncio.sleep(0.01)
            if not house.seat("main").home.trail.older(clock.now() - 3 * YEAR, 0):
                break
        await daily.close()
        await running.close()

    asyncio.run(served())
    report = examined(house, "main")
    assert report.ok and (report.purged is not None) == (chosen == "daily"), report
