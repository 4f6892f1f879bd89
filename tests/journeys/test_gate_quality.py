"""Every route of the quality room × every kind of caller: who may ask at all, and that a denial is audited."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.journeys.test_gate_matrix import Gatehouse, Row

from onmaru.rooms.quality import room

# Whoever searches the whole record passes the routes that read; the lake, which this house has not, decides anew
READING = "401 401 401 403 403 {0} {0}  {0} {0} 403 403 {0} 403 {0} 403 {0}"
KEEPING = "401 401 401 403 403 403 {0}  {0} {0} 403 403 {0} 403 403 403 {0}"
ROWS = [
    Row("last", "GET", "/rooms/quality/last?outcome=none", b"", {}, READING.format(400)),
    Row("check", "GET", "/rooms/quality/checks/none", b"", {}, READING.format(404)),
    Row("rows", "GET", "/rooms/quality/checks/none/rows", b"", {}, READING.format(404)),
    Row("senders", "GET", "/rooms/quality/checks/none/senders", b"", {}, READING.format(404)),
    Row("threshold", "PUT", "/rooms/quality/checks/none/threshold", {}, {}, KEEPING.format(404)),
]


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gatehouse]:
    made = Gatehouse(tmp_path_factory.mktemp("gate"), "sqlite")
    yield made
    made.house.close()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_caller_gets_the_expected_answer_of_the_quality_room(gate: Gatehouse, row: Row) -> None:
    gate.judge(row)


def test_no_route_is_left_out() -> None:
    listed = {(row.method, row.url.partition("?")[0].replace("checks/none", "checks/{check}")) for row in ROWS}
    assert listed | {("POST", "/rooms/quality/run")} == {
        (route.method, f"/rooms/quality{route.path}") for route in room.routes
    }
