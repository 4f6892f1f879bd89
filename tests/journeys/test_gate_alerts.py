"""Every route of the monitor × every kind of caller: who may ask at all, and that a denial is audited."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.journeys.test_gate_matrix import Gatehouse, Row

from onmaru.rooms.monitor import room

# Whoever reads Observations; what is asked is wrong, so that nothing is run
READING = "401 401 401 403 403 {0} {0}  {0} {0} 403 403 {0} 403 {0} 403 {0}"
OF_PERSON = "401 401 401 403 403 {0} {0}  {0} {0} {0} 403 {0} 403 {0} 403 {0}"
# The same but for patients, and whoever is bound to one: what is done about alerts is not theirs
STAFF = "401 401 401 403 403 403 {0}  {0} {0} 403 403 {0} 403 403 403 {0}"
# Who treats patients
CARING = "401 401 401 403 403 403 {0}  {0} {0} 403 403 403 403 403 403 403"
TRYING = "401 401 401 403 403 403 {0}  {0} {0} 403 403 {0} 403 403 403 403"
SEEING = "401 401 401 403 403 {0} {0}  {0} {0} {0} 403 {0} 403 {0} 403 {0}"
PLANNING = "401 401 401 403 403 403 {0}  {0} {0} 403 403 {0} 403 403 403 {0}"
# Systems' accounts
DEVICES = "401 401 401 403 403 403 403  403 403 403 403 403 403 403 403 {0}"
# Whoever answers for models
KEEPING = "401 401 401 403 403 403 {0}  {0} 403 403 403 {0} 403 403 403 {0}"
HIDDEN = "401 401 401 403 403 403 403  403 403 403 403 {0} 403 403 403 {0}"
ROWS = [
    Row("pushes", "GET", "/rooms/monitor/push?none=1", b"", {}, CARING.format(400)),
    Row("browser", "POST", "/rooms/monitor/push", {}, {}, CARING.format(400)),
    Row("browser taken off", "DELETE", "/rooms/monitor/push/none", b"", {}, CARING.format(404)),
    Row("risks", "GET", "/rooms/monitor/risks?none=1", b"", {}, CARING.format(400)),
    Row("risks of a model", "GET", "/rooms/monitor/models/none/risks", b"", {}, HIDDEN.format(404)),
    Row("models", "GET", "/rooms/monitor/models?none=1", b"", {}, KEEPING.format(400)),
    Row("model", "GET", "/rooms/monitor/models/none", b"", {}, KEEPING.format(404)),
    Row("limits of a model", "POST", "/rooms/monitor/models/none/limits", {}, {}, KEEPING.format(404)),
    Row("step of a model", "POST", "/rooms/monitor/models/none/steps", {}, {}, KEEPING.format(400)),
    Row("scores", "GET", "/rooms/monitor/patients/none/scores?none=1", b"", {}, OF_PERSON.format(400)),
    Row("course", "GET", "/rooms/monitor/patients/none/course?none=1", b"", {}, READING.format(400)),
    Row("rules", "GET", "/rooms/monitor/rules?none=1", b"", {}, READING.format(400)),
    Row("live feed", "GET", "/rooms/monitor/live/feed", b"", {}, READING.format(404)),
    Row("live", "GET", "/rooms/monitor/live", b"", {}, READING.format(404)),
    Row("live events", "GET", "/rooms/monitor/live/events", b"", {}, READING.format(404)),
    Row("stream", "POST", "/rooms/monitor/stream", {}, {}, DEVICES.format(404)),
    Row("ward", "GET", "/rooms/monitor/ward?none=1", b"", {}, STAFF.format(400)),
    Row("alerts", "GET", "/rooms/monitor/alerts?none=1", b"", {}, STAFF.format(400)),
    Row("alert", "GET", "/rooms/monitor/alerts/none", b"", {}, STAFF.format(404)),
    Row("handover", "GET", "/rooms/monitor/handover?none=1", b"", {}, CARING.format(400)),
    Row("handed over", "POST", "/rooms/monitor/handover", {}, {}, CARING.format(400)),
    Row("taken over", "POST", "/rooms/monitor/handover/taken", {}, {}, CARING.format(400)),
    Row("shown", "POST", "/rooms/monitor/alerts/seen", {}, {}, CARING.format(400)),
    Row("step", "POST", "/rooms/monitor/alerts/none/steps", {"step": "acknowledge"}, {}, CARING.format(404)),
    Row("budget", "GET", "/rooms/monitor/budget?none=1", b"", {}, STAFF.format(400)),
    Row("what if", "POST", "/rooms/monitor/what-if", {}, {}, TRYING.format(400)),
    Row("roster", "GET", "/rooms/monitor/roster?none=1", b"", {}, SEEING.format(400)),
    Row("shift", "POST", "/rooms/monitor/roster", {}, {}, PLANNING.format(400)),
    Row("replay", "GET", "/rooms/monitor/patients/none/replay?none=1", b"", {}, STAFF.format(400)),
    Row("replay as a file", "POST", "/rooms/monitor/patients/none/replay/export", {}, {}, CARING.format(400)),
    Row("shift taken off", "DELETE", "/rooms/monitor/roster/none", b"", {}, PLANNING.format(200)),
]


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gatehouse]:
    made = Gatehouse(tmp_path_factory.mktemp("gate"), "sqlite")
    yield made
    made.house.close()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_caller_gets_the_expected_answer_of_the_monitor(gate: Gatehouse, row: Row) -> None:
    gate.judge(row)


def test_no_route_is_left_out() -> None:
    listed = {(row.method, row.url.partition("?")[0]) for row in ROWS}
    assert listed == {(one.method, "/rooms/monitor" + re.sub(r"{\w+}", "none", one.path)) for one in room.routes}
