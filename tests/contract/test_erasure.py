"""A person is erased whole, nobody else is touched, and a law that keeps the record stands in the way; on every engine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.contract.conftest import SYSTEM
from tests.contract.test_record import found, ids, observation, patient, settled

from onmaru.engines.folder import FolderBlobs, Shelf
from onmaru.engines.keyring import Keyring
from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.caller import Caller
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.erasure import Asked, Eraser, Letter, driven
from onmaru.kernel.record import Change

OLD = {"effectiveDateTime": "1990-05-05"}
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">Vanishing</div>'


class Ground:
    """A tenant with what an eraser needs."""

    def __init__(self, tenant: Tenant, folder: Path) -> None:
        self.tenant = tenant
        self.chart = Chart(tenant, SYSTEM)
        self.shelf = Shelf(folder / "blobs", Keyring(b"k" * 32), tenant.gate, tenant.trail, tenant.now)
        self.letters: Sequence[Letter] = ()
        self.eraser = Eraser(tenant, self.blobs, lambda caller, person: self.letters)

    def blobs(self, caller: Caller = SYSTEM) -> FolderBlobs:
        return FolderBlobs(self.shelf, caller)

    def put(self, type: str, id: str, body: bytes | dict[str, Any]) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        made = {"resourceType": type, **json.loads(raw), "id": id}
        settled(self.chart, self.tenant, Change("update", type, id, json.dumps(made).encode()))

    def erase(self, patient: str, **asked: Any) -> dict[str, Any]:
        plan, position = driven(self.eraser.carrying_out(SYSTEM, Asked(patient, "asked for it in writing", **asked)))
        self.tenant.log.wait(position)
        return plan.told()

    def there(self, type: str, id: str) -> bool:
        try:
            self.chart.read(type, id)
        except Invalid as error:
            assert error.status == 410, f"{type}/{id}"
            return False
        return True

    def words(self) -> bytes:
        """Every body that any version still has."""
        return b"".join(version.body or b"" for version in self.tenant.log.read(0, 10_000))


@pytest.fixture
def ground(tenant: Tenant, tmp_path: Path) -> Ground:
    made = Ground(tenant, tmp_path)
    for one, name in (("a", "Vanishing"), ("b", "Staying")):
        made.put("Patient", one, patient(name=[{"family": name}]))
        made.put("Observation", f"o-{one}", observation(f"Patient/{one}", **OLD, note=[{"text": f"of {name}"}]))
    return made


def test_every_version_of_all_that_is_theirs_goes_and_nothing_else(ground: Ground) -> None:
    ground.put("Patient", "a", patient(name=[{"family": "Vanishing"}], gender="female"))
    settled(ground.chart, ground.tenant, Change("delete", "Observation", "o-a"))
    before = ground.tenant.log.head()
    assert ground.erase("a")["by_type"] == {"Observation": 1, "Patient": 1}
    assert b"Vanishing" not in ground.words() and b"Staying" in ground.words()
    for chart in (ground.chart, *(ground.chart.at(t) for t in range(1, before + 1))):
        page = chart.search(search.parse(("Observation",), []))
        assert "o-a" not in ids(page)
        with pytest.raises(Invalid) as gone:
            chart.read("Patient", "a", 1)
        assert gone.value.status in (404, 410)
    assert ids(found(ground.chart, "Patient", ("name", "vanishing"))) == []
    assert ground.there("Patient", "b") and ground.there("Observation", "o-b")


def test_what_speaks_of_a_person_elsewhere_too_is_shared_and_not_half_rewritten(ground: Ground) -> None:
    both = [{"reference": "Observation/o-a"}, {"reference": "Observation/o-b"}]
    for id, who in (("v-staff", {"display": "x"}), ("v-person", {"reference": "Patient/a"})):
        ground.put("Provenance", id, {"target": both, "recorded": "2026-01-01T00:00:00Z", "agent": [{"who": who}]})
    with pytest.raises(Invalid) as refusal:
        ground.erase("a")
    assert refusal.value.status == 409
    assert ground.there("Provenance", "v-person") and ground.there("Provenance", "v-staff")
    ground.erase("a", with_shared=True)
    assert not ground.there("Provenance", "v-person")
    assert b"Observation/o-a" not in (ground.chart.read("Provenance", "v-staff").body or b"")


def test_what_once_was_theirs_is_somebody_elses_too(ground: Ground) -> None:
    ground.put("Observation", "o-a", observation("Patient/b", **OLD))
    with pytest.raises(Invalid) as refusal:
        ground.erase("a")
    assert refusal.value.status == 409 and "Observation/o-a" in refusal.value.issues[0].text
    assert ground.there("Patient", "a")
    assert ground.erase("a", with_shared=True)["by_type"] == {"Observation": 1, "Patient": 1}
    assert not ground.there("Observation", "o-a") and ground.there("Patient", "b")


def test_a_law_that_keeps_the_record_is_named_and_nothing_is_erased(ground: Ground) -> None:
    ground.put("Observation", "o-new", observation("Patient/a", effectiveDateTime="2023-01-01"))
    ground.put("Procedure", "p-new", {"status": "completed", "subject": {"reference": "Patient/a"}})
    head = ground.tenant.log.head()
    with pytest.raises(Invalid) as refusal:
        ground.erase("a")
    told = [issue.text for issue in refusal.value.issues]
    assert refusal.value.status == 409 and len(told) == 3
    assert any("환자 명부" in text and "2028-01-01" in text for text in told)
    assert any("검사내용" in text and "2028-01-01" in text and "제15조" in text for text in told)
    assert any("수술기록" in text and "2033-01-01" in text for text in told), (
        "without a date it counts from the last care"
    )
    assert ground.tenant.log.head() == head and ground.there("Patient", "a")
    rows = [row for _, row in ground.tenant.trail.page(patient="a") if row.action == "erase"]
    assert len(rows) == 1 and not rows[0].allowed and rows[0].reason == "business-rule"


def test_a_person_never_cared_for_is_kept_by_no_law(ground: Ground) -> None:
    ground.put("Patient", "c", patient(name=[{"family": "Mistyped"}], birthDate="2023-01-01"))
    assert ground.erase("c")["kept_by_law"] == []
    assert not ground.there("Patient", "c")


def test_the_patients_a_person_was_merged_with_go_too(ground: Ground) -> None:
    link = [{"type": "replaced-by", "other": {"reference": "Patient/a"}}]
    ground.put("Patient", "old", patient(name=[{"family": "Vanishing"}], link=link))
    ground.put("Observation", "o-old", observation("Patient/old", **OLD))
    see = [{"type": "seealso", "other": {"reference": "Patient/a"}}]
    ground.put("Patient", "kin", patient(name=[{"family": "Sister"}], link=see))
    assert ground.erase("a")["patients"] == ["a", "old"]
    assert not ground.there("Patient", "old") and not ground.there("Observation", "o-old")
    assert ground.there("Patient", "kin")


def document(blob: str, subject: str, *, message: bool = False) -> dict[str, Any]:
    code = "message" if message else "letter"
    return {
        "status": "current",
        "date": "1990-05-05T00:00:00Z",
        "subject": {"reference": f"Patient/{subject}"},
        "category": [{"coding": [{"system": "urn:onmaru:document", "code": code}]}],
        "content": [{"attachment": {"contentType": "text/plain", "url": f"urn:onmaru:blob:{blob}"}}],
    }


def provenance(*targets: str, source: str = "") -> dict[str, Any]:
    entity = [{"role": "source", "what": {"reference": source}}] if source else []
    body = {
        "target": [{"reference": target} for target in targets],
        "recorded": "1990-05-05T00:00:00.50Z",
        "agent": [{"who": {"display": "Lab"}}],
        "entity": entity,
    }
    return {name: value for name, value in body.items() if value}


def test_blobs_go_with_the_last_that_refers_to_them(ground: Ground) -> None:
    own, common, carded = (ground.blobs().put([data]) for data in (b"own", b"common", b"x"))
    carded = ground.blobs().put([b"a scan"], patient="a")
    other = ground.blobs().put([b"a scan"], patient="b")
    ground.put("DocumentReference", "d1", document(own, "a", message=True))
    ground.put("DocumentReference", "d2", document(common, "a", message=True))
    ground.put("DocumentReference", "d3", document(common, "b", message=True))
    assert ground.erase("a")["blobs"] == 2
    assert [ground.blobs().has(name) for name in (own, common, carded, other)] == [False, True, False, True]


def test_the_original_of_a_message_about_two_goes_and_the_others_provenance_is_written_again(ground: Ground) -> None:
    blob = ground.blobs().put([b"MSH|^~\\&|"])
    ground.put("DocumentReference", "m1", document(blob, "b", message=True))
    both = provenance("Patient/a", "Observation/o-a", "Patient/b", source="DocumentReference/m1")
    ground.put("Provenance", "v1", {**both, "text": {"status": "generated", "div": DIV}})
    told = ground.erase("a")
    assert told["rewritten"] == {"Provenance": 1} and told["blobs"] == 1
    assert not ground.there("DocumentReference", "m1")
    raw = ground.chart.read("Provenance", "v1").body or b""
    left = json.loads(raw)
    assert [one["reference"] for one in left["target"]] == ["Patient/b"] and "entity" not in left and "text" not in left
    assert b'"1990-05-05T00:00:00.50Z"' in raw
    with pytest.raises(Invalid):
        ground.chart.read("Provenance", "v1", 1)


def test_what_belongs_to_nobody_goes_when_it_speaks_of_them_alone(ground: Ground) -> None:
    ground.put("Provenance", "mine", provenance("Observation/o-a"))
    ground.put("Provenance", "ours", provenance("Observation/o-a", "Observation/o-b"))
    ground.put("Provenance", "theirs", provenance("Observation/o-b"))
    ground.put("Binary", "scan", {"contentType": "text/plain", "data": "VmFuaXNoaW5n"})
    attached = document("", "a")
    attached["content"][0]["attachment"]["url"] = "Binary/scan"
    ground.put("DocumentReference", "d1", {**attached, "category": []} | {"category": [{"text": "letter"}]})
    told = ground.erase("a")
    assert told["rewritten"] == {"Provenance": 1}
    assert [ground.there("Provenance", id) for id in ("mine", "ours", "theirs")] == [False, True, True]
    assert not ground.there("Binary", "scan")


def test_a_group_is_written_again_without_the_member(ground: Ground) -> None:
    members = [{"entity": {"reference": f"Patient/{one}"}} for one in "ab"]
    ground.put("Group", "g", {"type": "person", "actual": True, "member": members})
    ground.erase("a")
    left = json.loads(ground.chart.read("Group", "g").body or b"")
    assert left["member"] == [members[1]]


def test_dead_letters_go_and_one_that_names_others_stands_in_the_way(ground: Ground) -> None:
    task = {"status": "requested", "intent": "order"}
    ground.put("Task", "t1", task)
    ground.put("Task", "t2", task)
    blobs = [ground.blobs().put([data]) for data in (b"one", b"two")]
    ground.letters = (Letter("t1", (blobs[0],), False), Letter("t2", (blobs[1],), True))
    with pytest.raises(Invalid) as refusal:
        ground.erase("a")
    assert "Task/t2" in refusal.value.issues[0].text and ground.there("Task", "t1")
    ground.letters = ground.letters[:1]
    assert ground.erase("a")["dead_letters"] == 1
    assert not ground.there("Task", "t1") and ground.there("Task", "t2")
    assert [ground.blobs().has(blob) for blob in blobs] == [False, True]


def test_a_plan_needs_a_reason_changes_nothing_and_is_audited(ground: Ground) -> None:
    head = ground.tenant.log.head()
    assert driven(ground.eraser.planning(SYSTEM, Asked("a", "because"))).told()["versions"] == 2
    assert ground.tenant.log.head() == head
    assert ground.tenant.trail.page(patient="a")[0][1].reason == "because"
    for asked, status in ((Asked("a", " "), 400), (Asked("a", "x" * 501), 400), (Asked("nobody", "because"), 404)):
        with pytest.raises(Invalid) as refusal:
            driven(ground.eraser.planning(SYSTEM, asked))
        assert refusal.value.status == status


def test_who_was_erased_cannot_be_erased_again(ground: Ground) -> None:
    ground.erase("a")
    with pytest.raises(Invalid) as refusal:
        ground.erase("a")
    assert refusal.value.status == 410


def test_a_consent_hides_nothing_from_an_erasure(ground: Ground) -> None:
    deny = {"type": "deny"}
    consent = {
        "status": "active",
        "scope": {"coding": [{"code": "patient-privacy"}]},
        "category": [{"coding": [{"code": "59284-0"}]}],
        "patient": {"reference": "Patient/a"},
        "policyRule": {"text": "opt-out"},
        "provision": deny,
    }
    ground.put("Consent", "c", consent)
    admin = Caller("main", "keeper", frozenset({"admin"}), "SYSADMIN", ())
    plan, position = driven(ground.eraser.carrying_out(admin, Asked("a", "asked for it")))
    ground.tenant.log.wait(position)
    assert plan.told()["by_type"] == {"Consent": 1, "Observation": 1, "Patient": 1}
    assert {v.caller for v in ground.tenant.log.read(0, 100) if v.op == "erase"} == {"keeper"}
    assert ground.tenant.gate.consents.denied(admin, 0) == frozenset()


def test_what_comes_in_while_it_is_planned_is_erased_too_or_stands_in_the_way(ground: Ground) -> None:
    late = {"resourceType": "Observation", **json.loads(observation("Patient/a", **OLD))}
    steps = ground.eraser.carrying_out(SYSTEM, Asked("a", "asked for it"))
    next(steps)
    ground.put("Observation", "late", late)
    ground.put("Observation", "of-another", observation("Patient/b", **OLD))
    ground.tenant.log.wait(driven(steps)[1])
    assert not ground.there("Observation", "late") and ground.there("Observation", "of-another")
    steps = ground.eraser.carrying_out(SYSTEM, Asked("b", "asked for it"))
    next(steps)
    ground.put("Observation", "new", observation("Patient/b", effectiveDateTime="2023-05-05"))
    with pytest.raises(Invalid) as refusal:
        driven(steps)
    assert refusal.value.status == 409 and ground.there("Patient", "b")


def test_a_blob_that_cannot_be_read_stands_in_the_way(ground: Ground) -> None:
    name = ground.blobs().put([b"a scan"], patient="b")
    file = ground.shelf.folder / name[:2] / name
    file.write_bytes(bytes(len(file.read_bytes())))
    with pytest.raises(Invalid) as refusal:
        ground.erase("a")
    assert refusal.value.status == 409 and "verify --deep" in refusal.value.issues[0].text
    assert ground.there("Patient", "a")
