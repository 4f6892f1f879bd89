"""Profiles, tags and labels in use, told by who bears them: the same on every engine, and of what is seen alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.contract.conftest import SYSTEM
from tests.contract.test_record import observation, patient, settled

from onmaru.fhir import meta
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.record import Change

V = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}


def marked(*codes: str, **more: Any) -> dict[str, Any]:
    return {"meta": {"tag": [{"system": "urn:t", "code": code} for code in codes], **more}}


def told(chart: Chart, type: str = "") -> bytes:
    found = meta.Together(10)
    for version in chart.marked(type):
        if version is not None:
            found.add(meta.of(version.body or b""))
    return found.told()


def test_marks_are_those_of_what_stands_and_is_seen(tenant: Tenant, bound: Callable[[Caller], Chart]) -> None:
    chart = bound(SYSTEM)
    settled(
        chart,
        tenant,
        Change("update", "Patient", "p1", patient(id="p1", **marked("a", profile=["urn:p"]))),
        Change("create", "Observation", body=observation("Patient/p1", **marked("b"))),
        Change("create", "Observation", body=observation("Patient/p1", **marked("b", "c", security=[V]))),
        Change("update", "Patient", "p2", patient(id="p2", **marked("before"))),
    )
    settled(chart, tenant, Change("update", "Patient", "p2", patient(id="p2", **marked("d"))))
    assert told(chart, "Patient") == b'{"profile":["urn:p"],"tag":[%s]}' % _tags("a", "d")
    assert told(chart, "Encounter") == b"{}"
    assert b'"V"' in told(chart) and told(chart).count(b"urn:t") == 4
    nurse = bound(Caller("main", "n", frozenset({"nurse"}), "TREAT", (Scope("user", "*", frozenset("rs")),)))
    assert told(nurse, "Observation") == b'{"tag":[%s]}' % _tags("b")
    settled(chart, tenant, Change("delete", "Patient", "p1"))
    assert told(nurse) == b'{"tag":[%s]}' % _tags("b", "d")
    few = bound(Caller("main", "n", frozenset({"nurse"}), "TREAT", (Scope("user", "Patient", frozenset("rs")),)))
    assert told(few) == b'{"tag":[%s]}' % _tags("d")
    with pytest.raises(Invalid):
        told(few, "Observation")


def _tags(*codes: str) -> bytes:
    return b",".join(b'{"system":"urn:t","code":"%s"}' % code.encode() for code in codes)


def test_more_marks_than_anybody_reads_are_refused() -> None:
    found = meta.Together(2)
    found.add(b'{"tag":[{"code":"a"},{"code":"b"}]}')
    with pytest.raises(Invalid) as refused:
        found.add(b'{"profile":["urn:c"]}')
    assert refused.value.status == 413
