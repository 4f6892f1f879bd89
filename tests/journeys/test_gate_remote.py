"""Every route of care at home × every kind of caller: who may ask at all, and that a denial is audited."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.journeys.test_gate_alerts import CARING, READING
from tests.journeys.test_gate_matrix import Gatehouse, Row

from onmaru.rooms.remote import room

# A patient's own: staff have no plans of their own
OWN = "401 401 401 403 403 {0} 404  404 404 403 403 404 403 {0} 403 404"
ROWS = [
    Row("plans", "GET", "/rooms/remote/plans?none=1", b"", {}, READING.format(400)),
    Row("plan", "GET", "/rooms/remote/plans/none?none=1", b"", {}, READING.format(400)),
    Row("plan written", "POST", "/rooms/remote/plans", {}, {}, CARING.format(400)),
    Row("plan ended", "POST", "/rooms/remote/plans/none/end", {}, {}, CARING.format(404)),
    Row("contact", "POST", "/rooms/remote/plans/none/contacts", {}, {}, CARING.format(400)),
    Row("attention", "POST", "/rooms/remote/attention/none", {"note": "called"}, {}, CARING.format(404)),
    Row("own plans", "GET", "/rooms/remote/mine?none=1", b"", {}, READING.format(400)),
    Row("own entry", "POST", "/rooms/remote/mine", {}, {}, OWN.format(422)),
]


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gatehouse]:
    made = Gatehouse(tmp_path_factory.mktemp("gate"), "memory")
    yield made
    made.house.close()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_caller_gets_the_expected_answer_of_care_at_home(gate: Gatehouse, row: Row) -> None:
    gate.judge(row)


def test_no_route_is_left_out() -> None:
    listed = {(row.method, row.url.partition("?")[0]) for row in ROWS}
    assert listed == {(one.method, "/rooms/remote" + re.sub(r"{\w+}", "none", one.path)) for one in room.routes}
