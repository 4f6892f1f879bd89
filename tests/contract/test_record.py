"""The Record's laws, on every engine."""

from __future__ import annotations

import itertools
import json
from typing import Any

import msgspec
import pytest
from tests.contract.conftest import SYSTEM

from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.record import Change, Page, bearing


def patient(**extra: Any) -> bytes:
    return json.dumps({"resourceType": "Patient", **extra}).encode()


def observation(subject: str, code: str = "8867-4", **extra: Any) -> bytes:
    body = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": subject},
        **extra,
    }
    return json.dumps(body).encode()


def settled(chart: Chart, tenant: Tenant, *changes: Change) -> list[str]:
    written = chart.write(changes)
    tenant.log.wait(tenant.log.tip())
    return [one.version.id for one in written]


def found(chart: Chart, type: str, *pairs: tuple[str, str]) -> Page:
    return chart.search(search.parse((type,), list(pairs)))


def ids(page: Page) -> list[str]:
    return [version.id for version in page.matches]


def test_what_is_written_is_read_with_its_tokens_as_they_were(chart: Chart, tenant: Tenant) -> None:
    raw = b'{ "resourceType":"Observation","status":"final","code":{"text":"w"},"valueQuantity":{"value":72.50} }'
    (id,) = settled(chart, tenant, Change("create", "Observation", body=raw))
    body = chart.read("Observation", id).body
    assert body is not None and b'"value":72.50' in body and b'"versionId":"1"' in body


def test_positions_are_dense_and_times_never_go_back(chart: Chart, tenant: Tenant) -> None:
    for _ in range(3):
        settled(chart, tenant, Change("create", "Patient", body=patient()), Change("create", "Patient", body=patient()))
    versions = tenant.log.read(0, 100)
    assert [v.t for v in versions] == [1, 2, 3, 4, 5, 6]
    assert all(a.at < b.at for a, b in itertools.pairwise(versions))


def test_an_update_makes_a_version_and_both_can_be_read(chart: Chart, tenant: Tenant) -> None:
    (id,) = settled(chart, tenant, Change("create", "Patient", body=patient(gender="male")))
    settled(chart, tenant, Change("update", "Patient", id, patient(id=id, gender="female")))
    assert chart.read("Patient", id).version == 2
    first = chart.read("Patient", id, 1).body
    assert first is not None and b'"male"' in first
    assert ids(found(chart, "Patient", ("gender", "male"))) == []
    assert [v.version for v in chart.history("Patient", id).matches] == [2, 1]


def test_a_deleted_resource_is_gone_but_its_past_is_not(chart: Chart, tenant: Tenant) -> None:
    (id,) = settled(chart, tenant, Change("create", "Patient", body=patient()))
    before = tenant.log.head()
    settled(chart, tenant, Change("delete", "Patient", id))
    with pytest.raises(Invalid) as refusal:
        chart.read("Patient", id)
    assert refusal.value.status == 410
    assert chart.at(before).read("Patient", id).version == 1
    assert ids(found(chart, "Patient")) == [] and ids(chart.at(before).search(search.parse(("Patient",), []))) == [id]


def test_an_erased_resource_answers_410_at_every_time(chart: Chart, tenant: Tenant) -> None:
    (id,) = settled(chart, tenant, Change("create", "Patient", body=patient(name=[{"family": "Gone"}])))
    before = tenant.log.head()
    settled(chart, tenant, Change("erase", "Patient", id))
    for one in (chart, chart.at(before)):
        with pytest.raises(Invalid) as refusal:
            one.read("Patient", id)
        assert refusal.value.status == 410
    assert all(v.body is None for v in tenant.log.read(0, 10))
    assert ids(found(chart, "Patient", ("name", "gone"))) == []


