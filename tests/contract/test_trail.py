"""The audit viewer's index follows behind the trail, a block at a time, and a page never misses what is not indexed yet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from tests.contract.conftest import KEYS, SYSTEM, Ticking

from onmaru.engines.lake import EmbeddedLake, Stores
from onmaru.engines.memory import MemoryTrail
from onmaru.engines.sqlite.trail import SqliteTrail
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.audit import Trail, access
from onmaru.kernel.caller import Caller, Role
from onmaru.kernel.consent import Consents
from onmaru.kernel.gate import Gate


def blocks(trail: SqliteTrail, now: Ticking, count: int = 5, rows: int = 3) -> None:
    for number in range(count):
        for row in range(rows):
            trail.add(access(SYSTEM, "read", f"Patient/{number}-{row}", now(), patients=[f"p{row}"]))
        trail.commit()


def test_the_index_follows_one_block_at_a_time_and_tells_how_far_it_lags(tmp_path: Path) -> None:
    trail, now = SqliteTrail(tmp_path, KEYS), Ticking()
    blocks(trail, now)
    assert [trail.lag, *(trail.lag for _ in range(5) if trail.follow())] == [15, 12, 9, 6, 3, 0]
    assert not trail.follow()
    trail.close()


def test_the_index_goes_on_where_it_stood_when_the_trail_is_opened_again(tmp_path: Path) -> None:
    trail, now = SqliteTrail(tmp_path, KEYS), Ticking()
    blocks(trail, now)
    assert trail.follow() and trail.follow()
    trail.close()
    again = SqliteTrail(tmp_path, KEYS)
    assert again.lag == 9
    assert [number for number, _ in again.page(patient="p1")] == [14, 11, 8, 5, 2]
    assert again.lag == 0
    again.close()


def test_a_page_shows_rows_that_are_indexed_written_and_buffered(tmp_path: Path) -> None:
    trail, now = SqliteTrail(tmp_path, KEYS), Ticking()
    blocks(trail, now, count=2)
    trail.follow()
    trail.add(access(SYSTEM, "read", "Patient/last", now(), patients=["p0"]))
    assert [row.target for _, row in trail.page(patient="p0")] == ["Patient/last", "Patient/1-0", "Patient/0-0"]
    trail.close()


class Site:
    """A store of site tables that only takes note."""

    tables: dict[str, object] = {}  # noqa: RUF012 - never written
    sites = True

    def __init__(self) -> None:
        self.published: list[str] = []

    def publish(self, name: str, table: pa.Table) -> None:
        self.published.append(name)


@pytest.mark.parametrize(
    ("role", "tenant", "reason"),
    [("data-manager", "main", ""), ("physician", "main", "role"), ("data-manager", "other", "tenant")],
)
@pytest.mark.parametrize("engine", ["memory", "sqlite"])
def test_publishing_a_table_leaves_an_audit_row_done_or_refused(
    tmp_path: Path, engine: str, role: Role, tenant: str, reason: str
) -> None:
    trails: dict[str, Callable[[], Trail]] = {"memory": MemoryTrail, "sqlite": lambda: SqliteTrail(tmp_path, KEYS)}
    trail, now, site = trails[engine](), Ticking(), Site()
    gate = Gate("main", Consents(), now)
    hides = (lambda denied, rulings: frozenset[str](), lambda denied, rulings: frozenset[int]())
    stores = Stores(gate, trail, now, (site,), *hides, lambda: 0, lambda t: 0)  # type: ignore[arg-type]
    lake = EmbeddedLake(stores, Caller(tenant, "k", frozenset({role}), "HOPERAT", SYSTEM.scopes))
    if reason:
        with pytest.raises(Invalid) as refusal:
            lake.publish("concept", pa.table({"x": [1]}))
        assert refusal.value.status == 403
    else:
        lake.publish("concept", pa.table({"x": [1]}))
    assert site.published == ([] if reason else ["concept"])
    ((_, row),) = trail.page(user="k")
    assert (row.action, row.target, row.allowed, row.reason) == ("update", "table/concept", not reason, reason)
