"""The plan of a search: what was looked up and what was asked of bodies, counting only what the caller sees."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.contract.conftest import SYSTEM, sqlite
from tests.contract.test_record import DENY, observation, patient

from onmaru.fhir import search
from onmaru.fhir.outcome import Issue
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.record import Change

ASKER = Caller("main", "r", frozenset({"researcher"}), "HRESCH", (Scope("user", "*", frozenset("rs")),))
ASKED = (("code", "8867-4"), ("subject:Patient.name:contains", "kim"), ("_content", "kim OR heart"), ("_sort", "date"))


def filled(tenant: Tenant, *people: str) -> None:
    chart = Chart(tenant, SYSTEM)
    for id in people:
        chart.write([Change("update", "Patient", id, patient(id=id, name=[{"family": "Kim"}]))])
        chart.write([Change("create", "Observation", body=observation(f"Patient/{id}", note=[{"text": "heart"}]))])
    actor = {"role": {"coding": [{"code": "researcher"}]}, "reference": {"display": "researchers"}}
    consent = {**DENY, "patient": {"reference": "Patient/hidden"}, "provision": {"type": "deny", "actor": [actor]}}
    chart.write([Change("create", "Consent", body=json.dumps(consent).encode())])
    tenant.log.wait(tenant.log.tip())


def plan(tenant: Tenant, caller: Caller) -> Sequence[Issue]:
    query = search.parse(("Observation",), [*ASKED, ("_explain", "true")])
    return Chart(tenant, caller).search(query).notes


def test_a_plan_names_steps_and_counts_no_value_and_nothing_hidden(tmp_path: Path) -> None:
    with_it, one = sqlite(tmp_path / "with")
    without, other = sqlite(tmp_path / "without")
    filled(with_it, "seen", "hidden", "too")
    filled(without, "seen", "too")
    notes = plan(with_it, SYSTEM)
    texts = [note.text for note in notes]
    assert {(note.code, note.severity) for note in notes} == {("informational", "information")}
    assert texts[0] == "code: looked up: 3" and "  name:contains: looked up: 3" in texts
    assert "subject of Patient: looked up: 3" in texts and texts[-1].startswith("passes over the record")
    assert not any(value in text for text in texts for value in ("kim", "8867", "heart", "seen"))
    assert plan(with_it, ASKER) == plan(without, ASKER) != notes
    assert Chart(with_it, ASKER).search(search.parse(("Observation",), ASKED)).notes == ()
    one.close()
    other.close()
