"""Every route of the rooms over the lake × every kind of caller: who may ask at all, and that a denial is audited."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.journeys.test_gate_matrix import Gatehouse, Row

from onmaru.rooms import cohort, equity, insight

# Whoever searches the whole record passes the route; what is asked here is no definition, so that nobody is run
ASKING = "401 401 401 403 403 {0} {0}  {0} {0} 403 403 {0} 403 {0} 403 {0}"
KEEPING = "401 401 401 403 403 403 403  403 403 403 403 422 403 403 403 422"
# Who searches the whole record, and may use it for research or operations
KEPT = "401 401 401 403 403 403 403  403 403 403 403 {0} 403 403 403 {0}"
# Who treats patients
CARING = "401 401 401 403 403 403 {0}  {0} {0} 403 403 403 403 403 403 403"
OF_WHOM = "measure=none&year=2025&dimension=sex&group=male"
ROWS = [
    Row("compiled", "POST", "/rooms/cohort/circe", {}, {}, ASKING.format(422)),
    Row("run", "POST", "/rooms/cohort/run", {}, {}, ASKING.format(422)),
    Row("studied", "POST", "/rooms/cohort/study", {}, {}, ASKING.format(422)),
    Row("kept", "POST", "/rooms/cohort/cohorts", {}, {}, KEEPING),
    Row("listed", "GET", "/rooms/cohort/cohorts", b"", {}, ASKING.format(200)),
    Row("concepts", "GET", "/rooms/cohort/concepts?q=x", b"", {}, ASKING.format(200)),
    Row("ended", "DELETE", "/rooms/cohort/run/none", b"", {}, ASKING.format(404)),
    Row("measures by groups", "GET", "/rooms/equity/measures", b"", {}, ASKING.format(200)),
    Row("a measure by groups", "GET", "/rooms/equity/board?measure=none&year=2025", b"", {}, KEPT.format(404)),
    Row("whom to reach", "GET", f"/rooms/equity/outreach?{OF_WHOM}", b"", {}, CARING.format(404)),
    Row("operations", "GET", "/rooms/insight/operations?from=2025-01-01&to=2025-01-02", b"", {}, KEPT.format(200)),
    Row("measures", "GET", "/rooms/insight/measures", b"", {}, ASKING.format(200)),
    Row("measures added", "POST", "/rooms/insight/measures?none=1", b"", {}, KEEPING.replace("422", "400")),
    Row("counted", "GET", "/rooms/insight/measures/none/count?year=2025", b"", {}, KEPT.format(404)),
    Row("reported", "POST", "/rooms/insight/measures/none/report?year=2025", b"", {}, KEEPING.replace("422", "404")),
    Row("reports", "GET", "/rooms/insight/reports", b"", {}, ASKING.format(200)),
    Row("counted again", "GET", "/rooms/insight/reports/none/again", b"", {}, ASKING.format(404)),
]


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gatehouse]:
    made = Gatehouse(tmp_path_factory.mktemp("gate"), "sqlite")
    yield made
    made.house.close()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_caller_gets_the_expected_answer_of_a_room(gate: Gatehouse, row: Row) -> None:
    gate.judge(row)


def test_no_route_is_left_out() -> None:
    listed = {(row.method, shape(row.url.partition("?")[0])) for row in ROWS}
    rooms = (cohort.room, equity.room, insight.room)
    assert listed == {(route.method, f"/rooms/{room.name}{route.path}") for room in rooms for route in room.routes}


def shape(path: str) -> str:
    """A path as its route says it: what is asked of `none` is asked of a name."""
    return path.replace("/run/none", "/run/{run}").replace("/none/", "/{id}/")
