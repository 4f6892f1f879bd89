"""What a Consent says of a caller: it may hide more than it says where it is not understood, but never opens anything."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from onmaru.engines.index.follower import decoded
from onmaru.fhir.keys import Keys
from onmaru.fhir.search.dates import span
from onmaru.kernel.caller import Caller, Purpose
from onmaru.kernel.consent import Consents
from onmaru.kernel.gate import Compartments, Gate
from onmaru.kernel.labels import borne
from onmaru.kernel.log import Version
from onmaru.kernel.provision import Provision, Rule, closed, rule

PHYSICIAN = {"role": {"coding": [{"code": "physician"}]}, "reference": {"display": "의사"}}
GP = {"role": {"coding": [{"code": "PRCP"}]}, "reference": {"display": "주치의"}}
DENY: dict[str, Any] = {"type": "deny", "actor": [PHYSICIAN]}


def caller(purpose: Purpose = "TREAT", glass: str = "") -> Caller:
    return Caller("main", "kim", frozenset({"physician"}), purpose, (), patient=glass)


def body(type: str = "Observation", **members: Any) -> bytes:
    made = {"resourceType": type, "id": "o1", "status": "final", "code": {}, "subject": {"reference": "Patient/p1"}}
    return msgspec.json.encode({**made, **members})


def hides(said: dict[str, Any], by: Caller, raw: bytes | None = None) -> bool:
    """Whether a resource of p1 is hidden by one Consent."""
    consents = Consents()
    consents.take("c", rule({"status": "active", "patient": {"reference": "Patient/p1"}, **said}, microseconds))
    raw = body() if raw is None else raw
    version = Version(1, msgspec.json.decode(raw)["resourceType"], "o1", 1, "create", 1, raw)
    sight = Gate("main", consents, lambda: 1).sight(by)
    return not sight.wide.shows(version, Compartments(("p1",), (), borne(raw)), lambda one: decoded(one) or Keys())


def microseconds(text: str, end: bool) -> int:
    return span(text)[1 if end else 0]


def hidden(provision: dict[str, Any], by: Caller, patient: str = "Patient/p1") -> bool:
    return hides({"provision": provision, "patient": {"reference": patient}}, by)


@pytest.mark.parametrize(
    "reference",
    ["Patient/p1", "https://emr.example/fhir/Patient/p1", "Patient/p1/_history/2", "http://h/Patient/p1/_history/1"],
)
def test_the_patient_is_meant_however_the_reference_is_written(reference: str) -> None:
    assert hidden(DENY, caller(), reference)


@pytest.mark.parametrize("reference", ["Group/p1", "Patient/p1/Observation", "OtherPatient/p1", "Patient/", "#p1"])
def test_a_reference_to_something_else_hides_nobody(reference: str) -> None:
    assert not hidden(DENY, caller(), reference)


@pytest.mark.parametrize(
    "part",
    [
        {"actor": [GP]},
        {"purpose": [{"display": "진료"}]},
        {"class": [{"code": "Vaccination"}]},
        {"class": [{"system": "urn:ietf:rfc:3986", "code": "Observation"}]},
        {"action": [{"text": "collect"}]},
        {"securityLabel": [{"display": "보통"}]},
        {"code": [{"text": "혈압"}]},
        {"dataPeriod": {"end": "2020"}},
        {"data": [{"meaning": "related", "reference": {"reference": "Observation/o2"}}]},
        {"data": [{"meaning": "instance", "reference": {"display": "이 검사"}}]},
        {"purpose": [{"system": "urn:example", "code": "TREAT"}]},
        {"actor": [{"role": {"coding": [{"code": "PRCP"}]}, "reference": {"reference": "Organization/kim"}}]},
    ],
)
def test_an_exception_that_is_not_understood_opens_nothing(part: dict[str, Any]) -> None:
    assert hidden({**DENY, "provision": [{"type": "permit", **part}]}, caller())
    inner = {"type": "permit", **part, "provision": [{"type": "deny"}]}
    assert hidden({"type": "permit", "provision": [inner]}, caller())


def test_an_exception_that_is_understood_opens() -> None:
    assert not hidden({**DENY, "provision": [{"type": "permit", "purpose": [{"code": "TREAT"}]}]}, caller())


@pytest.mark.parametrize("purpose", ["TREAT", "ETREAT"])
def test_a_denied_purpose_means_those_below_it_too(purpose: Purpose) -> None:
    assert hidden({**DENY, "purpose": [{"code": "TREAT"}]}, caller(purpose))
    assert not hidden({**DENY, "purpose": [{"code": "HRESCH"}]}, caller(purpose))


def test_breaking_the_glass_of_one_patient_opens_no_other() -> None:
    denied = {**DENY, "purpose": [{"code": "TREAT"}]}
    assert hidden(denied, caller("BTG", glass="somebody-else"))
    assert not hidden(denied, caller("BTG", glass="p1"))


def test_a_consent_that_names_breaking_the_glass_is_not_broken_wherever_it_says_so() -> None:
    named = {**DENY, "purpose": [{"code": "BTG"}]}
    assert hidden(named, caller("BTG", glass="p1"))
    assert hidden({"type": "permit", "provision": [named]}, caller("BTG", glass="p1"))


@pytest.mark.parametrize("status", ["draft", "proposed", "rejected", "inactive", "entered-in-error"])
def test_only_an_active_consent_hides(status: str) -> None:
    said = {"status": status, "patient": {"reference": "Patient/p1"}, "provision": DENY}
    assert rule(said, lambda text, end: 0) is None


def test_a_provision_without_a_type_is_an_exception_to_the_one_around_it() -> None:
    assert hidden({"provision": [{"actor": [PHYSICIAN]}]}, caller())
    assert not hidden({**DENY, "provision": [{"actor": [PHYSICIAN]}]}, caller())
    assert hidden(
        {"provision": [{"actor": [PHYSICIAN], "provision": [{"provision": [{"actor": [PHYSICIAN]}]}]}]}, caller()
    )


def test_a_provision_holds_from_its_start_until_just_before_its_end_however_often_it_is_asked() -> None:
    consents = Consents()
    deny = Provision(True, frozenset({"physician"}), frozenset(), 10, 20)
    lifted = Provision(False, frozenset({"kim"}), frozenset(), 14, 16)
    consents.take("c", Rule("p1", msgspec.structs.replace(deny, exceptions=(lifted,))))
    consents.take("d", Rule("p2", msgspec.structs.replace(deny, start=-(2**62), end=2**62)))
    seen = [("p1" in consents.denied(caller(), at), "p2" in consents.denied(caller(), at)) for at in range(25)]
    assert [at for at, (one, _) in enumerate(seen) if one] == [10, 11, 12, 13, 16, 17, 18, 19]
    assert all(other for _, other in seen)
    assert consents.denied(caller(), 15) == {"p2"} and consents.denied(caller(), 10) == {"p1", "p2"}
    consents.take("c", None)
    assert consents.denied(caller(), 10) == {"p2"}


def test_what_was_found_for_one_caller_is_not_looked_for_again_and_is_no_other_callers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    consents = Consents()
    consents.take("c", Rule("p1", Provision(True, frozenset({"physician"}), closed("TREAT"), -(2**62), 2**62)))
    assert consents.denied(caller(), 1) == {"p1"}
    with monkeypatch.context() as patched:
        patched.setattr(Provision, "ruling", lambda *_: pytest.fail("looked for again"))
        assert consents.denied(caller(), 2) == {"p1"}
    nurse = msgspec.structs.replace(caller(), roles=frozenset({"nurse"}))
    for other in (caller("HOPERAT"), caller("BTG", glass="p1"), nurse):
        assert consents.denied(other, 2) == frozenset()
    assert consents.denied(caller("BTG", glass="p2"), 2) == {"p1"}


CONF = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
BLOOD = {"system": "http://loinc.org", "code": "718-7"}


def marked(*labels: tuple[str, str], **more: Any) -> bytes:
    return body(meta={"security": [{"system": system, "code": code} for system, code in labels]}, **more)


DATED = body(effectivePeriod={"start": "2020-03-01", "end": "2020-04-30"})
CASES: list[tuple[dict[str, Any], bytes, bool]] = [
    ({"class": [{"system": "http://hl7.org/fhir/resource-types", "code": "Observation"}]}, body(), True),
    ({"class": [{"system": "http://hl7.org/fhir/resource-types", "code": "Condition"}]}, body(), False),
    ({"class": [{"code": "Condition"}, {"code": "Observation"}]}, body(), True),
    ({"code": [{"coding": [BLOOD]}]}, body(code={"coding": [BLOOD]}), True),
    ({"code": [{"coding": [BLOOD]}]}, body(component=[{"code": {"coding": [{"code": "x"}, BLOOD]}}]), True),
    ({"code": [{"coding": [{"code": "718-7"}]}]}, body(code={"coding": [BLOOD]}), True),
    ({"code": [{"coding": [BLOOD]}]}, body(code={"coding": [{"code": "718-7"}]}), False),
    ({"securityLabel": [{"system": ACT, "code": "SUD"}]}, marked((ACT, "OPIOIDUD")), True),
    ({"securityLabel": [{"system": ACT, "code": "SUD"}]}, marked((ACT, "HIV")), False),
    ({"securityLabel": [{"system": ACT, "code": "SUD"}]}, body(), False),
    ({"dataPeriod": {"start": "2020-01-01", "end": "2020-12-31"}}, DATED, True),
    ({"dataPeriod": {"start": "2021"}}, DATED, False),
    ({"data": [{"meaning": "instance", "reference": {"reference": "Observation/o1"}}]}, body(), True),
    ({"data": [{"meaning": "instance", "reference": {"reference": "Observation/o2"}}]}, body(), False),
    ({"data": [{"meaning": "dependents", "reference": {"reference": "Encounter/e"}}]},
     body(encounter={"reference": "Encounter/e"}), True),
    ({"data": [{"meaning": "dependents", "reference": {"reference": "Encounter/e"}}]}, body(), False),
    ({"class": [{"code": "Observation"}], "code": [{"coding": [BLOOD]}]}, body(), False),
    ({"purpose": [{"code": "ETREAT"}]}, body(), False),
    ({"purpose": [{"code": "PurposeOfUse"}]}, body(), True),
    ({"action": [{"coding": [{"code": "access"}]}]}, body(), True),
]  # fmt: skip


@pytest.mark.parametrize(("part", "raw", "meant"), CASES)
def test_a_provision_speaks_of_the_part_that_it_names_and_of_no_other(
    part: dict[str, Any], raw: bytes, meant: bool
) -> None:
    assert hides({"provision": {"type": "deny", **part}}, caller(), raw) == meant
    exception = {"type": "deny", "provision": [{"type": "permit", **part}]}
    assert hides({"provision": exception}, caller(), raw) != meant


UNSURE: list[tuple[dict[str, Any], bytes]] = [
    ({"class": [{"code": "lipidprofile"}]}, body()),
    ({"code": [{"text": "혈색소"}]}, body()),
    ({"dataPeriod": {"start": "2020-04-01"}}, DATED),
    ({"dataPeriod": {"start": "2020"}}, body()),
    ({"securityLabel": [{"system": ACT, "code": "OPIOIDUD"}]}, marked((ACT, "SUD"))),
    ({"purpose": [{"code": "COC"}]}, body()),
    ({"purpose": [{"code": "나의 목적"}]}, body()),
]


@pytest.mark.parametrize(("part", "raw"), UNSURE)
def test_what_may_be_meant_falls_under_a_denial_and_under_no_permission(part: dict[str, Any], raw: bytes) -> None:
    assert hides({"provision": {"type": "deny", **part}}, caller(), raw)
    exception = {"type": "permit", **part}
    assert hides({"provision": {"type": "deny", "provision": [exception]}}, caller(), raw)


@pytest.mark.parametrize(
    ("code", "denied", "permitted"), [("R", "RV", "ULMNR"), ("N", "NRV", "ULMN"), ("V", "V", "ULMNRV")]
)
def test_a_confidentiality_is_denied_upwards_and_permitted_downwards(code: str, denied: str, permitted: str) -> None:
    label = {"securityLabel": [{"system": CONF, "code": code}]}
    open = {"type": "deny", "provision": [{"type": "permit", **label}]}
    system = msgspec.structs.replace(caller("BTG", glass="p1"))
    for level in "ULMNRV":
        raw = marked((CONF, level))
        assert hides({"provision": {"type": "deny", **label}}, caller(), raw) == (level in denied)
        assert hides({"provision": open}, caller(), raw) == (level not in permitted)
        assert not hides({"provision": open}, system, raw)
    assert hides({"provision": {"type": "deny", **label}}, caller()) == ("N" in denied)


def test_of_exceptions_that_disagree_the_denial_holds() -> None:
    permit, deny = (
        {"type": "permit", "class": [{"code": "Observation"}]},
        {"type": "deny", "code": [{"coding": [BLOOD]}]},
    )
    for exceptions in ([permit, deny], [deny, permit]):
        said = {"provision": {"type": "deny", "provision": exceptions}}
        assert hides(said, caller(), body(code={"coding": [BLOOD]})) and not hides(said, caller())


@pytest.mark.parametrize(
    ("scope", "purpose", "meant"),
    [
        ("patient-privacy", "TREAT", True),
        ("research", "TREAT", False),
        ("research", "HRESCH", True),
        ("treatment", "TREAT", False),
        ("adr", "TREAT", False),
    ],
)
def test_a_consent_speaks_of_what_its_scope_says(scope: str, purpose: Purpose, meant: bool) -> None:
    said = {"scope": {"coding": [{"code": scope}]}, "provision": {"type": "deny"}}
    assert hides(said, caller(purpose)) == meant


def test_a_policy_of_dissent_closes_the_chart_but_for_its_exceptions() -> None:
    policy = {"policyRule": {"coding": [{"system": ACT, "code": "OPTOUT"}]}}
    assert hides(policy, caller()) and hides({**policy, "provision": {}}, caller())
    opened = {**policy, "provision": {"provision": [{"type": "permit", "class": [{"code": "Observation"}]}]}}
    assert not hides(opened, caller()) and hides(opened, caller(), body("Procedure"))


def test_a_deletion_is_hidden_where_nobody_can_tell_what_was_deleted() -> None:
    consents = Consents()
    said = {"type": "deny", "code": [{"coding": [BLOOD]}]}
    consents.take(
        "c", rule({"status": "active", "patient": {"reference": "Patient/p1"}, "provision": said}, microseconds)
    )
    gone = Version(2, "Observation", "o1", 2, "delete", 1, None)
    sight = Gate("main", consents, lambda: 1).sight(caller()).wide
    assert not sight.shows(gone, Compartments(("p1",)), lambda one: Keys())
    assert not sight.sees("Observation", Compartments(("p1",))) and sight.sees("Observation", Compartments(("p2",)))
    assert not sight.sees("Binary", Compartments((), ("p1",))) and not sight.whole
