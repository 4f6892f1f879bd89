"""The watch over the trail: started again it forgets no access and raises no alarm twice, on every engine."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.contract.conftest import SYSTEM, postgres, sqlite

from onmaru.app.guarding import Guard
from onmaru.kernel.alarms import ALARMS
from onmaru.kernel.audit import access
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.chart import Chart
from onmaru.kernel.record import Change

KIM = Caller("main", "kim", frozenset({"nurse"}), "TREAT", (Scope("user", "*", frozenset("rs")),))
HOME = b'"name":[{"family":"kim"}],"address":[{"line":["Jongno 1-2"]}]'


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_watch_that_starts_again_goes_on_where_it_stood(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if engine == "sqlite":
        tenant, home = sqlite(tmp_path / "main")
    else:
        tenant, home = postgres(request.getfixturevalue("database"))  # type: ignore[assignment]  # both are homes
    chart = Chart(tenant, SYSTEM)
    for id in ("own", "child", "other"):
        body = b'{"resourceType":"Patient","id":"%b"%b}' % (id.encode(), b"" if id == "other" else b"," + HOME)
        chart.write([Change("update", "Patient", id, body)])
    accounts = SimpleNamespace(user=lambda tenant, user: SimpleNamespace(patient="own"))
    seat = SimpleNamespace(home=home, tenant=tenant)

    def read(*patients: str) -> None:
        for id in patients:
            tenant.trail.add(access(KIM, "read", f"Patient/{id}", tenant.now(), patients=(id,)))
            home.wait(home.tip())

    def watched() -> list[tuple[str, tuple[str, ...]]]:
        watch = Guard(seat, accounts)  # type: ignore[arg-type]  # what it needs of them
        home.wait(home.tip())
        while home.trail.follow() or watch.step():
            home.wait(home.tip())
        return [(row.target, row.patients) for _, row in tenant.trail.page(patient=ALARMS)]

    assert watched() == [], "of a trail that nobody has watched yet nothing is raised"
    watch = Guard(seat, accounts)  # type: ignore[arg-type]  # what it needs of them
    watch.step()
    read("own", "other")
    while home.trail.follow() or watch.step():
        home.wait(home.tip())
    assert [row.target for _, row in tenant.trail.page(patient=ALARMS)] == ["alarm/own-record"]
    read("child", "own")
    assert watched() == [("alarm/family", ("child",)), ("alarm/own-record", ("own",))]
    assert len(watched()) == 2
    home.close()