def test_a_transaction_resolves_its_names_and_happens_whole(chart: Chart, tenant: Tenant) -> None:
    who, what = settled(
        chart,
        tenant,
        Change("create", "Patient", body=patient(), name="urn:uuid:1"),
        Change("create", "Observation", body=observation("urn:uuid:1"), name="urn:uuid:2"),
    )
    body = chart.read("Observation", what).body
    assert body is not None and f'"Patient/{who}"'.encode() in body
    head = tenant.log.tip()
    with pytest.raises(Invalid) as refusal:
        chart.write([Change("create", "Patient", body=patient()), Change("create", "Patient", body=patient(bad=1))])
    assert tenant.log.tip() == head
    assert "entry[1]" in refusal.value.issues[0].expression


def test_a_stale_if_match_is_refused(chart: Chart, tenant: Tenant) -> None:
    (id,) = settled(chart, tenant, Change("create", "Patient", body=patient()))
    with pytest.raises(Invalid) as refusal:
        chart.write([Change("update", "Patient", id, patient(id=id), if_match=7)])
    assert refusal.value.status == 412


def test_if_none_exist_makes_one_resource_also_within_one_group(chart: Chart, tenant: Tenant) -> None:
    body = patient(identifier=[{"system": "urn:x", "value": "1"}])
    condition = search.parse(("Patient",), [("identifier", "urn:x|1")])
    made = [chart.write([Change("create", "Patient", body=body, if_none_exist=condition)])[0] for _ in range(5)]
    tenant.log.wait(tenant.log.tip())
    assert len({one.version.id for one in made}) == 1
    assert [one.status for one in made] == [201, 200, 200, 200, 200]


def test_pages_of_a_search_never_shift_while_others_write(chart: Chart, tenant: Tenant) -> None:
    made = [settled(chart, tenant, Change("create", "Patient", body=patient()))[0] for _ in range(7)]
    seen: list[str] = []
    query = search.parse(("Patient",), [("_count", "3")])
    while True:
        page = chart.search(query)
        assert page.total == 7
        seen += ids(page)
        settled(chart, tenant, Change("create", "Patient", body=patient()))
        settled(chart, tenant, Change("update", "Patient", made[0], patient(id=made[0], gender="other")))
        if not page.cursor:
            break
        query = msgspec.structs.replace(query, cursor=page.cursor)
    assert seen == list(reversed(made))


def test_the_pages_of_a_search_close_at_the_horizon(chart: Chart, tenant: Tenant) -> None:
    for _ in range(3):
        settled(chart, tenant, Change("create", "Patient", body=patient()))
    query = search.parse(("Patient",), [("_count", "1")])
    following = msgspec.structs.replace(query, cursor=chart.search(query).cursor)
    assert len(chart.search(following).matches) == 1
    hasty = Chart(msgspec.structs.replace(tenant, horizon=1), SYSTEM)
    with pytest.raises(Invalid) as closed:
        hasty.search(following)
    assert closed.value.status == 410


DENY = {
    "resourceType": "Consent",
    "status": "active",
    "scope": {"coding": [{"code": "patient-privacy"}]},
    "category": [{"coding": [{"code": "59284-0"}]}],
    "policyRule": {"text": "opt-out"},
}


def test_a_consent_that_denies_a_role_hides_the_patient_everywhere(chart: Chart, tenant: Tenant) -> None:
    shown, hidden = settled(
        chart, tenant, Change("create", "Patient", body=patient()), Change("create", "Patient", body=patient())
    )
    settled(
        chart, tenant, *(Change("create", "Observation", body=observation(f"Patient/{p}")) for p in (shown, hidden))
    )
    actor = {"role": {"coding": [{"code": "researcher"}]}, "reference": {"display": "researchers"}}
    consent = {**DENY, "patient": {"reference": f"Patient/{hidden}"}, "provision": {"type": "deny", "actor": [actor]}}
    (rule,) = settled(chart, tenant, Change("create", "Consent", body=json.dumps(consent).encode()))
    scopes = (Scope("user", "*", frozenset("rs")),)
    researcher = Chart(tenant, Caller("main", "r", frozenset({"researcher"}), "HRESCH", scopes))
    assert ids(found(researcher, "Patient")) == [shown]
    page = found(researcher, "Observation", ("_include", "Observation:subject"))
    assert page.total == 1 and [v.id for v in page.included] == [shown]
    assert found(researcher, "Patient", ("_has:Observation:patient:code", "8867-4")).total == 1
    assert found(researcher, "Observation", ("subject:Patient._id", hidden)).total == 0
    with pytest.raises(Invalid) as refusal:
        researcher.read("Patient", hidden)
    assert refusal.value.status == 404
    assert found(chart, "Patient").total == 2
    settled(chart, tenant, Change("delete", "Consent", rule))
    assert found(researcher, "Patient").total == 2


