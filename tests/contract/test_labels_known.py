"""The labels that occur are known again when a tenant is opened, and those of other workers as soon as they are heard."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.contract.conftest import KEYS, SYSTEM, Ticking, postgres, sqlite

from onmaru.app.house import heard
from onmaru.engines.postgres.home import PgHome
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.consent import Consents
from onmaru.kernel.gate import Gate
from onmaru.kernel.record import Change

V = ("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "V")
SUD = ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "SUD")
NURSE = Caller("main", "n", frozenset({"nurse"}), "TREAT", (Scope("user", "*", frozenset("rs")),))


def marked(type: str, id: str, label: tuple[str, str] | None) -> Change:
    security = b'"meta":{"security":[{"system":"%b","code":"%b"}]},' % tuple(map(str.encode, label)) if label else b""
    rest = b'"id":"%b"' % id.encode() + (b',"status":"final","code":{"text":"x"}' if type == "Observation" else b"")
    return Change("update", type, id, b'{"resourceType":"%b",%b%b}' % (type.encode(), security, rest))


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_the_labels_that_occur_are_known_again(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if engine == "sqlite":
        tenant, home = sqlite(tmp_path / "main")
    else:
        tenant, home = postgres(request.getfixturevalue("database"))  # type: ignore[assignment]  # both are homes
    chart = Chart(tenant, SYSTEM)
    chart.write([marked("Patient", "vip", V)])
    chart.write([marked("Patient", "once", V)])
    chart.write([marked("Patient", "once", None)])
    chart.write([marked("Patient", "gone", V)])
    chart.write([Change("delete", "Patient", "gone")])
    chart.write([marked("Observation", "o", SUD)])
    home.wait(home.tip())
    home.index.apply()
    assert home.index.codings() == {V, SUD}
    found = {version.id: set(labels) for version, labels in home.index.bearing("Patient", [V])}
    assert found == {"vip": {V}, "once": set(), "gone": {V}}
    home.close()


def test_what_another_worker_marks_is_hidden_at_once(database: str) -> None:
    tenant, home = postgres(database)
    other = PgHome(database, KEYS, Ticking())
    home.listeners.append(lambda version: heard(tenant.gate, home.index, version))
    gate = Gate("main", Consents(), tenant.now)
    writing = Chart(Tenant("main", other, other.index, other.trail, gate, tenant.now, str), SYSTEM)
    writing.write([marked("Observation", "o", V)])
    writing.write([marked("Patient", "vip", V)])
    other.wait(other.tip())
    home.refresh()
    masked, patients = tenant.gate.labels.masked(NURSE)
    assert masked == {V} and patients == {"vip"}
    version = home.index.latest("Observation", "o", home.head())
    assert version is not None and list(home.index.compartments(version).labels) == [V]
    other.close()
    home.close()
