"""Who is denied a patient is denied what is the patient's only by what it refers to, on every engine and every path."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.contract.conftest import SYSTEM
from tests.contract.test_record import DENY, found, ids, settled

from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.record import Change

BARRED = Caller("main", "barred", frozenset({"physician"}), "TREAT", (Scope("user", "*", frozenset("cruds")),))
BOUND = Caller("main", "p", frozenset({"patient"}), "PATRQT", (Scope("patient", "*", frozenset("rs")),), patient="p1")
VISIT = {"reference": "Encounter/e1"}
SEEN = {"reference": "Observation/o1"}
CODE = {"text": "c"}
LOINC = {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}
EXTENSION = "http://hospital.example/about"

# What is p1's, though it does not say so: Encounter/e1 and Observation/o1 are of Patient/p1.
INHERITING: dict[str, dict[str, Any]] = {
    "a Provenance of an Observation": {
        "resourceType": "Provenance",
        "target": [SEEN],
        "recorded": "2026-01-01T00:00:00Z",
        "agent": [{"who": {"display": "x"}}],
    },
    "an Observation that names its Encounter only": {
        "resourceType": "Observation",
        "status": "final",
        "code": CODE,
        "encounter": VISIT,
    },
    "an Observation that another patient performed": {
        "resourceType": "Observation",
        "status": "final",
        "code": CODE,
        "encounter": VISIT,
        "performer": [{"reference": "Patient/p2"}],
    },
    "an Observation of an absolute subject": {
        "resourceType": "Observation",
        "status": "final",
        "code": CODE,
        "subject": {"reference": "https://hospital.example/fhir/Patient/p1"},
    },
    "a DocumentReference": {
        "resourceType": "DocumentReference",
        "status": "current",
        "content": [{"attachment": {"title": "t"}}],
        "context": {"encounter": [VISIT]},
    },
    "a DocumentReference of an attachment": {
        "resourceType": "DocumentReference",
        "status": "current",
        "content": [{"attachment": {"url": "Binary/held"}}],
    },
    "Media": {"resourceType": "Media", "status": "completed", "content": {"title": "t"}, "encounter": VISIT},
    "a form": {"resourceType": "QuestionnaireResponse", "status": "completed", "encounter": VISIT},
    "an answer in a form": {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "item": [{"linkId": "1", "answer": [{"valueReference": SEEN}]}],
    },
    "a DetectedIssue": {"resourceType": "DetectedIssue", "status": "final", "implicated": [SEEN]},
    "a List": {"resourceType": "List", "status": "current", "mode": "working", "entry": [{"item": SEEN}]},
    "a Binary": {"resourceType": "Binary", "contentType": "text/plain", "securityContext": VISIT, "data": "eA=="},
    "an AuditEvent": {
        "resourceType": "AuditEvent",
        "type": {"code": "rest"},
        "recorded": "2026-01-01T00:00:00Z",
        "agent": [{"requestor": True}],
        "source": {"observer": {"display": "x"}},
        "entity": [{"what": SEEN}],
    },
    "a Task on it": {"resourceType": "Task", "status": "requested", "intent": "order", "focus": SEEN},
    "a Task for the patient": {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "for": {"reference": "Patient/p1"},
    },
    "a Composition": {
        "resourceType": "Composition",
        "status": "final",
        "type": CODE,
        "date": "2026-01-01",
        "author": [{"display": "x"}],
        "title": "t",
        "section": [{"entry": [SEEN]}],
    },
    "a MeasureReport": {
        "resourceType": "MeasureReport",
        "status": "complete",
        "type": "summary",
        "measure": "http://m",
        "period": {"start": "2026"},
        "evaluatedResource": [{"reference": "Observation/o2"}, SEEN],
    },
    "a MessageHeader": {
        "resourceType": "MessageHeader",
        "eventUri": "urn:e",
        "source": {"endpoint": "urn:s"},
        "focus": [SEEN],
    },
    "a Device": {"resourceType": "Device", "patient": {"reference": "Patient/p1"}},
    "an extension": {
        "resourceType": "Basic",
        "code": CODE,
        "extension": [{"url": EXTENSION, "valueReference": {"reference": "Observation/o1/_history/1"}}],
    },
    "what it contains": {
        "resourceType": "Basic",
        "code": CODE,
        "contained": [{"resourceType": "List", "id": "p2", "status": "current", "mode": "working", "source": VISIT}],
        "extension": [{"url": EXTENSION, "valueReference": {"reference": "#p2"}}],
    },
    "a Bundle of it": {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": {"resourceType": "Observation", "id": "o1", "status": "final", "code": CODE}}],
    },
}


def body(resource: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({**resource, **more}).encode()


@pytest.fixture
def ward(chart: Chart, tenant: Tenant) -> Tenant:
    """Patient p1, denied to BARRED, and patient p2, each with an Encounter and an Observation."""
    for number in "12":
        about = {"subject": {"reference": f"Patient/p{number}"}}
        visit = {"resourceType": "Encounter", "id": f"e{number}", "status": "finished", "class": {"code": "IMP"}}
        fact = {"resourceType": "Observation", "id": f"o{number}", "status": "final", "code": LOINC}
        person = {"resourceType": "Patient", "id": f"p{number}"}
        for one in (person, {**visit, **about}, {**fact, **about}):
            chart.write([Change("update", one["resourceType"], one["id"], body(one))])
    held = {"resourceType": "Binary", "id": "held", "contentType": "text/plain", "securityContext": VISIT}
    settled(chart, tenant, Change("update", "Binary", "held", body(held)))
    actor = {"role": CODE, "reference": {"reference": "Practitioner/barred"}}
    consent = {**DENY, "patient": {"reference": "Patient/p1"}, "provision": {"type": "deny", "actor": [actor]}}
    settled(chart, tenant, Change("create", "Consent", body=body(consent)))
    return tenant


def status(chart: Chart, type: str, id: str, version: int | None = None) -> int:
    try:
        chart.read(type, id, version)
    except Invalid as refusal:
        return refusal.status
    return 200


@pytest.mark.parametrize("escaped", [False, True])
@pytest.mark.parametrize("name", INHERITING)
def test_what_refers_to_a_hidden_patients_is_hidden_with_it(
    ward: Tenant, chart: Chart, name: str, escaped: bool
) -> None:
    resource = INHERITING[name]
    type = resource["resourceType"]
    raw = body(resource)
    (id,) = settled(chart, ward, Change("create", type, body=raw.replace(b"/", b"\\/") if escaped else raw))
    barred = Chart(ward, BARRED)
    assert status(chart, type, id) == 200 and status(barred, type, id) == 404
    assert status(barred, type, id, 1) == 404
    with pytest.raises(Invalid):
        barred.history(type, id)
    assert id not in [one.id for one in barred.history(type, count=100).matches]
    assert id in [one.id for one in chart.history(type, count=100).matches]
    everything, rest = found(chart, type), found(barred, type)
    assert id in ids(everything) and id not in ids(rest)
    assert rest.total == len(ids(rest))
    assert any("p1" in row.patients for _, row in ward.trail.page(user="tester") if row.target == f"{type}/{id}")
    assert ids(found(Chart(ward, BOUND), type, ("_id", id))) == [], "what is inherited shows nothing to anybody"


def test_no_include_chain_or_having_leads_round_the_denial(ward: Tenant, chart: Chart) -> None:
    made = settled(
        chart,
        ward,
        Change("create", "Provenance", body=body(INHERITING["a Provenance of an Observation"])),
        Change("create", "Observation", body=body(INHERITING["an Observation that names its Encounter only"])),
        Change("create", "Task", body=body(INHERITING["a Task on it"], basedOn=[{"reference": "Observation/o2"}])),
        Change("create", "Task", body=body(INHERITING["a Task on it"], focus={"reference": "Observation/o2"})),
    )
    barred = Chart(ward, BARRED)
    page = found(barred, "Observation", ("_revinclude", "Task:based-on"), ("_revinclude", "Provenance:target"))
    assert ids(page) == ["o2"] and page.included == []
    assert [one.id for one in found(barred, "Observation", ("_revinclude", "Task:focus")).included] == [made[3]]
    assert len(found(chart, "Observation", ("_revinclude", "Task:based-on")).included) == 1
    assert found(barred, "Observation", ("_has:Task:based-on:status", "requested")).total == 0
    assert found(barred, "Observation", ("_has:Task:focus:status", "requested")).total == 1
    assert found(barred, "Task", ("focus:Observation.code", "8867-4")).total == 1
    assert found(chart, "Task", ("focus:Observation.code", "8867-4")).total == 2
    assert found(barred, "Encounter", ("_revinclude", "Observation:encounter")).included == []


def test_it_is_inherited_through_any_number_of_steps_and_round_a_circle(ward: Tenant, chart: Chart) -> None:
    entry = {"resourceType": "List", "status": "current", "mode": "working"}
    settled(
        chart,
        ward,
        *(
            Change(
                "update", "List", f"l{n}", body(entry, id=f"l{n}", entry=[{"item": {"reference": f"List/l{n - 1}"}}])
            )
            for n in range(30, 0, -1)
        ),
    )
    barred = Chart(ward, BARRED)
    assert found(barred, "List").total == 30
    item = [{"item": SEEN}, {"item": {"reference": "List/l30"}}]
    settled(chart, ward, Change("update", "List", "l0", body(entry, id="l0", entry=item)))
    assert found(chart, "List").total == 31 and found(barred, "List").total == 0
    settled(chart, ward, Change("update", "List", "l0", body(entry, id="l0", entry=item[1:])))
    assert found(barred, "List").total == 31


def moved(ward: Tenant, chart: Chart, *changes: Change) -> tuple[int, int]:
    """What an Observation that names Encounter/e1 only answers to BARRED before and after."""
    resource = body(INHERITING["an Observation that names its Encounter only"])
    (id,) = settled(chart, ward, Change("create", "Observation", body=resource))
    before = status(Chart(ward, BARRED), "Observation", id)
    settled(chart, ward, *changes)
    return before, status(Chart(ward, BARRED), "Observation", id)


VISIT_OF_P2 = {
    "resourceType": "Encounter",
    "id": "e1",
    "status": "finished",
    "class": {"code": "IMP"},
    "subject": {"reference": "Patient/p2"},
}


def test_what_was_filed_under_the_wrong_patient_moves_with_what_it_refers_to(ward: Tenant, chart: Chart) -> None:
    assert moved(ward, chart, Change("update", "Encounter", "e1", body(VISIT_OF_P2))) == (404, 200)


def test_what_is_deleted_still_hides_and_what_is_erased_hides_from_all_to_whom_anybody_is_hidden(
    ward: Tenant, chart: Chart
) -> None:
    assert moved(ward, chart, Change("delete", "Encounter", "e1")) == (404, 404)
    assert moved(ward, chart, Change("erase", "Encounter", "e1")) == (404, 404)
    assert "e1" not in [one.id for one in Chart(ward, BARRED).history("Encounter", count=100).matches]
    assert moved(ward, chart, Change("update", "Encounter", "e1", body(VISIT_OF_P2))) == (404, 200)


def test_a_reference_to_staff_places_or_a_cohort_makes_nobody_a_patients(ward: Tenant, chart: Chart) -> None:
    members = [{"entity": {"reference": "Patient/p1"}}]
    cohort = {"resourceType": "Group", "id": "g1", "type": "person", "actual": True, "member": members}
    place = {
        "resourceType": "Location",
        "id": "bed",
        "extension": [{"url": EXTENSION, "valueReference": {"reference": "Patient/p1"}}],
    }
    average = {
        "resourceType": "Observation",
        "status": "final",
        "code": CODE,
        "subject": {"reference": "Group/g1"},
        "extension": [{"url": EXTENSION, "valueReference": {"reference": "Location/bed"}}],
    }
    made = settled(
        chart,
        ward,
        Change("update", "Group", "g1", body(cohort)),
        Change("update", "Location", "bed", body(place)),
        Change("create", "Observation", body=body(average)),
    )
    answers = [
        status(Chart(ward, BARRED), *name) for name in zip(("Group", "Location", "Observation"), made, strict=True)
    ]
    assert answers == [404, 200, 200]


# -- probing by writing -----------------------------------------------------------------------------------------------


PROBES: dict[str, Callable[[str], dict[str, Any]]] = {
    "by focus": lambda name: {**INHERITING["a Task on it"], "focus": {"reference": name}},
    "absolutely": lambda name: {**INHERITING["a Task on it"], "focus": {"reference": f"https://h.example/fhir/{name}"}},
    "of a version": lambda name: {**INHERITING["a Task on it"], "focus": {"reference": f"{name}/_history/7"}},
    "in an extension": lambda name: {
        **INHERITING["an extension"],
        "extension": [{"url": EXTENSION, "valueReference": {"reference": name}}],
    },
    "beside what is seen": lambda name: {
        **INHERITING["a List"],
        "entry": [{"item": {"reference": "Observation/o2"}}, {"item": {"reference": name}}],
    },
}


def answer(chart: Chart, tenant: Tenant, *changes: Change) -> Any:
    try:
        written = chart.write(changes)
    except Invalid as refusal:
        return refusal.status, [(issue.code, issue.text, issue.expression) for issue in refusal.issues]
    tenant.log.wait(tenant.log.tip())
    return [(one.status, status(chart, one.version.type, one.version.id)) for one in written]


@pytest.mark.parametrize("probe", PROBES)
def test_writing_about_what_is_hidden_answers_as_writing_about_what_is_not_there(ward: Tenant, probe: str) -> None:
    barred = Chart(ward, BARRED)
    told = []
    for name in ("Observation/o1", "Observation/never"):
        resource = PROBES[probe](name)
        one = Change("create", resource["resourceType"], body=body(resource))
        visible = Change("create", "Task", body=body(PROBES["by focus"]("Observation/o2")), name="urn:uuid:1")
        within = Change("create", "Task", body=body(PROBES["by focus"]("urn:uuid:1")))
        told.append([answer(barred, ward, one), answer(barred, ward, visible, within, one)])
        assert answer(barred, ward, visible, within) == [(201, 200), (201, 200)]
    assert told[0] == told[1]
    assert told[0][0][0] == 403


def test_what_one_sees_can_be_changed_though_it_refers_to_what_is_not_there(ward: Tenant, chart: Chart) -> None:
    dangling = PROBES["by focus"]("Observation/never")
    (id,) = settled(chart, ward, Change("create", "Task", body=body(dangling)))
    barred = Chart(ward, BARRED)
    assert answer(barred, ward, Change("update", "Task", id, body(dangling, id=id, status="completed"))) == [(200, 200)]
    more = {**dangling, "id": id, "basedOn": [{"reference": "Observation/o1"}]}
    assert answer(barred, ward, Change("update", "Task", id, body(more)))[0] == 403


def test_nobody_is_asked_what_they_know_from_whom_nobody_is_hidden(ward: Tenant) -> None:
    assert answer(
        Chart(ward, SYSTEM), ward, Change("create", "Task", body=body(PROBES["by focus"]("Observation/x")))
    ) == [(201, 200)]


def test_an_include_does_not_lead_from_what_is_seen_to_what_is_hidden(ward: Tenant, chart: Chart) -> None:
    related = {"subject": {"reference": "Patient/p2"}, "context": {"related": [SEEN, {"reference": "Observation/o2"}]}}
    settled(chart, ward, Change("create", "DocumentReference", body=body(INHERITING["a DocumentReference"], **related)))
    asked = ("_include", "DocumentReference:related")
    assert sorted(one.id for one in found(chart, "DocumentReference", asked).included) == ["o1", "o2"]
    assert [one.id for one in found(Chart(ward, BARRED), "DocumentReference", asked).included] == ["o2"]


def test_that_something_of_nobodys_was_erased_is_told_only_to_who_sees_everybody(ward: Tenant, chart: Chart) -> None:
    settled(chart, ward, Change("update", "Organization", "h", b'{"resourceType":"Organization","id":"h","name":"h"}'))
    settled(chart, ward, Change("erase", "Organization", "h"))
    answers = [status(Chart(ward, caller), "Organization", "h") for caller in (SYSTEM, BARRED, BOUND)]
    assert answers == [410, 404, 404]


def test_an_update_makes_nothing_under_an_id_that_may_be_a_hidden_ones(ward: Tenant, chart: Chart) -> None:
    barred = Chart(ward, BARRED)
    resource = PROBES["by focus"]("Observation/o2")
    for type, id, told in (("Task", "new", 404), ("Observation", "o1", 404), ("Observation", "never", 404)):
        fact = resource if type == "Task" else {"resourceType": type, "status": "final", "code": CODE}
        about = {} if type == "Task" else {"subject": {"reference": "Patient/p2"}}
        made = body(fact, id=id, **about)
        condition = search.parse((type,), [("identifier", "urn:x|none")])
        assert answer(barred, ward, Change("update", type, id, made, make=True))[0] == told
        assert answer(barred, ward, Change("update", type, id, made, condition=condition, make=True))[0] == told
    assert chart.read("Observation", "o1").version == 1