def test_whom_somebody_is_hidden_from_keeps_what_bears_an_identifier_and_tells_nothing_of_what_is_hidden(
    chart: Chart, tenant: Tenant
) -> None:
    (hidden,) = settled(chart, tenant, Change("create", "Patient", body=patient()))
    named = {"identifier": [{"system": "urn:x", "value": "1"}]}
    (theirs,) = settled(chart, tenant, Change("create", "Observation", body=observation(f"Patient/{hidden}", **named)))
    consent = {**DENY, "patient": {"reference": f"Patient/{hidden}"}, "provision": {"type": "deny"}}
    settled(chart, tenant, Change("create", "Consent", body=json.dumps(consent).encode()))
    scopes = (Scope("user", "*", frozenset("cruds")),)
    nurse = Chart(tenant, Caller("main", "n", frozenset({"nurse"}), "TREAT", scopes))
    body = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **named}
    with pytest.raises(Invalid) as refused:
        nurse.write([Change("update", "Observation", "mine", json.dumps({**body, "id": "mine"}).encode())])
    assert refused.value.status == 404
    first, again = (
        settled(nurse, tenant, bearing("Observation", ("urn:x", "1"), json.dumps(body).encode())) for _ in range(2)
    )
    assert first == again != [theirs]
    assert nurse.read("Observation", first[0]).version == 2 and chart.read("Observation", theirs).version == 1


def test_a_patient_sees_only_the_own_chart_and_what_belongs_to_nobody(chart: Chart, tenant: Tenant) -> None:
    me, other = settled(
        chart, tenant, Change("create", "Patient", body=patient()), Change("create", "Patient", body=patient())
    )
    settled(chart, tenant, *(Change("create", "Observation", body=observation(f"Patient/{p}")) for p in (me, other)))
    settled(chart, tenant, Change("create", "Organization", body=b'{"resourceType":"Organization","name":"H"}'))
    scopes = (Scope("patient", "*", frozenset("rs")),)
    mine = Chart(tenant, Caller("main", "p", frozenset({"patient"}), "PATRQT", scopes, patient=me))
    assert ids(found(mine, "Patient")) == [me]
    assert found(mine, "Observation").total == 1 and found(mine, "Organization").total == 1


def test_another_tenants_caller_is_refused_and_the_refusal_is_audited(tenant: Tenant) -> None:
    stranger = Chart(tenant, msgspec.structs.replace(SYSTEM, tenant="other", user="stranger"))
    with pytest.raises(Invalid) as refusal:
        stranger.read("Patient", "1")
    assert refusal.value.status == 403
    rows = tenant.trail.page(user="stranger")
    assert len(rows) == 1 and not rows[0][1].allowed


def test_every_read_leaves_a_row_that_names_the_patients(chart: Chart, tenant: Tenant) -> None:
    (id,) = settled(chart, tenant, Change("create", "Patient", body=patient()))
    settled(chart, tenant, Change("create", "Observation", body=observation(f"Patient/{id}")))
    found(chart, "Observation")
    chart.read("Patient", id)
    rows = [row for _, row in tenant.trail.page(patient=id)]
    assert [row.action for row in rows] == ["read", "search"]
