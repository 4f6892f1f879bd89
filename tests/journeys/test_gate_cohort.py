"""Every route of the cohort room × every kind of caller: who may ask at all, and that a denial is audited."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.journeys.test_gate_matrix import COLUMNS, Gatehouse, Row

from onmaru.rooms.cohort import room

# Whoever searches the whole record passes the route; what is asked here is no definition, so that nobody is run
ASKING = "401 401 401 403 403 {0} {0}  {0} {0} 403 403 {0} 403 {0} 403 {0}"
KEEPING = "401 401 401 403 403 403 403  403 403 403 403 422 403 403 403 422"
ROWS = [
    Row("compiled", "POST", "/rooms/cohort/circe", {}, {}, ASKING.format(422)),
    Row("run", "POST", "/rooms/cohort/run", {}, {}, ASKING.format(422)),
    Row("studied", "POST", "/rooms/cohort/study", {}, {}, ASKING.format(422)),
    Row("kept", "POST", "/rooms/cohort/cohorts", {}, {}, KEEPING),
    Row("listed", "GET", "/rooms/cohort/cohorts", b"", {}, ASKING.format(200)),
    Row("concepts", "GET", "/rooms/cohort/concepts?q=x", b"", {}, ASKING.format(200)),
    Row("ended", "DELETE", "/rooms/cohort/run/none", b"", {}, ASKING.format(404)),
]


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gatehouse]:
    made = Gatehouse(tmp_path_factory.mktemp("gate"), "sqlite")
    yield made
    made.house.close()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_caller_gets_the_expected_answer_of_the_cohort_room(gate: Gatehouse, row: Row) -> None:
    got = {}
    for column in COLUMNS:
        rows, head = len(gate.house.rows()), gate.house.tenants["main"].log.head()
        answer = gate.ask(row, column)
        got[column] = str(answer.status)
        if answer.status in (401, 403):
            assert any(not one.allowed and one.reason for one in gate.house.rows()[rows:]), column
        assert gate.house.tenants["main"].log.head() == head
    assert got == dict(zip(COLUMNS, row.expected.split(), strict=True))


def test_no_route_is_left_out() -> None:
    listed = {(row.method, row.url.partition("?")[0].replace("/run/none", "/run/{run}")) for row in ROWS}
    assert listed == {(route.method, f"/rooms/cohort{route.path}") for route in room.routes}
