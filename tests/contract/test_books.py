"""The house's own books: only who works the doors writes them, and a load's mark is nothing to who may not see it all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.contract.conftest import SYSTEM
from tests.contract.test_record import DENY, found, ids, settled

from onmaru.fhir.outcome import Invalid
from onmaru.kernel.caller import Caller, Role, Scope
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.record import Change

EVERYTHING = (Scope("user", "*", frozenset("cruds")),)
DOCUMENT = {"resourceType": "DocumentReference", "status": "current", "content": [{"attachment": {"title": "t"}}]}
TASK = {"resourceType": "Task", "status": "requested", "intent": "order"}


def coded(name: str, code: str) -> list[dict[str, str]]:
    return [{"system": f"urn:onmaru:{name}", "code": code}]


BOOKS: dict[str, dict[str, Any]] = {
    "the mark of a load": {**DOCUMENT, "category": [{"coding": coded("document", "load")}]},
    "a file's progress": {**DOCUMENT, "identifier": [{"system": "urn:onmaru:file", "value": "0" * 64}]},
    "the original of a message": {**DOCUMENT, "category": [{"coding": coded("document", "message")}]},
    "a message taken already": {**DOCUMENT, "identifier": [{"system": "urn:onmaru:message", "value": "0" * 64}]},
    "a dead letter": {**TASK, "code": {"coding": coded("task", "dead-letter")}},
    "a job": {**TASK, "code": {"coding": coded("job", "erase")}},
}
MARK = BOOKS["the mark of a load"]


def caller(role: Role) -> Caller:
    return Caller("main", f"a-{role}", frozenset({role}), "TREAT", EVERYTHING)


def refused(chart: Chart, *changes: Change) -> int:
    with pytest.raises(Invalid) as refusal:
        chart.write(changes)
    return refusal.value.status


@pytest.mark.parametrize("name", BOOKS)
def test_only_who_works_the_doors_writes_the_books(tenant: Tenant, chart: Chart, name: str) -> None:
    type, body = BOOKS[name]["resourceType"], json.dumps(BOOKS[name]).encode()
    plain = json.dumps(TASK if type == "Task" else DOCUMENT).encode()
    nurse = Chart(tenant, caller("nurse"))
    assert refused(nurse, Change("create", type, body=body)) == 403
    (kept,) = settled(chart, tenant, Change("create", type, body=body))
    (own,) = settled(nurse, tenant, Change("create", type, body=plain))
    head = tenant.log.tip()
    for change in (
        Change("update", type, kept, plain[:-1] + f',"id":"{kept}"}}'.encode()),
        Change("update", type, own, body[:-1] + f',"id":"{own}"}}'.encode()),
        Change("delete", type, kept),
    ):
        assert refused(nurse, change) == 403
    assert tenant.log.tip() == head
    assert [row.reason for _, row in tenant.trail.page(user="a-nurse") if not row.allowed] == ["forbidden"] * 4
    settled(
        Chart(tenant, caller("data-manager")),
        tenant,
        Change("update", type, kept, body[:-1] + f',"id":"{kept}"}}'.encode()),
    )
    settled(chart, tenant, Change("erase", type, kept))


def test_the_mark_of_a_load_is_there_only_for_who_sees_every_patient(tenant: Tenant, chart: Chart) -> None:
    settled(
        chart,
        tenant,
        *(Change("update", "Patient", f"p{n}", b'{"resourceType":"Patient","id":"p%d"}' % n) for n in (1, 2)),
    )
    actor = {"role": {"text": "x"}, "reference": {"reference": "Practitioner/barred"}}
    consent = {**DENY, "patient": {"reference": "Patient/p1"}, "provision": {"type": "deny", "actor": [actor]}}
    settled(chart, tenant, Change("create", "Consent", body=json.dumps(consent).encode()))
    (mark,) = settled(chart, tenant, Change("create", "DocumentReference", body=json.dumps(MARK).encode()))
    (other,) = settled(chart, tenant, Change("create", "DocumentReference", body=json.dumps(DOCUMENT).encode()))
    barred = Chart(tenant, Caller("main", "barred", frozenset({"data-manager"}), "HOPERAT", EVERYTHING))
    physician = Chart(tenant, caller("physician"))
    for chart_, seen in ((SYSTEM, [other, mark]), (physician._caller, [other, mark]), (barred._caller, [other])):
        page = found(Chart(tenant, chart_), "DocumentReference")
        assert (ids(page), page.total) == (seen, len(seen))
    with pytest.raises(Invalid):
        barred.read("DocumentReference", mark)
    target = {"resourceType": "Provenance", "target": [{"reference": f"DocumentReference/{mark}"}],
              "recorded": "2026-01-01T00:00:00Z", "agent": [{"who": {"display": "x"}}]}  # fmt: skip
    settled(chart, tenant, Change("create", "Provenance", body=json.dumps(target).encode()))
    assert found(barred, "Provenance").total == 0 and found(physician, "Provenance").total == 1
    settled(chart, tenant, Change("delete", "DocumentReference", mark))
    assert mark not in [one.id for one in barred.history("DocumentReference", count=100).matches]
    settled(barred, tenant, Change("create", "DocumentReference", body=json.dumps(MARK).encode()))
