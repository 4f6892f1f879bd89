"""The history of one patient: all that is or was the patient's, on every engine."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from tests.contract.conftest import SYSTEM

from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.record import Change


def put(tenant: Tenant, *bodies: dict[str, Any]) -> None:
    for body in bodies:
        raw = json.dumps(body).encode()
        Chart(tenant, SYSTEM).write([Change("update", body["resourceType"], body["id"], raw)])
    tenant.log.wait(tenant.log.tip())


def reading(id: str, patient: str, text: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": id, "status": "final", "code": {"text": text},
        "subject": {"reference": f"Patient/{patient}"},
    }  # fmt: skip


def told(tenant: Tenant, type: str = "", **how: Any) -> list[tuple[str, str, int]]:
    page = Chart(tenant, SYSTEM).history(type, patient="p1", **how)
    return [(one.id, one.op, one.version) for one in page.matches]


def test_what_was_corrected_or_deleted_or_became_anothers_is_there_as_it_was(chart: Chart, tenant: Tenant) -> None:
    put(tenant, {"resourceType": "Patient", "id": "p1"}, {"resourceType": "Patient", "id": "p2"})
    put(tenant, reading("a", "p1", "one"), reading("other", "p2", "one"), reading("a", "p1", "two"))
    put(tenant, reading("gone", "p1", "one"), reading("moved", "p1", "one"), reading("moved", "p2", "one"))
    chart.write([Change("delete", "Observation", "gone")])
    tenant.log.wait(tenant.log.tip())
    everything = [
        ("gone", "delete", 2), ("moved", "update", 2), ("moved", "create", 1), ("gone", "create", 1),
        ("a", "update", 2), ("a", "create", 1),
    ]  # fmt: skip
    assert told(tenant, "Observation") == everything
    assert told(tenant) == [*everything, ("p1", "create", 1)]
    page = chart.history("Observation", patient="p1", count=4)
    assert page.cursor and [one.id for one in page.matches] == ["gone", "moved", "moved", "gone"]
    rest = chart.history("Observation", patient="p1", count=4, before=page.matches[-1].t)
    assert [one.version for one in rest.matches] == [2, 1] and not rest.cursor
    since = page.matches[-1].at
    assert told(tenant, "Observation", since=since) == everything[:4]
    assert told(tenant, "Condition") == []
    put(tenant, {**reading("back", "p1", "one")})
    chart.write([Change("delete", "Observation", "back")])
    put(tenant, reading("back", "p1", "two"))
    assert [op for id, op, _ in told(tenant) if id == "back"] == ["update", "delete", "create"]


def test_who_may_not_see_a_patient_is_shown_no_history_and_nobody_what_was_erased(tenant: Tenant) -> None:
    put(tenant, {"resourceType": "Patient", "id": "p1"}, {"resourceType": "Patient", "id": "p2"})
    put(tenant, reading("a", "p1", "one"))
    stranger = msgspec.structs.replace(SYSTEM, patient="p2", scopes=_own())
    assert Chart(tenant, stranger).history("Observation", patient="p1").matches == []
    Chart(tenant, SYSTEM).write([Change("erase", "Observation", "a")])
    tenant.log.wait(tenant.log.tip())
    assert told(tenant, "Observation") == []


def _own() -> tuple[Any, ...]:
    from onmaru.kernel import scope

    return scope.parse("patient/*.rs")
